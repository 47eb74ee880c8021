//! An instant with microseconds: TIMESTAMPTZ on PostgreSQL, INTEGER microseconds on SQLite, RFC 3339
//! with milliseconds outside. Both stored forms sort and compare right.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// A moment in UTC. It holds no digits that a database would drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Timestamp);

impl Time {
    /// The first moment of 1970.
    pub const EPOCH: Self = Self(Timestamp::UNIX_EPOCH);

    /// The moment so many microseconds after 1970; out of range is clamped to the nearest moment.
    pub fn from_micros(micros: i64) -> Self {
        let end = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Self(Timestamp::from_microsecond(micros).unwrap_or(end))
    }

    /// Microseconds since 1970.
    pub fn micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Milliseconds since 1970.
    pub fn millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Time) -> Duration {
        let micros = self.micros().saturating_sub(earlier.micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// The calendar day in UTC, `2026-11-21`.
    pub fn day(self) -> String {
        self.0.strftime("%Y-%m-%d").to_string()
    }
}

impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Self {
        Self::from_micros(timestamp.as_microsecond())
    }
}

impl std::ops::Add<Duration> for Time {
    type Output = Time;
    fn add(self, duration: Duration) -> Time {
        let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        Time(self.0.saturating_add(duration).unwrap_or(Timestamp::MAX))
    }
}

impl std::ops::Sub<Duration> for Time {
    type Output = Time;
    fn sub(self, duration: Duration) -> Time {
        let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        Time(self.0.saturating_sub(duration).unwrap_or(Timestamp::MIN))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Timestamp::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(feature = "sqlx")]
mod columns {
    use super::Time;
    use sqlx::encode::{Encode, IsNull};
    use sqlx::error::BoxDynError;
    use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef};
    use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
    use sqlx::{Decode, Postgres, Sqlite, Type};

    impl Type<Sqlite> for Time {
        fn type_info() -> SqliteTypeInfo {
            <i64 as Type<Sqlite>>::type_info()
        }
        fn compatible(info: &SqliteTypeInfo) -> bool {
            <i64 as Type<Sqlite>>::compatible(info)
        }
    }
    impl Encode<'_, Sqlite> for Time {
        fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
            Encode::<Sqlite>::encode(self.micros(), buffer)
        }
    }
    impl<'r> Decode<'r, Sqlite> for Time {
        fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
            <i64 as Decode<Sqlite>>::decode(value).map(Self::from_micros)
        }
    }
    impl Type<Postgres> for Time {
        fn type_info() -> PgTypeInfo {
            <jiff_sqlx::Timestamp as Type<Postgres>>::type_info()
        }
    }
    impl Encode<'_, Postgres> for Time {
        fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
            Encode::<Postgres>::encode(jiff_sqlx::Timestamp::from(self.0), buffer)
        }
    }
    impl<'r> Decode<'r, Postgres> for Time {
        fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
            let timestamp = <jiff_sqlx::Timestamp as Decode<Postgres>>::decode(value)?;
            Ok(Self::from(timestamp.to_jiff()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_milliseconds_and_reads_itself_back() {
        let time = Time::from_micros(1_700_000_000_123_456);
        assert_eq!(time.to_string(), "2023-11-14T22:13:20.123Z");
        let json = serde_json::to_string(&time).unwrap();
        assert_eq!(serde_json::from_str::<Time>(&json).unwrap().millis(), time.millis());
        assert_eq!(time.day(), "2023-11-14");
    }

    #[test]
    fn far_away_moments_are_clamped_instead_of_panicking() {
        assert!(Time::from_micros(i64::MAX) > Time::from_micros(0));
        assert_eq!(Time::from_micros(i64::MAX) + Duration::MAX, Time(Timestamp::MAX));
    }
}
