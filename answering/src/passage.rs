//! A passage as the steps see it: a chunk with its document and its places in the rankings.

use crate::words::content_stems;
use domain::message::Citation;
use domain::trace::Rank;
use domain::{ChunkId, DocumentId};
use rustc_hash::FxHashSet;
use std::ops::Range;

/// A passage that was found, re-read from storage, with the number it has in the prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    /// Its number in the prompt, from 1.
    pub index: usize,
    /// The chunk.
    pub chunk_id: ChunkId,
    /// The document it is cut from.
    pub document_id: DocumentId,
    /// The document version it is cut from.
    pub version: i64,
    /// The id the document was imported under.
    pub external_id: Option<String>,
    /// The document's address.
    pub url: Option<String>,
    /// The document's title.
    pub title: String,
    /// The headings above it, joined with ` › `.
    pub heading_path: String,
    /// Its text: exactly the bytes of the document version from `start_byte` on.
    pub text: String,
    /// Its first byte in the document version.
    pub start_byte: usize,
    /// Place by vector.
    pub dense: Option<Rank>,
    /// Place by words.
    pub bm25: Option<Rank>,
    /// Place after fusion.
    pub fused: Option<Rank>,
}

impl Passage {
    /// The stems of the content words that it is found by: of its title, its headings and its text.
    pub(crate) fn stems(&self, language: Option<&str>) -> FxHashSet<String> {
        let whole = format!("{}\n{}\n{}", self.title, self.heading_path, self.text);
        content_stems(&whole, language).into_iter().collect()
    }

    /// The citation of a byte range of the passage's text, numbered `index`; `None` where the range
    /// does not fall on characters of the text.
    pub fn cite(&self, index: usize, range: Range<usize>) -> Option<Citation> {
        let quote = self.text.get(range.clone())?;
        Some(Citation {
            index,
            document_id: self.document_id,
            version: self.version,
            external_id: self.external_id.clone(),
            url: self.url.clone(),
            title: self.title.clone(),
            quote: quote.to_owned(),
            start: self.start_byte + range.start,
            end: self.start_byte + range.end,
        })
    }
}

#[cfg(test)]
pub(crate) mod fixtures {
    use super::Passage;
    use domain::Id;
    use domain::trace::Rank;

    /// A passage of a document of its own that starts at byte 100.
    pub(crate) fn passage(index: usize, title: &str, text: &str) -> Passage {
        let uuid = uuid::Uuid::from_u128(index as u128);
        let rank = Some(Rank { rank: index, score: 1.0 / crate::words::number(index) });
        Passage {
            index,
            chunk_id: Id::from_uuid(uuid),
            document_id: Id::from_uuid(uuid),
            version: 1,
            external_id: None,
            url: None,
            title: title.to_owned(),
            heading_path: String::new(),
            text: text.to_owned(),
            start_byte: 100,
            dense: rank,
            bm25: rank,
            fused: rank,
        }
    }
}
