//! A text that is used but never shown.

use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

const DOTS: &str = "••••";

/// A key, a password, or an address that may hold one. It prints as `••••`; of an address only the
/// password is hidden.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is not set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return f.write_str(if self.is_empty() { "" } else { DOTS });
        };
        // Passwords may also stand in the query (`?password=…`), so that is hidden as a whole.
        let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?••••"));
        match rest.rsplit_once('@') {
            None => write!(f, "{scheme}://{rest}{query}"),
            Some((login, host)) => match login.split_once(':') {
                None => write!(f, "{scheme}://{login}@{host}{query}"),
                Some((user, _)) => write!(f, "{scheme}://{user}:{DOTS}@{host}{query}"),
            },
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({self})")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_way_of_printing_shows_it() {
        let secret = Secret::from("sk-abc".to_owned());
        assert_eq!(format!("{secret} {secret:?}"), "•••• Secret(••••)");
        assert_eq!(serde_json::json!(secret), "••••");
        assert_eq!(Secret::default().to_string(), "");
    }

    #[test]
    fn of_an_address_only_the_password_is_hidden() {
        let shown = |url: &str| Secret::from(url.to_owned()).to_string();
        assert_eq!(shown("postgres://ann:p@ss@db:5432/desk"), "postgres://ann:••••@db:5432/desk");
        assert_eq!(shown("postgres://ann@db/desk"), "postgres://ann@db/desk");
        assert_eq!(shown("postgres://db/desk?password=p"), "postgres://db/desk?••••");
    }
}
