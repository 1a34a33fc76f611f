//! How the values that this client returns print: one line each, lists one line per entry, and never an empty text.

use std::fmt;

use crate::{
    Cleanup, Deleted, DiskState, Health, IndexRecovery, IndexStats, NodeDisk, Repository, RestoreProgress,
    ShardFailure, Shards, SnapshotEntry, SnapshotInfo, SnapshotPage, SnapshotSummary, StoreInfo,
};

/// `1 index`, `2 indices`.
fn counted(count: impl TryInto<u64>, one: &str, many: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {}", if count == 1 { one } else { many })
}

fn indices(count: usize) -> String {
    counted(count, "index", "indices")
}

fn or_unnamed(name: &str) -> &str {
    if name.is_empty() { "(without a name)" } else { name }
}

impl fmt::Display for StoreInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.version)?;
        if !self.cluster_name.is_empty() {
            write!(f, ", cluster {}", self.cluster_name)?;
        }
        match &self.cluster_uuid {
            Some(uuid) => write!(f, " ({uuid})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for IndexStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, if self.open { "open" } else { "closed" })?;
        if let Some(health) = &self.health {
            write!(f, ", {health}")?;
        }
        if let Some(docs) = self.docs {
            write!(f, ", {}", counted(docs, "document", "documents"))?;
        }
        match self.primaries {
            Some(primaries) => write!(f, ", {}", counted(primaries, "primary shard", "primary shards")),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind.is_empty() { "type not told" } else { &self.kind };
        let readonly = if self.readonly { ", read-only" } else { "" };
        write!(f, "{} ({kind}{readonly})", or_unnamed(&self.name))
    }
}

impl fmt::Display for Cleanup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = counted(self.deleted_blobs, "file", "files");
        write!(f, "{files} deleted, {}", counted(self.deleted_bytes, "byte", "bytes"))
    }
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Removed => "removed",
            Self::WasAbsent => "was absent",
        })
    }
}

impl fmt::Display for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.successful, counted(self.total, "shard", "shards"))?;
        if self.failed > 0 { write!(f, ", {} failed", self.failed) } else { Ok(()) }
    }
}

impl fmt::Display for ShardFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", or_unnamed(&self.index))?;
        if let Some(shard) = self.shard_id {
            write!(f, "[{shard}]")?;
        }
        let why = self.reason.as_deref().or(self.status.as_deref()).filter(|why| !why.is_empty());
        write!(f, ": {}", why.unwrap_or("no reason was given"))
    }
}

impl fmt::Display for SnapshotInfo {
    /// Shards are printed in terminal states only: before, they mean nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {}", or_unnamed(&self.name), self.state, indices(self.indices.len()))?;
        if self.state.is_terminal() {
            write!(f, ", {}", self.shards)?;
        }
        if let Some(reason) = self.reason.as_deref().filter(|reason| !reason.is_empty()) {
            write!(f, ": {reason}")?;
        }
        self.failures.iter().try_for_each(|failure| write!(f, "; {failure}"))
    }
}

impl fmt::Display for SnapshotEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {}", or_unnamed(&self.name), self.state, indices(self.indices.len()))
    }
}

impl fmt::Display for SnapshotSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", or_unnamed(&self.name), self.state)?;
        match self.index_count {
            Some(count) => write!(f, ", {}", indices(count)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for SnapshotPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.snapshots.is_empty() {
            return f.write_str("no snapshots");
        }
        self.snapshots.iter().try_for_each(|snapshot| writeln!(f, "{snapshot}"))?;
        f.write_str(if self.next.is_some() { "more on the next page" } else { "no more" })
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = counted(self.nodes, "node", "nodes");
        let primaries = counted(self.active_primary_shards, "active primary shard", "active primary shards");
        write!(f, "{}, {nodes}, {primaries}", self.status)?;
        if self.initializing_shards > 0 {
            write!(f, ", {} initializing", self.initializing_shards)?;
        }
        if self.timed_out { f.write_str(", timed out") } else { Ok(()) }
    }
}

impl fmt::Display for NodeDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, used_percent, available_bytes, total_bytes, .. } = self;
        let name = or_unnamed(name);
        write!(f, "{name}: {used_percent:.1} % used, {available_bytes} of {total_bytes} bytes free")
    }
}

impl fmt::Display for DiskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nodes.is_empty() {
            return f.write_str("no node tells how full its disk is");
        }
        for (place, node) in self.nodes.iter().enumerate() {
            let over = |names: &[String]| names.contains(&node.name);
            let mark = match () {
                () if over(&self.over_flood_stage) => ", above the flood stage",
                () if over(&self.perhaps_over_flood_stage) => ", above the flood stage, roles not known",
                () if over(&self.over_high) => ", above the high watermark",
                () => "",
            };
            write!(f, "{}{node}{mark}", if place == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl fmt::Display for IndexRecovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(primaries) = self.primaries else { return f.write_str("does not exist") };
        write!(f, "{} of {}", self.primaries_done, counted(primaries, "primary shard", "primary shards"))?;
        match &self.status {
            Some(status) => write!(f, ", {status}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for RestoreProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, all) = self.primaries();
        write!(f, "{done} of {}", counted(all, "primary shard", "primary shards"))?;
        write!(f, ", {} of {} bytes, {}", self.recovered_bytes, self.total_bytes, self.health)?;
        let missing: Vec<&str> = self.missing().map(camunda_backup_core::IndexName::as_str).collect();
        if missing.is_empty() { Ok(()) } else { write!(f, "; missing: {}", missing.join(", ")) }
    }
}

#[cfg(test)]
mod tests;
