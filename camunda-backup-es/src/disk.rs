//! How full the disks of the search store are: at the flood stage all writes stop, those of a restore too.
//!
//! Only nodes that can hold Camunda's indices count. A node for frozen indices keeps a cache that fills its disk on purpose,
//! and a node without any data has nothing to become read-only.

mod roles;

use std::collections::BTreeMap;

use camunda_backup_core::{Call, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::SearchStore;
use crate::tolerant;

/// The disks of the nodes and the limits that apply to them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DiskState {
    /// The nodes that say how full they are.
    pub nodes: Vec<NodeDisk>,
    /// Above this no new shards come to a node: a share of use (`85%`, `0.85`) or a size that must stay free (`50gb`).
    pub low: String,
    /// Above this shards are moved away, written likewise.
    pub high: String,
    /// Above this the indices of a node become read-only, written likewise.
    pub flood_stage: String,
    /// Whether the limits are in force.
    pub threshold_enabled: bool,
    /// The names of the nodes that hold ordinary indices and are above the flood stage; empty when the limits are not in
    /// force.
    pub over_flood_stage: Vec<String>,
    /// The names of such nodes above the high mark, likewise.
    pub over_high: Vec<String>,
    /// The names of the nodes above the flood stage of which it is not known what they hold: the store does not tell their
    /// roles.
    #[serde(default)]
    pub perhaps_over_flood_stage: Vec<String>,
}

/// The disk of one node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeDisk {
    /// The node's name.
    pub name: String,
    /// How much of it is used by anybody, in percent.
    pub used_percent: f64,
    /// Bytes that are free.
    pub available_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
    /// Whether ordinary indices can be on this node, by its roles; `None` when the store does not tell them, or was not
    /// asked because no node is full.
    #[serde(default)]
    pub holds_indices: Option<bool>,
}

#[derive(Deserialize)]
struct CatAllocation {
    #[serde(default)]
    node: Option<String>,
    #[serde(rename = "disk.avail", default, deserialize_with = "tolerant::number")]
    available: Option<u64>,
    #[serde(rename = "disk.total", default, deserialize_with = "tolerant::number")]
    total: Option<u64>,
}

fn allocation_call() -> Call {
    Call::get("store.disk", "/_cat/allocation")
        .query("format", "json")
        .query("bytes", "b")
        .query("h", "node,disk.avail,disk.total")
}

fn settings_call() -> Call {
    Call::get("store.settings", "/_cluster/settings")
        .query("include_defaults", true)
        .query("flat_settings", true)
}

/// Decodes `GET /_cat/allocation?format=json&bytes=b`. The row for unassigned shards has no disk and is left out.
pub(crate) fn node_disks(body: &[u8]) -> Result<Vec<NodeDisk>> {
    let rows: Vec<CatAllocation> = tolerant::from_slice(body)?;
    Ok(rows.into_iter().filter_map(node_disk).collect())
}

#[allow(clippy::cast_precision_loss)]
fn node_disk(row: CatAllocation) -> Option<NodeDisk> {
    let (available_bytes, total_bytes) = (row.available?, row.total?);
    if total_bytes == 0 {
        return None;
    }
    let used = total_bytes.saturating_sub(available_bytes) as f64;
    Some(NodeDisk {
        name: row.node.unwrap_or_default(),
        used_percent: used * 100.0 / total_bytes as f64,
        available_bytes,
        total_bytes,
        holds_indices: None,
    })
}

/// The settings that are in force: transient before persistent before default.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClusterSettings {
    #[serde(deserialize_with = "tolerant::or_default")]
    transient: Map<String, Value>,
    #[serde(deserialize_with = "tolerant::or_default")]
    persistent: Map<String, Value>,
    #[serde(deserialize_with = "tolerant::or_default")]
    defaults: Map<String, Value>,
}

impl ClusterSettings {
    /// Decodes `GET /_cluster/settings?include_defaults=true&flat_settings=true`.
    pub(crate) fn decode(body: &[u8]) -> Result<Self> {
        tolerant::from_slice(body)
    }

    fn disk(&self, name: &str) -> Option<String> {
        let name = format!("cluster.routing.allocation.disk.{name}");
        let value =
            [&self.transient, &self.persistent, &self.defaults].into_iter().find_map(|map| map.get(&name));
        value.map(tolerant::text_of)
    }

    fn mark(&self, name: &str) -> Mark {
        let text = self.disk(&format!("watermark.{name}")).unwrap_or_default();
        let headroom = self.disk(&format!("watermark.{name}.max_headroom"));
        Mark { limit: Limit::parse(&text), headroom: headroom.as_deref().and_then(bytes_of), text }
    }
}

/// One watermark. From Elasticsearch 8.5 on a share of use is capped: no more than `max_headroom` must stay free.
struct Mark {
    text: String,
    limit: Option<Limit>,
    headroom: Option<u64>,
}

enum Limit {
    /// Used in percent.
    Used(f64),
    /// Free in bytes.
    Free(u64),
}

impl Limit {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let share = |text: &str, factor: f64| {
            let percent = text.trim().parse::<f64>().ok()? * factor;
            (0.0..=100.0).contains(&percent).then_some(Self::Used(percent))
        };
        match text.strip_suffix('%') {
            Some(percent) => share(percent, 1.0),
            None => bytes_of(text).map(Self::Free).or_else(|| share(text, 100.0)),
        }
    }
}

impl Mark {
    #[allow(clippy::cast_precision_loss)]
    fn exceeded_by(&self, node: &NodeDisk) -> bool {
        match self.limit {
            None => false,
            Some(Limit::Free(free)) => node.available_bytes < free,
            Some(Limit::Used(percent)) => {
                let capped = self.headroom.is_some_and(|headroom| node.available_bytes >= headroom);
                node.used_percent > percent && !capped
            }
        }
    }
}

/// `50gb`, `1.5tb`, `1024b`: binary units, as the servers count. `-1` (no limit) and bare numbers are none.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
fn bytes_of(text: &str) -> Option<u64> {
    const UNITS: [(&str, u32); 11] = [
        ("pb", 50),
        ("tb", 40),
        ("gb", 30),
        ("mb", 20),
        ("kb", 10),
        ("p", 50),
        ("t", 40),
        ("g", 30),
        ("m", 20),
        ("k", 10),
        ("b", 0),
    ];
    let text = text.trim().to_ascii_lowercase();
    let (number, shift) = UNITS.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)))?;
    let number = number.trim().parse::<f64>().ok().filter(|number| *number >= 0.0)?;
    // Beyond 64 bits it saturates.
    Some((number * (1_u64 << shift) as f64) as u64)
}

/// Puts nodes and settings together. A setting that is not there leaves its mark empty and unexceeded.
pub(crate) fn disk_state(nodes: Vec<NodeDisk>, settings: &ClusterSettings) -> DiskState {
    let threshold_enabled = settings.disk("threshold_enabled").is_none_or(|value| value != "false");
    let (high, flood_stage) = (settings.mark("high"), settings.mark("flood_stage"));
    let over = |mark: &Mark, holds_indices: Option<bool>| {
        let over = nodes.iter().filter(|node| node.holds_indices == holds_indices);
        let over = over.filter(|node| threshold_enabled && mark.exceeded_by(node));
        over.map(|node| node.name.clone()).collect()
    };
    DiskState {
        over_flood_stage: over(&flood_stage, Some(true)),
        over_high: over(&high, Some(true)),
        perhaps_over_flood_stage: over(&flood_stage, None),
        low: settings.mark("low").text,
        high: high.text,
        flood_stage: flood_stage.text,
        threshold_enabled,
        nodes,
    }
}

impl SearchStore {
    /// How full the nodes are, and which of those that can hold ordinary indices are above the watermarks. Two reads, and
    /// one more for the nodes' roles when one of them is above a mark.
    ///
    /// A store that does not tell the roles of its nodes (some managed services) is no error: a full node is then in
    /// [`DiskState::perhaps_over_flood_stage`].
    pub async fn disk(&self) -> Result<DiskState> {
        let mut nodes = self.read(allocation_call(), node_disks).await?;
        let settings = self.read(settings_call(), ClusterSettings::decode).await?;
        if is_any_over(&nodes, &settings) {
            let roles = self.read(roles::call(), roles::holding_indices).await.unwrap_or_default();
            tell_apart(&mut nodes, &roles);
        }
        Ok(disk_state(nodes, &settings))
    }
}

fn is_any_over(nodes: &[NodeDisk], settings: &ClusterSettings) -> bool {
    let marks = [settings.mark("high"), settings.mark("flood_stage")];
    nodes.iter().any(|node| marks.iter().any(|mark| mark.exceeded_by(node)))
}

fn tell_apart(nodes: &mut [NodeDisk], roles: &BTreeMap<String, bool>) {
    for node in nodes {
        node.holds_indices = roles.get(&node.name).copied();
    }
}

#[cfg(test)]
mod tests;
