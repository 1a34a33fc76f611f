//! A plan as data: what will be done, in which order, at the same time as what, why, and what is owed in between.
//!
//! The head is the same for every procedure; [`Task`] says which one it is, and holds what only that one needs. Printing a
//! plan is the dry run.

use std::fmt;
use std::time::Duration;

use camunda_backup_core::{BackupId, CamundaVersion, Component, Error, ErrorKind, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::backup::task::BackupTask;
use crate::engine::Reentry;
pub use crate::engine::{Bracket, Group, Stage, StepPlan};
use crate::finding::Finding;
use crate::formats;
use crate::obligation::Obligation;

/// Which procedure a plan is of, with what only that one needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Task {
    /// A backup.
    Backup(Box<BackupTask>),
    /// A procedure that another process continues, for the tests of what happens to such a run.
    #[cfg(test)]
    #[doc(hidden)]
    Trial(crate::trial::TrialTask),
}

/// What will be done, ready to run, print, store or compare. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub struct Plan {
    /// The version of this structure, 2. A plan of format 1 is read, and is one of format 2 then.
    pub format: u32,
    /// The cluster's name.
    pub cluster: String,
    /// The gateway's address: which cluster it is, whatever it is called.
    pub gateway: String,
    /// The version of the gateway that it was made for.
    pub version: CamundaVersion,
    /// Which procedure it is a plan of.
    pub task: Task,
    /// Warnings, and blockers that were overridden by name.
    pub findings: Vec<Finding>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
}

impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let plan = formats::in_format_2(Value::deserialize(deserializer)?, "plan", formats::plan_of_format_1)
            .map_err(serde::de::Error::custom)?;
        Self::deserialize(plan).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl Plan {
    /// The backup id that it is about, if it is about one.
    pub fn id(&self) -> Option<BackupId> {
        self.task.id()
    }

    /// What only a backup's plan has; `None` for other procedures.
    pub fn backup(&self) -> Option<&BackupTask> {
        match &self.task {
            Task::Backup(task) => Some(task),
            #[cfg(test)]
            Task::Trial(_) => None,
        }
    }

    /// All steps in the order in which they are printed.
    pub fn steps(&self) -> Vec<&StepPlan> {
        self.stages.iter().flat_map(Stage::steps).collect()
    }

    /// Everything that the plan owes at some time.
    pub fn obligations(&self) -> impl Iterator<Item = &Obligation> {
        self.stages.iter().flat_map(Stage::obligations)
    }

    /// As it is stored in the journal.
    pub(crate) fn to_value(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(|cause| {
            Error::new(ErrorKind::Internal, "the plan cannot be written as JSON").with_source(cause)
        })
    }

    /// The plan in the journal's form, if this version understands it.
    pub(crate) fn of(plan: &Value) -> Result<Self> {
        serde_json::from_value(plan.clone()).map_err(|cause| {
            Error::new(ErrorKind::Journal, "a plan in the journal cannot be understood")
                .with_source(cause)
                .with_component(Component::Journal)
                .with_advice("use the version of this library that wrote it, or a later one")
        })
    }
}

/// The dry run: every step in order, with its reason, the request that changes something and the look that decides.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} of cluster {} (Camunda {})", self.task, self.cluster, self.version)?;
        if let Some(task) = self.backup() {
            writeln!(f, "order {}", task.order)?;
        }
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        self.stages.iter().try_for_each(|stage| write_stage(f, stage, "", self))
    }
}

impl Task {
    /// The backup id that it is about, if it is about one.
    pub fn id(&self) -> Option<BackupId> {
        match self {
            Self::Backup(task) => Some(task.id),
            #[cfg(test)]
            Self::Trial(_) => None,
        }
    }

    /// What becomes of a run of it whose process died.
    pub(crate) fn reentry(&self) -> Reentry {
        match self {
            // Its conditions are gone with its process.
            Self::Backup(_) => Reentry::Abandon,
            #[cfg(test)]
            Self::Trial(_) => Reentry::Continue,
        }
    }

    /// After which time closing what was opened begins at the latest.
    fn longest_bracket(&self) -> Duration {
        match self {
            Self::Backup(task) => task.limits.max_pause,
            #[cfg(test)]
            Self::Trial(_) => Duration::from_secs(600),
        }
    }
}

/// What it is about, in words: `backup 17`.
impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backup(task) => write!(f, "backup {}", task.id),
            #[cfg(test)]
            Self::Trial(task) => write!(f, "replacing index {}", task.index),
        }
    }
}

fn write_stage(f: &mut fmt::Formatter<'_>, stage: &Stage, margin: &str, plan: &Plan) -> fmt::Result {
    match stage {
        Stage::Together(steps) | Stage::Group(Group { steps, .. }) => write_group(f, steps, margin),
        Stage::Bracket(bracket) => write_bracket(f, bracket, margin, plan),
    }
}

fn write_bracket(f: &mut fmt::Formatter<'_>, bracket: &Bracket, margin: &str, plan: &Plan) -> fmt::Result {
    let latest = plan.task.longest_bracket().as_secs();
    writeln!(f, "{margin}┌ from here: owes to {}, beginning after {latest} s at the latest", bracket.owes)?;
    let inside = format!("{margin}│ ");
    write_group(f, std::slice::from_ref(&bracket.open), &inside)?;
    for stage in &bracket.body {
        write_stage(f, stage, &inside, plan)?;
    }
    if let Some(abort) = &bracket.abort {
        writeln!(f, "{inside}if something in it fails:")?;
        write_group(f, std::slice::from_ref(abort), &inside)?;
    }
    write_group(f, std::slice::from_ref(&bracket.close), &inside)?;
    writeln!(f, "{margin}└ owes nothing")
}

fn write_group(f: &mut fmt::Formatter<'_>, group: &[StepPlan], margin: &str) -> fmt::Result {
    if group.len() > 1 {
        writeln!(f, "{margin}at the same time:")?;
    }
    let bullet = if group.len() > 1 { "  • " } else { "• " };
    let indent = " ".repeat(bullet.chars().count());
    for step in group {
        writeln!(f, "{margin}{bullet}{} — {}", step.name, step.reason)?;
        for request in &step.requests {
            writeln!(f, "{margin}{indent}{request}")?;
        }
    }
    Ok(())
}
