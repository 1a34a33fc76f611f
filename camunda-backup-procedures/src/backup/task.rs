//! What only the plan of a backup has: the id, the order, and what must still be so when it runs.

use std::fmt;

use camunda_backup_core::{BackupId, Component, SnapshotName};
use camunda_backup_es::StoreInfo;
use camunda_backup_zeebe::PauseMode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::backup::spec::Limits;
use crate::engine::StepPlan;
use crate::replicas::Replicas;

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

impl StepPlan {
    /// The goal of a backup's step; `None` if it is none of this version.
    pub fn goal(&self) -> Option<Goal> {
        serde_json::from_value(self.goal.clone()).ok()
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

/// What was so when the plan was made and must still be so when it runs, beside the gateway and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pinned {
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

/// The part of a plan that only a backup has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BackupTask {
    /// The backup id of all parts.
    pub id: BackupId,
    /// The order.
    pub order: BackupOrder,
    /// What must still be so when it runs.
    pub pinned: Pinned,
    /// Whether the REST API of 8.10 is spoken.
    pub rest: bool,
    /// Whether nothing but Zeebe was asked for.
    pub zeebe_only: bool,
    /// Time limits.
    pub limits: Limits,
}
