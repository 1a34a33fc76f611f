//! Whether restored indices are there: `_recovery` and health, by name.

use std::collections::BTreeMap;

use camunda_backup_core::{Call, Error, ErrorKind, IndexName, Result};
use serde::{Deserialize, Serialize};

use crate::client::SearchStore;
use crate::health::{DetailedHealth, Health, HealthStatus, IndexHealth};
use crate::name_chunks::chunks;
use crate::tolerant;

/// How far a restore of some indices is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RestoreProgress {
    /// Every index that was asked for, also those that do not exist.
    pub indices: BTreeMap<IndexName, IndexRecovery>,
    /// The health of those indices together.
    pub health: Health,
    /// Bytes copied so far.
    pub recovered_bytes: u64,
    /// Bytes to copy, as far as the shards that have begun know.
    pub total_bytes: u64,
}

/// How far one index is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexRecovery {
    /// How many primary shards it has; `None` when it does not exist.
    pub primaries: Option<u64>,
    /// How many primary shards `_recovery` lists as DONE.
    pub primaries_done: u64,
    /// How many primary shards `_recovery` lists at all. An unassigned shard is not listed.
    pub primaries_listed: u64,
    /// How many primary shards can be used.
    pub active_primaries: u64,
    /// Shards that are being restored.
    pub initializing: u64,
    /// The index's colour; `None` when it does not exist.
    pub status: Option<HealthStatus>,
}

impl IndexRecovery {
    /// Whether the index exists, each primary shard is listed as DONE and active, and none initializes.
    pub fn is_done(&self) -> bool {
        let red_or_unknown = !matches!(self.status, Some(HealthStatus::Green | HealthStatus::Yellow));
        self.primaries.is_some_and(|primaries| {
            primaries > 0
                && self.primaries_done == primaries
                && self.primaries_listed == primaries
                && self.active_primaries == primaries
        }) && self.initializing == 0
            && !red_or_unknown
    }

    /// Whether it will never be done by itself: red, and no shard of it is being recovered.
    ///
    /// So it looks after a restart of the store during a restore. It also looks so for a moment when the restore has
    /// just been accepted; judge it after a while without change.
    pub fn is_stuck(&self) -> bool {
        self.status == Some(HealthStatus::Red) && self.primaries_listed == 0 && self.initializing == 0
    }
}

impl RestoreProgress {
    /// Whether every index is done and the health of all of them agrees.
    ///
    /// `yellow` alone proves nothing (it is the colour of a restore in the middle), and neither does an empty `_recovery`.
    pub fn is_done(&self) -> bool {
        let expected: u64 = self.indices.values().filter_map(|index| index.primaries).sum();
        !self.indices.is_empty()
            && self.indices.values().all(IndexRecovery::is_done)
            && self.health.active_primary_shards == expected
            && self.health.initializing_shards == 0
            && !self.health.timed_out
            && matches!(self.health.status, HealthStatus::Green | HealthStatus::Yellow)
    }

    /// The indices that do not exist.
    pub fn missing(&self) -> impl Iterator<Item = &IndexName> {
        self.indices.iter().filter(|(_, index)| index.primaries.is_none()).map(|(name, _)| name)
    }

    /// Primary shards that are done, and all that are known of.
    pub fn primaries(&self) -> (u64, u64) {
        let done = self.indices.values().map(|index| index.primaries_done).sum();
        (done, self.indices.values().filter_map(|index| index.primaries).sum())
    }
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Recovery {
    #[serde(default, deserialize_with = "tolerant::or_default")]
    shards: Vec<ShardRecovery>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ShardRecovery {
    id: Option<i64>,
    #[serde(deserialize_with = "tolerant::or_default")]
    stage: String,
    #[serde(deserialize_with = "tolerant::or_default")]
    primary: bool,
    #[serde(deserialize_with = "tolerant::or_default")]
    index: ShardIndex,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ShardIndex {
    #[serde(deserialize_with = "tolerant::or_default")]
    size: ShardSize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ShardSize {
    #[serde(rename = "total_in_bytes", deserialize_with = "tolerant::or_default")]
    total: u64,
    #[serde(rename = "reused_in_bytes", deserialize_with = "tolerant::or_default")]
    reused: u64,
    #[serde(rename = "recovered_in_bytes", deserialize_with = "tolerant::or_default")]
    recovered: u64,
}

impl ShardSize {
    /// What is on the node already is not copied: all of it when a shard was closed or restarted after its restore.
    fn to_copy(&self) -> u64 {
        self.total.saturating_sub(self.reused)
    }
}

/// Some indices by name (a percent-encoded list); those that do not exist are left out.
fn recovery_call(list: &str) -> Call {
    Call::get("store.recovery", format!("/{list}/_recovery"))
        .query("ignore_unavailable", true)
        .max_body(64 * 1024 * 1024)
}

/// Decodes `GET /{indices}/_recovery`: a map from index names; unassigned shards are not in it.
pub(crate) fn recovery(body: &[u8]) -> Result<BTreeMap<String, Recovery>> {
    tolerant::from_slice(body)
}

/// Puts the two answers together, by name.
pub(crate) fn progress(
    names: &[IndexName],
    recovery: &BTreeMap<String, Recovery>,
    health: DetailedHealth,
) -> RestoreProgress {
    let no_shards = Recovery::default();
    let (mut recovered_bytes, mut total_bytes) = (0_u64, 0_u64);
    let mut indices = BTreeMap::new();
    for name in names {
        let shards = &recovery.get(name.as_str()).unwrap_or(&no_shards).shards;
        for shard in shards.iter().filter(|shard| shard.primary) {
            recovered_bytes = recovered_bytes.saturating_add(shard.index.size.recovered);
            total_bytes = total_bytes.saturating_add(shard.index.size.to_copy());
        }
        indices.insert(name.clone(), index_recovery(shards, health.indices.get(name.as_str())));
    }
    RestoreProgress { indices, health: health.health, recovered_bytes, total_bytes }
}

fn index_recovery(shards: &[ShardRecovery], health: Option<&IndexHealth>) -> IndexRecovery {
    // By number: while a shard moves it is listed twice.
    let mut done_by_id: BTreeMap<Option<i64>, bool> = BTreeMap::new();
    for shard in shards.iter().filter(|shard| shard.primary) {
        let done = done_by_id.entry(shard.id).or_insert(true);
        *done &= shard.stage == "DONE";
    }
    IndexRecovery {
        primaries: health.and_then(|health| health.primaries),
        primaries_done: done_by_id.values().filter(|done| **done).count() as u64,
        primaries_listed: done_by_id.len() as u64,
        active_primaries: health.map_or(0, |health| health.active_primary_shards),
        initializing: health.map_or(0, |health| health.initializing_shards),
        status: health.map(|health| health.status.clone()),
    }
}

impl SearchStore {
    /// How far the restore of these indices is, by name; under their new names if the restore renames.
    ///
    /// `_recovery` of the names (in chunks), then health. [`RestoreProgress::is_done`] only says yes when both agree
    /// that every index exists and every primary shard is complete and active.
    ///
    /// # Errors
    /// `InvalidInput` for an empty list: nothing is never "done".
    pub async fn restore_progress(&self, indices: &[IndexName]) -> Result<RestoreProgress> {
        if indices.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "the progress of a restore of no indices")
                .with_operation("store.recovery"));
        }
        let mut shards = BTreeMap::new();
        for chunk in chunks(self.http().base(), indices) {
            match self.read(recovery_call(&chunk.list), recovery).await {
                Ok(part) => shards.extend(part),
                // None of them is there yet.
                Err(error) if error.server_type() == Some("index_not_found_exception") => {}
                Err(error) => return Err(error),
            }
        }
        let health = self.health_by_index(indices).await?;
        Ok(progress(indices, &shards, health))
    }
}

#[cfg(test)]
mod tests;
