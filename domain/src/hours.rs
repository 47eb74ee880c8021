//! When a desk is open: periods of a week in a time zone, and days on which it is closed.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

/// When a desk is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpeningHours {
    /// The IANA name of the time zone, `Europe/Vienna`.
    pub time_zone: String,
    /// The periods of a week; one that goes past midnight is written as two.
    pub periods: Vec<OpenPeriod>,
    /// Days on which it is closed all the same, `2026-12-25`.
    #[serde(default)]
    pub closed_on: Vec<String>,
}

/// A period of a day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenPeriod {
    /// The day.
    pub day: Weekday,
    /// Its first minute, `09:00`.
    pub from: TimeOfDay,
    /// The minute after its last, `17:30`; `24:00` is the end of the day.
    pub until: TimeOfDay,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A minute of a day, written `09:05`, up to `24:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// Minutes since midnight.
    pub fn minutes(self) -> u16 {
        self.0
    }
}

/// A text that is no time of a day.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a time of day: write hours and minutes, such as 09:30, up to 24:00")]
pub struct InvalidTimeOfDay(String);

impl TryFrom<String> for TimeOfDay {
    type Error = InvalidTimeOfDay;

    fn try_from(text: String) -> Result<Self, InvalidTimeOfDay> {
        let digits = |part: &str| {
            let is_plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u16>().ok().filter(|_| is_plain)
        };
        let parts = text.split_once(':').and_then(|(hours, minutes)| digits(hours).zip(digits(minutes)));
        match parts {
            Some((hours, minutes)) if minutes < 60 && hours * 60 + minutes <= DAY_MINUTES => {
                Ok(Self(hours * 60 + minutes))
            }
            _ => Err(InvalidTimeOfDay(text)),
        }
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl OpeningHours {
    /// Whether a minute of a day of the week is within a period.
    pub fn holds(&self, day: Weekday, minute: u16) -> bool {
        let within = |period: &&OpenPeriod| period.from.minutes() <= minute && minute < period.until.minutes();
        self.periods.iter().filter(|period| period.day == day).any(|period| within(&period))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_read_themselves_back_and_others_are_refused() {
        for text in ["00:00", "09:05", "24:00"] {
            assert_eq!(TimeOfDay::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        for text in ["9:00", "09:60", "24:01", "25:00", "0900", "", "-1:00", "aa:bb", "65535:59"] {
            assert!(TimeOfDay::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_period_holds_its_first_minute_and_not_its_last() {
        let json = r#"{"time_zone":"UTC","periods":[{"day":"monday","from":"09:00","until":"17:00"}]}"#;
        let hours: OpeningHours = serde_json::from_str(json).unwrap();
        for (day, minute, open) in [
            (Weekday::Monday, 9 * 60, true),
            (Weekday::Monday, 17 * 60 - 1, true),
            (Weekday::Monday, 17 * 60, false),
            (Weekday::Monday, 9 * 60 - 1, false),
            (Weekday::Tuesday, 10 * 60, false),
        ] {
            assert_eq!(hours.holds(day, minute), open, "{day:?} {minute}");
        }
    }
}
