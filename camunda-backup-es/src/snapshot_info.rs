//! A snapshot with everything that decides whether it is good.

use std::collections::BTreeSet;

use camunda_backup_core::{Error, ErrorKind, Outcome, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::failure::InnerFailure;
use crate::snapshot_state::SnapshotState;
use crate::tolerant;

/// A snapshot as a verbose `GET /_snapshot/{repo}/…` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotInfo {
    /// The name.
    #[serde(rename = "snapshot")]
    pub name: String,
    /// Unique for ever, unlike the name.
    #[serde(default)]
    pub uuid: Option<String>,
    /// Only this decides.
    #[serde(default, deserialize_with = "tolerant::or_default")]
    pub state: SnapshotState,
    /// The names of the indices in it.
    #[serde(default, deserialize_with = "tolerant::or_default")]
    pub indices: BTreeSet<String>,
    /// What its creator wrote into it; Camunda writes `backupId`, `partNo`, `partCount` and more.
    #[serde(default, deserialize_with = "tolerant::or_default")]
    pub metadata: Map<String, Value>,
    /// Counts of shards. They mean nothing until the state is terminal.
    #[serde(default, deserialize_with = "tolerant::or_default")]
    pub shards: Shards,
    /// Shards that are not in it.
    #[serde(default, deserialize_with = "tolerant::or_default")]
    pub failures: Vec<ShardFailure>,
    /// Whether templates, policies and persistent settings are in it.
    #[serde(default)]
    pub include_global_state: Option<bool>,
    /// Start in milliseconds since 1970, from a clock that moves in steps of 200 ms.
    #[serde(rename = "start_time_in_millis", default)]
    pub start_millis: Option<i64>,
    /// End in milliseconds since 1970; 0 while it runs.
    #[serde(rename = "end_time_in_millis", default)]
    pub end_millis: Option<i64>,
    /// The version that wrote it, as the asked server words it: a range such as `8.19.9-8.19.21`. Never parsed.
    #[serde(default)]
    pub version: Option<String>,
    /// Why it failed, if the server says so.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Counts of the shards of a snapshot, of terminal states only.
///
/// While a snapshot runs Elasticsearch 7.17 counts unfinished shards as failed and OpenSearch shows zeros.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shards {
    /// All.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub total: u64,
    /// Not stored.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub failed: u64,
    /// Stored.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub successful: u64,
}

/// One shard that is not in a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShardFailure {
    /// The index.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub index: String,
    /// The shard's number.
    pub shard_id: Option<i64>,
    /// Why, in the server's words: `primary shard is not allocated`, `aborted`, …
    pub reason: Option<String>,
    /// The node that held it; absent for unassigned shards.
    pub node_id: Option<String>,
    /// The server's status word, such as `INTERNAL_SERVER_ERROR`.
    pub status: Option<String>,
}

impl SnapshotInfo {
    /// Whether it is complete: state `SUCCESS`, no failures, and every shard of every index stored.
    ///
    /// Shards are read in terminal states only. That it holds the indices that were meant is the caller's to check.
    pub fn is_clean_success(&self) -> bool {
        self.state.is_success()
            && self.failures.is_empty()
            && self.shards.failed == 0
            && self.shards.successful == self.shards.total
            && self.shards.total >= self.indices.len() as u64
    }
}

/// A page or a whole list of verbose entries.
#[derive(Debug, Deserialize)]
pub(crate) struct Listing<T> {
    pub(crate) snapshots: Vec<T>,
    #[serde(default)]
    failures: Option<std::collections::BTreeMap<String, InnerFailure>>,
    /// The token of the next page; Elasticsearch only.
    #[serde(default)]
    pub(crate) next: Option<String>,
}

impl<T: serde::de::DeserializeOwned> Listing<T> {
    /// Decodes a 200. Elasticsearch 7.17 answers 200 with `failures` for a repository that does not exist: an error.
    pub(crate) fn decode(body: &[u8]) -> Result<Self> {
        let mut listing: Self = tolerant::from_slice(body)?;
        if let Some((repository, failure)) = listing.failures.take().and_then(|mut map| map.pop_first()) {
            return Err(failure.into_error(&repository));
        }
        Ok(listing)
    }
}

/// Decodes verbose `GET /_snapshot/{repo}/{names}` of every server.
///
/// # Errors
/// `Decode`, `WrongComponent`, or what `failures` names, such as `NotFound` for an unknown repository.
pub fn snapshots(body: &[u8]) -> Result<Vec<SnapshotInfo>> {
    Ok(Listing::decode(body)?.snapshots)
}

/// The error for a server that lists one name twice: which of the two states counts cannot be told.
pub(crate) fn listed_twice(name: &str) -> Error {
    Error::new(ErrorKind::Decode, format!("the store listed {name:?} twice"))
        .with_outcome(Outcome::Refused)
        .with_advice("look at the snapshot in the store by hand: names are unique in a repository")
}

#[cfg(test)]
mod tests;
