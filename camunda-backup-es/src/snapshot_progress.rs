//! How far a running snapshot is: `GET /_snapshot/{repo}/{name}/_status`. Never a verdict.

use camunda_backup_core::http_client::path_segment;
use camunda_backup_core::{Call, RepositoryName, Result, SnapshotName};
use serde::{Deserialize, Serialize};

use crate::client::SearchStore;
use crate::tolerant;

/// How far a snapshot is. **Not whether it is good**: a PARTIAL snapshot is called SUCCESS here by Elasticsearch and
/// OpenSearch 1, so the word is left out; ask [`SearchStore::snapshots`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SnapshotProgress {
    /// Shards that have not begun.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub initializing: u64,
    /// Shards that are being uploaded.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub started: u64,
    /// Shards whose files are there but not listed yet.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub finalizing: u64,
    /// Shards that are stored.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub done: u64,
    /// Shards that failed.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub failed: u64,
    /// All shards.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub total: u64,
    /// Bytes uploaded so far; `None` once it has finished.
    pub processed_bytes: Option<u64>,
    /// Bytes that have to be uploaded: what the repository does not have yet.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub incremental_bytes: u64,
    /// Bytes that the snapshot refers to, those from earlier snapshots included.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub total_bytes: u64,
}

impl SnapshotProgress {
    /// Whether a shard is waiting, uploading or finishing. `false` says nothing about how it ended.
    pub fn is_running(&self) -> bool {
        self.initializing + self.started + self.finalizing > 0
    }
}

impl std::fmt::Display for SnapshotProgress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.processed_bytes.unwrap_or(self.incremental_bytes);
        write!(f, "{} of {} shards, {bytes} of {} bytes", self.done, self.total, self.incremental_bytes)
    }
}

#[derive(Deserialize)]
struct Status {
    snapshots: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default, deserialize_with = "tolerant::or_default")]
    snapshot: String,
    #[serde(default, deserialize_with = "tolerant::or_default")]
    shards_stats: SnapshotProgress,
    #[serde(default, deserialize_with = "tolerant::or_default")]
    stats: Stats,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stats {
    processed: Option<Size>,
    #[serde(deserialize_with = "tolerant::or_default")]
    incremental: Size,
    #[serde(deserialize_with = "tolerant::or_default")]
    total: Size,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Size {
    #[serde(deserialize_with = "tolerant::or_default")]
    size_in_bytes: u64,
}

/// Asks for one snapshot by name. Expensive for the server once the snapshot has finished.
fn status_call(repository: &RepositoryName, name: &SnapshotName) -> Call {
    let (repository, snapshot) = (path_segment(repository.as_str()), path_segment(name.as_str()));
    Call::get("store.snapshots.progress", format!("/_snapshot/{repository}/{snapshot}/_status")).subject(name)
}

/// Decodes `_status` of the snapshot of this name; `None` when it is not in the answer, which is what a vanished one may
/// look like. Other names are of no interest, whatever the server lists.
pub(crate) fn snapshot_progress(body: &[u8], name: &str) -> Result<Option<SnapshotProgress>> {
    let status: Status = tolerant::from_slice(body)?;
    let asked_for = status.snapshots.into_iter().find(|entry| entry.snapshot == name);
    Ok(asked_for.map(|entry| SnapshotProgress {
        processed_bytes: entry.stats.processed.map(|size| size.size_in_bytes),
        incremental_bytes: entry.stats.incremental.size_in_bytes,
        total_bytes: entry.stats.total.size_in_bytes,
        ..entry.shards_stats
    }))
}

impl SearchStore {
    /// How far a snapshot is; `None` when there is none of that name.
    ///
    /// # Errors
    /// `NotFound` for an unknown repository. A store that refuses the status of so many shards (`Refused`), sends too much
    /// of it (`BodyTooLarge`) or is too slow (`Timeout`, its own or that of a proxy) says nothing about the snapshot: ask
    /// [`SearchStore::snapshots`] then.
    pub async fn snapshot_progress(
        &self,
        repository: &RepositoryName,
        name: &SnapshotName,
    ) -> Result<Option<SnapshotProgress>> {
        let decode = |body: &[u8]| snapshot_progress(body, name.as_str());
        match self.read(status_call(repository, name), decode).await {
            Err(error) if error.server_type() == Some("snapshot_missing_exception") => Ok(None),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
