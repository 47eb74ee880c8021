//! The parts of a DOCX file: unpacked within limits and read as a stream, so that nothing recurses and no
//! entity is expanded.

use super::Refusal;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// Bytes that one part may unpack to.
const PART_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Elements and texts of one part.
const PIECES_MAX: usize = 5_000_000;
/// Styles and list definitions that are kept.
const DEFINITIONS_MAX: usize = 10_000;
/// Styles that one is based on, in a row.
const BASES_MAX: usize = 10;

/// A piece of a part as it streams by.
pub(super) enum Part<'a> {
    /// An element begins; one that is empty has no end of its own.
    Open(Element<'a>),
    /// Characters.
    Text(&'a str),
    /// The element of that name ends.
    Close(&'a str),
}

/// The beginning of an element.
pub(super) struct Element<'a> {
    name: String,
    start: BytesStart<'a>,
    is_empty: bool,
}

impl Element<'_> {
    /// Its name, without the name space.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it closes itself.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// The value of an attribute, without the name space.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let attribute =
            self.start.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == name)?;
        Some(attribute.value.as_ref().to_owned())
    }
}

/// Unpacks a part, if the file has it.
pub(super) fn part(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<Option<String>, Refusal> {
    let damaged =
        |error: String| Refusal::new(format!("`{name}` in the file is damaged: {error}"), "save it as DOCX again");
    if archive.index_for_name(name).is_none() {
        return Ok(None);
    }
    let entry = archive.by_name(name).map_err(|error| {
        let is_locked = error.to_string().to_lowercase().contains("password");
        if is_locked {
            Refusal::new("the file is encrypted", "save it without a password")
        } else {
            damaged(error.to_string())
        }
    })?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(PART_BYTES_MAX).unwrap_or(u64::MAX);
    entry.take(limit + 1).read_to_end(&mut bytes).map_err(|error| damaged(error.to_string()))?;
    if bytes.len() > PART_BYTES_MAX {
        let why = format!("`{name}` in the file unpacks to more than {PART_BYTES_MAX} bytes");
        return Err(Refusal::new(why, "check where the file is from, or cut it into smaller ones"));
    }
    Ok(Some(crate::charset::decode(&bytes, None).into_owned()))
}

/// Calls for each piece of a part.
pub(super) fn each(xml: &str, mut take: impl FnMut(Part<'_>) -> Result<(), Refusal>) -> Result<(), Refusal> {
    let fix = "save it as DOCX again";
    let mut reader = Reader::from_str(xml);
    for _ in 0..PIECES_MAX {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                take(Part::Open(Element { name: start.local_name().as_ref().to_owned(), start, is_empty: false }))?;
            }
            Ok(Event::Empty(start)) => {
                take(Part::Open(Element { name: start.local_name().as_ref().to_owned(), start, is_empty: true }))?;
            }
            Ok(Event::End(end)) => take(Part::Close(end.local_name().as_ref()))?,
            Ok(Event::Text(text)) => take(Part::Text(&text))?,
            Ok(Event::CData(text)) => take(Part::Text(&text))?,
            Ok(Event::GeneralRef(reference)) => {
                let character = reference.resolve_char_ref().ok().flatten();
                let known = || quick_xml::escape::resolve_predefined_entity(&reference).unwrap_or_default().to_owned();
                take(Part::Text(&character.map_or_else(known, String::from)))?;
            }
            Ok(Event::Eof) => return Ok(()),
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
            Err(error) => return Err(Refusal::new(format!("the file is damaged: {error}"), fix)),
        }
    }
    Err(Refusal::new(format!("the file has more than {PIECES_MAX} elements"), "cut it into smaller files"))
}

/// What paragraphs of a style are.
#[derive(Clone, Debug, Default)]
pub(super) struct Style {
    /// The level of heading, from 1.
    pub(super) heading_level: Option<usize>,
    /// Whether it is that of the document's title.
    pub(super) is_title: bool,
    /// The list and its level, from 0.
    pub(super) list: Option<(String, usize)>,
    base: Option<String>,
}

/// The styles of a document by id.
#[derive(Debug, Default)]
pub(super) struct Styles {
    by_id: HashMap<String, Style>,
}

impl Styles {
    pub(super) fn of(xml: &str) -> Result<Self, Refusal> {
        let mut styles = Self::default();
        let mut open: Option<(String, Style)> = None;
        each(xml, |piece| {
            match piece {
                Part::Open(element) if element.name() == "style" => {
                    open = element.attribute("styleId").map(|id| (id, Style::default()));
                }
                Part::Open(element) => {
                    let value = || element.attribute("val").unwrap_or_default();
                    let Some((_, style)) = open.as_mut() else { return Ok(()) };
                    match element.name() {
                        "name" => style.read_name(&value().to_lowercase()),
                        "outlineLvl" if style.heading_level.is_none() => {
                            style.heading_level =
                                value().parse().ok().filter(|level| *level < 6).map(|level: usize| level + 1);
                        }
                        "basedOn" => style.base = Some(value()),
                        "numId" => style.list.get_or_insert_default().0 = value(),
                        "ilvl" => style.list.get_or_insert_default().1 = value().parse().unwrap_or(0).min(6),
                        _ => {}
                    }
                }
                Part::Close("style") if styles.by_id.len() < DEFINITIONS_MAX => styles.by_id.extend(open.take()),
                Part::Close(_) | Part::Text(_) => {}
            }
            Ok(())
        })?;
        Ok(styles)
    }

    /// A style with what it takes from those that it is based on.
    pub(super) fn get(&self, id: &str) -> Style {
        let mut style = self.by_id.get(id).cloned().unwrap_or_default();
        for _ in 0..BASES_MAX {
            let Some(base) = style.base.take().and_then(|base| self.by_id.get(&base)) else { break };
            style.heading_level = style.heading_level.or(base.heading_level);
            style.list = style.list.or_else(|| base.list.clone());
            style.base.clone_from(&base.base);
        }
        style
    }
}

impl Style {
    fn read_name(&mut self, name: &str) {
        if name == "title" {
            self.is_title = true;
            self.heading_level = Some(1);
        }
        let level = name.strip_prefix("heading ").and_then(|level| level.trim().parse::<usize>().ok());
        self.heading_level = level.map(|level| level.clamp(1, 6)).or(self.heading_level);
    }
}

/// The lists of a document: which are numbered, and how far each has counted.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    definition_of: HashMap<String, String>,
    ordered: HashMap<(String, usize), bool>,
    counts: HashMap<String, Vec<usize>>,
}

impl Numbering {
    pub(super) fn of(xml: &str) -> Result<Self, Refusal> {
        let mut numbering = Self::default();
        let (mut definition, mut list, mut level) = (String::new(), String::new(), 0);
        each(xml, |piece| {
            let Part::Open(element) = piece else { return Ok(()) };
            let value = || element.attribute("val").unwrap_or_default();
            match element.name() {
                "abstractNum" => definition = element.attribute("abstractNumId").unwrap_or_default(),
                "lvl" => level = element.attribute("ilvl").and_then(|level| level.parse().ok()).unwrap_or(0),
                "numFmt" if numbering.ordered.len() < DEFINITIONS_MAX => {
                    let is_ordered = !matches!(value().as_str(), "bullet" | "none");
                    numbering.ordered.insert((definition.clone(), level), is_ordered);
                }
                "num" => list = element.attribute("numId").unwrap_or_default(),
                "abstractNumId" if numbering.definition_of.len() < DEFINITIONS_MAX => {
                    numbering.definition_of.insert(list.clone(), value());
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(numbering)
    }

    pub(super) fn is_ordered(&self, list: &str, level: usize) -> bool {
        let definition = self.definition_of.get(list).cloned().unwrap_or_default();
        self.ordered.get(&(definition, level)).copied().unwrap_or(false)
    }

    /// Counts one item of a list on; deeper levels begin anew.
    pub(super) fn next(&mut self, list: &str, level: usize) -> usize {
        let counts = self.counts.entry(list.to_owned()).or_default();
        counts.resize(level + 1, 0);
        let Some(count) = counts.last_mut() else { return 1 };
        *count += 1;
        *count
    }
}
