//! Aliases of the indices below a prefix.

use std::collections::{BTreeMap, BTreeSet};

use camunda_backup_core::http_client::path_segment;
use camunda_backup_core::{Call, IndexName, IndexPrefix, Result};
use serde::Deserialize;

use crate::client::SearchStore;
use crate::indices::concrete;
use crate::tolerant;

#[derive(Deserialize)]
struct IndexAliases {
    #[serde(default, deserialize_with = "tolerant::or_default")]
    aliases: tolerant::Keys,
}

fn aliases_call(prefix: &IndexPrefix) -> Call {
    Call::get("store.aliases.list", format!("/{}/_alias", path_segment(&prefix.pattern())))
        .query("expand_wildcards", "all")
        .max_body(64 * 1024 * 1024)
        .subject(prefix)
}

/// Decodes `GET /{pattern}/_alias`, dropping what the prefix does not cover.
pub(crate) fn aliases(prefix: &IndexPrefix, body: &[u8]) -> Result<BTreeMap<IndexName, BTreeSet<String>>> {
    let map: BTreeMap<String, IndexAliases> = tolerant::from_slice(body)?;
    map.into_iter()
        .filter(|(name, _)| prefix.covers(name))
        .map(|(name, index)| Ok((concrete(&name)?, index.aliases.0)))
        .collect()
}

impl SearchStore {
    /// The aliases of the indices whose names begin with the prefix, also of those that have none.
    pub async fn aliases(&self, prefix: &IndexPrefix) -> Result<BTreeMap<IndexName, BTreeSet<String>>> {
        self.read(aliases_call(prefix), |body| aliases(prefix, body)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_lists_aliases_by_index() {
        for (server, body) in golden!("alias.index") {
            let found = aliases(&IndexPrefix::new("t-").unwrap(), body.as_bytes()).unwrap();
            let aliases = &found[&IndexName::new("t-a").unwrap()];
            assert!(aliases.contains("t-a_alias"), "{server}");
        }
        for (server, body) in golden!("alias.index.wildnone") {
            let found = aliases(&IndexPrefix::new("zz").unwrap(), body.as_bytes()).unwrap();
            assert!(found.is_empty(), "{server}");
        }
    }

    #[test]
    fn indices_of_others_behind_an_alias_are_dropped() {
        let body = br#"{"t-a":{"aliases":{}},"foreign":{"aliases":{"t-alias":{}}}}"#;
        let found = aliases(&IndexPrefix::new("t-").unwrap(), body).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[&IndexName::new("t-a").unwrap()].is_empty());
    }
}
