//! Reading indices below a prefix: names, health, counts, settings.

use std::collections::BTreeMap;

use camunda_backup_core::http_client::path_segment;
use camunda_backup_core::{Call, Error, ErrorKind, IndexName, IndexPrefix, Outcome, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::SearchStore;
use crate::health::HealthStatus;
use crate::tolerant;

/// One index, as `GET /_cat/indices` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexStats {
    /// The concrete name.
    pub name: IndexName,
    /// Unique for ever, unlike the name: a restored index has a new one.
    pub uuid: Option<String>,
    /// The colour; `None` when the server does not say.
    pub health: Option<HealthStatus>,
    /// Whether it is open. A closed one holds data that only a restore by name or opening brings back.
    pub open: bool,
    /// The number of documents, nested ones included; `None` for closed, red and restoring indices.
    pub docs: Option<u64>,
    /// The number of primary shards.
    pub primaries: Option<u32>,
}

#[derive(Deserialize)]
struct CatIndex {
    index: String,
    #[serde(default)]
    uuid: Option<String>,
    #[serde(default)]
    health: Option<HealthStatus>,
    #[serde(default)]
    status: Option<String>,
    #[serde(rename = "docs.count", default, deserialize_with = "tolerant::number")]
    docs: Option<u64>,
    #[serde(rename = "pri", default, deserialize_with = "tolerant::number")]
    primaries: Option<u64>,
}

fn list_call(prefix: &IndexPrefix) -> Call {
    Call::get("store.indices.list", format!("/_cat/indices/{}", path_segment(&prefix.pattern())))
        .query("format", "json")
        .query("h", "index,status,health,uuid,pri,docs.count")
        .query("expand_wildcards", "all")
        .subject(prefix)
}

fn settings_call(prefix: &IndexPrefix) -> Call {
    Call::get("store.indices.settings", format!("/{}/_settings", path_segment(&prefix.pattern())))
        .query("flat_settings", true)
        .query("expand_wildcards", "all")
        .max_body(64 * 1024 * 1024)
        .subject(prefix)
}

/// Decodes `GET /_cat/indices?format=json`. Entries that the prefix does not cover (the pattern also matches aliases of
/// other indices) are dropped.
pub(crate) fn index_stats(prefix: &IndexPrefix, body: &[u8]) -> Result<Vec<IndexStats>> {
    let rows: Vec<CatIndex> = tolerant::from_slice(body)?;
    rows.into_iter().filter(|row| prefix.covers(&row.index)).map(stats).collect()
}

fn stats(row: CatIndex) -> Result<IndexStats> {
    Ok(IndexStats {
        name: concrete(&row.index)?,
        uuid: row.uuid,
        health: row.health,
        open: row.status.as_deref() == Some("open"),
        docs: row.docs,
        primaries: row.primaries.and_then(|primaries| u32::try_from(primaries).ok()),
    })
}

/// A name that the server lists: better an error than an index that nobody sees.
pub(crate) fn concrete(name: &str) -> Result<IndexName> {
    IndexName::new(name).map_err(|source| {
        Error::new(ErrorKind::Decode, "the store lists an index whose name this library cannot hold")
            .with_outcome(Outcome::Refused)
            .with_source(source)
    })
}

#[derive(Deserialize)]
struct IndexSettings {
    #[serde(default, deserialize_with = "tolerant::or_default")]
    settings: Map<String, Value>,
}

/// Decodes `GET /{pattern}/_settings?flat_settings=true`, dropping what the prefix does not cover.
pub(crate) fn index_settings(
    prefix: &IndexPrefix,
    body: &[u8],
) -> Result<BTreeMap<IndexName, BTreeMap<String, String>>> {
    let map: BTreeMap<String, IndexSettings> = tolerant::from_slice(body)?;
    map.into_iter()
        .filter(|(name, _)| prefix.covers(name))
        .map(|(name, index)| {
            let settings =
                index.settings.iter().map(|(key, value)| (key.clone(), tolerant::text_of(value))).collect();
            Ok((concrete(&name)?, settings))
        })
        .collect()
}

impl SearchStore {
    /// The indices whose names begin with the prefix, hidden and closed ones included; empty when there are none.
    pub async fn indices(&self, prefix: &IndexPrefix) -> Result<Vec<IndexStats>> {
        self.read(list_call(prefix), |body| index_stats(prefix, body)).await
    }

    /// The settings of the indices whose names begin with the prefix, flat names and text values.
    ///
    /// `index.provided_name` of a restored index is that of its original.
    pub async fn index_settings(
        &self,
        prefix: &IndexPrefix,
    ) -> Result<BTreeMap<IndexName, BTreeMap<String, String>>> {
        self.read(settings_call(prefix), |body| index_settings(prefix, body)).await
    }
}

#[cfg(test)]
mod tests;
