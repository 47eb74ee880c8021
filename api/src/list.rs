//! Lists: a stretch of rows and the cursor of the next one.

use crate::error::{Problem, Result};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::{Id, Time};
use serde::Serialize;
use storage::Keyset;
use utoipa::ToSchema;
use uuid::Uuid;

/// Rows of a stretch where the request does not say.
const LIMIT_DEFAULT: i64 = 20;
/// Rows of a stretch at most.
const LIMIT_MAX: i64 = 100;

/// A stretch of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// Always `list`.
    object: &'static str,
    /// The rows.
    data: Vec<T>,
    /// Whether there are more.
    has_more: bool,
    /// To be sent as `after` for the next stretch.
    next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A list that is complete.
    pub(crate) fn whole(data: Vec<T>) -> Self {
        Self { object: "list", data, has_more: false, next_cursor: None }
    }

    /// A stretch of the rows, of which one more than `limit` was asked for.
    pub(crate) fn stretch<R>(
        mut rows: Vec<R>,
        limit: i64,
        cursor: impl Fn(&R) -> String,
        object: impl FnMut(R) -> T,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| has_more).map(cursor);
        Self { object: "list", data: rows.into_iter().map(object).collect(), has_more, next_cursor }
    }
}

/// How many rows a request asks for.
pub(crate) fn limit(asked: Option<i64>) -> Result<i64> {
    let limit = asked.unwrap_or(LIMIT_DEFAULT);
    if (1..=LIMIT_MAX).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::invalid(format!("`limit` is {limit}; it is from 1 to {LIMIT_MAX}")))
    }
}

/// The cursor of a row that lists are ordered by time and id.
pub(crate) fn cursor<T>(time: Time, id: Id<T>) -> String {
    let mut bytes = time.micros().to_be_bytes().to_vec();
    bytes.extend_from_slice(id.uuid().as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Where a list ordered by time and id goes on.
pub(crate) fn keyset(after: Option<&str>) -> Result<Keyset> {
    let Some(after) = after else { return Ok(Keyset::start()) };
    let bytes = decode::<24>(after)?;
    let (time, id) = bytes.split_at(8);
    let (Ok(time), Ok(id)) = (time.try_into(), id.try_into()) else { return Err(bad_cursor()) };
    Ok(Keyset { time: Time::from_micros(i64::from_be_bytes(time)), id: Uuid::from_bytes(id) })
}

/// The cursor of a row that lists are ordered by number.
pub(crate) fn seq_cursor(seq: i64) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(seq.to_be_bytes())
}

/// Where a list ordered by number goes on.
pub(crate) fn seq(after: Option<&str>) -> Result<i64> {
    after.map_or(Ok(0), |after| decode::<8>(after).map(i64::from_be_bytes))
}

/// The cursor of a row that lists are ordered by id.
pub(crate) fn id_cursor<T>(id: Id<T>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(id.uuid().as_bytes())
}

/// Where a list ordered by id goes on.
pub(crate) fn id<T>(after: Option<&str>) -> Result<Option<Id<T>>> {
    after.map(|after| decode::<16>(after).map(|bytes| Id::from_uuid(Uuid::from_bytes(bytes)))).transpose()
}

fn decode<const N: usize>(after: &str) -> Result<[u8; N]> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(after).map_err(|_| bad_cursor())?;
    bytes.try_into().map_err(|_| bad_cursor())
}

fn bad_cursor() -> Problem {
    Problem::invalid("`after` is not a cursor of this list")
        .hint("send the `next_cursor` of the stretch before, unchanged")
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::CustomerId;

    #[test]
    fn cursors_bring_back_the_place_they_were_made_of() {
        let (time, uuid) = (Time::from_micros(1_700_000_000_123_456), Uuid::from_u128(77));
        let id = CustomerId::from_uuid(uuid);
        assert_eq!(keyset(Some(&cursor(time, id))).unwrap(), Keyset::at(time, id));
        assert_eq!(seq(Some(&seq_cursor(9))).unwrap(), 9);
        assert_eq!(super::id::<()>(Some(&id_cursor(id))).unwrap().unwrap().uuid(), uuid);
        assert!(keyset(Some(&seq_cursor(9))).is_err());
    }
}
