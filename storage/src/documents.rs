//! Documents: putting what a source says, its versions and passages, in as few statements as possible.

use crate::document_rows::{Present, RowsToWrite};
use crate::list::{self, List};
use crate::sql::Run;
use crate::{Error, Keyset, Result, Tenant, Transaction};
use domain::knowledge::{ChangeKind, Document, DocumentState, DocumentVersion};
use domain::{DocumentId, SourceId};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};

/// What a source says a document is.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDocument {
    /// The id it is known by in its source.
    pub external_id: String,
    /// Its address.
    pub url: Option<String>,
    /// Its title.
    pub title: String,
    /// Its whole text, as Markdown.
    pub text: String,
    /// ISO 639-1 code, as far as it was recognised.
    pub language: Option<String>,
    /// Its passages, in reading order.
    pub pieces: Vec<NewChunk>,
}

/// A passage of a [`NewDocument`].
#[derive(Clone, Debug, PartialEq)]
pub struct NewChunk {
    /// First byte in the text.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// The headings above it, outermost first, joined with ` › `.
    pub heading_path: String,
    /// SHA-256 of `Chunk::embedded_text`.
    pub embedding_hash: [u8; 32],
}

/// What became of a document that was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// The document.
    pub document_id: DocumentId,
    /// Its present version.
    pub version: i64,
    /// What was done.
    pub outcome: PutOutcome,
}

/// What putting a document did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// It was not there before.
    New,
    /// Title and text are as before and it is published: nothing was written.
    Same,
    /// It has a new version.
    Changed,
}

impl Tenant<'_> {
    /// The document with that id.
    pub async fn load_document(self, id: DocumentId) -> Result<Document> {
        self.find(
            "select id, organization_id, source_id, external_id, url, title, language, state, version, content_hash,
                    created_at, updated_at
             from documents where organization_id = $1 and id = $2",
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("document", id))
    }

    /// The document of a source that is known there by that id.
    pub async fn find_document_by_external_id(
        self,
        source_id: SourceId,
        external_id: &str,
    ) -> Result<Option<Document>> {
        self.find(
            "select id, organization_id, source_id, external_id, url, title, language, state, version, content_hash,
                    created_at, updated_at
             from documents where organization_id = $1 and source_id = $2 and external_id = $3",
            (self.organization_id(), source_id, external_id),
        )
        .await
    }

    /// Documents, the last changed first, of one source and state where these are given.
    pub async fn list_documents(
        self,
        source_id: Option<SourceId>,
        state: Option<DocumentState>,
        after: Keyset,
        limit: i64,
    ) -> Result<Vec<Document>> {
        self.all(
            "select id, organization_id, source_id, external_id, url, title, language, state, version, content_hash,
                    created_at, updated_at
             from documents
             where organization_id = $1 and ($2 is null or source_id = $2) and ($3 is null or state = $3)
                   and (updated_at, id) < ($4, $5)
             order by updated_at desc, id desc limit $6",
            (self.organization_id(), source_id, state, after.time, after.id, limit),
        )
        .await
    }

    /// The text of a document at one version.
    pub async fn load_document_version(self, id: DocumentId, version: i64) -> Result<DocumentVersion> {
        self.find(
            "select document_id, organization_id, version, title, text, content_hash, created_at
             from document_versions where organization_id = $1 and document_id = $2 and version = $3",
            (self.organization_id(), id, version),
        )
        .await?
        .ok_or_else(|| Error::not_found("document", id))
    }

    /// How many documents are published, in one source where it is given.
    pub async fn count_documents(self, source_id: Option<SourceId>) -> Result<i64> {
        self.scalar(
            "select count(*) from documents
             where organization_id = $1 and ($2 is null or source_id = $2) and state = 'published'",
            (self.organization_id(), source_id),
        )
        .await
    }
}

impl Transaction {
    /// Makes the documents of a source say this, one [`Put`] each in the same order: a document whose
    /// title and text changed (or that was archived) gets a new version, new passages and an entry in
    /// the change log. A document with the same title and text is left alone, even where its passages
    /// were cut otherwise. Several hundred at once cost far less than one by one.
    ///
    /// # Errors
    /// `NotFound` for a source of nobody or somebody else; `Invalid` when a passage is no part of its
    /// text or a text holds a NUL character.
    pub async fn put_documents(&mut self, source_id: SourceId, documents: &[NewDocument]) -> Result<Vec<Put>> {
        self.check_source(source_id).await?;
        let mut puts = Vec::with_capacity(documents.len());
        for run in distinct_runs(documents) {
            let present = self.present_documents(source_id, run).await?;
            let mut rows = RowsToWrite::new(self, source_id)?;
            for document in run {
                let put = rows.add(document, present.get(document.external_id.as_str()))?;
                puts.push(put);
            }
            rows.write(self).await?;
        }
        Ok(puts)
    }

    async fn present_documents(
        &mut self,
        source_id: SourceId,
        documents: &[NewDocument],
    ) -> Result<HashMap<String, Present>> {
        let rows: Vec<Present> = self
            .all(
                List::Texts.sql(
                    "select d.id, d.external_id, d.state, d.version, d.content_hash from {wanted} cross join documents d
                     where d.source_id = $3 and d.external_id = wanted.value and d.organization_id = $1",
                ),
                (
                    self.organization_id()?,
                    list::texts(documents.iter().map(|document| document.external_id.as_str())),
                    source_id,
                ),
            )
            .await?;
        Ok(rows.into_iter().map(|row| (row.external_id.clone(), row)).collect())
    }

    /// Takes documents out of answers and of the indexes: their texts stay, their passages go. Returns how many were
    /// published until now.
    pub async fn archive_documents(&mut self, ids: &[DocumentId]) -> Result<usize> {
        let arguments = (self.organization_id()?, list::ids(ids), self.now());
        let published: Vec<(DocumentId,)> = self
            .all(
                List::Ids.sql(
                    "update documents set state = 'archived', updated_at = $3
                     where state = 'published' and id in (
                         select d.id from {wanted} cross join documents d
                         where d.id = wanted.value and d.organization_id = $1)
                     returning id",
                ),
                arguments,
            )
            .await?;
        let archived: Vec<DocumentId> = published.iter().map(|(id,)| *id).collect();
        self.run(
            List::Ids
                .sql("delete from chunks where organization_id = $1 and document_id in (select value from {wanted})"),
            (self.organization_id()?, list::ids(&archived)),
        )
        .await?;
        self.log_gone(&published).await
    }

    /// Takes the address from a document: citations of it lead nowhere any more.
    pub async fn clear_document_url(&mut self, id: DocumentId) -> Result<()> {
        let arguments = (self.organization_id()?, id, self.now());
        self.run("update documents set url = null, updated_at = $3 where organization_id = $1 and id = $2", arguments)
            .await?;
        Ok(())
    }

    /// Deletes documents with their versions and passages. Returns how many there were.
    pub async fn delete_documents(&mut self, ids: &[DocumentId]) -> Result<usize> {
        let organization_id = self.organization_id()?;
        let gone: Vec<(DocumentId,)> = self
            .all(
                List::Ids.sql(
                    "delete from documents where id in (
                         select d.id from {wanted} cross join documents d
                         where d.id = wanted.value and d.organization_id = $1)
                     returning id",
                ),
                (organization_id, list::ids(ids)),
            )
            .await?;
        self.log_gone(&gone).await
    }

    async fn log_gone(&mut self, gone: &[(DocumentId,)]) -> Result<usize> {
        if !gone.is_empty() {
            let gone: Vec<DocumentId> = gone.iter().map(|(id,)| *id).collect();
            self.log_changes(ChangeKind::Delete, &gone).await?;
        }
        Ok(gone.len())
    }
}

/// What the text of a document is known by: SHA-256 of title, a line break and text, in hex.
pub fn content_hash(title: &str, text: &str) -> String {
    hex::encode(Sha256::new().chain_update(title).chain_update("\n").chain_update(text).finalize())
}

/// Cuts the documents into stretches in which no external id comes twice, so that the later of two
/// finds the earlier one stored.
fn distinct_runs(documents: &[NewDocument]) -> Vec<&[NewDocument]> {
    let (mut runs, mut rest, mut seen) = (Vec::new(), documents, HashSet::new());
    while !rest.is_empty() {
        seen.clear();
        let length = rest.iter().take_while(|document| seen.insert(document.external_id.as_str())).count();
        let (run, others) = rest.split_at(length);
        runs.push(run);
        rest = others;
    }
    runs
}
