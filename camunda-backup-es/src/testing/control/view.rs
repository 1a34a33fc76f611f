//! What a checker sees of a snapshot, without HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

/// A snapshot as it is in the store, for checkers and for tests.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SnapshotView {
    /// The repository it was asked for in.
    pub repository: String,
    /// Its name.
    pub name: String,
    /// Its uuid.
    pub uuid: String,
    /// The word on the wire: `IN_PROGRESS`, `SUCCESS`, `PARTIAL`, `FAILED` or whatever a fault made it.
    pub state: String,
    /// The indices in it, sorted.
    pub indices: Vec<String>,
    /// The metadata it was created with; `Null` for none.
    pub metadata: Value,
    /// Whether it holds the global state (templates, persistent settings).
    pub include_global_state: bool,
    /// The documents of each index, as they were when the snapshot was started.
    pub documents: BTreeMap<String, BTreeMap<String, Value>>,
    /// When it was started, on the simulated clock of the store that took it.
    pub started: Duration,
    /// When it ended; `None` while it runs.
    pub ended: Option<Duration>,
    /// Shards in it.
    pub shards_total: u32,
    /// Shards that failed.
    pub shards_failed: u32,
}
