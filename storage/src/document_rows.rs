//! The rows that putting documents writes, gathered first and written table by table.

use crate::documents::{NewChunk, NewDocument, Put, PutOutcome, content_hash};
use crate::list::{self, List};
use crate::sql::Run;
use crate::{Error, Result, Transaction};
use domain::knowledge::{ChangeKind, DocumentState};
use domain::{ChunkId, DocumentId, OrganizationId, SourceId, Time};

const COLUMNS: &str = "id, organization_id, source_id, external_id, url, title, language, state, version, content_hash, created_at, updated_at";

/// What is known of a document before it is put.
#[derive(sqlx::FromRow)]
pub(crate) struct Present {
    id: DocumentId,
    pub(crate) external_id: String,
    state: DocumentState,
    version: i64,
    content_hash: String,
}

/// The rows of one `put_documents`, gathered before they are written table by table.
pub(crate) struct RowsToWrite<'d> {
    organization_id: OrganizationId,
    source_id: SourceId,
    now: Time,
    clock: crate::Clock,
    documents: Vec<DocumentRow<'d>>,
    versions: Vec<VersionRow<'d>>,
    chunks: Vec<ChunkRow<'d>>,
    replaced: Vec<DocumentId>,
}

type DocumentRow<'d> = (
    DocumentId,
    OrganizationId,
    SourceId,
    &'d str,
    Option<String>,
    &'d str,
    Option<String>,
    DocumentState,
    i64,
    String,
    Time,
    Time,
);
type VersionRow<'d> = (DocumentId, OrganizationId, i64, &'d str, &'d str, String, Time);
type ChunkRow<'d> = (OrganizationId, ChunkId, DocumentId, i64, i64, i64, i64, &'d str, &'d str, &'d [u8]);

impl<'d> RowsToWrite<'d> {
    pub(crate) fn new(transaction: &Transaction, source_id: SourceId) -> Result<Self> {
        Ok(Self {
            organization_id: transaction.organization_id()?,
            source_id,
            now: transaction.now(),
            clock: transaction.clock().clone(),
            documents: Vec::new(),
            versions: Vec::new(),
            chunks: Vec::new(),
            replaced: Vec::new(),
        })
    }

    pub(crate) fn add(&mut self, document: &'d NewDocument, present: Option<&Present>) -> Result<Put> {
        let content_hash = content_hash(&document.title, &document.text);
        let put = match present {
            None => Put { document_id: self.clock.id(), version: 1, outcome: PutOutcome::New },
            Some(present) => {
                let same = present.state == DocumentState::Published && present.content_hash == content_hash;
                let outcome = if same { PutOutcome::Same } else { PutOutcome::Changed };
                Put { document_id: present.id, version: present.version + i64::from(!same), outcome }
            }
        };
        match put.outcome {
            PutOutcome::Same => return Ok(put),
            PutOutcome::Changed => self.replaced.push(put.document_id),
            PutOutcome::New => {}
        }
        check_text(document)?;
        let (title, text) = (document.title.as_str(), document.text.as_str());
        for (position, piece) in (0..).zip(&document.pieces) {
            self.chunks.push(self.chunk_row(put, document, position, piece)?);
        }
        self.versions.push((
            put.document_id,
            self.organization_id,
            put.version,
            title,
            text,
            content_hash.clone(),
            self.now,
        ));
        self.documents.push((
            put.document_id,
            self.organization_id,
            self.source_id,
            document.external_id.as_str(),
            document.url.clone(),
            title,
            document.language.clone(),
            DocumentState::Published,
            put.version,
            content_hash,
            self.now,
            self.now,
        ));
        Ok(put)
    }

    fn chunk_row(
        &self,
        put: Put,
        document: &'d NewDocument,
        position: i64,
        piece: &'d NewChunk,
    ) -> Result<ChunkRow<'d>> {
        let wrong =
            || Error::Invalid(format!("a passage of document `{}` is no part of its text", document.external_id));
        let text = document.text.get(piece.start..piece.end).ok_or_else(wrong)?;
        let byte = |place: usize| i64::try_from(place).map_err(|_| wrong());
        Ok((
            self.organization_id,
            self.clock.id(),
            put.document_id,
            put.version,
            position,
            byte(piece.start)?,
            byte(piece.end)?,
            piece.heading_path.as_str(),
            text,
            piece.embedding_hash.as_slice(),
        ))
    }

    pub(crate) async fn write(self, transaction: &mut Transaction) -> Result<()> {
        if self.documents.is_empty() {
            return Ok(());
        }
        if !self.replaced.is_empty() {
            transaction
                .run(
                    List::Ids.sql(
                        "delete from chunks where organization_id = $1 and document_id in (select value from {wanted})",
                    ),
                    (self.organization_id, list::ids(&self.replaced)),
                )
                .await?;
        }
        let changed: Vec<DocumentId> = self.documents.iter().map(|row| row.0).collect();
        transaction
            .insert_many(
                &format!("insert into documents ({COLUMNS})"),
                12,
                self.documents,
                "on conflict (id) do update set url = excluded.url, title = excluded.title, language = excluded.language,
                 state = excluded.state, version = excluded.version, content_hash = excluded.content_hash,
                 updated_at = excluded.updated_at",
            )
            .await?;
        transaction
            .insert_many(
                "insert into document_versions
                 (document_id, organization_id, version, title, text, content_hash, created_at)",
                7,
                self.versions,
                "",
            )
            .await?;
        transaction
            .insert_many(
                "insert into chunks (organization_id, id, document_id, version, position, start_byte, end_byte,
                                     heading_path, text, embedding_hash)",
                10,
                self.chunks,
                "",
            )
            .await?;
        transaction.log_changes(ChangeKind::Upsert, &changed).await?;
        Ok(())
    }
}

/// PostgreSQL stores no NUL character.
fn check_text(document: &NewDocument) -> Result<()> {
    let texts = [&document.external_id, &document.title, &document.text];
    if texts.into_iter().chain(&document.url).any(|text| text.contains('\0')) {
        return Err(Error::Invalid(format!(
            "document `{}` holds a NUL character",
            document.external_id.replace('\0', "\u{fffd}")
        )));
    }
    Ok(())
}
