//! Wall time from outside, so that tests and simulations own it.
//!
//! Durations inside the library are measured with tokio's clock, which tests can pause; wall time is only for
//! people (reports, journals) and for choosing a backup id.

use std::fmt;
use std::ops::RangeBounds;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorKind};

/// Milliseconds since the Unix epoch, UTC. Printed, parsed and serialised as RFC 3339 with milliseconds
/// (`2025-06-03T07:53:41.123Z`); read from a number of milliseconds, too, as the first versions have stored it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// The time since an earlier timestamp; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0 / 86_400_000);
        let second = self.seconds() % 86_400;
        let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", self.0 % 1000)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrMillis;

        impl Visitor<'_> for TextOrMillis {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as 2025-06-03T07:53:41.123Z, or milliseconds since 1970")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E>(self, millis: u64) -> Result<Timestamp, E> {
                Ok(Timestamp(millis))
            }
        }

        deserializer.deserialize_any(TextOrMillis)
    }
}

/// Reads what it prints; the fraction may be missing or have any length, beyond milliseconds it is cut off.
impl FromStr for Timestamp {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        millis_of(text.trim()).map(Self).ok_or_else(|| {
            let shown = crate::text::one_line(text);
            Error::new(ErrorKind::InvalidInput, format!("{shown:?} is no time since 1970 in UTC"))
                .with_advice("write it like 2025-06-03T07:53:41.123Z")
        })
    }
}

fn millis_of(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-');
    let (year, month, day) =
        (number(date.next()?, 4..)?, number(date.next()?, 2..=2)?, number(date.next()?, 2..=2)?);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut clock = clock.split(':');
    let (hour, minute, second) =
        (number(clock.next()?, 2..=2)?, number(clock.next()?, 2..=2)?, number(clock.next()?, 2..=2)?);
    let plain = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let millis: u64 = format!("{fraction}00").get(..3)?.parse().ok().filter(|_| plain)?;
    let whole = date.next().is_none() && clock.next().is_none() && hour < 24 && minute < 60 && second < 60;
    let days = days_from_civil(year, month, day)
        .filter(|days| whole && civil_from_days(*days) == (year, month, day))?;
    let seconds = days.checked_mul(86_400)?.checked_add(hour * 3600 + minute * 60 + second)?;
    seconds.checked_mul(1000)?.checked_add(millis)
}

fn number(text: &str, digits: impl RangeBounds<usize>) -> Option<u64> {
    let plain = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// The reverse of [`civil_from_days`], for dates from 1970 on.
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = year.checked_sub(u64::from(month <= 2))?;
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day.checked_sub(1)?;
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era.checked_mul(146_097)?.checked_add(day_of_era)?.checked_sub(719_468)
}

/// Days since 1970-01-01 to year, month, day (proleptic Gregorian, H. Hinnant's algorithm).
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// Where wall time comes from.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time now. Two calls may go backwards; nothing in this library draws an order from it.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A wall clock for simulations: a fixed start plus what tokio's clock has measured since, so it follows paused time.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug, Clone, Copy)]
pub struct SimulatedClock {
    start: Timestamp,
    since: tokio::time::Instant,
}

#[cfg(any(test, feature = "testing"))]
impl SimulatedClock {
    /// A clock that shows `start` now. Must be created on the tokio runtime whose time it shall follow.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, since: tokio::time::Instant::now() }
    }

    /// The simulated time that has passed since the clock was made.
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }
}

#[cfg(any(test, feature = "testing"))]
impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        let elapsed = u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX);
        Timestamp(self.start.0.saturating_add(elapsed))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prints_rfc3339_over_leap_years_and_centuries() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_748_937_221_123, "2025-06-03T07:53:41.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
            assert_eq!(text.parse::<Timestamp>().unwrap(), Timestamp::from_millis(millis));
        }
    }

    #[test]
    fn as_data_it_is_text_and_numbers_of_old_are_read() {
        let at = Timestamp::from_millis(1_748_937_221_123);
        assert_eq!(serde_json::to_value(at).unwrap(), "2025-06-03T07:53:41.123Z");
        for json in [r#""2025-06-03T07:53:41.123Z""#, r#""2025-06-03T07:53:41.123999Z""#, "1748937221123"] {
            assert_eq!(serde_json::from_str::<Timestamp>(json).unwrap(), at, "{json}");
        }
        assert_eq!("1970-01-01T00:00:00Z".parse::<Timestamp>().unwrap(), Timestamp::from_millis(0));
        assert_eq!("1970-01-01T00:00:00.5Z".parse::<Timestamp>().unwrap(), Timestamp::from_millis(500));
        for bad in [
            "",
            "2025-06-03",
            "2025-06-03T07:53:41",
            "2025-02-29T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-00-01T00:00:00Z",
            "2025-01-00T00:00:00Z",
            "2025-01-01T24:00:00Z",
            "1969-12-31T23:59:59Z",
            "2025-01-01T00:00:00.Z",
            "2025-01-01T00:00:00.5xZ",
            "+025-01-01T00:00:00Z",
            "2025-01-01T00:00:00+02:00",
            "999999999999999999-01-01T00:00:00Z",
        ] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<Timestamp>("-1").is_err());
    }

    proptest! {
        #[test]
        fn every_timestamp_reads_as_it_prints(millis: u64) {
            let at = Timestamp::from_millis(millis);
            prop_assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at);
        }

        #[test]
        fn any_text_is_refused_or_read(text in "[0-9TZ:.-]{0,30}") {
            if let Ok(at) = text.parse::<Timestamp>() {
                prop_assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at);
            }
        }
    }
}
