//! `GET /_cluster/health`: of the cluster, and of indices by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use camunda_backup_core::{Call, Error, ErrorKind, IndexName, Result};
use serde::{Deserialize, Serialize};

use crate::client::SearchStore;
use crate::tolerant;

/// The colour of a cluster or an index, kept as the server's word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum HealthStatus {
    /// Every shard is assigned.
    Green,
    /// Every primary is assigned or **initializing** (also in the middle of a restore), some copy is not.
    Yellow,
    /// Some primary is not assigned, or an index that was asked for does not exist.
    Red,
    /// A word that this library does not know.
    Other(String),
}

impl HealthStatus {
    /// The server's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
            Self::Other(word) => word,
        }
    }

    /// The worse of two; an unknown word is worse than green and yellow.
    fn worse(self, other: Self) -> Self {
        let rank = |status: &Self| match status {
            Self::Green => 0,
            Self::Yellow => 1,
            Self::Other(_) => 2,
            Self::Red => 3,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

/// No word at all: never green.
impl Default for HealthStatus {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

impl From<String> for HealthStatus {
    fn from(word: String) -> Self {
        // `_cat` has printed upper case in some versions.
        match word.to_ascii_lowercase().as_str() {
            "green" => Self::Green,
            "yellow" => Self::Yellow,
            "red" => Self::Red,
            _ => Self::Other(word),
        }
    }
}

impl From<HealthStatus> for String {
    fn from(status: HealthStatus) -> Self {
        status.as_str().to_owned()
    }
}

/// Reads a known colour that a person typed, in any case.
impl FromStr for HealthStatus {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match Self::from(text.trim().to_owned()) {
            Self::Other(_) => {
                let shown = camunda_backup_core::text::one_line(text);
                Err(Error::new(ErrorKind::InvalidInput, format!("{shown:?} is no health"))
                    .with_advice("write green, yellow or red"))
            }
            known => Ok(known),
        }
    }
}

impl fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.as_str().is_empty() { "no health" } else { self.as_str() })
    }
}

/// The health of the whole cluster, or of the indices that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// The colour. Yellow says nothing about a restore: it is yellow while primaries initialize.
    pub status: HealthStatus,
    /// Whether an awaited condition was not met: here only when an index does not exist.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub timed_out: bool,
    /// The number of nodes.
    #[serde(rename = "number_of_nodes", deserialize_with = "tolerant::or_default")]
    pub nodes: u64,
    /// The number of nodes that hold data.
    #[serde(rename = "number_of_data_nodes", deserialize_with = "tolerant::or_default")]
    pub data_nodes: u64,
    /// Primary shards that can be used.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub active_primary_shards: u64,
    /// Shards, primary or replica, that are being built or restored.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub initializing_shards: u64,
    /// Shards, primary or replica, that are on no node.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub unassigned_shards: u64,
    /// Primary shards that are on no node; Elasticsearch 8.16 and newer only.
    pub unassigned_primary_shards: Option<u64>,
}

/// The health of one index (`level=indices`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct IndexHealth {
    /// The colour.
    pub(crate) status: HealthStatus,
    /// How many primary shards the index has.
    #[serde(rename = "number_of_shards")]
    pub(crate) primaries: Option<u64>,
    /// Primary shards that can be used.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub(crate) active_primary_shards: u64,
    /// Shards, primary or replica, that are being built or restored.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub(crate) initializing_shards: u64,
    /// Shards, primary or replica, that are on no node.
    #[serde(deserialize_with = "tolerant::or_default")]
    pub(crate) unassigned_shards: u64,
    /// Primary shards that are on no node; Elasticsearch 8.16 and newer only.
    pub(crate) unassigned_primary_shards: Option<u64>,
}

/// Health with the indices it is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct DetailedHealth {
    #[serde(flatten)]
    pub(crate) health: Health,
    #[serde(default, deserialize_with = "tolerant::or_default")]
    pub(crate) indices: BTreeMap<String, IndexHealth>,
}

/// Decodes `GET /_cluster/health` of every server, also the body of a 408.
pub(crate) fn health(body: &[u8]) -> Result<Health> {
    tolerant::from_slice(body)
}

/// Decodes `GET /_cluster/health?level=indices`.
pub(crate) fn detailed_health(body: &[u8]) -> Result<DetailedHealth> {
    tolerant::from_slice(body)
}

/// The health of the cluster, at once, waiting for nothing.
fn health_call() -> Call {
    Call::get("store.health", "/_cluster/health")
}

/// The health of every index. Not of indices by name in the path: for a name that does not exist the servers wait, and
/// then answer 408, which looks like a proxy that has lost patience.
fn health_by_index_call() -> Call {
    health_call().query("level", "indices").max_body(64 * 1024 * 1024)
}

impl SearchStore {
    /// The health of the named indices, or of the whole cluster for an empty list.
    ///
    /// An index that does not exist makes it red and `timed_out`, as on the wire. Waits for nothing.
    pub async fn health(&self, indices: &[IndexName]) -> Result<Health> {
        if indices.is_empty() {
            return self.read(health_call(), health).await;
        }
        Ok(self.health_by_index(indices).await?.health)
    }

    /// Health of the named indices, each by itself too. Indices that do not exist are not in the map.
    pub(crate) async fn health_by_index(&self, indices: &[IndexName]) -> Result<DetailedHealth> {
        Ok(only_these(self.read(health_by_index_call(), detailed_health).await?, indices))
    }
}

/// What `GET /_cluster/health/{names}` says, from the health of every index: sums over the named ones that exist, red
/// and timed out when one is missing.
pub(crate) fn only_these(cluster: DetailedHealth, names: &[IndexName]) -> DetailedHealth {
    let wanted: BTreeSet<&str> = names.iter().map(IndexName::as_str).collect();
    let all = cluster.indices.into_iter();
    let indices: BTreeMap<_, _> = all.filter(|(name, _)| wanted.contains(name.as_str())).collect();
    let sum = |field: fn(&IndexHealth) -> u64| indices.values().map(field).fold(0, u64::saturating_add);
    let missing = indices.len() < wanted.len();
    let worst =
        indices.values().map(|index| index.status.clone()).fold(HealthStatus::Green, HealthStatus::worse);
    let unassigned_primary_shards = indices
        .values()
        .map(|index| index.unassigned_primary_shards)
        .try_fold(0_u64, |sum, one| one.map(|one| sum.saturating_add(one)))
        .filter(|_| !indices.is_empty());
    let health = Health {
        status: if missing { HealthStatus::Red } else { worst },
        timed_out: missing || cluster.health.timed_out,
        nodes: cluster.health.nodes,
        data_nodes: cluster.health.data_nodes,
        active_primary_shards: sum(|index| index.active_primary_shards),
        initializing_shards: sum(|index| index.initializing_shards),
        unassigned_shards: sum(|index| index.unassigned_shards),
        unassigned_primary_shards,
    };
    DetailedHealth { health, indices }
}

#[cfg(test)]
mod tests;
