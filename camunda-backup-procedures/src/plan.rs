//! A plan as data: what will be done, in which order, at the same time as what, why, and what is owed in between.
//!
//! Printing a plan is the dry run.

use std::fmt;

use camunda_backup_core::{BackupId, CamundaVersion, Component, Error, ErrorKind, Result, SnapshotName};
use camunda_backup_es::StoreInfo;
use camunda_backup_zeebe::PauseMode;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::backup::preflight::Finding;
use crate::backup::spec::Limits;
use crate::engine::Reentry;
pub use crate::engine::{Bracket, Group, Stage, StepPlan};
use crate::obligation::{Obligation, Replicas};

/// What one step wants to be true. A step checks by reading whether its goal is reached, and acts at most once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Goal {
    /// Every replica of every partition has paused exporting.
    ExportingPaused {
        /// Soft (keeps exporting, freezes the acknowledged position) or hard.
        mode: PauseMode,
    },
    /// Exporting is still paused everywhere, and the topology is the one of the start.
    PauseHeld {
        /// The mode it was paused in.
        mode: PauseMode,
    },
    /// Every replica of every partition is exporting.
    ExportingResumed,
    /// The web application has backed itself up: all parts of one id, all successful.
    HistoryBackedUp {
        /// Operate, Tasklist or the combined web applications.
        app: Component,
    },
    /// Optimize has backed itself up.
    OptimizeBackedUp,
    /// The exported records are in a snapshot.
    RecordsSnapshotted {
        /// The snapshot's name.
        snapshot: SnapshotName,
    },
    /// The highest exported position of each partition has been read.
    RecordPositionsRead,
    /// Zeebe has backed up every partition under one id.
    ZeebeBackedUp,
}

impl Goal {
    /// As it is stored in a step.
    pub(crate) fn to_value(&self) -> Value {
        // It has no map and no number that JSON could not hold.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// The order of a backup, by generation of Camunda.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BackupOrder {
    /// (A) 8.1–8.5.0 without soft pause: web applications first, then a hard pause.
    HardPause,
    /// (B) up to 8.7: web applications first, then a soft pause.
    WebappsFirst,
    /// (C) 8.8 and later: soft pause first, everything inside it.
    PauseFirst,
    /// Zeebe alone: nothing has to agree with it, so nothing is paused.
    ZeebeOnly,
}

impl fmt::Display for BackupOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HardPause => "(A) web applications first, then hard pause",
            Self::WebappsFirst => "(B) web applications first, then soft pause",
            Self::PauseFirst => "(C) soft pause first",
            Self::ZeebeOnly => "Zeebe alone, nothing is paused",
        })
    }
}

/// What was so when the plan was made and must still be so when it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pinned {
    /// The gateway's address.
    #[serde(default)]
    pub gateway: String,
    /// The version of the gateway.
    pub version: CamundaVersion,
    /// The replicas of every partition, by broker.
    pub replicas: Replicas,
    /// How many partitions there are.
    pub partitions: u32,
    /// The search store.
    pub store: Option<StoreInfo>,
    /// Whether there were exported records; unknown if they could not be listed.
    #[serde(default)]
    pub has_records: Option<bool>,
    /// The repository's name and, where the store has one, its uuid.
    pub repository: Option<(String, Option<String>)>,
}

/// The format of a plan that this version writes. It reads the earlier ones, too.
pub(crate) const FORMAT: u32 = 2;

/// Which procedure a plan is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Task {
    /// A backup. In format 1 there was nothing else.
    #[default]
    Backup,
    /// A procedure that another process continues, for the tests of what happens to such a run.
    #[cfg(test)]
    Trial,
}

impl Task {
    /// What becomes of its run when its process dies.
    pub(crate) fn reentry(self) -> Reentry {
        match self {
            Self::Backup => Reentry::Abandon,
            #[cfg(test)]
            Self::Trial => Reentry::Continue,
        }
    }
}

fn known_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let format = u32::deserialize(deserializer)?;
    if format <= FORMAT {
        return Ok(format);
    }
    Err(serde::de::Error::custom(format!(
        "the plan has format {format}, of a later version of this library; run it with that one, or plan again"
    )))
}

/// A whole backup, ready to run, print, store or compare. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// The version of this structure, 2. Format 1 had no `task`.
    #[serde(deserialize_with = "known_format")]
    pub format: u32,
    /// Which procedure it is a plan of.
    #[serde(default)]
    pub task: Task,
    /// The cluster's name.
    pub cluster: String,
    /// The backup id of all parts.
    pub id: BackupId,
    /// The order.
    pub order: BackupOrder,
    /// What must still be so when it runs.
    pub pinned: Pinned,
    /// Whether the REST API of 8.10 is spoken.
    pub rest: bool,
    /// Whether nothing but Zeebe was asked for.
    #[serde(default)]
    pub zeebe_only: bool,
    /// Warnings, and blockers that were overridden by name.
    pub findings: Vec<Finding>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// Time limits.
    pub limits: Limits,
}

impl Plan {
    /// All steps in the order in which they are printed.
    pub fn steps(&self) -> Vec<&StepPlan> {
        self.stages.iter().flat_map(Stage::steps).collect()
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

    /// Everything that the plan owes at some time.
    pub fn obligations(&self) -> impl Iterator<Item = &Obligation> {
        self.stages.iter().flat_map(Stage::obligations)
    }
}

impl StepPlan {
    /// The goal of a backup's step; `None` if it is none of this version.
    pub fn goal(&self) -> Option<Goal> {
        serde_json::from_value(self.goal.clone()).ok()
    }
}

/// The dry run: every step in order, with its reason, the request that changes something and the look that decides.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "backup {} of cluster {} (Camunda {})", self.id, self.cluster, self.pinned.version)?;
        writeln!(f, "order {}", self.order)?;
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        self.stages.iter().try_for_each(|stage| write_stage(f, stage, "", self))
    }
}

fn write_stage(f: &mut fmt::Formatter<'_>, stage: &Stage, margin: &str, plan: &Plan) -> fmt::Result {
    match stage {
        Stage::Together(steps) | Stage::Group(Group { steps, .. }) => write_group(f, steps, margin),
        Stage::Bracket(bracket) => write_bracket(f, bracket, margin, plan),
    }
}

fn write_bracket(f: &mut fmt::Formatter<'_>, bracket: &Bracket, margin: &str, plan: &Plan) -> fmt::Result {
    let latest = plan.limits.max_pause.as_secs();
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
