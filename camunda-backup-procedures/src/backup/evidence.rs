//! What was seen that proves something: raw material of the verdict, stored with the backup.

use std::collections::{BTreeMap, BTreeSet};

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Error, Result};
use camunda_backup_es::SnapshotInfo;
use camunda_backup_zeebe::{HistoryBackup, RuntimeBackup};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::exporting::Window;

/// The evidence that a step reached its goal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Evidence {
    /// Nothing beyond that the step ended.
    Nothing,
    /// What exporting did, on every replica that could be asked.
    Window(Window),
    /// The parts of an application's backup.
    Parts(Parts),
    /// The snapshot of the records.
    Records(Box<Records>),
    /// The highest exported position by partition.
    Positions(BTreeMap<i64, i64>),
    /// Zeebe's own backup.
    Zeebe(RuntimeBackup),
}

impl Evidence {
    /// The evidence in an entry of a run's timeline; `None` if it is none of this version.
    pub fn of(evidence: &Value) -> Option<Self> {
        serde_json::from_value(evidence.clone()).ok()
    }

    /// As it is stored.
    pub(crate) fn to_value(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(|cause| {
            Error::new(ErrorKind::Internal, "the evidence of a step cannot be written as JSON")
                .with_source(cause)
        })
    }
}

/// The parts of an application's backup, by both witnesses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Parts {
    /// The application.
    pub app: String,
    /// What the application says; `None` when it could not say.
    pub application: Option<HistoryBackup>,
    /// What the store says; empty when there is no store to ask.
    pub snapshots: Vec<SnapshotInfo>,
    /// The version in the names.
    pub version: Option<String>,
    /// Where the two disagree, in words. The store wins.
    pub disagreement: Option<String>,
}

/// The snapshot of the records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Records {
    /// The snapshot.
    pub snapshot: SnapshotInfo,
    /// The indices that it was asked to hold.
    pub wanted: BTreeSet<String>,
}
