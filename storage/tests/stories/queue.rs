//! The promises of the queue and of group commit.

use crate::databases;
use domain::job::{AnswerTurn, Job, JobState, Queue};
use domain::{ConversationId, OrganizationId, WorkerId};
use std::time::Duration;
use storage::jobs::{CRASHES_MAX, Claim};
use storage::{Database, Error};
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(4);

stories! {
    a_job_exists_if_and_only_if_its_transaction_committed
    a_reader_sees_whether_a_job_is_due
    jobs_of_one_lane_run_one_at_a_time_and_a_waiting_one_absorbs_the_next
    a_job_that_its_process_lost_is_taken_up
    whoever_lost_the_lease_cannot_complete_the_job
    a_job_that_takes_its_process_down_again_and_again_is_given_up
    one_organizations_burst_does_not_starve_another
    transactions_that_share_a_flush_keep_their_own_fate
    what_waits_in_a_transaction_shares_its_fate
    a_schedule_is_taken_once_per_interval
}

fn turn() -> AnswerTurn {
    AnswerTurn { conversation_id: ConversationId::from_uuid(Uuid::now_v7()) }
}

fn claim(worker: WorkerId, limit: usize) -> Claim {
    Claim { queue: Queue::Answering, worker, lease: LEASE, limit, suspects: false }
}

async fn enqueue(database: &Database, work: &AnswerTurn) -> bool {
    let before = database.count_unfinished_jobs(None, None).await.unwrap();
    let mut transaction = database.begin().await.unwrap();
    let now = transaction.now();
    transaction.enqueue(work, now).await.unwrap();
    transaction.commit().await.unwrap();
    database.count_unfinished_jobs(None, None).await.unwrap() > before
}

async fn complete(database: &Database, job: &Job) -> Result<(), Error> {
    let mut transaction = database.begin().await?;
    transaction.complete_job(job).await?;
    transaction.commit().await
}

async fn a_job_exists_if_and_only_if_its_transaction_committed(database: &Database) {
    let mut transaction = database.begin().await.unwrap();
    let now = transaction.now();
    transaction.enqueue(&turn(), now).await.unwrap();
    drop(transaction);
    let worker = database.clock().id();
    assert!(database.claim_jobs(claim(worker, 10)).await.unwrap().is_empty());
    assert!(enqueue(database, &turn()).await);
    assert_eq!(database.claim_jobs(claim(worker, 10)).await.unwrap().len(), 1);
}

async fn a_reader_sees_whether_a_job_is_due(database: &Database) {
    let mut transaction = database.begin().await.unwrap();
    let later = transaction.now() + LEASE;
    transaction.enqueue(&turn(), later).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(!database.has_due_jobs(Queue::Answering).await.unwrap());
    database.clock().advance(LEASE + Duration::from_millis(1));
    assert!(database.has_due_jobs(Queue::Answering).await.unwrap());
    assert!(!database.has_due_jobs(Queue::Chores).await.unwrap(), "each queue has its own");
}

async fn jobs_of_one_lane_run_one_at_a_time_and_a_waiting_one_absorbs_the_next(database: &Database) {
    let worker = database.clock().id();
    let work = turn();
    assert!(enqueue(database, &work).await);
    assert!(!enqueue(database, &work).await, "the first still waits");
    let first = database.claim_jobs(claim(worker, 10)).await.unwrap().remove(0);
    assert!(enqueue(database, &work).await, "the first runs, so a second may wait");
    assert!(database.claim_jobs(claim(worker, 10)).await.unwrap().is_empty(), "the lane is taken");
    complete(database, &first).await.unwrap();
    assert_eq!(database.claim_jobs(claim(worker, 10)).await.unwrap().len(), 1);
}

/// PostgreSQL plans by what it knows of the table: here that nearly all of its jobs have ended.
#[tokio::test]
async fn a_claim_takes_no_more_than_asked_whatever_the_plan() {
    let Some((database, test_database)) = databases::postgres().await else { return };
    let worker = database.clock().id();
    enqueue_many(&database, 300).await;
    for job in database.claim_jobs(claim(worker, 300)).await.unwrap() {
        complete(&database, &job).await.unwrap();
    }
    let pool = sqlx::PgPool::connect(&test_database.url).await.unwrap();
    sqlx::query("analyze jobs").execute(&pool).await.unwrap();
    enqueue_many(&database, 40).await;
    for _ in 0..5 {
        assert_eq!(database.claim_jobs(claim(worker, 8)).await.unwrap().len(), 8);
    }
}

async fn enqueue_many(database: &Database, count: usize) {
    let mut transaction = database.begin().await.unwrap();
    let now = transaction.now();
    for _ in 0..count {
        transaction.enqueue(&turn(), now).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

async fn a_job_that_its_process_lost_is_taken_up(database: &Database) {
    let worker = database.clock().id();
    enqueue_many(database, 2).await;
    let claimed = database.claim_jobs(claim(worker, 2)).await.unwrap();
    let (held, lost) = (claimed[0].id, claimed[1].id);
    database.clock().advance(LEASE / 2);
    assert_eq!(database.renew_leases(worker, &[held], LEASE).await.unwrap(), 1);
    database.clock().advance(LEASE / 2 + Duration::from_millis(1));
    let mut rescue = database.begin().await.unwrap();
    assert_eq!(rescue.rescue_jobs().await.unwrap().returned, 1);
    rescue.commit().await.unwrap();
    assert_eq!(database.find_job(lost).await.unwrap().unwrap().state, JobState::Retryable);
    assert_eq!(database.find_job(held).await.unwrap().unwrap().state, JobState::Running);
}

async fn whoever_lost_the_lease_cannot_complete_the_job(database: &Database) {
    let (stalled, healthy) = (database.clock().id(), database.clock().id());
    enqueue(database, &turn()).await;
    let old = database.claim_jobs(claim(stalled, 1)).await.unwrap().remove(0);
    database.clock().advance(LEASE * 2);
    let mut rescue = database.begin().await.unwrap();
    assert_eq!(rescue.rescue_jobs().await.unwrap().returned, 1);
    rescue.commit().await.unwrap();
    assert!(database.claim_jobs(claim(healthy, 1)).await.unwrap().is_empty(), "a suspect is claimed apart");
    let new = database.claim_jobs(Claim { suspects: true, ..claim(healthy, 1) }).await.unwrap().remove(0);
    assert!(matches!(complete(database, &old).await, Err(Error::LeaseLost(_))));
    complete(database, &new).await.unwrap();
    assert!(matches!(complete(database, &new).await, Err(Error::LeaseLost(_))), "once is enough");
}

async fn a_job_that_takes_its_process_down_again_and_again_is_given_up(database: &Database) {
    enqueue(database, &turn()).await;
    let mut given_up = Vec::new();
    for crash in 1..=CRASHES_MAX {
        let jobs = database.claim_jobs(Claim { suspects: crash > 1, ..claim(database.clock().id(), 1) }).await.unwrap();
        assert_eq!(jobs.len(), 1, "crash {crash}");
        database.clock().advance(LEASE * 2);
        let mut rescue = database.begin().await.unwrap();
        given_up = rescue.rescue_jobs().await.unwrap().exhausted;
        for job in &given_up {
            rescue.discard_job(job, "its process vanished too often").await.unwrap();
        }
        rescue.commit().await.unwrap();
    }
    assert_eq!(given_up.len(), 1);
    let listed = database.list_jobs(Some(JobState::Discarded), 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert!(database.retry_discarded_job(listed[0].id).await.unwrap());
    assert_eq!(database.claim_jobs(claim(database.clock().id(), 1)).await.unwrap().len(), 1);
}

async fn one_organizations_burst_does_not_starve_another(database: &Database) {
    let busy = OrganizationId::from_uuid(Uuid::now_v7());
    let small = OrganizationId::from_uuid(Uuid::now_v7());
    let now = database.clock().now();
    for (organization, count) in [(busy, 200), (small, 1)] {
        let mut transaction = database.of(organization).begin().await.unwrap();
        for _ in 0..count {
            transaction.enqueue(&turn(), now).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }
    let first = database.claim_jobs(claim(database.clock().id(), 20)).await.unwrap();
    assert!(first.iter().any(|job| job.organization_id == Some(small)), "the small one is among the first");
}

async fn transactions_that_share_a_flush_keep_their_own_fate(database: &Database) {
    let writers = (0..64).map(|number| {
        let database = database.clone();
        tokio::spawn(async move {
            let mut transaction = database.begin().await.unwrap();
            let now = transaction.now();
            transaction.enqueue(&turn(), now).await.unwrap();
            match number % 4 {
                0 => transaction.rollback().await.unwrap(),
                1 => drop(transaction),
                _ => transaction.commit().await.unwrap(),
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(database.count_unfinished_jobs(None, None).await.unwrap(), 32);
    let long_ago = database.clock().now() - Duration::from_hours(1);
    assert_eq!(database.count_unfinished_jobs(None, Some(long_ago)).await.unwrap(), 0);
}

async fn a_schedule_is_taken_once_per_interval(database: &Database) {
    let hour = Duration::from_hours(1);
    let mut taken = Vec::new();
    for step in 0..4 {
        if step == 2 {
            database.clock().advance(hour);
        }
        let mut transaction = database.begin().await.unwrap();
        taken.push(transaction.take_schedule("retention", hour).await.unwrap());
        transaction.commit().await.unwrap();
    }
    assert_eq!(taken, [true, false, true, false]);
    let mut transaction = database.begin().await.unwrap();
    transaction.return_schedule("retention").await.unwrap();
    let again = transaction.take_schedule("retention", hour).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(again, "a turn that was given back is anybody's");
}

/// Writes whose outcome nobody reads may be sent late: what they meet is met by the whole transaction.
async fn what_waits_in_a_transaction_shares_its_fate(database: &Database) {
    let desk = database.found_desk("Bikes").await.unwrap();
    let tenant = database.of(desk.organization.id);
    let deliver_nothing = async |work: &AnswerTurn| -> Result<(), Error> {
        let mut transaction = tenant.begin().await?;
        let now = transaction.now();
        transaction.enqueue(work, now).await?;
        let nobody = transaction.id();
        transaction.insert_delivery(nobody).await?;
        transaction.commit().await
    };
    let work = turn();
    assert!(deliver_nothing(&work).await.is_err(), "no message has that id");
    let waiting = async || database.count_unfinished_jobs(None, None).await.unwrap();
    assert_eq!(waiting().await, 0, "the job went with the delivery");
    let (lost, kept) = tokio::join!(deliver_nothing(&work), async { enqueue(database, &turn()).await });
    assert!(lost.is_err() && kept, "each by itself");
    assert_eq!(waiting().await, 1);
}
