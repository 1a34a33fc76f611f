//! Lists of all snapshots of a repository, decoded cheaply: names and states, with or without their indices.

use std::fmt;

use camunda_backup_core::Result;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::snapshot_info::Listing;
use crate::snapshot_state::SnapshotState;
use crate::tolerant;

/// A snapshot as a list with `verbose=false` shows it: `state` is always there, also for running ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotEntry {
    /// The name.
    #[serde(rename = "snapshot")]
    pub name: String,
    /// Unique for ever, unlike the name.
    #[serde(default)]
    pub uuid: Option<String>,
    /// Only this decides.
    #[serde(default, deserialize_with = "tolerant::or_default")]
    pub state: SnapshotState,
    /// The names of the indices in it, in no order.
    #[serde(default, deserialize_with = "tolerant::or_default")]
    pub indices: Vec<String>,
}

/// A snapshot of a list whose indices are only counted, never kept: a list of thousands stays small. It is read from the
/// server's answer (`indices`, a list) and serialises with `index_count`, a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotSummary {
    /// The name.
    #[serde(rename = "snapshot")]
    pub name: String,
    /// Unique for ever, unlike the name.
    #[serde(default)]
    pub uuid: Option<String>,
    /// Only this decides.
    #[serde(default, deserialize_with = "tolerant::or_default")]
    pub state: SnapshotState,
    /// How many indices are in it; `None` when the server was told to leave them out, or did.
    #[serde(rename(deserialize = "indices"), default, deserialize_with = "count")]
    pub index_count: Option<usize>,
}

/// Decodes `GET /_snapshot/{repo}/_all?verbose=false` with the names of all indices.
///
/// # Errors
/// `Decode`, `WrongComponent`, or what `failures` names, such as `NotFound` for an unknown repository.
pub fn snapshot_entries(body: &[u8]) -> Result<Vec<SnapshotEntry>> {
    Ok(Listing::decode(body)?.snapshots)
}

/// Decodes the same answer, counting the indices instead of keeping them: a fraction of the time and memory.
///
/// # Errors
/// As [`snapshot_entries`].
pub fn snapshot_listing(body: &[u8]) -> Result<Vec<SnapshotSummary>> {
    Ok(Listing::decode(body)?.snapshots)
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    struct Counter;

    impl<'de> Visitor<'de> for Counter {
        type Value = Option<usize>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of index names")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Self::Value, A::Error> {
            let mut count = 0;
            while names.next_element::<IgnoredAny>()?.is_some() {
                count += 1;
            }
            Ok(Some(count))
        }
    }

    deserializer.deserialize_any(Counter)
}

#[cfg(test)]
mod tests;
