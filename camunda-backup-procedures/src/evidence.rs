//! What was seen that proves something: raw material of the verdict, stored with the backup.

use std::collections::{BTreeMap, BTreeSet};

use camunda_backup_core::{BrokerId, PartitionId, Timestamp};
use camunda_backup_es::SnapshotInfo;
use camunda_backup_zeebe::{HistoryBackup, PartitionStatus, PauseMode, RuntimeBackup, Topology};
use serde::{Deserialize, Serialize};

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

/// How sure it is what exporting did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Certainty {
    /// By the answer to our request and a complete topology only.
    Believed,
    /// By the cluster-wide status of 8.10.
    Status,
    /// By the phase on the leader of every partition; followers of 8.1 and 8.2 show none.
    EveryLeader,
    /// By the phase on every replica of every partition.
    EveryReplica,
}

/// What exporting did at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Window {
    /// On our clock.
    pub at: Timestamp,
    /// The mode, if it was paused.
    pub mode: Option<PauseMode>,
    /// How sure it is.
    pub certainty: Certainty,
    /// What each broker said of each of its partitions.
    pub partitions: BTreeMap<BrokerId, BTreeMap<PartitionId, PartitionStatus>>,
    /// The topology at that moment, where it could be read.
    pub topology: Option<Topology>,
}

impl Window {
    /// The exported position of each partition, as its leader shows it.
    pub fn exported_positions(&self) -> BTreeMap<PartitionId, i64> {
        let all = self.partitions.values().flatten();
        all.filter(|(_, status)| status.role == camunda_backup_zeebe::Role::Leader)
            .filter_map(|(partition, status)| Some((*partition, status.exported_position?)))
            .collect()
    }

    /// The broker that leads each partition.
    pub fn leaders(&self) -> BTreeMap<PartitionId, BrokerId> {
        let mut leaders = BTreeMap::new();
        for (broker, partitions) in &self.partitions {
            for (partition, status) in partitions {
                if status.role == camunda_backup_zeebe::Role::Leader {
                    leaders.insert(*partition, broker.clone());
                }
            }
        }
        leaders
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
