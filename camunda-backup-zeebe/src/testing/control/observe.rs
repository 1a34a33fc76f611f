//! What checkers and tests may look at behind the wire.

use std::time::Duration;

use camunda_backup_core::{BrokerId, PartitionId};

/// One replica of one partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PausedReplica {
    /// The broker that holds the replica.
    pub broker: BrokerId,
    /// The partition.
    pub partition: PartitionId,
}

/// What happened to the exporting of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PauseKind {
    /// A hard pause took effect (also on a replica that was paused already).
    Hard,
    /// A soft pause took effect.
    Soft,
    /// A resume took effect (also on a replica that was running).
    Resume,
    /// The pause was lost without a resume: a new disk, a restore.
    Lost,
}

/// One effect of a pause or resume on one replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseEvent {
    /// Simulated time since the start of the clock.
    pub at: Duration,
    /// Where.
    pub replica: PausedReplica,
    /// What.
    pub what: PauseKind,
    /// Whether another actor than the requests answered by the simulation did it.
    pub foreign: bool,
}

/// One Zeebe backup as the partitions hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZeebeBackupView {
    /// Its id.
    pub id: i64,
    /// One entry per partition that has begun.
    pub partitions: Vec<PartitionBackupView>,
}

/// One partition's part of a Zeebe backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionBackupView {
    /// The partition.
    pub partition: PartitionId,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub state: String,
    /// `C_p`: the position of the checkpoint record.
    pub checkpoint_position: u64,
    /// `E_p`: the exporter position in the snapshot inside.
    pub exported_position: u64,
    /// `P_p`: the processed position of the snapshot inside.
    pub processed_position: u64,
    /// When the checkpoint was taken, in simulated time.
    pub created: Duration,
    /// When it ended, in simulated time.
    pub completed: Option<Duration>,
}
