//! PDF files: one document each. What a PDF claims is not believed: where the settings allow, it is read in
//! a process of its own, which a watchdog and the system hold within limits.

use super::pdf_text::{Page, as_markdown};
use super::{
    File, Intake, Isolation, KnowledgeSource, Reading, Refusal, check_empty, empty_schema, short_title, single,
};
use pdf_extract::{Document, PlainTextOutput, output_doc_page};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};

/// Pages of a file at most.
pub const PAGES_MAX: usize = 2_000;
/// Text of a file, in bytes.
pub const TEXT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How far into a file its signature may stand, in bytes.
const SIGNATURE_BYTES: usize = 1_024;
/// Letters on a page below which it shows only pictures, on average.
const PAGE_LETTERS_MIN: usize = 8;
/// Of so many characters, one may be unreadable.
const UNREADABLE_SHARE: usize = 10;
/// What the end of an encrypted file names.
const ENCRYPTED: &[u8] = b"/Encrypt";
/// The argument that makes a program read one PDF from standard input.
pub const PROGRAM_ARGUMENT: &str = "read-pdf";

/// A PDF file.
pub(super) struct Pdf;

/// What was read of a PDF, as it passes between processes.
#[derive(Debug, Serialize, Deserialize)]
pub struct PdfPages {
    title: String,
    pages: Vec<Page>,
}

impl KnowledgeSource for Pdf {
    fn kind(&self) -> &'static str {
        "pdf"
    }

    fn about(&self) -> &'static str {
        "PDF files"
    }

    fn intake(&self) -> Intake {
        Intake::Files(&["pdf"])
    }

    fn schema(&self) -> Value {
        empty_schema()
    }

    fn check(&self, settings: &Map<String, Value>) -> Result<(), Refusal> {
        check_empty(settings)
    }

    fn has_signature(&self, bytes: &[u8]) -> bool {
        bytes.get(..SIGNATURE_BYTES.min(bytes.len())).is_some_and(|start| start.windows(5).any(|five| five == b"%PDF-"))
    }

    fn read(&self, file: &File<'_>) -> Result<Reading, Refusal> {
        if !self.has_signature(file.bytes) {
            return Err(Refusal::new("the file says it is a PDF, but is something else", "export it as PDF again"));
        }
        let pdf = match file.isolation {
            Isolation::None => {
                catch_unwind(AssertUnwindSafe(|| read_pages(file.bytes))).unwrap_or_else(|_| Err(damaged(file.bytes)))
            }
            Isolation::Program(program) => read_apart(program, file.bytes),
        }?;
        let letters = |page: &Page| page.text.chars().filter(|c| c.is_alphanumeric()).count();
        let count = pdf.pages.len();
        if pdf.pages.iter().map(letters).sum::<usize>() < count * PAGE_LETTERS_MIN {
            let why = format!("the PDF has {count} pages of pictures and no text: it is a scan");
            return Err(Refusal::new(why, "run text recognition (OCR) over it and send the result"));
        }
        let is_unreadable = |c: &char| *c == '\u{fffd}' || ('\u{e000}'..='\u{f8ff}').contains(c);
        let characters = || pdf.pages.iter().flat_map(|page| page.text.chars());
        if characters().filter(is_unreadable).count() * UNREADABLE_SHARE > characters().count() {
            let why = "the letters of the PDF cannot be told: its fonts do not say what they draw";
            return Err(Refusal::new(
                why,
                "export it again with text that can be copied, or run text recognition (OCR)",
            ));
        }
        let (heading, text) = as_markdown(&pdf.pages);
        let stated = Some(short_title(&pdf.title)).filter(|title| is_title(title));
        single(self.kind(), file, stated.unwrap_or_else(|| short_title(&heading)), text)
    }
}

/// Programs write the name of a file where a title should be.
fn is_title(title: &str) -> bool {
    let lower = title.to_lowercase();
    let is_file =
        [".doc", ".docx", ".tex", ".dvi", ".indd", ".pdf", ".odt", ".qxd"].iter().any(|end| lower.ends_with(end));
    !is_file && title.chars().filter(|c| c.is_alphabetic()).count() >= 3 && !lower.starts_with("untitled")
}

/// What a PDF is that cannot be read to its end.
fn damaged(bytes: &[u8]) -> Refusal {
    if bytes.windows(ENCRYPTED.len()).any(|window| window == ENCRYPTED) {
        return Refusal::new("the PDF is encrypted", "save it without a password");
    }
    Refusal::new("the PDF is damaged: it cannot be read to its end", "open it, and export or print it as PDF again")
}

/// Reads a PDF in a process of its own.
fn read_apart(program: &std::path::Path, bytes: &[u8]) -> Result<PdfPages, Refusal> {
    let unavailable = |error: std::io::Error| {
        Refusal::new(format!("no process could be started to read the PDF: {error}"), "try again")
    };
    let mut child = Command::new(program)
        .arg(PROGRAM_ARGUMENT)
        .env_clear()
        // What the program's allocator reserves ahead of use counts against the limit of memory.
        .env("MIMALLOC_ARENA_RESERVE", "32M")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(unavailable)?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let mut answer = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A reader that gives up early closes its end; what it says tells why.
            let _ = stdin.map(|mut stdin| stdin.write_all(bytes));
        });
        let limit = u64::try_from(4 * TEXT_BYTES_MAX).unwrap_or(u64::MAX);
        let _ = stdout.map(|stdout| stdout.take(limit).read_to_end(&mut answer));
    });
    let status = child.wait().map_err(unavailable)?;
    if !status.success() {
        return Err(damaged(bytes));
    }
    serde_json::from_slice::<Result<PdfPages, Refusal>>(&answer).map_err(|_| damaged(bytes))?
}

/// Reads the pages of a PDF in this process. It may panic, and on files made to harm take long and much
/// memory: the caller holds it within limits.
pub fn read_pages(bytes: &[u8]) -> Result<PdfPages, Refusal> {
    let mut document = Document::load_mem(bytes).map_err(|_| damaged(bytes))?;
    if document.is_encrypted() {
        document.decrypt("").map_err(|_| damaged(bytes))?;
    }
    let count = document.get_pages().len();
    if count == 0 {
        return Err(damaged(bytes));
    }
    if count > PAGES_MAX {
        let why = format!("the PDF has {count} pages, {PAGES_MAX} are allowed");
        return Err(Refusal::new(why, "cut it into smaller files"));
    }
    let mut pages: Vec<Page> = Vec::with_capacity(count);
    let mut size = 0;
    for number in 1..=u32::try_from(count).unwrap_or(u32::MAX) {
        let mut text = String::new();
        let mut output = PlainTextOutput::new(&mut text);
        output_doc_page(&document, &mut output, number).map_err(|_| damaged(bytes))?;
        size += text.len();
        if size > TEXT_BYTES_MAX {
            let why = format!("the PDF holds more than {TEXT_BYTES_MAX} bytes of text");
            return Err(Refusal::new(why, "cut it into smaller files"));
        }
        pages.push(Page { text, headings: Vec::new() });
    }
    if let Ok(outline) = document.get_toc() {
        for entry in outline.toc {
            let page = entry.page.checked_sub(1).and_then(|index| pages.get_mut(index));
            page.into_iter().for_each(|page| page.headings.push((entry.level, entry.title.clone())));
        }
    }
    Ok(PdfPages { title: stated_title(&document).unwrap_or_default(), pages })
}

fn stated_title(document: &Document) -> Option<String> {
    let info = document.trailer.get(b"Info").ok()?;
    let (_, info) = document.dereference(info).ok()?;
    pdf_extract::decode_text_string(info.as_dict().ok()?.get(b"Title").ok()?).ok()
}
