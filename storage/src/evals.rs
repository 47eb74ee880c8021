//! Evaluation datasets: cases from files, from requests and from past conversations.

use crate::list::{List, texts};
use crate::sql::{Run, Sql};
use crate::{Error, Keyset, Result, Tenant, Transaction};
use domain::evaluation::{Case, Dataset, PastTurn};
use domain::{AssistantId, DatasetId, Time};
use sha2::{Digest, Sha256};
use sqlx::types::Json;

/// Cases of a dataset at most.
pub const CASES_MAX: usize = 10_000;
/// Past turns read at once at most.
pub const TURNS_MAX: i64 = 1_000;
/// What a person of the desk wrote after the reply `m`, before the AI replied again.
const CORRECTION: &str =
    "from messages a where a.conversation_id = m.conversation_id and a.sender = 'agent' and a.seq > m.seq
    and not exists (select 1 from messages n where n.conversation_id = m.conversation_id and n.sender = 'ai'
        and n.seq > m.seq and n.seq < a.seq)";
/// Messages of a conversation that are read up to a reply.
const MESSAGES_READ: i64 = 200;

/// Which past turns become cases; every condition that is set must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnFilter {
    /// Replies from this time on.
    pub from: Time,
    /// Replies before this time.
    pub to: Time,
    /// Rated `good`, `acceptable` or `poor`.
    pub rating: Option<String>,
    /// Handed off, or not.
    pub handed_off: Option<bool>,
    /// Only turns after which a person of the desk wrote.
    pub corrected: bool,
    /// Only replies of this assistant.
    pub assistant: Option<AssistantId>,
}

impl Transaction {
    /// Adds a dataset, or finds the one of that name with the same cases. `true`: it was added.
    ///
    /// # Errors
    /// `Invalid` for no case or too many.
    pub async fn put_dataset(&mut self, name: &str, origin: &str, cases: &[Case]) -> Result<(Dataset, bool)> {
        let content_hash = content_hash(cases);
        if cases.is_empty() || cases.len() > CASES_MAX {
            return Err(Error::Invalid(format!("`cases` has {} entries; it has from 1 to {CASES_MAX}", cases.len())));
        }
        let organization_id = self.organization_id()?;
        let (id, now): (DatasetId, Time) = (self.id(), self.now());
        let count = i64::try_from(cases.len()).unwrap_or(i64::MAX);
        let added = (&mut *self)
            .run(
                "insert into eval_datasets (id, organization_id, name, content_hash, origin, cases, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
                (id, organization_id, name.to_owned(), content_hash.clone(), origin.to_owned(), count, now),
            )
            .await?
            == 1;
        if added {
            let rows = (1_i64..).zip(cases).map(|(seq, case)| (id, organization_id, seq, Json(case.clone()))).collect();
            self.insert_many("insert into eval_cases (dataset_id, organization_id, seq, body)", 4, rows, "").await?;
        }
        let dataset = (&mut *self)
            .one(
                "select id, organization_id, name, content_hash, origin, cases, created_at from eval_datasets
                 where organization_id = $1 and name = $2 and content_hash = $3",
                (organization_id, name.to_owned(), content_hash.clone()),
            )
            .await?;
        Ok((dataset, added))
    }
}

impl Tenant<'_> {
    /// The dataset with that id.
    pub async fn load_dataset(self, id: DatasetId) -> Result<Dataset> {
        self.find(
            "select id, organization_id, name, content_hash, origin, cases, created_at from eval_datasets
             where organization_id = $1 and id = $2",
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("dataset", id))
    }

    /// The newest dataset of that name.
    pub async fn find_dataset_by_name(self, name: &str) -> Result<Option<Dataset>> {
        self.find(
            "select id, organization_id, name, content_hash, origin, cases, created_at from eval_datasets
             where organization_id = $1 and name = $2 order by created_at desc, id desc limit 1",
            (self.organization_id(), name.to_owned()),
        )
        .await
    }

    /// Datasets, the newest first.
    pub async fn list_datasets(self, after: Keyset, limit: i64) -> Result<Vec<Dataset>> {
        self.all(
            "select id, organization_id, name, content_hash, origin, cases, created_at from eval_datasets
             where organization_id = $1 and (created_at, id) < ($2, $3) order by created_at desc, id desc limit $4",
            (self.organization_id(), after.time, after.id, limit),
        )
        .await
    }

    /// The cases of a dataset with a place after `after`, in order.
    pub async fn list_cases(self, id: DatasetId, after: i64, limit: i64) -> Result<Vec<(i64, Case)>> {
        let rows: Vec<(i64, Json<Case>)> = self
            .all(
                "select seq, body from eval_cases where organization_id = $1 and dataset_id = $2 and seq > $3
                 order by seq limit $4",
                (self.organization_id(), id, after, limit),
            )
            .await?;
        Ok(rows.into_iter().map(|(seq, Json(case))| (seq, case)).collect())
    }

    /// Those of the ids that no published document was imported under.
    pub async fn list_unknown_documents(self, external_ids: &[&str]) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = self
            .all(
                List::Texts.sql(
                    "select wanted.value from {wanted} where not exists
                        (select 1 from documents d where d.organization_id = $1 and d.external_id = wanted.value)",
                ),
                (self.organization_id(), texts(external_ids.iter().copied())),
            )
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Replies of a period that the filter lets through, as cases, oldest first.
    pub async fn collect_cases(self, filter: &TurnFilter) -> Result<Vec<Case>> {
        let mut cases = Vec::new();
        for turn in self.list_past_turns(filter).await? {
            let from = (turn.seq - MESSAGES_READ).max(0);
            let messages = self.list_messages(turn.conversation_id, from, turn.seq - from).await?;
            cases.extend(turn.to_case(&messages).filter(|case| case.problem().is_none()));
        }
        Ok(cases)
    }

    /// Answers of an assistant from a time on that were rated, or after which a person of the desk wrote before the
    /// AI spoke again; the newest [`TURNS_MAX`].
    pub async fn list_judged_answers(self, assistant: AssistantId, from: Time) -> Result<Vec<PastTurn>> {
        self.all(
            Sql::dynamic(format!(
                "select m.id as message_id, m.conversation_id, m.seq, m.decision, f.rating,
                    (select a.content {CORRECTION} order by a.seq limit 1) as correction
                 from messages m left join feedback f on f.message_id = m.id
                 where m.organization_id = $1 and m.sender = 'ai' and m.decision = 'answer'
                    and m.sender_id = $2 and m.created_at >= $3
                    and (f.rating is not null or exists (select 1 {CORRECTION}))
                 order by m.created_at desc, m.id desc limit $4"
            )),
            (self.organization_id(), assistant, from, TURNS_MAX),
        )
        .await
    }

    /// Replies of a period that the filter lets through, oldest first.
    async fn list_past_turns(self, filter: &TurnFilter) -> Result<Vec<PastTurn>> {
        self.all(
            Sql::dynamic(format!(
                "select m.id as message_id, m.conversation_id, m.seq, m.decision, f.rating,
                    (select a.content {CORRECTION} order by a.seq limit 1) as correction
                 from messages m left join feedback f on f.message_id = m.id
                 where m.organization_id = $1 and m.sender = 'ai' and m.decision is not null
                    and m.created_at >= $2 and m.created_at < $3 and ($4 is null or f.rating = $4)
                    and ($5 is null or (m.decision = 'hand_off') = $5) and (not $6 or exists (select 1 {CORRECTION}))
                    and ($8 is null or m.sender_id = $8)
                 order by m.created_at, m.id limit $7"
            )),
            (
                self.organization_id(),
                filter.from,
                filter.to,
                filter.rating.clone(),
                filter.handed_off,
                filter.corrected,
                TURNS_MAX,
                filter.assistant,
            ),
        )
        .await
    }
}

/// SHA-256 of the cases, in hex.
fn content_hash(cases: &[Case]) -> String {
    let mut hasher = Sha256::new();
    for case in cases {
        // A case is plain data; it can always be written.
        let line = serde_json::to_vec(case).unwrap_or_default();
        hasher.update(u64::try_from(line.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(line);
    }
    hex::encode(hasher.finalize())
}
