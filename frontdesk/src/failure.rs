//! What a command that failed says: what, why, and the fix, with the code it exits with.

use crate::output::Exit;
use serde::Serialize;
use std::fmt;
use std::io;

/// A failure in words for the person at the terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What did not work.
    pub what: String,
    /// Why, when that is known and not plain from `what`.
    pub why: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
    /// How the process ends.
    pub exit: Exit,
}

impl Failure {
    /// A failure without reason and fix yet.
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { what: what.into(), why: None, fix: None, exit }
    }

    /// A failure of the settings.
    pub fn configuration(what: impl Into<String>) -> Self {
        Self::new(Exit::Configuration, what)
    }

    /// A dependency that cannot be reached.
    pub fn unreachable(what: impl Into<String>) -> Self {
        Self::new(Exit::Unreachable, what)
    }

    /// Adds why it happened.
    #[must_use]
    pub fn because(mut self, why: impl fmt::Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        if let Some(why) = &self.why {
            write!(f, "\n  {why}")?;
        }
        if let Some(fix) = &self.fix {
            write!(f, "\n  → {fix}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let kind = error.kind();
        if kind == io::ErrorKind::BrokenPipe {
            Self::new(Exit::ReaderGone, "the reader went away")
        } else if kind == io::ErrorKind::PermissionDenied {
            Self::new(Exit::NotAllowed, error.to_string())
        } else {
            Self::new(Exit::Problem, error.to_string())
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(failure) => failure,
            Err(error) => {
                let failure = Self::new(Exit::Problem, error.to_string());
                let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
                if causes.is_empty() { failure } else { failure.because(causes.join(": ")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_why_and_the_fix() {
        let failure = Failure::unreachable("cannot reach the database")
            .because("connection refused")
            .fix("start it, or unset database.url");
        assert_eq!(
            failure.to_string(),
            "error: cannot reach the database\n  connection refused\n  → start it, or unset database.url"
        );
    }

    #[test]
    fn a_failure_survives_the_way_through_anyhow() {
        let failure = Failure::configuration("no").because("really");
        assert_eq!(Failure::from(anyhow::Error::from(failure.clone())), failure);
        let other = anyhow::anyhow!("root").context("middle").context("top");
        let failure = Failure::from(other);
        assert_eq!((failure.what.as_str(), failure.why.as_deref()), ("top", Some("middle: root")));
    }

    #[test]
    fn a_closed_pipe_is_no_problem() {
        let error = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(Failure::from(error).exit, Exit::ReaderGone);
    }
}
