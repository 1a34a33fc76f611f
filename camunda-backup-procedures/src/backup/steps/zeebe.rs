//! Zeebe's own backup: one checkpoint over all partitions.

use std::collections::BTreeSet;

use async_trait::async_trait;
use camunda_backup_core::{PartitionId, Result};
use camunda_backup_zeebe::{BackupState, RuntimeBackup};
use serde_json::Value;

use super::Step;
use crate::backup::evidence::Evidence;
use crate::engine::{Amount, Check, Context, Progress, Unit};

/// Every partition backed up under the run's id.
#[derive(Debug)]
pub(super) struct Zeebe {
    pub(super) context: Context,
}

#[async_trait]
impl Step for Zeebe {
    async fn check(&self) -> Result<Check> {
        let backup = self.context.clients.runtime.status(self.context.plan.id).await?;
        Ok(judge(backup, self.context.plan.pinned.partitions))
    }

    async fn act(&self) -> Result<Value> {
        self.context.clients.runtime.create(self.context.plan.id).await.map(|()| Value::Null)
    }
}

/// COMPLETED counts only with every partition of the topology in it, each one completed itself.
fn judge(backup: RuntimeBackup, partitions: u32) -> Check {
    let completed: BTreeSet<PartitionId> =
        backup.partitions.iter().filter(|p| p.state == BackupState::Completed).map(|p| p.partition).collect();
    let all = (1..=partitions).all(|partition| completed.contains(&PartitionId(partition)));
    let failed = backup.partitions.iter().find(|partition| partition.state.is_terminal_failure());
    match &backup.state {
        BackupState::NotVisible => Check::NotStarted,
        BackupState::Completed if all && partitions > 0 => Check::Reached(Evidence::Zeebe(backup)),
        BackupState::Completed => Check::Failed(format!(
            "it is COMPLETED with partitions {completed:?}, and the cluster has {partitions}"
        )),
        state if state.is_terminal_failure() => Check::Failed(words(&backup, state)),
        state => match failed {
            Some(partition) => Check::Failed(words(&backup, &partition.state)),
            None => Check::Pending(progress(&backup, state, completed.len(), partitions)),
        },
    }
}

fn words(backup: &RuntimeBackup, state: &BackupState) -> String {
    let reasons = backup.partitions.iter().filter_map(|p| p.failure.as_deref());
    let reason =
        backup.failure.as_deref().or_else(|| reasons.into_iter().next()).unwrap_or("no reason given");
    format!("the backup is {state}: {}", camunda_backup_core::text::one_line(reason))
}

fn progress(backup: &RuntimeBackup, state: &BackupState, completed: usize, of: u32) -> Progress {
    let parts = backup
        .partitions
        .iter()
        .map(|p| format!("{}={}", p.partition, p.state))
        .collect::<Vec<_>>()
        .join(",");
    let working = backup.partitions.iter().any(|p| p.state == BackupState::InProgress);
    Progress {
        mark: format!("{state}|{parts}"),
        text: format!("{state} ({parts})"),
        running: *state == BackupState::InProgress || working,
        advice: Some(
            "look for a leader change or an unreachable bucket in the brokers' logs; the id is used up"
                .to_owned(),
        ),
        amount: Some(Amount::new(completed as u64, u64::from(of), Unit::Partitions)),
        settled: None,
    }
}
