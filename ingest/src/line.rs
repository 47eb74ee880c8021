//! The text of one block of Markdown as it is collected from a page's pieces.

/// Text of one block, its white space collapsed.
#[derive(Default)]
pub(crate) struct Line {
    /// What was collected.
    pub(crate) text: String,
    /// Whether a space follows before the next word.
    pub(crate) has_space: bool,
}

impl Line {
    pub(crate) fn push(&mut self, text: &str) {
        self.has_space |= text.starts_with(char::is_whitespace);
        for word in text.split_whitespace() {
            self.space();
            // Soft hyphens and zero-width spaces are hints to a browser, not text.
            self.text.extend(word.split(['\u{ad}', '\u{200b}', '\u{feff}']));
            self.has_space = true;
        }
        self.has_space = self.has_space && text.ends_with(char::is_whitespace);
    }

    pub(crate) fn push_code(&mut self, code: &str) {
        if code.is_empty() {
            return;
        }
        self.space();
        let fence = if code.contains('`') { "``" } else { "`" };
        self.text.extend([fence, code, fence]);
    }

    pub(crate) fn break_line(&mut self) {
        self.text.push('\n');
        self.has_space = false;
    }

    fn space(&mut self) {
        if self.has_space && !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push(' ');
        }
        self.has_space = false;
    }
}
