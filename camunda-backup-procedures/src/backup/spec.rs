//! What the caller wants of a backup, and how long it may keep exporting paused.

use std::collections::BTreeSet;
use std::time::Duration;

use camunda_backup_core::BackupId;
use camunda_backup_core::settings::{Strict, duration, write_duration};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::finding::FindingCode;

/// What a backup shall be. `BackupSpec::default()` is a whole, consistent backup under a fresh id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all(serialize = "snake_case", deserialize = "kebab-case"), default)]
#[non_exhaustive]
pub struct BackupSpec {
    /// The id; `None` chooses one above every id known anywhere.
    pub id: Option<BackupId>,
    /// Blockers that shall not stop this backup, by name. Each override is recorded in plan, journal and report.
    pub overrides: BTreeSet<FindingCode>,
    /// Back up Zeebe only, although web applications or a store are configured.
    pub zeebe_only: bool,
    /// Time limits.
    pub limits: Limits,
}

impl<'de> Deserialize<'de> for BackupSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Self::deserialize(Strict(deserializer))
    }
}

impl Serialize for BackupSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// Time limits of a backup. Each has a default that fits most clusters. As data each is written as `"5m"`, `"90s"` or
/// `"1h30m"`, and read from `{secs, nanos}`, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all(serialize = "snake_case", deserialize = "kebab-case"), default)]
#[non_exhaustive]
pub struct Limits {
    /// When resuming begins at the latest, from the moment before the pause is sent: the run fails then. How long resuming
    /// takes depends on the brokers; `max_resume` is how long the run tries.
    #[serde(serialize_with = "write_duration", deserialize_with = "duration")]
    pub max_pause: Duration,
    /// How long a part that says it is running may show no movement at all.
    #[serde(serialize_with = "write_duration", deserialize_with = "duration")]
    pub stall: Duration,
    /// How long a part may be invisible or incomplete while nothing runs anywhere, before it counts as failed.
    ///
    /// Web applications from 8.7 on call a dead backup `IN_PROGRESS` for five minutes; that is under `stall`.
    #[serde(serialize_with = "write_duration", deserialize_with = "duration")]
    pub grace: Duration,
    /// How long the parts outside the pause may take, each.
    #[serde(serialize_with = "write_duration", deserialize_with = "duration")]
    pub max_part: Duration,
    /// How long resuming is tried within the run before it is left to `recover()` and an operator; at least 10 s.
    #[serde(serialize_with = "write_duration", deserialize_with = "duration")]
    pub max_resume: Duration,
}

impl<'de> Deserialize<'de> for Limits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Self::deserialize(Strict(deserializer))
    }
}

impl Serialize for Limits {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pause: Duration::from_secs(15 * 60),
            stall: Duration::from_secs(10 * 60),
            grace: Duration::from_secs(60),
            max_part: Duration::from_secs(6 * 60 * 60),
            max_resume: Duration::from_secs(30 * 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_people_write_them_and_nothing_is_dropped() {
        let read = |json: &str| serde_json::from_str::<BackupSpec>(json).map_err(|error| error.to_string());
        let spec =
            read(r#"{"zeebe_only": true, "limits": {"max_pause": "5m", "stall": {"secs": 7, "nanos": 0}}}"#);
        let spec = spec.unwrap();
        assert!(spec.zeebe_only);
        assert_eq!(spec.limits.max_pause, Duration::from_secs(300));
        assert_eq!(spec.limits.stall, Duration::from_secs(7));
        assert_eq!(spec.limits.grace, Limits::default().grace);
        let again: BackupSpec = serde_json::from_value(serde_json::to_value(&spec).unwrap()).unwrap();
        assert_eq!(again, spec);
        let written = serde_json::to_value(&spec).unwrap();
        assert_eq!((&written["zeebe_only"], &written["limits"]["max_pause"]), (&true.into(), &"5m".into()));
        for (json, words) in [
            (
                r#"{"limits": {"max-pauze": "5m"}}"#,
                "limits: there is no setting `max-pauze`; did you mean `max-pause`?",
            ),
            (r#"{"limits": {"max-pause": "5"}}"#, "such as 90s, 5m or 1h30m"),
            (r#"{"limits": {"max-pause": 5}}"#, "a duration such as"),
            (r#"{"override": []}"#, "did you mean `overrides`?"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(words), "{json}: {error}");
        }
    }
}
