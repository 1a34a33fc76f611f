//! How the values that these clients return print: one line each, lists one line per entry, and never an empty text.

use std::fmt;
use std::str::FromStr;

use camunda_backup_core::{Error, ErrorKind};

use crate::{
    Checkpoint, CheckpointRange, CheckpointState, ClusterChange, ClusterMember, ClusterState,
    DetectedVersion, Dialect, Exporter, HistoryBackup, HistoryPart, PartName, PartitionBackup,
    PartitionReplica, PartitionStatus, PauseAnswer, PauseMode, RuntimeBackup, Scheduled, Topology,
    TopologyBroker,
};

/// `1 broker`, `2 brokers`.
fn counted(count: impl TryInto<u64>, one: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// `, of 2 brokers`: where a value is there.
fn labelled<T: fmt::Display>(f: &mut fmt::Formatter<'_>, label: &str, value: Option<&T>) -> fmt::Result {
    match value {
        Some(value) => write!(f, ", {label} {value}"),
        None => Ok(()),
    }
}

fn failed(f: &mut fmt::Formatter<'_>, failure: Option<&String>) -> fmt::Result {
    match failure.filter(|why| !why.is_empty()) {
        Some(why) => write!(f, ": {}", camunda_backup_core::text::one_line(why)),
        None => Ok(()),
    }
}

fn word(text: &str) -> &str {
    if text.is_empty() { "no state" } else { text }
}

fn lines<T: fmt::Display>(f: &mut fmt::Formatter<'_>, entries: &[T]) -> fmt::Result {
    entries.iter().try_for_each(|entry| write!(f, "\n{entry}"))
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for DetectedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.version, &self.at_most) {
            (Some(version), _) => write!(f, "{version} (by {})", self.how),
            (None, Some(newest)) => write!(f, "not told, at most {newest}"),
            (None, None) => write!(f, "not told ({})", self.how),
        }
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} visible", self.brokers.len(), counted(self.cluster_size, "broker"))?;
        let replicas = counted(self.replication_factor, "replica");
        write!(f, ", {} with {replicas} each", counted(self.partitions_count, "partition"))?;
        labelled(f, "gateway", self.gateway_version.as_ref())?;
        lines(f, &self.brokers)?;
        lines(f, &self.problems())
    }
}

impl fmt::Display for TopologyBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broker {}", self.id)?;
        labelled(f, "host", self.host.as_ref())?;
        labelled(f, "version", self.version.as_ref())?;
        if self.partitions.is_empty() {
            return f.write_str(": no partition");
        }
        let partitions: Vec<String> = self.partitions.iter().map(ToString::to_string).collect();
        write!(f, ": {}", partitions.join("; "))
    }
}

impl fmt::Display for PartitionReplica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition {} {}", self.partition, self.role)?;
        if self.healthy { Ok(()) } else { write!(f, ", {}", word(&self.health)) }
    }
}

impl fmt::Display for PartitionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.role)?;
        match &self.exporter_phase {
            Some(phase) => write!(f, ", exporter {phase}")?,
            None => f.write_str(", exporter phase not shown")?,
        }
        labelled(f, "exported up to", self.exported_position.as_ref())?;
        labelled(f, "processed up to", self.processed_position.as_ref())
    }
}

impl fmt::Display for ClusterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", counted(self.brokers.len(), "member"))?;
        match &self.pending_change {
            Some(change) => write!(f, ", {change}")?,
            None => f.write_str(", no change is pending")?,
        }
        lines(f, &self.brokers)
    }
}

impl fmt::Display for ClusterMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broker {}: {}", self.id, word(&self.state))?;
        let partitions: Vec<String> = self.partitions.iter().map(ToString::to_string).collect();
        if partitions.is_empty() { Ok(()) } else { write!(f, ", partition {}", partitions.join(", ")) }
    }
}

impl fmt::Display for ClusterChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "change {}: {}", self.id, word(&self.status))?;
        let pending = counted(self.operations_pending, "operation");
        if self.operations_pending == 0 { Ok(()) } else { write!(f, ", {pending} to be done") }
    }
}

impl fmt::Display for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.status)?;
        labelled(f, "tenant", self.tenant.as_ref())
    }
}

impl fmt::Display for RuntimeBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "backup {}: {}, {}", self.id, self.state, counted(self.partitions.len(), "partition"))?;
        failed(f, self.failure.as_ref())
    }
}

impl fmt::Display for PartitionBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition {}: {}", self.partition, self.state)?;
        labelled(f, "checkpoint at", self.checkpoint_position.as_ref())?;
        labelled(f, "snapshot", self.snapshot_id.as_ref())?;
        failed(f, self.failure.as_ref())
    }
}

impl fmt::Display for CheckpointState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (checkpoints, backups) =
            (counted(self.checkpoints.len(), "checkpoint"), counted(self.backups.len(), "backup"));
        write!(f, "{checkpoints}, {backups}, {}", counted(self.ranges.len(), "range"))?;
        lines(f, &self.ranges)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "checkpoint {}", self.id)?;
        labelled(f, "partition", self.partition.as_ref())?;
        labelled(f, "position", self.position.as_ref())?;
        labelled(f, "at", self.timestamp.as_ref())
    }
}

impl fmt::Display for CheckpointRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |checkpoint: &Option<Checkpoint>| {
            checkpoint.as_ref().map_or_else(|| "not told".to_owned(), |checkpoint| checkpoint.id.to_string())
        };
        write!(f, "partition {}: {} to {}", self.partition, end(&self.start), end(&self.end))
    }
}

impl fmt::Display for HistoryBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            Some(id) => write!(f, "backup {id}: ")?,
            None => f.write_str("backup: ")?,
        }
        write!(f, "{}, {}", self.state, counted(self.parts.len(), "part"))?;
        failed(f, self.failure.as_ref())
    }
}

impl fmt::Display for HistoryPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, word(self.state.as_deref().unwrap_or_default()))?;
        self.failures.iter().try_for_each(|failure| failed(f, Some(failure)))
    }
}

impl fmt::Display for Scheduled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.snapshots.is_empty() {
            return f.write_str("accepted; the snapshots are not named");
        }
        let names: Vec<&str> = self.snapshots.iter().map(camunda_backup_core::SnapshotName::as_str).collect();
        f.write_str(&names.join("\n"))
    }
}

impl fmt::Display for PauseMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Soft => "soft",
            Self::Hard => "hard",
        })
    }
}

/// Reads `soft` or `hard`, in any case.
impl FromStr for PauseMode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.trim().to_ascii_lowercase().as_str() {
            "soft" => Ok(Self::Soft),
            "hard" => Ok(Self::Hard),
            _ => {
                let shown = camunda_backup_core::text::one_line(text);
                Err(Error::new(ErrorKind::InvalidInput, format!("{shown:?} is no way to pause"))
                    .with_advice("write soft or hard"))
            }
        }
    }
}

impl fmt::Display for PauseAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Envelope => "200 with a success inside",
            Self::Bare204 => "204: paused hard, whatever was asked for",
            Self::Rest => "204",
        })
    }
}

/// Reads the name of a snapshot.
impl FromStr for PartName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::parse(name).ok_or_else(|| {
            let shown = camunda_backup_core::text::one_line(name);
            Error::new(ErrorKind::InvalidInput, format!("{shown:?} is not the name of a part of a backup"))
                .with_advice("write it like camunda_operate_1700000000_8.6.0_part_1_of_6")
        })
    }
}

#[cfg(test)]
mod tests;
