//! Names and numbers that cannot be wrong: parsed once, then trusted everywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

fn invalid(what: &'static str, value: &str, why: &str) -> Error {
    let value = crate::text::one_line(value);
    Error::new(ErrorKind::InvalidInput, format!("{value:?} is not a {what}: {why}"))
}

/// A backup id that every component of every supported version accepts: an integer in `1..=i64::MAX`.
///
/// On the wire it is a JSON number, except for the web applications of 8.1, which take it as a string.
/// Zeebe 8.2+ demands that ids grow; [`BackupId`] compares as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct BackupId(i64);

impl BackupId {
    /// The greatest id that exists. No id can follow it.
    pub const MAX: Self = Self(i64::MAX);

    /// An id from a number.
    pub fn new(value: i64) -> Result<Self, Error> {
        if value > 0 {
            Ok(Self(value))
        } else {
            Err(invalid("backup id", &value.to_string(), "it must be greater than 0"))
        }
    }

    /// The number.
    pub const fn value(self) -> i64 {
        self.0
    }

    /// The next id, if there is one.
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(next) => Some(Self(next)),
            None => None,
        }
    }
}

impl TryFrom<i64> for BackupId {
    type Error = Error;
    fn try_from(value: i64) -> Result<Self, Error> {
        Self::new(value)
    }
}

impl From<BackupId> for i64 {
    fn from(id: BackupId) -> i64 {
        id.0
    }
}

impl FromStr for BackupId {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let digits_only = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits_only {
            return Err(invalid("backup id", text, "it must consist of decimal digits"));
        }
        let value = text.parse().map_err(|_| invalid("backup id", text, "it must fit into 63 bits"))?;
        Self::new(value)
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a Zeebe partition, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartitionId(pub u32);

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Declares an opaque name with a rule for what it may not be.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(std::sync::Arc<str>);

        impl $type {
            /// Checks and wraps a name. The error says what is wrong with it.
            pub fn new(name: impl AsRef<str>) -> Result<Self, Error> {
                let name = name.as_ref();
                let check: fn(&str) -> Option<&'static str> = $check;
                match check(name) {
                    None => Ok(Self(std::sync::Arc::from(name))),
                    Some(why) => Err(invalid($what, name, why)),
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = Error;
            fn try_from(name: String) -> Result<Self, Error> {
                Self::new(name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl FromStr for $type {
            type Err = Error;
            fn from_str(name: &str) -> Result<Self, Error> {
                Self::new(name)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn broken_everywhere(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("it must not be empty")
    } else if name.len() > 255 {
        Some("it must not be longer than 255 bytes")
    } else if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        Some("white space and control characters are not allowed")
    } else if name == "." || name == ".." {
        Some("it must not be a directory name")
    } else {
        None
    }
}

/// Wildcards and separators: a name that holds one addresses more than one thing.
fn addresses_many(name: &str) -> Option<&'static str> {
    broken_everywhere(name).or_else(|| {
        name.contains(['*', ',', '"', '\\', '<', '>', '|', '/', '?', '#'])
            .then_some("none of * , \" \\ < > | / ? # is allowed")
    })
}

fn index_name_rule(name: &str) -> Option<&'static str> {
    addresses_many(name).or_else(|| {
        if name.starts_with(['_', '-', '+']) {
            Some("it must not start with _, - or +")
        } else if name.chars().any(char::is_uppercase) {
            Some("it must be lower case")
        } else {
            None
        }
    })
}

name!(
    /// The name of one snapshot in a repository: lower case, no wildcard, no separator, not starting with `_`.
    ///
    /// `_all` and `_current` are patterns to the servers, so they cannot be held.
    SnapshotName,
    "snapshot name",
    |name| addresses_many(name).or_else(|| {
        if name.starts_with('_') {
            Some("it must not start with _")
        } else if name.chars().any(char::is_uppercase) {
            Some("it must be lower case")
        } else {
            None
        }
    })
);

name!(
    /// The name of one snapshot repository: no wildcard, no separator, not `_all`.
    RepositoryName,
    "repository name",
    |name| addresses_many(name).or_else(|| {
        name.starts_with(['_', '-']).then_some("it must not start with _ or -, which address patterns")
    })
);

name!(
    /// The concrete name of one index. It cannot hold a wildcard, a comma, an exclusion or `_all`, so a
    /// request built from it touches that index only.
    IndexName,
    "index name",
    index_name_rule
);

name!(
    /// The prefix of the indices of one application, such as `zeebe-record` or `operate`. Never empty, never a wildcard.
    IndexPrefix,
    "index prefix",
    index_name_rule
);

name!(
    /// The id of a broker as the servers write it: `0`, `"0"` or `"zone_0"` all become text.
    ///
    /// Camunda 8.1–8.9 send an integer, 8.10 an integer or a string.
    BrokerId,
    "broker id",
    broken_everywhere
);

name!(
    /// The id of an exporter, such as `elasticsearch` or `camundaregion0`.
    ExporterId,
    "exporter id",
    addresses_many
);

impl From<u32> for BrokerId {
    fn from(id: u32) -> Self {
        Self(std::sync::Arc::from(id.to_string()))
    }
}

impl IndexPrefix {
    /// The pattern of all indices with this prefix, e.g. `zeebe-record*`. For reads only.
    pub fn pattern(&self) -> String {
        format!("{}*", self.as_str())
    }

    /// What the names of exported records under this prefix begin with: `zeebe-record` is written as `zeebe-record_job_8.6.0_…`,
    /// and `zeebe-record-dev2_…` is another cluster's.
    #[must_use]
    pub fn of_records(&self) -> Self {
        Self(std::sync::Arc::from(format!("{}_", self.as_str().trim_end_matches('_'))))
    }

    /// What the names of an application's indices under this prefix begin with: `operate` is written as
    /// `operate-list-view-8.3.0_`, and `operateold-…` is another one's.
    #[must_use]
    pub fn of_applications(&self) -> Self {
        Self(std::sync::Arc::from(format!("{}-", self.as_str().trim_end_matches('-'))))
    }

    /// What the names of all exported records of the same type and version as this index begin with, if the index is one of the
    /// exporter with this prefix: `zeebe-record_job_8.6.0_` of `zeebe-record_job_8.6.0_2026-06-03`.
    ///
    /// The whole grammar, `<prefix>_<record type>_<version>_<date>`, because another exporter may have a prefix that goes on
    /// with an underscore: `zeebe-record_dev2_job_8.6.0_2026-06-03` is none of ours.
    pub fn kind_of_record<'a>(&self, index: &'a str) -> Option<&'a str> {
        let rest = index.strip_prefix(self.as_str().trim_end_matches('_'))?.strip_prefix('_')?;
        let (record_type, rest) = rest.split_once('_')?;
        let (version, date) = rest.split_once('_')?;
        let is_record = is_record_type(record_type) && is_version(version) && !date.is_empty();
        index.get(..index.len() - date.len()).filter(|_| is_record)
    }

    /// Whether a prefix that begins with this one makes a record of this name, such as `zeebe-record_dev2`.
    pub fn is_record_of_longer_prefix(&self, index: &str) -> bool {
        let ends = index.match_indices('_').map(|(at, _)| at).filter(|at| *at > self.as_str().len());
        let mut longer = ends.filter_map(|at| Self::new(index.get(..at)?).ok());
        index.starts_with(self.as_str()) && longer.any(|prefix| prefix.kind_of_record(index).is_some())
    }

    /// Whether an index name begins with this prefix.
    pub fn covers(&self, index: &str) -> bool {
        index.starts_with(self.as_str())
    }
}

fn is_record_type(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// `8.6.0`, `8.7.0-snapshot`, `8.8.0-alpha4-rc1`.
fn is_version(word: &str) -> bool {
    let numbers: Vec<&str> = word.split('-').next().unwrap_or_default().split('.').collect();
    numbers.len() > 1
        && numbers.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn backup_ids_are_positive_decimal_integers() {
        for good in ["1", "1748937221", "9223372036854775807"] {
            assert_eq!(good.parse::<BackupId>().unwrap().to_string(), good);
        }
        for bad in ["", "0", "-1", "+5", "0x10", "1.5", " 7", "backup1", "9223372036854775808", "٣"] {
            assert!(bad.parse::<BackupId>().is_err(), "{bad:?}");
        }
        assert!(serde_json::from_str::<BackupId>("0").is_err());
        assert!(serde_json::from_str::<BackupId>("\"5\"").is_err());
        assert_eq!(BackupId::MAX.next(), None);
    }

    #[test]
    fn names_never_address_more_than_one_thing() {
        for bad in ["", "*", "a*", "a,b", "_all", "_current", "UPPER", "a b", "a/b", "a\0b", "a?b", "..", "."]
        {
            assert!(SnapshotName::new(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "*", "a,b", "_all", "-a", "+a", "_x", "Upper", "..", "a/b"] {
            assert!(IndexName::new(bad).is_err(), "{bad:?}");
            assert!(IndexPrefix::new(bad).is_err(), "{bad:?}");
        }
        assert!(IndexName::new(".tasks").is_ok());
        assert!(RepositoryName::new("Backups").is_ok());
    }

    #[test]
    fn a_prefix_of_indices_ends_with_its_separator() {
        let records = IndexPrefix::new("zeebe-record").unwrap().of_records();
        assert!(records.covers("zeebe-record_job_8.6.0_2026-06-03"));
        for other in
            ["zeebe-record-dev2_job_8.6.0_2026-06-03", "zeebe-records_job_8.6.0_2026-06-03", "zeebe-record"]
        {
            assert!(!records.covers(other), "{other}");
        }
        assert_eq!(records.of_records(), records);
        let operate = IndexPrefix::new("operate").unwrap().of_applications();
        assert!(
            operate.covers("operate-list-view-8.3.0_") && !operate.covers("operate_job_8.6.0_2026-06-03")
        );
        assert_eq!(operate.pattern(), "operate-*");
    }

    #[test]
    fn exported_records_have_a_type_a_version_and_a_date() {
        let prefix = IndexPrefix::new("zeebe-record").unwrap();
        for (index, kind) in [
            ("zeebe-record_job_8.6.0_2026-06-03", "zeebe-record_job_8.6.0_"),
            (
                "zeebe-record_process-instance_8.7.0-snapshot_2026-06",
                "zeebe-record_process-instance_8.7.0-snapshot_",
            ),
            ("zeebe-record_job_8.8.0-alpha4-rc1_2026-06-03_13", "zeebe-record_job_8.8.0-alpha4-rc1_"),
        ] {
            assert_eq!(prefix.kind_of_record(index), Some(kind));
        }
        for index in [
            "zeebe-record",
            "zeebe-record_",
            "zeebe-record_job",
            "zeebe-record_job_2026-06-03",
            "zeebe-record_job_8.6.0_",
            "zeebe-record-dev2_job_8.6.0_2026-06-03",
            "zeebe-record2_job_8.6.0_2026-06-03",
            "zeebe-record_dev2_job_8.6.0_2026-06-03",
            "zeebe-record_2_job_8.6.0_2026-06-03",
            "zeebe-record_job_job_8.6.0_2026-06-03",
        ] {
            assert_eq!(prefix.kind_of_record(index), None, "{index}");
        }
        for (index, is_others) in [
            ("zeebe-record_dev2_job_8.6.0_2026-06-03", true),
            ("zeebe-record-dev2_job_8.6.0_2026-06-03", true),
            ("zeebe-record_job_8.6.0_2026-06-03", false),
            ("zeebe-record_notes", false),
            ("other_dev2_job_8.6.0_2026-06-03", false),
        ] {
            assert_eq!(prefix.is_record_of_longer_prefix(index), is_others, "{index}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_kept_as_it_is(text in ".{0,300}") {
            if let Ok(id) = text.parse::<BackupId>() {
                prop_assert!(id.value() > 0);
            }
            let kept = [SnapshotName::new(&text).map(String::from), IndexName::new(&text).map(String::from)];
            for kept in kept.into_iter().flatten() {
                prop_assert_eq!(&kept, &text);
                prop_assert!(!kept.contains(['*', ',', '/']));
            }
        }
    }
}
