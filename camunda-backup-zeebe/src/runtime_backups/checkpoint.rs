//! The brokers' own bookkeeping of checkpoints and restorable ranges (8.9+).

use camunda_backup_core::PartitionId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{FromAnswer, entries, integer, number, text};

/// What each partition knows about its checkpoints (8.9+). Partitions that could not be read are missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CheckpointState {
    /// The latest checkpoint of each partition, sorted by partition.
    pub checkpoints: Vec<Checkpoint>,
    /// The latest backup of each partition, sorted by partition.
    pub backups: Vec<Checkpoint>,
    /// The restorable ranges, sorted by partition. A point in time is restorable only if every partition has a range
    /// around it.
    pub ranges: Vec<CheckpointRange>,
}

/// One checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The checkpoint's id; for backups this is the backup id.
    pub id: i64,
    /// The partition; inside a range it is the range's.
    pub partition: Option<PartitionId>,
    /// The server's word: `MARKER`, `SCHEDULED_BACKUP`, `MANUAL_BACKUP`, or one that is not known yet.
    pub kind: Option<String>,
    /// Its log position.
    pub position: Option<i64>,
    /// The first log position that the backup holds.
    pub first_log_position: Option<i64>,
    /// When it was made, in the server's own words.
    pub timestamp: Option<String>,
}

/// A stretch of time that one partition can be restored to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CheckpointRange {
    /// The partition.
    pub partition: PartitionId,
    /// The first checkpoint.
    pub start: Option<Checkpoint>,
    /// The last checkpoint.
    pub end: Option<Checkpoint>,
}

impl FromAnswer for CheckpointState {
    fn from_answer(json: &Value) -> Result<Self, String> {
        const KEYS: [&str; 3] = ["checkpointStates", "backupStates", "ranges"];
        if !KEYS.iter().any(|key| json.get(key).is_some_and(Value::is_array)) {
            return Err("none of checkpointStates, backupStates and ranges".to_owned());
        }
        let checkpoints = |key: &str| {
            let mut found: Vec<Checkpoint> = entries(json, key).iter().filter_map(checkpoint).collect();
            found.sort_by_key(|checkpoint| (checkpoint.partition, checkpoint.id));
            found
        };
        let mut ranges: Vec<CheckpointRange> = entries(json, "ranges").iter().filter_map(range).collect();
        ranges.sort_by_key(|range| (range.partition, range.start.as_ref().map(|start| start.id)));
        Ok(Self {
            checkpoints: checkpoints("checkpointStates"),
            backups: checkpoints("backupStates"),
            ranges,
        })
    }
}

/// An object, or in alphas of 8.9 the bare id.
fn checkpoint(json: &Value) -> Option<Checkpoint> {
    Some(Checkpoint {
        id: json.as_i64().or_else(|| integer(json, "checkpointId"))?,
        partition: number(json, "partitionId").map(PartitionId),
        kind: text(json, "checkpointType"),
        position: integer(json, "checkpointPosition"),
        first_log_position: integer(json, "firstLogPosition"),
        timestamp: text(json, "checkpointTimestamp"),
    })
}

fn range(json: &Value) -> Option<CheckpointRange> {
    Some(CheckpointRange {
        partition: PartitionId(number(json, "partitionId")?),
        start: json.get("start").and_then(checkpoint),
        end: json.get("end").and_then(checkpoint),
    })
}
