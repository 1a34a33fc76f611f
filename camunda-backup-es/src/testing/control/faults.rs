//! What can be made to go wrong with a snapshot.

/// How a snapshot goes wrong; given to
/// [`FakeElasticsearch::fail_snapshots_matching`](crate::testing::FakeElasticsearch::fail_snapshots_matching).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotFault {
    /// It ends PARTIAL: the first shard of every second index (at least one) is missing.
    Partial,
    /// It ends FAILED: all shards failed.
    Failed,
    /// It is listed while it runs, and at its end there is no trace of it: the repository broke or the server
    /// restarted.
    Vanish,
    /// It stays `IN_PROGRESS` for ever.
    NeverEnds,
    /// The request that would start it is refused with the 500 for unassigned primaries; no entry is left.
    RefusedAtStart,
    /// It ends with this word in `state`.
    UnknownState(String),
}

/// One rule: snapshots whose name contains the text fail in this way.
#[derive(Debug, Clone)]
pub(crate) struct FaultRule {
    pub(crate) name_contains: String,
    pub(crate) fault: SnapshotFault,
}
