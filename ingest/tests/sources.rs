//! Files of every kind: what they become, and what refuses them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use ingest::sources::{self, File, Isolation, Reading, Refusal, conformance};
use serde_json::{Map, Value, json};
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

fn read(name: &str, bytes: &[u8]) -> Result<Reading, Refusal> {
    let settings = Map::new();
    let source = sources::source("import").unwrap();
    sources::read(source, &File { name, bytes, settings: &settings, isolation: &Isolation::None })
}

fn refusal(name: &str, bytes: &[u8]) -> String {
    match read(name, bytes) {
        Err(refusal) => refusal.why,
        Ok(reading) => panic!("`{name}` was taken: {reading:?}"),
    }
}

const TABLE: &[u8] = b"Question;Answer\nCan I pay by card?;\"Yes, \"\"any\"\" card.\nEven old ones.\"\nHow do I cancel?;In the settings.\n";

/// A DOCX file with this body.
fn docx(body: &str) -> Vec<u8> {
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>{body}</w:body></w:document>"
    );
    let styles = "<w:styles xmlns:w=\"x\"><w:style w:styleId=\"H2\"><w:name w:val=\"heading 2\"/></w:style><w:style w:styleId=\"T\"><w:name w:val=\"Title\"/></w:style><w:style w:styleId=\"Mine\"><w:basedOn w:val=\"H2\"/></w:style></w:styles>";
    let numbering = "<w:numbering xmlns:w=\"x\"><w:abstractNum w:abstractNumId=\"7\"><w:lvl w:ilvl=\"0\"><w:numFmt w:val=\"decimal\"/></w:lvl></w:abstractNum><w:num w:numId=\"1\"><w:abstractNumId w:val=\"7\"/></w:num></w:numbering>";
    packed(&[
        ("word/document.xml", document.as_bytes()),
        ("word/styles.xml", styles.as_bytes()),
        ("word/numbering.xml", numbering.as_bytes()),
    ])
}

fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn paragraph(style: &str, text: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

/// A PDF whose pages show these lines, with the given words in its trailer.
fn pdf(pages: &[&[&str]], trailer: &str) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len()).map(|page| format!("{} 0 R", 4 + 2 * page)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    for (number, lines) in pages.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents {} 0 R >>",
            5 + 2 * number
        ));
        let shown: Vec<String> = lines.iter().map(|line| format!("({line}) Tj T*")).collect();
        let content = format!("BT /F1 12 Tf 14 TL 50 800 Td {} ET", shown.join(" "));
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        places.push(out.len());
        out.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let start = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for place in places {
        out.extend(format!("{place:010} 00000 n \n").bytes());
    }
    out.extend(
        format!("trailer\n<< /Size {} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1)
            .bytes(),
    );
    out
}

#[test]
fn every_kind_conforms() {
    let word = docx(&paragraph("T", "Guide"));
    let page = pdf(&[&["A guide to billing", "Invoices are sent by mail."]], "");
    for source in sources::all() {
        let sample: Option<(&str, &[u8])> = match source.kind() {
            "website" => None,
            "pdf" => Some(("guide.pdf", &page)),
            "docx" => Some(("guide.docx", &word)),
            "csv" => Some(("faq.csv", TABLE)),
            "html" => Some(("page.html", b"<title>Page</title><h1>Page</h1><p>Words of it.")),
            "jsonl" => Some(("all.jsonl", b"{\"id\":\"1\",\"title\":\"One\",\"text\":\"Words.\"}\n")),
            _ => Some(("guide.md", b"# Guide\n\nWords.\n")),
        };
        conformance::exercise(source, sample);
    }
}

#[test]
fn each_row_of_a_table_is_a_document() {
    let reading = read("faq/table.csv", TABLE).unwrap();
    assert!(reading.replaces);
    let texts: Vec<(&str, &str)> = reading.texts.iter().map(|text| (text.title.as_str(), text.text.as_str())).collect();
    assert_eq!(
        texts,
        [("Can I pay by card?", "Yes, \"any\" card.\nEven old ones."), ("How do I cancel?", "In the settings.")]
    );
    assert!(reading.texts[0].external_id.starts_with("faq/table.csv#"));
    let reworded = String::from_utf8(TABLE.to_vec()).unwrap().replace("In the settings", "By mail");
    let reworded = read("faq/table.csv", reworded.as_bytes()).unwrap();
    assert_eq!(reworded.texts[1].external_id, reading.texts[1].external_id, "the same question is the same document");
}

#[test]
fn tables_say_what_is_wrong_with_them() {
    assert!(refusal("faq.csv", b"").contains("0 bytes"));
    assert_eq!(
        refusal("faq.csv", b"name,mail\nA,a@b\n"),
        "the table has no column `question`; its first row names `name`, `mail`"
    );
    assert_eq!(refusal("faq.csv", b"question,answer\nWhy?,\n"), "the row at line 2 has no answer");
    assert!(
        refusal("faq.csv", b"id,question,answer\n1,a,b\n1,c,d\n").contains("`1` at line 3 stands in the table twice")
    );
    assert!(refusal("faq.csv", b"question,answer\n").contains("no text"));
    let twice = read("faq.csv", b"q,a\nSame?,One.\nSame?,One.\nSame?,Two.\n").unwrap();
    assert_eq!(twice.texts.len(), 2);
}

#[test]
fn the_columns_of_a_table_can_be_named() {
    let settings: Map<String, Value> =
        json!({ "question_column": "Betreff", "answer_column": "Lösung", "id_column": "Nr" })
            .as_object()
            .unwrap()
            .clone();
    let source = sources::source("csv").unwrap();
    source.check(&settings).unwrap();
    // Windows-1252, as spreadsheets write it.
    let bytes = b"Nr;Betreff;L\xf6sung\n7;Wie k\xfcndige ich?;Unter Einstellungen f\xfcr das Konto.\n";
    let file = File { name: "faq.csv", bytes, settings: &settings, isolation: &Isolation::None };
    let reading = sources::read(source, &file).unwrap();
    assert_eq!(
        (reading.texts[0].external_id.as_str(), reading.texts[0].title.as_str()),
        ("faq.csv#7", "Wie kündige ich?")
    );
}

#[test]
fn word_files_keep_headings_lists_and_tables() {
    let item = |text: &str| {
        format!(
            "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"1\"/></w:numPr></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"
        )
    };
    let cell = |text: &str| format!("<w:tc><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>");
    let body = [
        paragraph("T", "Billing &amp; taxes"),
        paragraph("Mine", "Pay"),
        "<w:p><w:r><w:t xml:space=\"preserve\">Words </w:t></w:r><w:del><w:r><w:t>old</w:t></w:r></w:del><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><w:r><w:t>here.</w:t></w:r></w:p>".to_owned(),
        item("First"),
        item("Second"),
        format!("<w:tbl><w:tr>{}{}</w:tr><w:tr>{}{}</w:tr></w:tbl>", cell("Plan"), cell("Price"), cell("Pro"), cell("9|month")),
        paragraph("", "# not a heading"),
    ];
    let reading = read("billing.docx", &docx(&body.concat())).unwrap();
    assert_eq!(reading.texts[0].title, "Billing & taxes");
    assert_eq!(
        reading.texts[0].text,
        "# Billing & taxes\n\n## Pay\n\nWords here.\n\n1. First\n2. Second\n\n| Plan | Price |\n| --- | --- |\n| Pro | 9\\|month |\n\n\\# not a heading"
    );
}

#[test]
fn word_files_that_mean_harm_are_refused() {
    let bomb = format!("<w:p><w:r><w:t>{}</w:t></w:r></w:p>", "a".repeat(70 * 1024 * 1024));
    let bomb = docx(&bomb);
    assert!(bomb.len() < 1_000_000);
    assert!(refusal("bomb.docx", &bomb).contains("unpacks to more than"));
    let entities = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]>";
    let laughs = docx(&format!("{entities}<w:p><w:r><w:t>Text &b;.</w:t></w:r></w:p>"));
    assert!(read("laughs.docx", &laughs).is_ok_and(|reading| !reading.texts[0].text.contains("ha")));
    let deep = docx(&format!("{}<w:p><w:r><w:t>In.</w:t></w:r></w:p>", "<w:tbl><w:tr><w:tc>".repeat(50_000)));
    assert!(read("deep.docx", &deep).is_err());
    assert!(refusal("old.docx", &[0xd0, 0xcf, 0x11, 0xe0, 0, 0]).contains("old format"));
    assert!(refusal("other.docx", &packed(&[("xl/workbook.xml", b"<x/>")])).contains("no text part"));
}

#[test]
fn pdf_files_are_read_page_by_page() {
    let reading = read(
        "guide.pdf",
        &pdf(&[&["A guide to billing", "Invoices are sent by mail."], &["Refunds take five days."]], ""),
    )
    .unwrap();
    let text = &reading.texts[0];
    assert_eq!(text.external_id, "guide.pdf");
    assert!(text.text.starts_with("## Page 1\n\nA guide to billing Invoices are sent by mail."), "{}", text.text);
    assert!(text.text.ends_with("## Page 2\n\nRefunds take five days."), "{}", text.text);
}

#[test]
fn pdf_files_that_lie_are_refused() {
    assert!(refusal("lie.pdf", b"This is no PDF at all.").contains("something else"));
    assert!(refusal("cut.pdf", b"%PDF-1.4\n1 0 obj\n<< /Type").contains("damaged"));
    assert!(refusal("scan.pdf", &pdf(&[&[], &[]], "")).contains("it is a scan"));
    let encrypted = pdf(
        &[&["Secret words."]],
        "/Encrypt << /Filter /Standard /V 1 /R 2 /O (aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) /U (bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb) /P -4 >> /ID [(abcdefghijklmnop) (abcdefghijklmnop)]",
    );
    assert!(refusal("locked.pdf", &encrypted).contains("encrypted"));
}

#[test]
fn what_is_not_text_is_no_text() {
    let picture = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0"[..], &[7; 400]].concat();
    assert!(refusal("notes.txt", &picture).contains("not text"));
    assert!(refusal("notes.md", &picture).contains("not text"));
    assert!(refusal("page.html", b"just words").contains("no HTML"));
    assert!(refusal("blank.txt", b" \n\n ").contains("no text"));
    assert!(refusal("sheet.xlsx", b"PK\x03\x04").contains("of no kind"));
}

#[test]
fn what_bytes_show_counts_more_than_a_name() {
    let kind = |name: &str, bytes: &[u8]| read(name, bytes).unwrap().kind;
    assert_eq!(kind("guide.txt", &pdf(&[&["A guide to billing and refunds"]], "")), "pdf");
    assert_eq!(kind("guide.bin", &docx(&paragraph("T", "Guide"))), "docx");
    assert_eq!(kind("GUIDE.MD", b"# Guide\n\nWords."), "markdown");
}

#[test]
fn titles_come_from_where_people_wrote_them() {
    let title = |name: &str, bytes: &[u8]| read(name, bytes).unwrap().texts[0].title.clone();
    assert_eq!(title("a.md", b"---\nid: 1\ntitle: \"Front\"\n---\n# Head\n\nWords."), "Front");
    assert_eq!(title("a.md", b"\xef\xbb\xbf# Head #\r\n\r\nWords."), "Head");
    assert_eq!(title("folder/how-to_pay.md", b"Words only."), "how to pay");
    assert_eq!(title("a.txt", b"Paying\n======\n\nWords."), "Paying");
    assert_eq!(title("how-to.txt", b"One line\nand another\n"), "how to");
}
