//! What `recover()` tells its caller.

use std::fmt;

use camunda_backup_core::BackupId;
use serde::{Deserialize, Serialize};

use crate::backup::leftovers::Leftover;

/// What `recover()` found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// The runs that had not ended, oldest first.
    pub runs: Vec<RecoveredRun>,
    /// Damage in the journal, in words. A damaged record is never skipped silently.
    pub damage: Vec<String>,
}

/// How a run stood that was recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RecoveredEnd {
    /// Its process died; it is abandoned now.
    Died,
    /// It had ended and still owed something.
    OnlyOwed,
    /// The records that would tell are damaged or lost. It may have completed, so nothing of it is called a leftover.
    Unreadable,
}

/// One run that had not ended, or still owed something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecoveredRun {
    /// The run's name in the journal.
    pub run: String,
    /// Its backup id, if its plan can be read. It is used up.
    pub id: Option<BackupId>,
    /// How it stood.
    pub end: RecoveredEnd,
    /// What was owed and is done now: seen, not believed.
    pub paid: Vec<String>,
    /// What it left behind; `abandon(id)` deletes it.
    pub leftovers: Vec<Leftover>,
}

impl RecoveryReport {
    /// Whether there was nothing to do.
    pub fn is_clean(&self) -> bool {
        self.runs.is_empty() && self.damage.is_empty()
    }
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return writeln!(f, "nothing to recover");
        }
        for run in &self.runs {
            let id = run.id.map_or_else(|| "an unknown id".to_owned(), |id| format!("backup {id}"));
            let end = match run.end {
                RecoveredEnd::Died => "had not ended and is abandoned; its id is used up",
                RecoveredEnd::OnlyOwed => "had ended and still owed something",
                RecoveredEnd::Unreadable => {
                    "cannot be read to its end, so it may have completed; look at its parts before you use or delete them"
                }
            };
            writeln!(f, "run {} of {id} {end}", run.run)?;
            for paid in &run.paid {
                writeln!(f, "  done now: {paid}")?;
            }
            for leftover in &run.leftovers {
                writeln!(f, "  left behind: {leftover}")?;
            }
        }
        for damage in &self.damage {
            writeln!(f, "journal: {damage}")?;
        }
        Ok(())
    }
}
