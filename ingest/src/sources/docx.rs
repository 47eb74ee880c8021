//! Word files (DOCX): headings, paragraphs, lists and tables as Markdown. What is deleted or hidden is
//! left out; footnotes and comments are not read.

use super::docx_parts::{Numbering, Part, Styles, each, part};
use super::{File, Intake, KnowledgeSource, Reading, Refusal, check_empty, empty_schema, short_title, single};
use serde_json::{Map, Value};
use std::io::Cursor;
use zip::ZipArchive;

/// Text of one file, in bytes.
const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Levels that a list is indented.
const LIST_LEVEL_MAX: usize = 6;

/// A Word file.
pub(super) struct Docx;

impl KnowledgeSource for Docx {
    fn kind(&self) -> &'static str {
        "docx"
    }

    fn about(&self) -> &'static str {
        "Word files (DOCX)"
    }

    fn intake(&self) -> Intake {
        Intake::Files(&["docx"])
    }

    fn schema(&self) -> Value {
        empty_schema()
    }

    fn check(&self, settings: &Map<String, Value>) -> Result<(), Refusal> {
        check_empty(settings)
    }

    fn has_signature(&self, bytes: &[u8]) -> bool {
        bytes.starts_with(b"PK\x03\x04")
            && ZipArchive::new(Cursor::new(bytes)).is_ok_and(|zip| zip.index_for_name("word/document.xml").is_some())
    }

    fn read(&self, file: &File<'_>) -> Result<Reading, Refusal> {
        let mut archive = ZipArchive::new(Cursor::new(file.bytes)).map_err(|error| {
            let is_old = file.bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]);
            let why = if is_old {
                "the file is encrypted or in Word's old format".to_owned()
            } else {
                format!("the file is no DOCX: {error}")
            };
            Refusal::new(why, "save it as DOCX without a password")
        })?;
        let document = part(&mut archive, "word/document.xml")?
            .ok_or_else(|| Refusal::new("the file is no DOCX: it has no text part", "save it as DOCX again"))?;
        let styles = Styles::of(part(&mut archive, "word/styles.xml")?.as_deref().unwrap_or_default())?;
        let numbering = Numbering::of(part(&mut archive, "word/numbering.xml")?.as_deref().unwrap_or_default())?;
        let mut writer = Writer { styles, numbering, ..Writer::default() };
        each(&document, |piece| writer.take(piece))?;
        writer.end_block();
        let stated = part(&mut archive, "docProps/core.xml")?.map(|core| core_title(&core)).transpose()?;
        let title = writer.title.take().or(stated.flatten()).or(writer.first_heading.take()).unwrap_or_default();
        single(self.kind(), file, short_title(&title), &writer.out)
    }
}

/// The title that the file's properties state.
fn core_title(core: &str) -> Result<Option<String>, Refusal> {
    let (mut title, mut is_title) = (String::new(), false);
    each(core, |piece| {
        match piece {
            Part::Open(element) => is_title = element.name() == "title",
            Part::Text(text) if is_title => title.push_str(text),
            Part::Text(_) => {}
            Part::Close(_) => is_title = false,
        }
        Ok(())
    })?;
    Ok(Some(title).filter(|title| !title.trim().is_empty()))
}

/// Collects the text of the document as it streams by.
#[derive(Default)]
struct Writer {
    styles: Styles,
    numbering: Numbering,
    out: String,
    title: Option<String>,
    first_heading: Option<String>,
    /// The paragraphs that are open: a text box stands within one of its page.
    paragraphs: Vec<Paragraph>,
    tables: Vec<Table>,
    /// Elements that are open within one whose content is not read.
    skipped: usize,
    is_text: bool,
    last_was_item: bool,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    style: String,
    list: Option<(String, usize)>,
    is_hidden_run: bool,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
}

impl Writer {
    fn take(&mut self, piece: Part<'_>) -> Result<(), Refusal> {
        match piece {
            Part::Open(element) if self.skipped > 0 || is_skipped(element.name()) => {
                self.skipped += usize::from(!element.is_empty());
            }
            Part::Close(_) if self.skipped > 0 => self.skipped -= 1,
            Part::Open(element) => self.open(&element),
            Part::Text(text) if self.is_text && self.skipped == 0 => self.push(text),
            Part::Text(_) => {}
            Part::Close(name) => self.close(name),
        }
        if self.out.len() > TEXT_BYTES_MAX {
            let why = format!("the file holds more than {TEXT_BYTES_MAX} bytes of text");
            return Err(Refusal::new(why, "cut it into smaller files"));
        }
        Ok(())
    }

    fn open(&mut self, element: &super::docx_parts::Element<'_>) {
        let value = || element.attribute("val").unwrap_or_default();
        let is_on = || !matches!(value().as_str(), "0" | "false" | "off");
        match element.name() {
            "p" if !element.is_empty() => self.paragraphs.push(Paragraph::default()),
            "t" => self.is_text = !element.is_empty(),
            "tab" => self.push(" "),
            "br" | "cr" => self.push("\n"),
            "noBreakHyphen" => self.push("-"),
            "tbl" if !element.is_empty() => self.tables.push(Table::default()),
            "tr" => self.tables.last_mut().into_iter().for_each(|table| table.rows.push(Vec::new())),
            "tc" => self.cell().into_iter().for_each(|row| row.push(String::new())),
            name => {
                let Some(paragraph) = self.paragraphs.last_mut() else { return };
                match name {
                    "pStyle" => paragraph.style = value(),
                    "ilvl" => {
                        let level = value().parse().unwrap_or(0).min(LIST_LEVEL_MAX);
                        paragraph.list.get_or_insert_default().1 = level;
                    }
                    "numId" => paragraph.list.get_or_insert_default().0 = value(),
                    "r" => paragraph.is_hidden_run = false,
                    "vanish" => paragraph.is_hidden_run = is_on(),
                    _ => {}
                }
            }
        }
    }

    fn cell(&mut self) -> Option<&mut Vec<String>> {
        self.tables.last_mut()?.rows.last_mut()
    }

    fn push(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraphs.last_mut().filter(|paragraph| !paragraph.is_hidden_run) {
            paragraph.text.push_str(text);
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "t" => self.is_text = false,
            "p" => {
                if let Some(paragraph) = self.paragraphs.pop() {
                    self.write(paragraph);
                }
            }
            "tbl" => {
                if let Some(table) = self.tables.pop() {
                    self.write_table(table);
                }
            }
            _ => {}
        }
    }

    fn write(&mut self, paragraph: Paragraph) {
        let lines: Vec<String> = paragraph.text.lines().map(collapsed).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() {
            return;
        }
        if !self.tables.is_empty() {
            self.write_into_cell(&lines.join(" "));
            return;
        }
        let style = self.styles.get(&paragraph.style);
        if style.is_title && self.title.is_none() {
            self.title = Some(lines.join(" "));
        }
        if let Some(level) = style.heading_level {
            self.begin(false);
            self.out.extend(std::iter::repeat_n('#', level));
            let words = lines.join(" ");
            self.out.push(' ');
            self.out.push_str(&words);
            self.first_heading.get_or_insert(words);
            return;
        }
        let list = paragraph.list.or_else(|| style.list.clone()).filter(|(id, _)| id != "0" && !id.is_empty());
        let Some((id, level)) = list else {
            self.begin(false);
            self.write_lines(&lines, "");
            return;
        };
        self.begin(true);
        let indent = "   ".repeat(level);
        let marker = if self.numbering.is_ordered(&id, level) {
            format!("{}. ", self.numbering.next(&id, level))
        } else {
            "- ".to_owned()
        };
        self.out.push_str(&indent);
        self.out.push_str(&marker);
        self.write_lines(&lines, &format!("{indent}{}", " ".repeat(marker.len())));
    }

    /// Writes lines of which all but the first are indented. What would begin a heading or code is text here.
    fn write_lines(&mut self, lines: &[String], indent: &str) {
        for (number, line) in lines.iter().enumerate() {
            if number > 0 {
                self.out.push('\n');
                self.out.push_str(indent);
            }
            if line.starts_with('#') || line.starts_with("```") || line.starts_with("~~~") {
                self.out.push('\\');
            }
            self.out.push_str(line);
        }
    }

    fn begin(&mut self, is_item: bool) {
        if !self.out.is_empty() {
            self.out.push_str(if is_item && self.last_was_item { "\n" } else { "\n\n" });
        }
        self.last_was_item = is_item;
    }

    fn write_into_cell(&mut self, text: &str) {
        let Some(cell) = self.cell().and_then(|row| row.last_mut()) else { return };
        if !cell.is_empty() {
            cell.push(' ');
        }
        cell.push_str(text);
    }

    /// Writes a table; one within a cell is words of that cell, and one of a single column only lays text out.
    fn write_table(&mut self, table: Table) {
        let rows: Vec<Vec<String>> =
            table.rows.into_iter().filter(|row| row.iter().any(|cell| !cell.is_empty())).collect();
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        if !self.tables.is_empty() {
            let words: Vec<String> = rows.into_iter().flatten().filter(|cell| !cell.is_empty()).collect();
            self.write_into_cell(&words.join(" "));
            return;
        }
        if columns < 2 || rows.len() < 2 {
            for cell in rows.into_iter().flatten().filter(|cell| !cell.is_empty()) {
                self.begin(false);
                self.write_lines(&[cell], "");
            }
            return;
        }
        self.begin(false);
        for (number, row) in rows.iter().enumerate() {
            if number > 0 {
                self.out.push('\n');
            }
            for column in 0..columns {
                self.out.push_str("| ");
                self.out.push_str(&row.get(column).map_or(String::new(), |cell| cell.replace('|', "\\|")));
                self.out.push(' ');
            }
            self.out.push('|');
            if number == 0 {
                self.out.push('\n');
                self.out.push_str(&"| --- ".repeat(columns));
                self.out.push('|');
            }
        }
    }

    fn end_block(&mut self) {
        while let Some(paragraph) = self.paragraphs.pop() {
            self.write(paragraph);
        }
    }
}

/// What holds no text of the document: the older drawing of what was written before, deletions, notes.
fn is_skipped(name: &str) -> bool {
    matches!(
        name,
        "Fallback" | "del" | "moveFrom" | "instrText" | "delText" | "pPrChange" | "rPrChange" | "sectPr" | "tabs"
    )
}

fn collapsed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
