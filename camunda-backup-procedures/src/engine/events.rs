//! What a run tells while it runs. Telling cannot fail the run, and nobody has to listen.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::{BackupId, Timestamp};
use serde::{Deserialize, Serialize};

/// One event: which cluster, which run, which backup, when and what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunEvent {
    /// Its number in the run, from 1 without gaps. The mark of lost events has the number of the last one that was lost.
    pub number: u64,
    /// When, on our clock.
    pub at: Timestamp,
    /// The cluster's name.
    pub cluster: Arc<str>,
    /// The run's name in the journal; `None` when the run was refused before it had one.
    pub run: Option<Arc<str>>,
    /// The backup id; `None` in a run that is about none.
    #[serde(alias = "backup-id")]
    pub backup_id: Option<BackupId>,
    /// Which step of the plan it is about; `None` for what concerns the whole run.
    pub step: Option<StepPosition>,
    /// What.
    pub kind: RunEventKind,
}

/// The place of a step in its plan: number `number` of `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepPosition {
    /// From 1.
    pub number: u32,
    /// How many steps the plan has.
    pub of: u32,
}

/// How much of something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Amount {
    /// How much is done.
    pub done: u64,
    /// How much there is, as far as is known now.
    pub total: u64,
    /// Of what.
    pub unit: Unit,
}

impl Amount {
    /// So many of so many.
    pub const fn new(done: u64, total: u64, unit: Unit) -> Self {
        Self { done, total, unit }
    }
}

/// What an [`Amount`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unit {
    /// Bytes that a snapshot has to upload.
    Bytes,
    /// Shards of a snapshot.
    Shards,
    /// Snapshots that make up the backup of an application.
    Parts,
    /// Partitions of Zeebe.
    Partitions,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "bytes",
            Self::Shards => "shards",
            Self::Parts => "parts",
            Self::Partitions => "partitions",
        })
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} {}", self.done, self.total, self.unit)
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "snake_case")]
#[non_exhaustive]
pub enum RunEventKind {
    /// The run has its claim and begins.
    Started {
        /// How many steps the plan has.
        steps: u32,
    },
    /// A step's request is about to be sent; its intent is durable.
    Sending {
        /// The step.
        step: String,
    },
    /// A step waits.
    Waiting {
        /// The step.
        step: String,
        /// How far it is, in words.
        text: String,
        /// How far it is, in numbers, if the servers tell.
        amount: Option<Amount>,
        /// How long it has waited.
        #[serde(rename = "waited_ms", alias = "waited", with = "crate::millis")]
        waited: Duration,
    },
    /// A step waits for a word from outside: see [`RunHandle::confirm`](crate::RunHandle::confirm).
    Asks {
        /// The step.
        step: String,
        /// What has to be confirmed.
        text: String,
    },
    /// A step reached its goal.
    Reached {
        /// The step.
        step: String,
        /// How long it took.
        #[serde(rename = "took_ms", alias = "took", with = "crate::millis")]
        took: Duration,
    },
    /// A step failed.
    StepFailed {
        /// The step.
        step: String,
        /// Why, without secrets.
        why: String,
    },
    /// From now on something is owed.
    Owes {
        /// What, in words.
        what: String,
    },
    /// An attempt to do what is owed has failed, and the next one follows.
    Closing {
        /// Its number, from 1.
        attempt: u32,
        /// What was seen, in words.
        text: String,
        /// How long it has been tried.
        #[serde(rename = "waited_ms", alias = "waited", with = "crate::millis")]
        waited: Duration,
    },
    /// What was owed is done. Never told when it could not be done; see [`Report::owing`](crate::Report::owing).
    Paid {
        /// How long exporting was paused.
        #[serde(rename = "paused_ms", alias = "paused", with = "crate::millis")]
        paused: Duration,
    },
    /// The run was refused before it began; nothing was changed.
    Refused {
        /// Why, without secrets.
        why: String,
    },
    /// The run has ended.
    Finished {
        /// How, in words.
        outcome: String,
        /// Whether the backup is complete.
        completed: bool,
    },
    /// Events that this subscriber can no longer get: it read too slowly, or came too late. Only signs of life (`Waiting`) are
    /// lost, unless hundreds of others have happened.
    Lost {
        /// How many.
        count: u64,
    },
}

impl RunEventKind {
    /// The name of the step that it is about.
    pub fn step(&self) -> Option<&str> {
        match self {
            Self::Sending { step }
            | Self::Waiting { step, .. }
            | Self::Asks { step, .. }
            | Self::Reached { step, .. }
            | Self::StepFailed { step, .. } => Some(step),
            _ => None,
        }
    }
}

impl fmt::Display for RunEventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { steps } => write!(f, "the run begins; its plan has {steps} steps"),
            Self::Sending { step } => write!(f, "{step}: sending"),
            Self::Waiting { step, text, waited, .. } if text.is_empty() => {
                write!(f, "{step}: not finished yet (waited {waited:.1?})")
            }
            Self::Waiting { step, text, waited, .. } => write!(f, "{step}: {text} (waited {waited:.1?})"),
            Self::Asks { step, text } => write!(f, "{step}: waits for a confirmation: {text}"),
            Self::Reached { step, took } => write!(f, "{step}: done after {took:.1?}"),
            Self::StepFailed { step, why } => write!(f, "{step}: failed: {why}"),
            Self::Owes { what } => write!(f, "from now on owes to {what}"),
            Self::Closing { attempt, text, waited } => {
                write!(f, "owes still, after attempt {attempt} and {waited:.1?}: {text}")
            }
            Self::Paid { paused } => write!(f, "owes nothing; exporting was paused for {paused:.1?}"),
            Self::Refused { why } => write!(f, "the run did not begin, and nothing was changed: {why}"),
            Self::Finished { outcome, .. } => f.write_str(outcome),
            Self::Lost { count } => write!(f, "{count} events were lost to this reader"),
        }
    }
}

impl fmt::Display for RunEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at, self.cluster)?;
        if let Some(id) = self.backup_id {
            write!(f, " backup {id}")?;
        }
        if let Some(StepPosition { number, of }) = self.step {
            write!(f, " [{number}/{of}]")?;
        }
        write!(f, " {}", self.kind)
    }
}

/// Gets the events of every run of a cluster, one after the other, on a thread of its own: it can neither stop a run nor slow
/// it down. One that falls 256 behind misses events; the next that it gets is then [`RunEventKind::Lost`].
pub trait ProgressObserver: fmt::Debug + Send + Sync {
    /// One event. It says itself which cluster, run and backup it belongs to.
    fn observe(&self, event: &RunEvent);
}
