//! Which nodes can hold ordinary indices, by their roles.

use std::collections::BTreeMap;
use std::time::Duration;

use camunda_backup_core::transport::Timeouts;
use camunda_backup_core::{Call, Result};
use serde::Deserialize;

use crate::tolerant;

/// The roles with which a node gets shards of ordinary indices. `data_frozen` (Elasticsearch), `search` and `warm`
/// (OpenSearch) are for snapshots that are mounted, whose data is a cache.
const HOLDING: [&str; 5] = ["data", "data_content", "data_hot", "data_warm", "data_cold"];

/// `GET /_nodes`, cut down to names and roles. Its time limit is short: without the answer a full disk is only a warning.
pub(super) fn call() -> Call {
    let limit = Duration::from_secs(10);
    let timeouts = Timeouts { read: limit, total: limit, ..Timeouts::DEFAULT };
    Call::get("store.nodes.roles", "/_nodes")
        .query("filter_path", "nodes.*.name,nodes.*.roles")
        .timeouts(timeouts)
        .max_retries(0)
}

#[derive(Deserialize)]
struct Nodes {
    #[serde(default)]
    nodes: BTreeMap<String, Node>,
}

#[derive(Deserialize)]
struct Node {
    #[serde(default, deserialize_with = "tolerant::or_default")]
    name: String,
    #[serde(default)]
    roles: Option<Vec<String>>,
}

/// Decodes it: whether a node can hold ordinary indices, by its name. A node without the list of its roles is left out;
/// one with an empty list only passes requests on.
pub(super) fn holding_indices(body: &[u8]) -> Result<BTreeMap<String, bool>> {
    let nodes: Nodes = tolerant::from_slice(body)?;
    let known = nodes.nodes.into_values().filter_map(|node| {
        let holds = node.roles?.iter().any(|role| HOLDING.contains(&role.as_str()));
        Some((node.name, holds))
    });
    let mut holding = BTreeMap::new();
    for (name, holds) in known {
        // Names need not be unique: of two nodes of one name the one that matters counts.
        *holding.entry(name).or_insert(false) |= holds;
    }
    Ok(holding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(roles: &str) -> Option<bool> {
        let body = format!(r#"{{"nodes":{{"id":{{"name":"n",{roles}"x":1}}}}}}"#);
        holding_indices(body.as_bytes()).unwrap().get("n").copied()
    }

    #[test]
    fn ordinary_indices_are_on_data_nodes_of_every_tier_but_the_frozen_one() {
        for role in ["data", "data_content", "data_hot", "data_warm", "data_cold"] {
            assert_eq!(
                holds(&format!(r#""roles":["master","{role}","data_frozen"],"#)),
                Some(true),
                "{role}"
            );
        }
        for roles in [
            "",
            r#""data_frozen""#,
            r#""data_frozen","remote_cluster_client""#,
            r#""master","ingest""#,
            r#""search""#,
            r#""warm""#,
            r#""ml","transform","voting_only""#,
        ] {
            assert_eq!(holds(&format!(r#""roles":[{roles}],"#)), Some(false), "{roles}");
        }
        assert_eq!(holds(""), None);
        assert_eq!(holds(r#""roles":null,"#), None);
    }

    #[test]
    fn of_two_nodes_of_one_name_the_one_with_data_counts() {
        let body =
            br#"{"nodes":{"a":{"name":"n","roles":["data_hot"]},"b":{"name":"n","roles":["master"]}}}"#;
        assert!(holding_indices(body).unwrap()["n"]);
        assert_eq!(holding_indices(b"{}").unwrap(), BTreeMap::new());
    }
}
