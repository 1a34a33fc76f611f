//! Which replicas there are, and on which brokers.

use std::collections::{BTreeMap, BTreeSet};

use camunda_backup_core::{BrokerId, PartitionId};
use camunda_backup_zeebe::{ClusterState, Topology};

/// The replicas of every partition, by broker.
pub type Replicas = BTreeMap<BrokerId, BTreeSet<PartitionId>>;

/// The replicas that a topology shows.
pub(crate) fn replicas_of(topology: &Topology) -> Replicas {
    let brokers = topology.brokers.iter();
    brokers.map(|b| (b.id.clone(), b.partitions.iter().map(|replica| replica.partition).collect())).collect()
}

/// The replicas that a cluster's dynamic configuration lists.
pub(crate) fn replicas_of_members(state: &ClusterState) -> Replicas {
    let members = state.brokers.iter();
    members.map(|member| (member.id.clone(), member.partitions.iter().copied().collect())).collect()
}
