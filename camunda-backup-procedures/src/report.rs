//! What a run leaves behind: its result and the evidence for it, in one serialisable structure
//! without secrets.

mod failure;

use std::fmt;
use std::time::Duration;

use camunda_backup_core::{BackupId, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::engine::{Moment, RunOutcome};
use crate::facts::Facts;
use crate::finding::Finding;
use crate::formats;
use crate::leftover::Leftover;
use crate::plan::Plan;
use crate::verdict::{Condition, ConditionStatus, Verdict};

pub use failure::Failure;
pub(crate) use failure::{Errors, requests, write_errors};

/// The report of one run, whether it completed or not.
///
/// As JSON it is described by `docs/report.schema.json`: names of fields in `snake_case`, words (also the name of a variant, as
/// the only key of an object) in `kebab-case`, instants in RFC 3339, durations in milliseconds in fields that end with `_ms`,
/// limits as in the configuration (`"15m"`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub struct Report {
    /// The version of this structure, 2. A report of format 1 is read, and is one of format 2 then.
    pub format: u32,
    /// The run's name in the journal.
    pub run: String,
    /// The cluster's name.
    pub cluster: String,
    /// The backup id that it was about, if it was about one.
    pub id: Option<BackupId>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Of a backup: whether it is a consistent recovery point. A run that lacks a part is INCONSISTENT, even if its other parts
    /// succeeded; see [`Report::is_whole`].
    pub verdict: Verdict,
    /// Every condition, with its reason.
    pub conditions: Vec<Condition>,
    /// When it began, on the clock of the process that began it.
    pub began: Timestamp,
    /// When it ended, on our clock.
    pub ended: Timestamp,
    /// How long exporting was, or may have been, paused by the process that ended the run; `None` if it never was.
    #[serde(rename = "paused_ms", alias = "paused", default, with = "crate::millis::optional")]
    pub paused: Option<Duration>,
    /// Whether something is still owed: exporting was not seen running again. Page somebody, and call
    /// [`recover`](crate::recover) until it succeeds.
    pub owing: bool,
    /// Warnings, and blockers that were overridden by name.
    pub findings: Vec<Finding>,
    /// The first error and those beside it, in words with advice.
    pub errors: Vec<String>,
    /// What a run that did not complete has left behind.
    pub leftovers: Vec<Leftover>,
    /// The plan.
    pub plan: Plan,
    /// What only the report of this procedure has.
    pub details: Details,
    /// Everything that was sent and seen, in happened-before order.
    pub timeline: Vec<Moment>,
}

impl<'de> Deserialize<'de> for Report {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let report = Value::deserialize(deserializer)?;
        let report = formats::in_format_2(report, "report", formats::report_of_format_1)
            .map_err(serde::de::Error::custom)?;
        Self::deserialize(report).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// What only the report of one procedure has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Details {
    /// Of a backup.
    Backup(Box<BackupDetails>),
    #[cfg(test)]
    #[doc(hidden)]
    Trial,
}

/// What only the report of a backup has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BackupDetails {
    /// What was seen before.
    pub before: Facts,
    /// What was seen afterwards, if the cluster could be looked at.
    pub after: Option<Facts>,
    /// Whether the gateway refused to resume and the brokers were resumed one by one.
    pub resumed_broker_by_broker: bool,
}

impl Report {
    /// What only the report of a backup has; `None` for other procedures.
    pub fn backup(&self) -> Option<&BackupDetails> {
        match &self.details {
            Details::Backup(details) => Some(details),
            #[cfg(test)]
            Details::Trial => None,
        }
    }

    /// Whether every planned part was made. Without all of them the verdict is INCONSISTENT and says nothing more.
    pub fn is_whole(&self) -> bool {
        self.conditions
            .iter()
            .all(|condition| condition.number != "N1" || condition.standing == ConditionStatus::Holds)
    }

    /// The outcome, with the verdict where there is something to judge.
    pub(crate) fn ending(&self) -> String {
        if self.is_whole() { format!("{}, {}", self.outcome, self.verdict) } else { self.outcome.to_string() }
    }

    /// The names of all snapshots in the store that belong to the backup.
    pub fn snapshots(&self) -> Vec<String> {
        crate::backup::leftovers::snapshots_in(&self.timeline)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} of cluster {}: {}", self.plan.task, self.cluster, self.ending())?;
        if let Some(task) = self.plan.backup() {
            write!(f, "order {}; ", task.order)?;
        }
        writeln!(f, "took {:.1?}", self.ended.since(self.began))?;
        match self.paused {
            Some(paused) if self.owing => {
                writeln!(f, "exporting MAY STILL BE PAUSED, for {paused:.1?} so far")?;
            }
            Some(paused) => writeln!(f, "exporting was paused for {paused:.1?} and runs again")?,
            None => writeln!(f, "exporting was never paused")?,
        }
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        for error in &self.errors {
            writeln!(f, "error: {error}")?;
        }
        for snapshot in self.snapshots() {
            writeln!(f, "  snapshot {snapshot}")?;
        }
        if !self.leftovers.is_empty() {
            match self.id {
                Some(id) => writeln!(f, "left behind (`abandon({id})` deletes it):")?,
                None => writeln!(f, "left behind:")?,
            }
        }
        for leftover in &self.leftovers {
            writeln!(f, "  {leftover}")?;
        }
        if self.is_whole() {
            for condition in &self.conditions {
                writeln!(f, "{condition}")?;
            }
        } else {
            writeln!(f, "parts are missing, so there is nothing to judge")?;
        }
        Ok(())
    }
}
