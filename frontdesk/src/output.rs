//! What goes where: stdout is the result, stderr is talk. People read text, programs read JSON.

use crate::failure::Failure;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// How the process ends. The numbers are a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// Everything worked.
    Ok,
    /// The reader of a pipe went away, so nobody waits for the rest: ends as if all had worked.
    ReaderGone,
    /// A problem was found, or a gate failed.
    Problem,
    /// The command line is wrong.
    Usage,
    /// The settings are wrong.
    Configuration,
    /// Not allowed.
    NotAllowed,
    /// A dependency cannot be reached.
    Unreachable,
    /// Stopped by Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok | Self::ReaderGone => 0,
            Self::Problem => 1,
            Self::Usage => 2,
            Self::Configuration => 3,
            Self::NotAllowed => 4,
            Self::Unreachable => 5,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text for people.
    Text,
    /// One JSON value, or one per line where a command streams.
    Json,
}

/// Whether text may carry colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// On a terminal only.
    WhereShown,
    /// Never: `NO_COLOR` is set.
    Never,
}

/// A meaning that text can be coloured by. Words carry it too; colour is never alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Done, healthy.
    Good,
    /// Works, but look at it.
    Warning,
    /// Broken.
    Bad,
    /// Beside the point.
    Quiet,
}

impl Tone {
    fn escape(self) -> &'static str {
        match self {
            Self::Good => "\u{1b}[32m",
            Self::Warning => "\u{1b}[33m",
            Self::Bad => "\u{1b}[31m",
            Self::Quiet => "\u{1b}[2m",
        }
    }
}

/// Writes results to stdout and talk to stderr.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    format: Format,
    colour: Colour,
}

impl Output {
    /// An output in this format.
    pub fn new(format: Format, colour: Colour) -> Self {
        Self { format, colour }
    }

    /// The format of results.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Writes one result: `value` as a line of JSON, or what `text` makes of it.
    pub fn result<T: Serialize>(&self, value: &T, text: impl FnOnce(&T) -> String) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.line(&json(value)?),
            Format::Text => self.line(&text(value)),
        }
    }

    /// Writes a line to stdout, whatever the format.
    pub fn line(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            stdout.write_all(b"\n")?;
        }
        Ok(stdout.flush()?)
    }

    /// Says something on stderr. Nobody there to hear it is no failure.
    pub fn say(&self, text: &str) {
        let _unheard = writeln!(io::stderr().lock(), "{text}");
    }

    /// Says why the command failed: text, or JSON where results are JSON.
    pub fn failure(&self, failure: &Failure) {
        match (failure.exit, self.format) {
            (Exit::ReaderGone, _) => {}
            (_, Format::Text) => self.say(&failure.to_string()),
            (_, Format::Json) => {
                let line = json(&serde_json::json!({ "error": failure }));
                self.say(&line.unwrap_or_else(|_| failure.to_string()));
            }
        }
    }

    /// The text in the tone's colour, where stdout shows colours.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        let shown = self.colour == Colour::WhereShown && io::stdout().is_terminal();
        if shown { format!("{}{text}\u{1b}[0m", tone.escape()) } else { text.to_owned() }
    }

    /// A progress bar on stderr, drawn on a terminal only. `length` 0: a spinner that counts.
    pub fn progress(&self, what: &'static str, length: u64) -> ProgressBar {
        let target = match (self.format, io::stderr().is_terminal()) {
            (Format::Text, true) => ProgressDrawTarget::stderr(),
            (Format::Text | Format::Json, _) => ProgressDrawTarget::hidden(),
        };
        let bar = match length {
            0 => ProgressBar::no_length(),
            length => ProgressBar::new(length),
        };
        bar.set_draw_target(target);
        let template = match length {
            0 => "{spinner} {prefix} {pos} {wide_msg}",
            _ => "{prefix} [{bar:30}] {pos}/{len} {eta} {wide_msg}",
        };
        let style = ProgressStyle::with_template(template);
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_prefix(what)
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::new(Exit::Problem, "cannot write JSON").because(error))
}

/// Columns as wide as their widest cell, two spaces between them; the last column is not padded.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        widest.max(head.get(column).map_or(0, |name| name.chars().count()))
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let body = rows.iter().map(|row| line(&mut row.iter().map(String::as_str)));
    std::iter::once(line(&mut head.iter().copied())).chain(body).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_contract() {
        let all = [Exit::Ok, Exit::Problem, Exit::Usage, Exit::Configuration, Exit::NotAllowed];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4]);
        assert_eq!((Exit::Unreachable.code(), Exit::Interrupted.code()), (5, 130));
        assert_eq!(Exit::ReaderGone.code(), 0);
    }

    #[test]
    fn a_table_lines_its_columns_up() {
        let rows = vec![vec!["a".into(), "long cell".into()], vec!["bcd".into(), "é".into()]];
        assert_eq!(table(&["id", "name"], &rows), "id   name\na    long cell\nbcd  é");
    }

    #[test]
    fn colour_is_never_written_off_a_terminal_or_with_no_color() {
        let output = Output::new(Format::Text, Colour::Never);
        assert_eq!(output.paint(Tone::Bad, "broken"), "broken");
    }
}
