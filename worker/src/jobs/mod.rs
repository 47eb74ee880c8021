//! One shallow file per job: it reads the arguments and calls the crate that has the rules.

pub mod answer_turn;
mod assign_conversation;
pub mod delete_expired;
mod deliver_message;
pub mod draft_articles;
mod embed_chunks;
pub mod people_clock;
mod remember;
pub mod scan_clock;
mod scans;

use crate::error::{Error, Result};
use crate::registry::Registry;
use answering::Desk;
use domain::job::{
    AnswerTurn, AssignConversation, ConcludeScan, DeleteExpired, DeliverMessage, DiscoverPages, DraftArticles,
    EmbedChunks, FailPage, FailScan, HandOffTurn, Job, LearnFacts, ResumeScan, ScanPage, ScrubPages,
    SummarizeConversation,
};
use domain::{ErrorKind, OrganizationId};
use ingest::Library;

/// Every job that this floor knows.
pub fn registry(desk: &Desk, library: &Library, retention: delete_expired::Retention) -> Registry {
    let (answers, handoffs, deliveries, assigns) = (desk.clone(), desk.clone(), desk.clone(), desk.clone());
    let (discovers, reads, failed_pages, failed_scans, embeds) =
        (library.clone(), library.clone(), library.clone(), library.clone(), library.clone());
    let (resumes, concludes) = (library.clone(), library.clone());
    let drafts = (desk.clone(), library.clone());
    let (learns, summarizes, scrubs) = (desk.clone(), desk.clone(), desk.database.clone());
    let database = desk.database.clone();
    Registry::new()
        .on::<AnswerTurn, _, _>(move |work, job| answer_turn::run(answers.clone(), work, job))
        .on::<HandOffTurn, _, _>(move |work, job| answer_turn::hand_off(handoffs.clone(), work, job))
        .on::<AssignConversation, _, _>(move |work, job| assign_conversation::run(assigns.clone(), work, job))
        .on::<DeliverMessage, _, _>(move |work, job| deliver_message::run(deliveries.clone(), work, job))
        .on::<DiscoverPages, _, _>(move |work, job| scans::discover(discovers.clone(), work, job))
        .on::<ScanPage, _, _>(move |work, job| scans::read_page(reads.clone(), work, job))
        .on::<FailPage, _, _>(move |work, job| scans::fail_page(failed_pages.clone(), work, job))
        .on::<FailScan, _, _>(move |work, job| scans::fail_scan(failed_scans.clone(), work, job))
        .on::<ResumeScan, _, _>(move |work, job| scans::resume(resumes.clone(), work, job))
        .on::<ConcludeScan, _, _>(move |work, job| scans::conclude(concludes.clone(), work, job))
        .on::<EmbedChunks, _, _>(move |work, job| embed_chunks::run(embeds.clone(), work, job))
        .on::<DraftArticles, _, _>(move |work, job| draft_articles::run(drafts.0.clone(), drafts.1.clone(), work, job))
        .on::<LearnFacts, _, _>(move |work, job| remember::learn_facts(learns.clone(), work, job))
        .on::<SummarizeConversation, _, _>(move |work, job| {
            remember::summarize_conversation(summarizes.clone(), work, job)
        })
        .on::<ScrubPages, _, _>(move |_, _| remember::scrub_pages(scrubs.clone()))
        .on::<DeleteExpired, _, _>(move |_, _| delete_expired::run(database.clone(), retention))
}

/// The organization that a job is for.
pub fn organization(job: &Job) -> Result<OrganizationId> {
    job.organization_id.ok_or_else(|| Error::new(ErrorKind::Invalid, "the job names no organization"))
}
