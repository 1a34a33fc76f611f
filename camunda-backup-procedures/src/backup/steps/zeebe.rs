//! Zeebe's own backup: one checkpoint over all partitions.

use async_trait::async_trait;
use camunda_backup_core::Result;
use camunda_backup_zeebe::{BackupState, RuntimeBackup};
use serde_json::Value;

use super::{Check, Progress, Step};
use crate::backup::context::Context;
use crate::backup::evidence::Evidence;
use crate::engine::{Amount, Unit};

/// Every partition backed up under the run's id.
#[derive(Debug)]
pub(super) struct Zeebe {
    pub(super) context: Context,
}

#[async_trait]
impl Step for Zeebe {
    async fn check(&self) -> Result<Check> {
        let backup = self.context.clients.runtime.status(self.context.task.id).await?;
        Ok(judge(backup, self.context.task.pinned.partitions))
    }

    async fn act(&self) -> Result<Value> {
        self.context.clients.runtime.create(self.context.task.id).await.map(|()| Value::Null)
    }
}

/// COMPLETED counts only with every partition of the topology in it and no other, each one completed itself.
fn judge(backup: RuntimeBackup, partitions: u32) -> Check {
    let completed: Vec<u32> = backup
        .partitions
        .iter()
        .filter(|share| share.state == BackupState::Completed && share.failure.is_none())
        .map(|share| share.partition.0)
        .collect();
    let all = completed == (1..=partitions).collect::<Vec<_>>() && backup.partitions.len() == completed.len();
    let failed = backup.partitions.iter().find(|partition| partition.state.is_terminal_failure());
    match &backup.state {
        BackupState::NotVisible => Check::NotStarted,
        BackupState::Completed if all && partitions > 0 => Check::Reached(Evidence::Zeebe(backup)),
        BackupState::Completed => Check::Failed(format!(
            "it is COMPLETED with the partitions {completed:?} completed, and the cluster has {partitions}"
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn backup(state: &str, shares: &[(u32, &str, Option<&str>)]) -> RuntimeBackup {
        let partitions: Vec<Value> = shares
            .iter()
            .map(|(partition, state, failure)| {
                json!({
                    "partition": partition, "state": state, "failure": failure, "created_at": null,
                    "last_updated_at": null, "snapshot_id": null, "checkpoint_position": 9,
                    "first_log_position": null, "broker": null, "broker_version": null,
                })
            })
            .collect();
        let whole = json!({"id": 7, "state": state, "failure": null, "partitions": partitions});
        serde_json::from_value(whole).unwrap()
    }

    #[test]
    fn completed_counts_with_every_partition_and_no_other() {
        let done = |partition| (partition, "COMPLETED", None);
        let reached = |shares: &[_], partitions| {
            matches!(judge(backup("COMPLETED", shares), partitions), Check::Reached(Evidence::Zeebe(_)))
        };
        assert!(reached(&[done(1), done(2)], 2));
        for (what, shares, partitions) in [
            ("one is missing", vec![done(1)], 2),
            ("the first is missing", vec![done(2), done(3)], 2),
            ("there is one more", vec![done(1), done(2), done(3)], 2),
            ("one twice", vec![done(1), done(1)], 2),
            ("one is not completed", vec![done(1), (2, "IN_PROGRESS", None)], 2),
            ("one more is not completed", vec![done(1), done(2), (3, "IN_PROGRESS", None)], 2),
            ("one has a reason for a failure", vec![done(1), (2, "COMPLETED", Some("lost its log"))], 2),
            ("nobody knows how many there are", vec![], 0),
        ] {
            assert!(!reached(&shares, partitions), "{what}");
            let check = judge(backup("COMPLETED", &shares), partitions);
            assert!(matches!(&check, Check::Failed(why) if why.contains("COMPLETED")), "{what}: {check:?}");
        }
    }

    #[test]
    fn a_failed_partition_ends_it_whatever_the_whole_says() {
        let shares = [(1, "COMPLETED", None), (2, "FAILED", Some("leader changed\nand more"))];
        for state in ["IN_PROGRESS", "INCOMPLETE", "FAILED", "A_WORD_OF_THE_FUTURE"] {
            let check = judge(backup(state, &shares), 2);
            assert!(
                matches!(&check, Check::Failed(why) if why.contains("leader changed")),
                "{state}: {check:?}"
            );
        }
        for state in ["FAILED", "INCOMPATIBLE", "DELETED"] {
            let check = judge(backup(state, &[]), 2);
            assert!(
                matches!(&check, Check::Failed(why) if why.contains("no reason given")),
                "{state}: {check:?}"
            );
        }
    }

    #[test]
    fn what_is_neither_here_nor_there_is_waited_for() {
        assert_eq!(judge(backup("NOT_VISIBLE", &[]), 2), Check::NotStarted);
        let running = |state: &str, shares: &[_]| match judge(backup(state, shares), 2) {
            Check::Pending(progress) => progress.running,
            other => panic!("{other:?}"),
        };
        assert!(running("IN_PROGRESS", &[]));
        assert!(running("INCOMPLETE", &[(1, "IN_PROGRESS", None)]));
        assert!(!running("INCOMPLETE", &[(1, "COMPLETED", None), (2, "NOT_VISIBLE", None)]));
        assert!(!running("A_WORD_OF_THE_FUTURE", &[]));
    }
}
