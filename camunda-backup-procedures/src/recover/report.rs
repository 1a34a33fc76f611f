//! What `recover()` tells its caller.

use std::fmt;

use camunda_backup_core::{BackupId, Error};
use serde::{Deserialize, Serialize, Serializer};

use crate::leftover::Leftover;
use crate::report::{Errors, Failure, write_errors};

/// What `recover()` found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// The runs that had not ended, oldest first.
    pub runs: Vec<RecoveredRun>,
    /// Damage in the journal, in words. A damaged record is never skipped silently.
    pub damage: Vec<String>,
    /// What exporting did afterwards: a journal without a debt proves nothing about it.
    #[serde(default)]
    pub exporting: ExportingSeen,
}

/// What exporting was seen to do at the end of a recovery.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ExportingSeen {
    /// Nobody looked: a run is alive, and what it has paused is its own business.
    #[default]
    NotAsked,
    /// Every broker with an address answered, and all that show a phase export.
    Runs,
    /// It is paused somewhere, and nothing in this journal owes a resume: somebody else's pause, or the journal is not the one that
    /// the run wrote to.
    Paused {
        /// Who is paused, in words.
        what: String,
        /// The request that resumes, for whoever is sure that nobody else wants the pause.
        resume: String,
    },
    /// Somebody neither exports nor is paused, such as `CLOSED` after an exporter's failure.
    Stopped {
        /// Who, in words.
        what: String,
    },
    /// It could not be seen.
    Unseen {
        /// Why.
        why: String,
    },
}

/// What a recovery could not do, with what it has done. It is the first error, and dereferences to it.
#[non_exhaustive]
pub struct RecoveryFailure(Box<Failed>);

struct Failed {
    error: Error,
    secondary: Vec<Error>,
    report: RecoveryReport,
}

impl RecoveryFailure {
    pub(crate) fn new(error: Error, secondary: Vec<Error>, report: RecoveryReport) -> Self {
        Self(Box::new(Failed { error, secondary, report }))
    }

    /// The first error.
    pub fn error(&self) -> &Error {
        &self.0.error
    }

    /// What went wrong beside it, such as with another run.
    pub fn secondary(&self) -> &[Error] {
        &self.0.secondary
    }

    /// The first error and those beside it.
    pub fn errors(&self) -> impl Iterator<Item = &Error> {
        std::iter::once(self.error()).chain(self.secondary())
    }

    /// Whether an error says that somebody must act. It hides that of the first error alone.
    pub fn needs_operator(&self) -> bool {
        self.errors().any(Error::needs_operator)
    }

    /// The `curl` lines to send by hand, of all errors, each once. `$AUTH` stands for credentials.
    pub fn requests(&self) -> Vec<&str> {
        crate::report::requests(self.errors())
    }

    /// What was found and done all the same.
    pub fn recovered(&self) -> &RecoveryReport {
        &self.0.report
    }
}

/// `error` and `secondary` as [`Error`] documents them, `needs_operator` and `requests` of all of them, `recovered` as
/// [`RecoveryReport`].
impl Serialize for RecoveryFailure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            #[serde(flatten)]
            errors: Errors<'a>,
            recovered: &'a RecoveryReport,
        }

        let errors = Errors::new(self.error(), self.secondary());
        Form { errors, recovered: self.recovered() }.serialize(serializer)
    }
}

impl std::ops::Deref for RecoveryFailure {
    type Target = Error;
    fn deref(&self) -> &Error {
        self.error()
    }
}

impl From<Error> for RecoveryFailure {
    fn from(error: Error) -> Self {
        Self::new(error, Vec::new(), RecoveryReport::default())
    }
}

/// The first error alone.
impl From<RecoveryFailure> for Error {
    fn from(failure: RecoveryFailure) -> Self {
        failure.0.error
    }
}

impl From<RecoveryFailure> for Failure {
    fn from(failure: RecoveryFailure) -> Self {
        let Failed { error, secondary, .. } = *failure.0;
        Self { error, secondary, report: None }
    }
}

impl fmt::Display for RecoveryFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_errors(f, self.error(), self.secondary())?;
        let done = &self.0.report;
        if done.is_clean() { Ok(()) } else { write!(f, "\ndone all the same:\n{done}") }
    }
}

/// The same: a `main` that returns it prints this.
impl fmt::Debug for RecoveryFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for RecoveryFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.error())
    }
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
    /// Its process died, and another one can go on with it: it stays open, and keeps other runs out.
    ToBeContinued,
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
    /// Whether there was nothing to do, and exporting was not seen to stand still.
    pub fn is_clean(&self) -> bool {
        let stands_still =
            matches!(self.exporting, ExportingSeen::Paused { .. } | ExportingSeen::Stopped { .. });
        self.runs.is_empty() && self.damage.is_empty() && !stands_still
    }
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return match &self.exporting {
                ExportingSeen::Unseen { why } => {
                    writeln!(f, "nothing on record to recover; what exporting does could not be seen: {why}")
                }
                _ => writeln!(f, "nothing to recover"),
            };
        }
        for run in &self.runs {
            let id = run.id.map_or_else(|| "an unknown id".to_owned(), |id| format!("backup {id}"));
            let end = match run.end {
                RecoveredEnd::Died => "had not ended and is abandoned; its id is used up",
                RecoveredEnd::OnlyOwed => "had ended and still owed something",
                RecoveredEnd::ToBeContinued => "has not ended, and is to be continued",
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
        match &self.exporting {
            ExportingSeen::NotAsked | ExportingSeen::Runs => Ok(()),
            seen => writeln!(f, "{seen}"),
        }
    }
}

impl fmt::Display for ExportingSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("nobody asked what exporting does, because a run is alive"),
            Self::Runs => f.write_str("exporting runs"),
            Self::Paused { what, resume } => write!(
                f,
                "exporting IS PAUSED, and nothing in this journal owes a resume: {what}. Find out who paused it, and whether this is \
                 the journal of the runs; if nobody wants the pause, send\n    {resume}"
            ),
            Self::Stopped { what } => write!(
                f,
                "exporting stands still, and nobody has paused it: {what}. Look for an exporter's error in the broker's log, \
                 and restart the broker when it is cured"
            ),
            Self::Unseen { why } => write!(f, "what exporting does could not be seen: {why}"),
        }
    }
}
