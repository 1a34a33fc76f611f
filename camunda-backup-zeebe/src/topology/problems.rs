//! What keeps a topology from being complete.

use std::collections::{BTreeMap, BTreeSet};

use camunda_backup_core::PartitionId;

use super::{PartitionReplica, Topology};
use crate::partitions::Role;

/// A hostile or broken answer may claim billions of partitions; nobody reads more than this many.
const MOST_NAMED: usize = 10;

impl Topology {
    /// Why the cluster is not ready, in words; empty exactly when all configured brokers are visible, and every
    /// partition has one leader, which is healthy, and all its replicas.
    ///
    /// Readiness probes, a completed change and `/actuator/cluster` do not say this: all three are green without any
    /// leader.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.broker_problems();
        if self.partitions_count == 0 {
            problems.push("the gateway knows no partition".to_owned());
        }
        let shown = self.replicas();
        for (partition, replicas) in &shown {
            problems.extend(self.partition_problems(*partition, replicas));
        }
        let missing = (1..=self.partitions_count).map(PartitionId).filter(|p| !shown.contains_key(p));
        problems.extend(
            missing.take(MOST_NAMED).map(|partition| format!("partition {partition} has no replica")),
        );
        problems
    }

    fn broker_problems(&self) -> Vec<String> {
        let ids: BTreeSet<_> = self.brokers.iter().map(|broker| &broker.id).collect();
        let mut problems = Vec::new();
        if ids.len() != self.brokers.len() {
            problems.push("two brokers have the same id".to_owned());
        }
        if u32::try_from(ids.len()) != Ok(self.cluster_size) {
            problems.push(format!("{} of {} brokers are visible", ids.len(), self.cluster_size));
        }
        problems
    }

    fn replicas(&self) -> BTreeMap<PartitionId, Vec<&PartitionReplica>> {
        let mut replicas: BTreeMap<PartitionId, Vec<&PartitionReplica>> = BTreeMap::new();
        for replica in self.brokers.iter().flat_map(|broker| &broker.partitions) {
            replicas.entry(replica.partition).or_default().push(replica);
        }
        replicas
    }

    fn partition_problems(&self, partition: PartitionId, replicas: &[&PartitionReplica]) -> Vec<String> {
        let leaders: Vec<&&PartitionReplica> = replicas.iter().filter(|r| r.role == Role::Leader).collect();
        let taking_part = replicas.iter().filter(|r| matches!(r.role, Role::Leader | Role::Follower)).count();
        let mut problems = Vec::new();
        if !(1..=self.partitions_count).contains(&partition.0) {
            problems.push(format!(
                "partition {partition} is shown, and the cluster has {}",
                self.partitions_count
            ));
        }
        match leaders.as_slice() {
            [leader] if leader.healthy => {}
            [leader] => problems.push(format!("the leader of partition {partition} is {:?}", leader.health)),
            [] => problems.push(format!("partition {partition} has no leader")),
            many => problems.push(format!("partition {partition} has {} leaders", many.len())),
        }
        if u32::try_from(taking_part) != Ok(self.replication_factor) {
            let wanted = self.replication_factor;
            problems.push(format!("partition {partition} has {taking_part} of {wanted} replicas"));
        }
        problems
    }
}
