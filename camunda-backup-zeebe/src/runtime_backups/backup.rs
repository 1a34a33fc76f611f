//! One Zeebe backup as a value, read from the two shapes that servers send.

use camunda_backup_core::{BackupId, BrokerId, PartitionId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{FromAnswer, entries, id, integer, number, text};
use crate::backup_state::BackupState;

/// A backup of all partitions, as the gateway describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RuntimeBackup {
    /// The id as the server says it. Wider than [`BackupId`]: servers also show ids that nobody should have used.
    pub id: i64,
    /// The state of the whole.
    pub state: BackupState,
    /// The server's reason when it failed, unshortened.
    pub failure: Option<String>,
    /// The partitions' shares, sorted by partition. Fewer than the cluster has are possible in every state.
    pub partitions: Vec<PartitionBackup>,
}

/// One partition's share of a backup. Everything but its number and state may be missing: lists and failed shares are
/// poorer than single completed ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PartitionBackup {
    /// The partition.
    pub partition: PartitionId,
    /// The state of this share.
    pub state: BackupState,
    /// The server's reason when it failed, unshortened.
    pub failure: Option<String>,
    /// When it was begun, in the server's own words; see [`ServerTime`](crate::ServerTime).
    pub created_at: Option<String>,
    /// When it last changed, in the server's own words.
    pub last_updated_at: Option<String>,
    /// The Raft snapshot inside: `index-term-processed-exported`, from 8.6 on with more parts behind. `None` while the
    /// partition has not taken one (8.1 says `""`), or when the server does not show it.
    pub snapshot_id: Option<String>,
    /// The log position of the checkpoint.
    pub checkpoint_position: Option<i64>,
    /// The first log position inside (8.9+).
    pub first_log_position: Option<i64>,
    /// The broker that made it (8.1, and from 8.7 on).
    pub broker: Option<BrokerId>,
    /// The version of that broker.
    pub broker_version: Option<String>,
}

impl PartitionBackup {
    /// Up to which log position the snapshot inside has processed.
    pub fn snapshot_processed_position(&self) -> Option<i64> {
        self.snapshot_part(2)
    }

    /// Up to which log position exporters had acknowledged when the snapshot inside was taken.
    pub fn snapshot_exported_position(&self) -> Option<i64> {
        self.snapshot_part(3)
    }

    /// The n-th number of a snapshot id of at least four, counted from the left: later versions append, and all four
    /// must be numbers for any of them to be believed.
    fn snapshot_part(&self, index: usize) -> Option<i64> {
        let parts: Vec<i64> =
            self.snapshot_id.as_deref()?.split('-').take(4).map_while(|part| part.parse().ok()).collect();
        (parts.len() == 4).then(|| parts.get(index).copied())?
    }
}

impl RuntimeBackup {
    /// What is known of an id that the server does not know.
    pub(super) fn not_visible(id: BackupId) -> Self {
        Self { id: id.value(), state: BackupState::NotVisible, failure: None, partitions: Vec::new() }
    }
}

/// Reads both shapes on every version: 8.1 has `status` and `partitions`, later ones `state` and `details`, and a
/// transitional build mixed them.
impl FromAnswer for RuntimeBackup {
    fn from_answer(json: &Value) -> Result<Self, String> {
        let id = integer(json, "backupId").ok_or("no backupId")?;
        let details = if json.get("details").is_some() { "details" } else { "partitions" };
        let mut partitions: Vec<PartitionBackup> =
            entries(json, details).iter().map(PartitionBackup::from_answer).collect::<Result<_, _>>()?;
        partitions.sort_by_key(|partition| partition.partition);
        let state = match (text(json, "state"), text(json, "status")) {
            (Some(word), _) => BackupState::from_word(&word),
            (None, Some(word)) => aggregated(&BackupState::from_word(&word), &partitions),
            (None, None) => return Err("neither state nor status".to_owned()),
        };
        Ok(Self { id, state, failure: text(json, "failureReason"), partitions })
    }
}

/// 8.1 says `DOES_NOT_EXIST` for a running backup, so the partitions decide. Its own word counts only when it is worse.
fn aggregated(said: &BackupState, partitions: &[PartitionBackup]) -> BackupState {
    if said.is_terminal_failure() || (partitions.is_empty() && !said.is_completed()) {
        return said.clone();
    }
    BackupState::of_parts(&partitions.iter().map(|partition| &partition.state).collect::<Vec<_>>())
}

impl FromAnswer for PartitionBackup {
    fn from_answer(json: &Value) -> Result<Self, String> {
        // 8.1 keeps what it knows about the contents one level deeper, or null.
        let inner = json.get("description").filter(|inner| inner.is_object()).unwrap_or(json);
        Ok(Self {
            partition: PartitionId(number(json, "partitionId").ok_or("a partition without partitionId")?),
            state: text(json, "state")
                .or_else(|| text(json, "status"))
                .map(|word| BackupState::from_word(&word))
                .ok_or("a partition without state")?,
            failure: text(json, "failureReason"),
            created_at: text(json, "createdAt"),
            last_updated_at: text(json, "lastUpdatedAt"),
            snapshot_id: text(inner, "snapshotId"),
            checkpoint_position: integer(inner, "checkpointPosition"),
            first_log_position: integer(inner, "firstLogPosition"),
            broker: id(inner, "brokerId").and_then(|id| BrokerId::new(id).ok()),
            broker_version: text(inner, "brokerVersion"),
        })
    }
}

#[cfg(test)]
mod tests;
