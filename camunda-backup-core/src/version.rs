//! Versions of Camunda, as servers write them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// A Camunda version: `8.6.11`, `8.10.0-alpha5-rc3`, `8.7.0-SNAPSHOT`.
///
/// Ordered as semantic versions are: numbers as numbers, a pre-release before its release, `alpha2` before
/// `alpha10`. Build metadata after `+` is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CamundaVersion {
    major: u32,
    minor: u32,
    patch: u32,
    pre: String,
}

impl CamundaVersion {
    /// A released version.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch, pre: String::new() }
    }

    /// Major and minor number: the line, such as `(8, 6)`.
    pub const fn line(&self) -> (u32, u32) {
        (self.major, self.minor)
    }

    /// The patch number.
    pub const fn patch(&self) -> u32 {
        self.patch
    }

    /// The pre-release part without the leading `-`; empty for a release.
    pub fn pre_release(&self) -> &str {
        &self.pre
    }
}

impl FromStr for CamundaVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || {
            let shown = crate::text::one_line(text);
            Error::new(ErrorKind::InvalidInput, format!("{shown:?} is not a Camunda version such as 8.6.11"))
        };
        let trimmed = text.trim();
        let without_build = trimmed.split_once('+').map_or(trimmed, |(version, _)| version);
        let (numbers, pre) = without_build.split_once('-').unwrap_or((without_build, ""));
        let mut parts = numbers.split('.').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            if digits { part.parse::<u32>().ok() } else { None }
        });
        let mut next = || parts.next().flatten().ok_or_else(bad);
        let (major, minor, patch) = (next()?, next()?, next()?);
        let pre_is_sane =
            pre.len() <= 64 && pre.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        if parts.next().is_some() || !pre_is_sane || (without_build.contains('-') && pre.is_empty()) {
            return Err(bad());
        }
        Ok(Self { major, minor, patch, pre: pre.to_owned() })
    }
}

impl TryFrom<String> for CamundaVersion {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<CamundaVersion> for String {
    fn from(version: CamundaVersion) -> String {
        version.to_string()
    }
}

impl fmt::Display for CamundaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if self.pre.is_empty() { Ok(()) } else { write!(f, "-{}", self.pre) }
    }
}

impl Ord for CamundaVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_pre_release(&self.pre, &other.pre),
            })
            .then_with(|| self.pre.cmp(&other.pre))
    }
}

impl PartialOrd for CamundaVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `alpha5-rc3` against `alpha5` or `alpha10`: runs of digits compare as numbers; what is a pre-release of a
/// pre-release (`alpha5-rc3`) comes before it (`alpha5`).
fn compare_pre_release(left: &str, right: &str) -> Ordering {
    let (mut left_parts, mut right_parts) = (left.split(['-', '.']), right.split(['-', '.']));
    loop {
        match (left_parts.next(), right_parts.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Greater,
            (Some(_), None) => return Ordering::Less,
            (Some(a), Some(b)) => match split_number(a).cmp(&split_number(b)) {
                Ordering::Equal => {}
                different => return different,
            },
        }
    }
}

/// `alpha10` → (`alpha`, 10); `SNAPSHOT` → (`snapshot`, 0).
fn split_number(part: &str) -> (String, u64) {
    let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
    (word.to_ascii_lowercase(), part[word.len()..].parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn version(text: &str) -> CamundaVersion {
        text.parse().unwrap()
    }

    #[test]
    fn parses_what_servers_write() {
        for text in ["8.6.11", "8.10.0-alpha5-rc3", "8.7.0-SNAPSHOT", "8.1.27"] {
            assert_eq!(version(text).to_string(), text);
        }
        assert_eq!(version(" 8.6.0+build7 ").to_string(), "8.6.0");
        for bad in ["", "8", "8.6", "8.6.x", "v8.6.0", "8.6.0.1", "8.6.0-", "8.6.99999999999", "8.6.0-a b"] {
            assert!(bad.parse::<CamundaVersion>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn orders_numbers_as_numbers_and_pre_releases_before_releases() {
        let ascending = [
            "8.2.9",
            "8.2.27",
            "8.9.0",
            "8.10.0-alpha2",
            "8.10.0-alpha5-rc3",
            "8.10.0-alpha5",
            "8.10.0-alpha10",
            "8.10.0-SNAPSHOT",
            "8.10.0",
            "8.10.1",
        ];
        for pair in ascending.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused_and_what_parses_is_stable(text in ".{0,40}") {
            if let Ok(parsed) = text.parse::<CamundaVersion>() {
                prop_assert_eq!(version(&parsed.to_string()), parsed);
            }
        }

        #[test]
        fn order_is_total_and_consistent_with_equality(
            a in "8\\.[0-9]{1,2}\\.[0-9]{1,2}(-(alpha|rc|SNAPSHOT)[0-9]{0,2}(-rc[0-9])?)?",
            b in "8\\.[0-9]{1,2}\\.[0-9]{1,2}(-(alpha|rc|SNAPSHOT)[0-9]{0,2}(-rc[0-9])?)?",
        ) {
            let (a, b) = (version(&a), version(&b));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
        }
    }
}
