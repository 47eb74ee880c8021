//! Writes the content of a page as Markdown: headings, paragraphs, lists, quotes, tables and code.
//! Emphasis and link targets are left out, so that what is quoted reads as it was seen.

#![expect(clippy::wildcard_enum_match_arm, reason = "of all elements, each match is about a few")]

use crate::content::Content;
use crate::dom::{Kind, Outline, Tag};
use crate::line::Line;
use crate::reason::Reason;

/// The text of one page, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How far lists and quotes are indented, in bytes; deeper ones stay there.
const INDENT_BYTES_MAX: usize = 24;
/// Text of a cell from which a table is layout, in bytes.
const CELL_BYTES_MAX: usize = 1_000;
/// Columns of a table that is written as one.
const COLUMNS_MAX: usize = 64;

/// Writes the content of a page.
pub(crate) fn write(outline: &Outline<'_>, content: &Content) -> Result<String, Reason> {
    let mut writer = Writer {
        outline,
        content,
        out: String::new(),
        line: Line::default(),
        prefix: String::new(),
        last_prefix: String::new(),
        marker: None,
        is_near: false,
        heading: None,
        frames: Vec::new(),
        lists: Vec::new(),
    };
    writer.run()?;
    Ok(writer.out)
}

struct Writer<'a> {
    outline: &'a Outline<'a>,
    content: &'a Content,
    out: String,
    line: Line,
    /// What each line begins with: quotes and indents of lists.
    prefix: String,
    /// The same of the block before.
    last_prefix: String,
    /// The marker of a list item that has written nothing yet; it takes the place of its indent.
    marker: Option<String>,
    /// Whether the next block follows without a blank line.
    is_near: bool,
    heading: Option<u8>,
    frames: Vec<Frame>,
    lists: Vec<List>,
}

struct Frame {
    end: usize,
    tag: Tag,
    prefix_bytes: usize,
}

struct List {
    next_number: Option<usize>,
    items: usize,
}

impl<'a> Writer<'a> {
    fn run(&mut self) -> Result<(), Reason> {
        let root = self.content.root;
        let end = self.outline.get(root).map_or(root, |item| item.end);
        let mut index = root;
        while let Some(item) = self.outline.get(index).filter(|_| index < end) {
            self.close_until(index);
            if self.out.len() + self.line.text.len() > TEXT_BYTES_MAX {
                return Err(Reason::TextTooLarge(TEXT_BYTES_MAX));
            }
            let step_into = if self.is_left_out(index) { false } else { self.visit(index) };
            index = if step_into { index + 1 } else { item.end };
        }
        self.close_until(usize::MAX);
        self.end_block();
        Ok(())
    }

    fn is_left_out(&self, index: usize) -> bool {
        self.content.left_out.get(index).copied().unwrap_or(false)
    }

    /// Takes one item in; says whether what is inside it is to be visited.
    fn visit(&mut self, index: usize) -> bool {
        let Some(item) = self.outline.get(index) else { return false };
        let (tag, element) = match item.kind {
            Kind::Text(text) => {
                self.line.push(text);
                return false;
            }
            Kind::Element(tag, element) => (tag, element),
        };
        match tag {
            Tag::Break => self.line.break_line(),
            Tag::Code => self.line.push_code(&self.outline.text(index)),
            Tag::Preformatted => self.write_code(index),
            // Doxygen writes code as lines that are blocks.
            Tag::Block if element.attr("class") == Some("fragment") => self.write_code(index),
            Tag::Table if self.write_table(index) => {}
            // A button in a heading is the question of an accordion; elsewhere it is a thing to click.
            Tag::Button if !self.is_in_heading() => {}
            Tag::Anchor if self.is_in_heading() && !self.outline.text(index).contains(char::is_alphanumeric) => {}
            Tag::Anchor | Tag::Inline | Tag::Button => return true,
            _ => {
                let start = element.attr("start").and_then(|start| start.parse().ok());
                self.open(tag, item.end, start);
                return true;
            }
        }
        false
    }

    fn is_in_heading(&self) -> bool {
        self.heading.is_some()
            || self.frames.iter().rev().take(4).any(|frame| matches!(frame.tag, Tag::Term | Tag::Paragraph))
    }

    fn open(&mut self, tag: Tag, end: usize, start: Option<usize>) {
        self.end_block();
        self.frames.push(Frame { end, tag, prefix_bytes: self.prefix.len() });
        match tag {
            Tag::Heading(level) => self.heading = Some(level),
            Tag::List => self.lists.push(List { next_number: None, items: 0 }),
            Tag::OrderedList => {
                self.lists.push(List { next_number: Some(start.unwrap_or(1)), items: 0 });
            }
            Tag::Item => {
                let is_nested = self.lists.len() > 1;
                let marker = self.lists.last_mut().map_or_else(|| "- ".to_owned(), List::marker);
                let is_first = self.lists.last().is_none_or(|list| list.items == 1);
                self.is_near |= is_nested || !is_first;
                self.indent(marker);
            }
            Tag::Term => self.indent("- ".to_owned()),
            Tag::Description if self.prefix.len() < INDENT_BYTES_MAX => self.prefix.push_str("  "),
            Tag::Quote if self.prefix.len() < INDENT_BYTES_MAX => self.prefix.push_str("> "),
            _ => {}
        }
    }

    fn indent(&mut self, marker: String) {
        if self.prefix.len() < INDENT_BYTES_MAX {
            self.prefix.extend(std::iter::repeat_n(' ', marker.len()));
            self.marker = Some(marker);
        }
    }

    fn close_until(&mut self, index: usize) {
        while let Some(frame) = self.frames.pop_if(|frame| frame.end <= index) {
            self.end_block();
            self.prefix.truncate(frame.prefix_bytes);
            match frame.tag {
                Tag::Heading(_) => self.heading = None,
                Tag::List | Tag::OrderedList => {
                    self.lists.pop();
                    self.is_near = false;
                }
                Tag::Item | Tag::Term => self.marker = None,
                _ => {}
            }
        }
    }

    /// Writes the collected line as a paragraph or heading.
    fn end_block(&mut self) {
        let line = std::mem::take(&mut self.line).text;
        let text = line.trim();
        // What is left of a row of links or buttons says nothing.
        if !text.contains(char::is_alphanumeric) {
            return;
        }
        if self.heading.is_some() && self.marker.as_deref() == Some("- ") {
            self.leave_list();
        }
        self.begin_block();
        if let Some(level) = self.heading {
            self.out.extend(std::iter::repeat_n('#', level.into()));
            self.out.push(' ');
            self.out.push_str(&text.replace('\n', " "));
            return;
        }
        for (number, line) in text.split('\n').map(str::trim).filter(|line| !line.is_empty()).enumerate() {
            if number > 0 {
                self.begin_line();
            }
            // What would begin a heading or a block of code is text here.
            if line.starts_with('#') || line.starts_with("```") || line.starts_with("~~~") {
                self.out.push('\\');
            }
            self.out.push_str(line);
        }
    }

    /// A list whose items begin with headings only lays a page out.
    fn leave_list(&mut self) {
        self.marker = None;
        self.is_near = false;
        let outer = self.prefix.trim_end_matches(' ').len();
        self.prefix.truncate(outer);
        self.prefix.extend((outer > 0).then_some(' '));
    }

    fn begin_block(&mut self) {
        if !self.out.is_empty() {
            if !self.is_near {
                self.out.push('\n');
                // A blank line belongs to the quotes that both blocks stand in.
                let shared =
                    self.prefix.bytes().zip(self.last_prefix.bytes()).take_while(|(one, other)| one == other).count();
                self.out.push_str(self.prefix.get(..shared).unwrap_or_default().trim_end());
            }
            self.out.push('\n');
        }
        self.is_near = false;
        self.last_prefix.clone_from(&self.prefix);
        match self.marker.take() {
            Some(marker) => {
                let outer = self.prefix.len().saturating_sub(marker.len());
                self.out.push_str(self.prefix.get(..outer).unwrap_or_default());
                self.out.push_str(&marker);
            }
            None => self.out.push_str(&self.prefix),
        }
    }

    fn begin_line(&mut self) {
        self.out.push('\n');
        self.out.push_str(&self.prefix);
    }

    fn write_code(&mut self, index: usize) {
        self.end_block();
        let mut code = String::new();
        self.each_kept(index, |_, kind| match kind {
            Kind::Text(text) => code.push_str(text),
            Kind::Element(Tag::Break, _) => code.push('\n'),
            Kind::Element(tag, _) if !tag.is_inline() && !code.is_empty() && !code.ends_with('\n') => code.push('\n'),
            Kind::Element(..) => {}
        });
        let code = code.trim_start_matches(['\n', '\r']).trim_end();
        if code.is_empty() {
            return;
        }
        let fence = if code.contains("```") { "`````" } else { "```" };
        self.begin_block();
        self.out.push_str(fence);
        self.out.push_str(self.language(index).unwrap_or_default());
        for line in code.lines() {
            self.begin_line();
            self.out.push_str(line);
        }
        self.begin_line();
        self.out.push_str(fence);
    }

    fn language(&self, index: usize) -> Option<&'a str> {
        let first_inside = self.outline.children(index).map(|(inner, _)| inner).next();
        [Some(index), first_inside].into_iter().flatten().find_map(|index| {
            let Kind::Element(_, element) = self.outline.get(index)?.kind else { return None };
            let language = element
                .attr("class")?
                .split_ascii_whitespace()
                .find_map(|name| name.strip_prefix("language-").or_else(|| name.strip_prefix("lang-")))?;
            language.chars().all(|c| c.is_ascii_alphanumeric() || "+-#_.".contains(c)).then_some(language)
        })
    }

    /// Writes a table of data. One that only lays a page out is left to be read cell by cell.
    fn write_table(&mut self, index: usize) -> bool {
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut is_data = true;
        self.each_kept(index, |inner, kind| match kind {
            Kind::Element(Tag::Row, _) => rows.push(Vec::new()),
            Kind::Element(Tag::Cell | Tag::HeaderCell, _) => {
                let cell = self.cell(inner);
                is_data &= cell.len() <= CELL_BYTES_MAX;
                rows.last_mut().into_iter().for_each(|row| row.push(cell.clone()));
            }
            Kind::Element(Tag::Table | Tag::Heading(_) | Tag::Preformatted, _) => is_data = false,
            Kind::Element(..) | Kind::Text(_) => {}
        });
        rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        if !is_data || rows.len() < 2 || !(2..=COLUMNS_MAX).contains(&columns) {
            return false;
        }
        self.end_block();
        self.write_caption(index);
        self.begin_block();
        for (number, row) in rows.iter().enumerate() {
            if number > 0 {
                self.begin_line();
            }
            for column in 0..columns {
                self.out.push_str("| ");
                self.out.push_str(row.get(column).map_or("", String::as_str));
                self.out.push(' ');
            }
            self.out.push('|');
            if number == 0 {
                self.begin_line();
                self.out.push_str(&"| --- ".repeat(columns));
                self.out.push('|');
            }
        }
        true
    }

    fn write_caption(&mut self, table: usize) {
        let caption =
            self.outline.children(table).find(|(_, item)| matches!(item.kind, Kind::Element(Tag::Paragraph, _)));
        if let Some((index, _)) = caption.filter(|(index, _)| !self.is_left_out(*index)) {
            let text = self.outline.text(index);
            self.line.push(&text);
            self.end_block();
        }
    }

    fn cell(&self, index: usize) -> String {
        let mut line = Line::default();
        let mut code_end = 0;
        self.each_kept(index, |inner, kind| match kind {
            _ if inner < code_end => {}
            Kind::Text(text) => line.push(text),
            Kind::Element(Tag::Code, _) => {
                line.push_code(&self.outline.text(inner));
                code_end = self.outline.get(inner).map_or(0, |item| item.end);
            }
            Kind::Element(tag, _) => line.has_space |= !tag.is_inline() || tag == Tag::Break,
        });
        line.text.trim().replace('|', "\\|")
    }

    /// Calls for each item inside that is not left out.
    fn each_kept(&self, index: usize, mut act: impl FnMut(usize, Kind<'_>)) {
        let mut left_out_end = 0;
        for (inner, item) in self.outline.inside(index) {
            if self.is_left_out(inner) {
                left_out_end = left_out_end.max(item.end);
            }
            if inner >= left_out_end {
                act(inner, item.kind);
            }
        }
    }
}

impl List {
    fn marker(&mut self) -> String {
        self.items += 1;
        match &mut self.next_number {
            None => "- ".to_owned(),
            Some(number) => {
                let marker = format!("{number}. ");
                *number = number.saturating_add(1);
                marker
            }
        }
    }
}
