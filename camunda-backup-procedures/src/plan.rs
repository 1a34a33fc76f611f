//! A plan as data: what will be done, in which order, at the same time as what, why, and what is owed in between.
//!
//! Printing a plan is the dry run.

use std::fmt;

use camunda_backup_core::{BackupId, CamundaVersion, Component, SnapshotName};
use camunda_backup_es::StoreInfo;
use camunda_backup_zeebe::PauseMode;
use serde::{Deserialize, Serialize};

use crate::backup::preflight::Finding;
use crate::backup::spec::Limits;
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

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepPlan {
    /// The step's name, unique within the plan, such as `soft-pause-exporting`.
    pub name: String,
    /// The component that acts.
    pub component: Component,
    /// What the step wants to be true.
    pub goal: Goal,
    /// Why it is done, and why here.
    pub reason: String,
    /// The requests that change something or that decide, as request lines with the full address.
    pub requests: Vec<String>,
}

/// A part of a plan that owes something between its opening and its closing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bracket {
    /// What is owed from before the first byte of `open` until `close` was confirmed.
    pub owes: Obligation,
    /// Opens the bracket.
    pub open: StepPlan,
    /// What happens inside, in order.
    pub body: Vec<Vec<StepPlan>>,
    /// Closes it: after success, failure, cancellation, panic, drop and restart.
    pub close: StepPlan,
}

/// A stage of a plan. Stages follow one another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Stage {
    /// Steps that run at the same time; the stage ends when all have reached their goals.
    Together(Vec<StepPlan>),
    /// Steps between an opening and a closing.
    Bracket(Box<Bracket>),
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

/// A whole backup, ready to run, print, store or compare. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// The version of this structure, 1.
    pub format: u32,
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
        let mut steps = Vec::new();
        for stage in &self.stages {
            match stage {
                Stage::Together(group) => steps.extend(group),
                Stage::Bracket(bracket) => {
                    steps.push(&bracket.open);
                    steps.extend(bracket.body.iter().flatten());
                    steps.push(&bracket.close);
                }
            }
        }
        steps
    }

    /// Everything that the plan owes at some time.
    pub fn obligations(&self) -> impl Iterator<Item = &Obligation> {
        self.stages.iter().filter_map(|stage| match stage {
            Stage::Bracket(bracket) => Some(&bracket.owes),
            Stage::Together(_) => None,
        })
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
        for stage in &self.stages {
            match stage {
                Stage::Together(group) => write_group(f, group, "")?,
                Stage::Bracket(bracket) => write_bracket(f, bracket, self)?,
            }
        }
        Ok(())
    }
}

fn write_bracket(f: &mut fmt::Formatter<'_>, bracket: &Bracket, plan: &Plan) -> fmt::Result {
    writeln!(
        f,
        "┌ from here: owes to {}, beginning after {} s at the latest",
        bracket.owes,
        plan.limits.max_pause.as_secs()
    )?;
    write_group(f, std::slice::from_ref(&bracket.open), "│ ")?;
    for group in &bracket.body {
        write_group(f, group, "│ ")?;
    }
    write_group(f, std::slice::from_ref(&bracket.close), "│ ")?;
    writeln!(f, "└ owes nothing")
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
