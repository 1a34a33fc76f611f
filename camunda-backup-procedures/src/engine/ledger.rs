//! What a run writes down: entries in the journal, and the same as a timeline in happened-before order.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::{Clock, Component, Error, Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use super::decision::Sent;
use crate::journal::{RunHistory, RunLog};
use crate::obligation::Obligation;

/// One entry of a run's journal. Versioned by the record around it; unknown entries of later versions are an error
/// when they are read, never skipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Entry {
    /// The run begins with this plan.
    Started {
        /// The plan, in the form of its procedure.
        plan: Arc<Value>,
    },
    /// A request is about to be sent. Durable before its first byte leaves.
    Intent {
        /// The step.
        step: String,
        /// What is owed from here on, if the step opens a bracket.
        owes: Option<Obligation>,
    },
    /// How the request was answered.
    Answered {
        /// The step.
        step: String,
        /// Accepted, refused or unknown.
        sent: Sent,
        /// What the answer said.
        note: Value,
    },
    /// The step's goal is reached.
    Reached {
        /// The step.
        step: String,
        /// The proof, in the form of its procedure. For a backup see
        /// [`Evidence`](crate::backup::evidence::Evidence).
        evidence: Value,
    },
    /// Somebody outside gave the word that the step had asked for.
    Confirmed {
        /// The step.
        step: String,
        /// Who, as they call themselves.
        by: String,
        /// What they said.
        words: String,
    },
    /// The step failed.
    StepFailed {
        /// The step.
        step: String,
        /// Why.
        why: String,
    },
    /// What was owed is done, and seen to be done.
    Paid {
        /// What it was.
        obligation: Obligation,
        /// How often it took.
        attempts: u32,
    },
    /// The run has ended; nothing follows but payments.
    Finished {
        /// How.
        outcome: RunOutcome,
        /// The first error, in words.
        error: Option<String>,
    },
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RunOutcome {
    /// Every part exists and succeeded, and the verdict is not INCONSISTENT.
    Completed,
    /// It failed; exporting runs again unless an obligation is still unpaid.
    Failed,
    /// The caller stopped it; exporting runs again unless an obligation is still unpaid.
    Cancelled,
    /// Its process died; `recover()` closed what it owed.
    Abandoned,
}

impl fmt::Display for RunOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Abandoned => "ABANDONED",
        })
    }
}

/// One moment of a run. The order is the order of happening on our side, whatever the clocks say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Moment {
    /// Position in the order of happening.
    pub order: u64,
    /// On our clock, for people.
    pub at: Timestamp,
    /// The entry.
    pub entry: Entry,
}

/// How long a write while exporting is paused may take at no charge.
const PROMPT: Duration = Duration::from_secs(1);
/// What all writes of one pause together may take beyond that. After it the journal is not waited for any more.
const SLOWNESS: Duration = Duration::from_secs(5);

/// The journal of one run and its timeline.
#[derive(Debug)]
pub(crate) struct Ledger {
    log: tokio::sync::Mutex<RunLog>,
    timeline: Mutex<Vec<Moment>>,
    /// What is left of [`SLOWNESS`].
    slowness: Mutex<Duration>,
    /// Notes that were not written while exporting was paused.
    postponed: Mutex<Vec<(Timestamp, Entry)>>,
    clock: Arc<dyn Clock>,
}

impl Ledger {
    pub(crate) fn new(log: RunLog, clock: Arc<dyn Clock>) -> Self {
        Self {
            log: tokio::sync::Mutex::new(log),
            timeline: Mutex::default(),
            slowness: Mutex::new(SLOWNESS),
            postponed: Mutex::default(),
            clock,
        }
    }

    /// The same, after what earlier processes have written in the run.
    pub(crate) fn after(mut self, moments: Vec<Moment>) -> Self {
        self.timeline = Mutex::new(moments);
        self
    }

    /// Writes an entry; durable when it returns `Ok`.
    pub(crate) async fn write(&self, entry: Entry) -> Result<()> {
        let at = self.clock.now();
        let written = self.log.lock().await.append(at, &entry).await;
        self.remember(at, entry);
        written.map(|_| ())
    }

    /// The same while exporting is paused: a journal that hangs costs a few seconds, for all writes of the pause together.
    pub(crate) async fn write_in_pause(&self, entry: Entry) -> Result<()> {
        let (at, began) = (self.clock.now(), Instant::now());
        let allowance = self.allowance();
        let written = match allowance {
            None => Err(too_slow()),
            Some(allowance) => {
                let append = async { self.log.lock().await.append(at, &entry).await };
                tokio::time::timeout(allowance, append).await.unwrap_or_else(|_| Err(too_slow()))
            }
        };
        self.charge(began.elapsed());
        self.remember(at, entry);
        written.map(|_| ())
    }

    /// Writes what nobody depends on, while exporting is paused: a journal that is slow gets it after the resume.
    pub(crate) async fn note_in_pause(&self, entry: Entry) -> Result<()> {
        if self.allowance().is_some() {
            return self.write_in_pause(entry).await;
        }
        let at = self.clock.now();
        self.postponed.lock().unwrap_or_else(PoisonError::into_inner).push((at, entry.clone()));
        self.remember(at, entry);
        Ok(())
    }

    /// Writes the notes of the pause that were left; the first failure ends it, because the run's end is more important.
    pub(crate) async fn write_postponed(&self) {
        let postponed = std::mem::take(&mut *self.postponed.lock().unwrap_or_else(PoisonError::into_inner));
        for (at, entry) in postponed {
            if let Err(error) = self.log.lock().await.append(at, &entry).await {
                tracing::warn!(%error, "what was noted while exporting was paused could not be written down");
                return;
            }
        }
    }

    /// How long the next write in the pause may take; none when the journal has been too slow already.
    fn allowance(&self) -> Option<Duration> {
        let left = *self.slowness.lock().unwrap_or_else(PoisonError::into_inner);
        (!left.is_zero()).then_some(PROMPT + left)
    }

    fn charge(&self, took: Duration) {
        let mut left = self.slowness.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.saturating_sub(took.saturating_sub(PROMPT));
    }

    fn remember(&self, at: Timestamp, entry: Entry) {
        let mut timeline = self.timeline.lock().unwrap_or_else(PoisonError::into_inner);
        let order = timeline.last().map_or(0, |last| last.order + 1);
        timeline.push(Moment { order, at, entry });
    }

    /// What was written, or tried to be, in order.
    pub(crate) fn timeline(&self) -> Vec<Moment> {
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn too_slow() -> Error {
    let message = "the journal did not take a record in time while exporting was paused";
    Error::new(ErrorKind::Journal, message)
        .with_component(Component::Journal)
        .with_operation("journal.append")
        .with_outcome(Outcome::Unknown)
        .with_advice(
            "look at the disk, mount or store that the journal is on, then start again: a journal has to take each \
             record within a second",
        )
}

/// The entries of a run as the journal holds them.
pub(crate) fn entries(history: &RunHistory) -> Result<Vec<Entry>> {
    let decode = |record: &crate::journal::Record| {
        serde_json::from_value(record.event.clone()).map_err(|source| {
            camunda_backup_core::Error::new(
                camunda_backup_core::ErrorKind::Journal,
                format!("record {} of run {} cannot be understood", record.seq, history.run),
            )
            .with_source(source)
            .with_advice("use the version of this library that wrote it, or a later one")
        })
    };
    history.understood()?.records.iter().map(decode).collect()
}
