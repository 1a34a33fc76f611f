//! What was seen of exporting at one moment, and how sure it is.

use std::collections::BTreeMap;

use camunda_backup_core::{BrokerId, PartitionId, Timestamp};
use camunda_backup_zeebe::{PartitionStatus, PauseMode, Topology};
use serde::{Deserialize, Serialize};

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
    /// The exported position of each partition, as its leader shows it. Followers lag behind and prove nothing. A leader
    /// that was just restarted shows −1 until it has opened its exporters (Q45): that is not known, and no position.
    pub fn exported_positions(&self) -> BTreeMap<PartitionId, i64> {
        let all = self.partitions.values().flatten();
        all.filter(|(_, status)| status.role == camunda_backup_zeebe::Role::Leader)
            .filter_map(|(partition, status)| Some((*partition, status.exported_position?)))
            .filter(|(_, position)| *position >= 0)
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
