//! Points in time as servers write them, of which there are too many ways.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A server's time stamp: its own words always, the instant when the words can be read.
///
/// Read are RFC 3339 (`2026-11-21T02:33:49.687123456Z`), the same with an offset without colon (`+0000`: history,
/// Optimize, Zeebe inside the all-in-one 8.6), and seconds since 1970. Years below 1970 and above 9999 (the cluster's
/// `0000-01-01T00:00:00Z` for "never") have no instant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct ServerTime {
    text: String,
    millis: Option<u64>,
}

impl ServerTime {
    /// Reads a time stamp. Never fails.
    pub fn parse(text: &str) -> Self {
        Self { text: text.to_owned(), millis: instant(text.trim()) }
    }

    /// The server's own words.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Milliseconds since 1970 in UTC, if the words can be read. Server clocks: for showing, never for ordering.
    pub fn millis(&self) -> Option<u64> {
        self.millis
    }
}

impl From<String> for ServerTime {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<ServerTime> for String {
    fn from(time: ServerTime) -> String {
        time.text
    }
}

impl fmt::Display for ServerTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn instant(text: &str) -> Option<u64> {
    match text.split_once(['T', 't']) {
        None => seconds_since_1970(text),
        Some((date, time)) => {
            let (clock, offset_minutes) = split_offset(time)?;
            let seconds = days_since_1970(date)? * 86_400 - offset_minutes * 60;
            let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
            let seconds = seconds + seconds_of_day(clock)?;
            let millis = seconds.checked_mul(1000)?.checked_add(millis_of(fraction)?)?;
            u64::try_from(millis).ok()
        }
    }
}

/// `1795229629` or `1795229629.687`: old manifests in the bucket.
fn seconds_since_1970(text: &str) -> Option<u64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds = u64::try_from(digits(seconds)?).ok()?;
    seconds.checked_mul(1000)?.checked_add(u64::try_from(millis_of(fraction)?).ok()?)
}

/// The part before the offset, and the offset in minutes.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let at = time.rfind(['+', '-'])?;
    let sign = if time[at..].starts_with('-') { -1 } else { 1 };
    let offset = time[at + 1..].replace(':', "");
    if offset.len() != 4 {
        return None;
    }
    let number = digits(&offset)?;
    let (hours, minutes) = (number / 100, number % 100);
    (hours <= 18 && minutes < 60).then_some((&time[..at], sign * (hours * 60 + minutes)))
}

fn seconds_of_day(clock: &str) -> Option<i64> {
    let mut parts = clock.split(':').map(|part| if part.len() == 2 { digits(part) } else { None });
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let sane = parts.next().is_none() && hours < 24 && minutes < 60 && seconds <= 60;
    sane.then_some(hours * 3600 + minutes * 60 + seconds)
}

/// The first three digits of a fraction of up to nine.
fn millis_of(fraction: &str) -> Option<i64> {
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded: String = fraction.chars().chain("000".chars()).take(3).collect();
    digits(&padded)
}

fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// Days from 1970-01-01 in the Gregorian calendar (Hinnant's `days_from_civil`), for 1970 … 9999.
fn days_since_1970(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let (year, month, day) = (digits(parts.next()?)?, digits(parts.next()?)?, digits(parts.next()?)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if parts.next().is_some() || !(1970..=9999).contains(&year) || !(1..=longest).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use camunda_backup_core::Timestamp;
    use proptest::prelude::*;

    #[test]
    fn q11_the_formats_of_real_servers_are_read() {
        for (text, millis) in [
            ("2026-11-21T02:33:49.687123456Z", Some(1_795_228_429_687)),
            ("2026-11-21T02:33:49.687+0000", Some(1_795_228_429_687)),
            ("2026-11-21T03:33:49.687+01:00", Some(1_795_228_429_687)),
            ("2026-11-20T20:33:49.687-0600", Some(1_795_228_429_687)),
            ("2026-11-21T02:33:49Z", Some(1_795_228_429_000)),
            ("2000-02-29T00:00:00Z", Some(951_782_400_000)),
            ("1795228429.687", Some(1_795_228_429_687)),
            ("0000-01-01T00:00:00Z", None),
            ("-999999999-01-01T00:00:00+18:00", None),
            ("2026-02-30T00:00:00Z", None),
            ("2026-11-21T02:33:49", None),
            ("soon", None),
            ("", None),
        ] {
            let time = ServerTime::parse(text);
            assert_eq!(time.millis(), millis, "{text}");
            assert_eq!(time.as_str(), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_kept(text in "\\PC{0,40}") {
            let time = ServerTime::parse(&text);
            prop_assert_eq!(String::from(time), text);
        }

        #[test]
        fn what_core_prints_is_read_again(millis in 0..253_402_300_799_999_u64) {
            let printed = Timestamp::from_millis(millis).to_string();
            prop_assert_eq!(ServerTime::parse(&printed).millis(), Some(millis));
        }
    }
}
