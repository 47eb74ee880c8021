//! Passages: what hits are re-read from and what indexes are built from.

use crate::list::{self, List};
use crate::sql::Run;
use crate::{Result, Tenant};
use domain::knowledge::Chunk;
use domain::{ChunkId, DocumentId, SourceId};
use std::collections::HashMap;

/// A passage with what is cited of its document.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct FoundChunk {
    /// The passage.
    #[sqlx(flatten)]
    pub chunk: Chunk,
    /// Title of its document.
    pub title: String,
    /// Address of its document.
    pub url: Option<String>,
    /// The id its document is known by in its source.
    pub external_id: Option<String>,
    /// Language of its document, ISO 639-1.
    pub language: Option<String>,
    /// The source of its document.
    pub source_id: SourceId,
}

impl Tenant<'_> {
    /// The passages with these ids, in the order of the ids. Missing are those that are gone, of an
    /// older version, or of a document that is not published.
    pub async fn load_chunks(self, ids: &[ChunkId]) -> Result<Vec<FoundChunk>> {
        let mut found: Vec<FoundChunk> = self
            .all(
                List::Ids.sql(
                    "select c.id, c.organization_id, c.document_id, c.version, c.position, c.start_byte, c.end_byte,
                            c.heading_path, c.text, c.embedding_hash, d.title, d.url, d.external_id, d.language,
                            d.source_id
                     from {wanted} cross join chunks c cross join documents d
                     where c.organization_id = $1 and c.id = wanted.value and d.organization_id = $1
                           and d.id = c.document_id and d.version = c.version and d.state = 'published'",
                ),
                (self.organization_id(), list::ids(ids)),
            )
            .await?;
        let places: HashMap<ChunkId, usize> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        found.sort_by_key(|found| places.get(&found.chunk.id).copied());
        Ok(found)
    }

    /// Every passage of these documents as far as they are published, document by document in reading
    /// order: what an index holds of them.
    pub async fn load_chunks_of_documents(self, ids: &[DocumentId]) -> Result<Vec<FoundChunk>> {
        self.all(
            List::Ids.sql(
                "select c.id, c.organization_id, c.document_id, c.version, c.position, c.start_byte, c.end_byte,
                        c.heading_path, c.text, c.embedding_hash, d.title, d.url, d.external_id, d.language,
                        d.source_id
                 from {wanted} cross join documents d cross join chunks c
                 where d.organization_id = $1 and d.id = wanted.value and d.state = 'published'
                       and c.organization_id = $1 and c.document_id = d.id and c.version = d.version
                 order by c.document_id, c.position",
            ),
            (self.organization_id(), list::ids(ids)),
        )
        .await
    }

    /// How many passages may be used in answers.
    pub async fn count_chunks(self) -> Result<i64> {
        self.scalar(
            "select count(*) from documents d cross join chunks c
             where d.organization_id = $1 and d.state = 'published'
                   and c.organization_id = $1 and c.document_id = d.id and c.version = d.version",
            (self.organization_id(),),
        )
        .await
    }
}
