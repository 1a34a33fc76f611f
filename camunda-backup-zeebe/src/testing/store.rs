//! The search store behind the simulated applications, as far as they need one.

pub(crate) mod memory;

use std::fmt::Debug;

use serde_json::Value;

/// What the store knows of one snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotFacts {
    /// The store's own word: `IN_PROGRESS`, `SUCCESS`, `PARTIAL`, `FAILED`, `INCOMPATIBLE`.
    pub state: String,
    /// The indices inside.
    pub indices: Vec<String>,
    /// The metadata given when it was started; `Null` for none.
    pub metadata: Value,
    /// Milliseconds since the epoch when it started.
    pub start_millis: u64,
    /// Milliseconds since the epoch when it ended; 0 while it runs.
    pub end_millis: u64,
    /// Reasons of failed shards.
    pub failures: Vec<String>,
}

/// The search store that exporters, importers and web applications write to. Whoever composes a whole simulation
/// implements it on top of a simulated Elasticsearch or OpenSearch.
///
/// The implementor must call [`FakeCamunda::tick`](crate::testing::FakeCamunda::tick) before it answers any request of
/// somebody else, so that the documents are those of the present moment. Its methods are called while the
/// simulation is locked: they must not call back.
pub trait SecondaryStore: Debug + Send + Sync {
    /// Writes or overwrites a document; creates the index when needed. Ignored while the store is down.
    fn put_document(&self, index: &str, id: &str, document: Value);
    /// The names of all indices.
    fn index_names(&self) -> Vec<String>;
    /// Whether a snapshot repository is registered.
    fn has_repository(&self, name: &str) -> bool;
    /// Starts a snapshot of exactly these indices (an empty slice = a snapshot of nothing) as they are now.
    ///
    /// # Errors
    /// The store's words, when it does not start: the name is taken, an index is missing or red, the store is down.
    fn start_snapshot(
        &self,
        repository: &str,
        name: &str,
        indices: &[String],
        metadata: Value,
        include_global_state: bool,
    ) -> Result<(), String>;
    /// One snapshot, running or finished.
    fn snapshot_state(&self, repository: &str, name: &str) -> Option<SnapshotFacts>;
    /// The names of all snapshots of a repository, the running ones included.
    fn snapshot_names(&self, repository: &str) -> Vec<String>;
    /// Removes a snapshot; a running one is aborted. Whether there was one.
    fn remove_snapshot(&self, repository: &str, name: &str) -> bool;
    /// Whether the store refuses connections.
    fn is_down(&self) -> bool;
    /// Whether it is OpenSearch rather than Elasticsearch.
    fn is_opensearch(&self) -> bool;
}
