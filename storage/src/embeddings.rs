//! Vectors by what was embedded, so that equal text is embedded once.

use crate::list::{self, List};
use crate::sql::Run;
use crate::{Error, Result, Tenant, Transaction};
use domain::ChunkId;
use domain::knowledge::Chunk;
use std::collections::{HashMap, HashSet};

/// A passage whose vector is missing.
#[derive(Clone, Debug, PartialEq)]
pub struct MissingEmbedding {
    /// The passage.
    pub chunk_id: ChunkId,
    /// SHA-256 of `text`: what the vector is stored under.
    pub hash: [u8; 32],
    /// What is to be embedded.
    pub text: String,
}

#[derive(sqlx::FromRow)]
struct MissingRow {
    id: ChunkId,
    embedding_hash: Vec<u8>,
    title: String,
    heading_path: String,
    text: String,
}

impl Tenant<'_> {
    /// The stored vectors of these hashes; what is missing is absent.
    pub async fn find_embeddings(self, model: &str, hashes: &[[u8; 32]]) -> Result<HashMap<[u8; 32], Vec<f32>>> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = self
            .all(
                List::Hashes.sql(
                    "select e.hash, e.vector from {wanted} cross join embeddings e
                     where e.organization_id = $1 and e.model = $3 and e.hash = wanted.value",
                ),
                (self.organization_id(), list::hashes(hashes), model),
            )
            .await?;
        rows.into_iter().map(|(hash, vector)| Ok((read_hash(&hash)?, read_vector(&vector)?))).collect()
    }

    /// How many different texts of published documents have no vector of this model.
    pub async fn count_missing_embeddings(self, model: &str) -> Result<i64> {
        self.scalar(
            "select count(*) from (
                 select c.embedding_hash from documents d cross join chunks c
                 where d.organization_id = $1 and d.state = 'published' and c.organization_id = $1
                       and c.document_id = d.id and c.version = d.version
                 except
                 select e.hash from embeddings e where e.organization_id = $1 and e.model = $2) as missing",
            (self.organization_id(), model),
        )
        .await
    }

    /// Passages of published documents without a vector of this model, in the order of their ids, from
    /// after `after`. Of at most `limit` passages that are read, one is returned for each different text;
    /// the last one read always stands last, so its id is the next `after`, and an empty list is the end.
    pub async fn list_missing_embeddings(
        self,
        model: &str,
        after: Option<ChunkId>,
        limit: i64,
    ) -> Result<Vec<MissingEmbedding>> {
        let rows: Vec<MissingRow> = self
            .all(
                "select c.id, c.embedding_hash, d.title, c.heading_path, c.text
                 from chunks c cross join documents d
                 where c.organization_id = $1 and c.id > $3 and d.organization_id = $1 and d.id = c.document_id
                       and d.version = c.version and d.state = 'published'
                       and not exists (select 1 from embeddings e where e.organization_id = $1 and e.model = $2
                                                                   and e.hash = c.embedding_hash)
                 order by c.id limit $4",
                (self.organization_id(), model, after.unwrap_or(ChunkId::from_uuid(uuid::Uuid::nil())), limit),
            )
            .await?;
        let mut missing = Vec::with_capacity(rows.len());
        let mut seen = HashSet::new();
        for row in rows.into_iter().rev() {
            let hash = read_hash(&row.embedding_hash)?;
            if seen.insert(hash) {
                let text = Chunk::embedded_text(&row.title, &row.heading_path, &row.text);
                missing.push(MissingEmbedding { chunk_id: row.id, hash, text });
            }
        }
        missing.reverse();
        Ok(missing)
    }
}

impl Transaction {
    /// Stores vectors; those that are there already stay.
    ///
    /// # Errors
    /// `Invalid` for an empty vector or one with a number that is not finite.
    pub async fn insert_embeddings(&mut self, model: &str, vectors: &[([u8; 32], Vec<f32>)]) -> Result<()> {
        let organization_id = self.organization_id()?;
        if vectors.iter().any(|(_, vector)| vector.is_empty() || vector.iter().any(|number| !number.is_finite())) {
            return Err(Error::Invalid(format!("a vector of model `{model}` is empty or not finite")));
        }
        let rows = vectors
            .iter()
            .map(|(hash, vector)| {
                let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
                (organization_id, model, hash.as_slice(), bytes)
            })
            .collect();
        self.insert_many(
            "insert into embeddings (organization_id, model, hash, vector)",
            4,
            rows,
            "on conflict (organization_id, model, hash) do nothing",
        )
        .await?;
        Ok(())
    }

    /// Deletes vectors of texts that no passage has any more; returns how many. A text that is put
    /// meanwhile is found missing and embedded again.
    pub async fn delete_orphan_embeddings(&mut self) -> Result<u64> {
        let organization_id = self.organization_id()?;
        self.run(
            "delete from embeddings where organization_id = $1 and hash in (
                 select hash from embeddings where organization_id = $1
                 except
                 select embedding_hash from chunks where organization_id = $1)",
            (organization_id,),
        )
        .await
    }
}

pub(crate) fn read_hash(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| damaged(format!("a hash of {} bytes", bytes.len())))
}

pub(crate) fn read_vector(bytes: &[u8]) -> Result<Vec<f32>> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(damaged(format!("a vector of {} bytes", bytes.len())));
    }
    Ok(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
}

fn damaged(detail: String) -> Error {
    Error::Damaged { what: "embedding", detail }
}
