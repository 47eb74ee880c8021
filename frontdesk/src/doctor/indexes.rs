//! The search indexes, compared with the database they are derived from.

use super::{Finding, counted};
use crate::settings::Settings;
use crate::wiring;
use domain::{ChunkId, OrganizationId};
use llm::EmbedderSlot;
use retrieval::{Retrieval, VectorSpace};
use std::collections::BTreeSet;
use storage::Database;
use storage::health::IndexableChunk;

const CHECK: &str = "index";
const REBUILD: &str = "run `frontdesk reindex`";

pub(super) async fn check(settings: &Settings, database: &Database, slot: &EmbedderSlot) -> Vec<Finding> {
    let organizations = match database.list_organizations().await {
        Ok(organizations) => organizations,
        Err(error) => return vec![Finding::problem(CHECK, "the organizations cannot be read").because(error)],
    };
    // Opening makes the folder; a desk that knows nothing has none.
    if organizations.iter().all(|organization| organization.change_seq == 0) {
        return vec![Finding::ok(CHECK, "nothing is known yet, so there is nothing to index")];
    }
    let retrieval = match wiring::open_retrieval(settings).await {
        Ok(retrieval) => retrieval,
        Err(failure) => return vec![Finding::failed(CHECK, failure)],
    };
    let space = slot
        .embedder()
        .map(|embedder| VectorSpace { model_id: embedder.model_id().to_owned(), dimensions: embedder.dimensions() });
    let mut findings = Vec::new();
    for organization in organizations {
        let examined = Examined { database, retrieval: &retrieval, space: space.as_ref(), id: organization.id };
        findings.extend(examined.findings(organization.change_seq).await);
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, "the indexes hold what the database holds"));
    }
    findings
}

/// One organization's indexes.
struct Examined<'d> {
    database: &'d Database,
    retrieval: &'d Retrieval,
    space: Option<&'d VectorSpace>,
    id: OrganizationId,
}

impl Examined<'_> {
    async fn findings(&self, change_seq: i64) -> Vec<Finding> {
        let mut findings = Vec::new();
        match self.without_vectors().await {
            Ok(0) => {}
            Ok(missing) => findings.push(
                Finding::warning("vectors", format!("{} without a vector", counted(missing, "passage")))
                    .because("they are found by their words alone")
                    .fix("start a worker, which embeds them, or run `frontdesk reindex`"),
            ),
            Err(error) => findings.push(Finding::problem("vectors", "the vectors cannot be counted").because(error)),
        }
        let applied = match self.retrieval.applied_seq(self.id, self.space).await {
            Ok(applied) => applied,
            Err(error) => {
                findings.push(unusable(&error));
                return findings;
            }
        };
        if applied < change_seq {
            findings.push(
                Finding::warning(CHECK, format!("the index is {} behind", counted(change_seq - applied, "change")))
                    .because(format!(
                        "the change log is at {change_seq}, the index at {applied}: what is newer is not found yet"
                    ))
                    .fix(format!("a running desk catches up by itself within seconds; if it does not, {REBUILD}")),
            );
        } else if applied > change_seq {
            findings.push(
                Finding::problem(CHECK, "the index is ahead of the database")
                    .because(format!("the change log is at {change_seq}, the index at {applied}: the database was restored, or the folder is another desk's"))
                    .fix(REBUILD),
            );
        }
        findings.extend(self.compare(applied == change_seq).await);
        findings
    }

    async fn without_vectors(&self) -> storage::Result<i64> {
        match self.space {
            Some(space) => self.database.of(self.id).count_missing_embeddings(&space.model_id).await,
            None => Ok(0),
        }
    }

    /// Compares passage by passage. While the index is behind, only what no storage has is wrong.
    async fn compare(&self, level: bool) -> Vec<Finding> {
        let model = self.space.map_or("", |space| &space.model_id);
        let stored = match self.database.of(self.id).list_indexable_chunks(model).await {
            Ok(stored) => stored,
            Err(error) => return vec![Finding::problem(CHECK, "the passages cannot be read").because(error)],
        };
        let held = match self.retrieval.check(self.id, self.space).await {
            Ok(held) => held,
            Err(error) => return vec![unusable(&error)],
        };
        let wanted = |filter: fn(&IndexableChunk) -> bool| -> BTreeSet<(ChunkId, i64)> {
            stored.iter().filter(|chunk| filter(chunk)).map(|chunk| (chunk.id, chunk.version)).collect()
        };
        let mut findings = difference("keyword", &wanted(|_| true), held.keyword, level);
        if let Some(dense) = held.dense {
            findings.extend(difference("vector", &wanted(|chunk| chunk.has_vector), dense, level));
        }
        findings
    }
}

fn difference(name: &str, wanted: &BTreeSet<(ChunkId, i64)>, held: Vec<(ChunkId, i64)>, level: bool) -> Vec<Finding> {
    let held: BTreeSet<(ChunkId, i64)> = held.into_iter().collect();
    let count = |difference: usize| i64::try_from(difference).unwrap_or(i64::MAX);
    let (extra, lacking) = (count(held.difference(wanted).count()), count(wanted.difference(&held).count()));
    let mut findings = Vec::new();
    // A stale passage is replaced or removed by the changes that are still to come.
    if extra > 0 && level {
        findings.push(
            Finding::problem(
                CHECK,
                format!("the {name} index holds {} that storage does not", counted(extra, "passage")),
            )
            .because("it was written for another state of the database")
            .fix(REBUILD),
        );
    }
    if lacking > 0 && level {
        findings.push(
            Finding::problem(
                CHECK,
                format!("the {name} index lacks {} that storage holds", counted(lacking, "passage")),
            )
            .because("they cannot be found")
            .fix(REBUILD),
        );
    }
    findings
}

fn unusable(error: &retrieval::Error) -> Finding {
    let server_is_down = matches!(error, retrieval::Error::Qdrant { .. });
    let fix = if server_is_down { "have Qdrant answer: what it lacks is then written by itself" } else { REBUILD };
    Finding::problem(CHECK, "the search index cannot be used").because(error).fix(fix)
}
