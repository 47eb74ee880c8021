//! Whether people are there to take over: heartbeats, opening hours, and how else a customer is reached.

use domain::Time;
use domain::hours::{OpeningHours, Weekday};
use domain::staffing::{Hours, People, PeopleSettings, PresenceRule, Staffing};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use storage::agents::Presence;

/// Periods of a week at most.
const PERIODS_MAX: usize = 50;
/// Closed days at most.
const CLOSED_DAYS_MAX: usize = 400;

/// What is known of the people of a desk at a moment, for a customer.
pub fn staffing(settings: &PeopleSettings, presence: Presence, now: Time) -> Staffing {
    let hours = hours_at(settings.opening_hours.as_ref(), now);
    let is_there = match settings.presence {
        PresenceRule::Heartbeat => presence.present > 0,
        PresenceRule::Assumed => presence.present > 0 || hours == Hours::Open,
    };
    Staffing {
        people: if is_there { People::There } else { People::Away },
        hours,
        contact_known: presence.contacts > 0,
    }
}

/// Whether the desk is open at a moment; hours in a time zone that is not known count as open.
pub fn hours_at(hours: Option<&OpeningHours>, now: Time) -> Hours {
    let Some(hours) = hours else { return Hours::Open };
    let (Ok(zone), Ok(moment)) = (TimeZone::get(&hours.time_zone), Timestamp::from_microsecond(now.micros())) else {
        return Hours::Open;
    };
    let local = moment.to_zoned(zone);
    let is_closed_day = hours.closed_on.iter().any(|day| day.parse::<Date>().is_ok_and(|day| day == local.date()));
    let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
    if !is_closed_day && hours.holds(weekday(&local), minute) { Hours::Open } else { Hours::Closed }
}

fn weekday(local: &jiff::Zoned) -> Weekday {
    match local.weekday() {
        jiff::civil::Weekday::Monday => Weekday::Monday,
        jiff::civil::Weekday::Tuesday => Weekday::Tuesday,
        jiff::civil::Weekday::Wednesday => Weekday::Wednesday,
        jiff::civil::Weekday::Thursday => Weekday::Thursday,
        jiff::civil::Weekday::Friday => Weekday::Friday,
        jiff::civil::Weekday::Saturday => Weekday::Saturday,
        jiff::civil::Weekday::Sunday => Weekday::Sunday,
    }
}

/// What is wrong with opening hours, where something is: the field and the rule it breaks.
pub fn wrong_hours(hours: &OpeningHours) -> Option<(&'static str, String)> {
    if TimeZone::get(&hours.time_zone).is_err() {
        let rule = format!("`{}` is no time zone: write an IANA name such as Europe/Vienna", hours.time_zone);
        return Some(("time_zone", rule));
    }
    if hours.periods.is_empty() || hours.periods.len() > PERIODS_MAX {
        return Some(("periods", format!("has from 1 to {PERIODS_MAX} periods")));
    }
    if hours.periods.iter().any(|period| period.from >= period.until) {
        return Some(("periods", "each `from` is before its `until`; past midnight are two periods".to_owned()));
    }
    if hours.closed_on.len() > CLOSED_DAYS_MAX {
        return Some(("closed_on", format!("has at most {CLOSED_DAYS_MAX} days")));
    }
    let wrong = hours.closed_on.iter().find(|day| day.parse::<Date>().is_err())?;
    Some(("closed_on", format!("`{wrong}` is no day: write 2026-12-25")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vienna() -> OpeningHours {
        let json = r#"{"time_zone": "Europe/Vienna", "closed_on": ["2026-07-06"], "periods": [
            {"day": "monday", "from": "09:00", "until": "17:00"}, {"day": "tuesday", "from": "00:00", "until": "24:00"}]}"#;
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn hours_are_those_of_the_desks_own_time_zone_summer_and_winter() {
        let hours = vienna();
        for (moment, expected) in [
            // Mondays: Vienna is one hour ahead of UTC in winter, two in summer.
            ("2026-01-12T07:59:59Z", Hours::Closed),
            ("2026-01-12T08:00:00Z", Hours::Open),
            ("2026-07-13T06:59:59Z", Hours::Closed),
            ("2026-07-13T07:00:00Z", Hours::Open),
            ("2026-07-13T15:00:00Z", Hours::Closed),
            // The closed Monday, then Tuesday by the clock of Vienna.
            ("2026-07-06T10:00:00Z", Hours::Closed),
            ("2026-07-06T22:00:00Z", Hours::Open),
            ("2026-07-08T10:00:00Z", Hours::Closed),
        ] {
            let moment: Timestamp = moment.parse().unwrap();
            assert_eq!(hours_at(Some(&hours), moment.into()), expected, "{moment}");
        }
        assert_eq!(hours_at(None, Time::from_micros(0)), Hours::Open);
    }

    #[test]
    fn wrong_hours_name_the_field() {
        assert_eq!(wrong_hours(&vienna()), None);
        for (field, change) in [
            ("time_zone", serde_json::json!({ "time_zone": "Vienna" })),
            ("periods", serde_json::json!({ "periods": [] })),
            ("periods", serde_json::json!({ "periods": [{"day": "friday", "from": "22:00", "until": "06:00"}] })),
            ("closed_on", serde_json::json!({ "closed_on": ["Christmas"] })),
        ] {
            let mut fields = serde_json::to_value(vienna()).unwrap();
            fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let hours: OpeningHours = serde_json::from_value(fields).unwrap();
            assert_eq!(wrong_hours(&hours).unwrap().0, field);
        }
    }
}
