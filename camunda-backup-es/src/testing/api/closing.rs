//! `POST /{index}/_close`, `_open`, `_refresh`, `_flush`.

use serde_json::{Map, Value, json};

use crate::testing::state::server::State;
use crate::testing::wire::answer::{Failure, Reply};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{Expand, split};

const PARAMS: [&str; 5] =
    ["timeout", "expand_wildcards", "ignore_unavailable", "allow_no_indices", "wait_for_active_shards"];

pub(crate) fn close(state: &mut State, exchange: &Exchange, names: &str) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &PARAMS)?;
    let expressions = split(names);
    state.check_destructive(&expressions)?;
    let names = state.resolve(&expressions, Expand::OPEN.of_query(exchange)?)?;
    let restoring: Vec<String> = names
        .iter()
        .filter_map(|name| state.indices.get(name).map(|index| (name, index)))
        .filter(|(_, index)| index.restoring(state.now))
        .map(|(name, index)| format!("[{name}/{}]", index.uuid))
        .collect();
    if !restoring.is_empty() {
        let list = restoring.join(", ");
        let reason = format!("Cannot close indices that are being restored: [{list}]");
        return Err(Failure::illegal_argument(reason));
    }
    state.check_not_snapshotted("close", &names)?;
    state.check_blocks(&names, &["read_only"])?;
    let mut closed = Map::new();
    for name in names {
        if let Some(index) = state.indices.get_mut(&name) {
            index.closed = true;
            closed.insert(name, json!({"closed": true}));
        }
    }
    Ok(Reply::ok(json!({"acknowledged": true, "shards_acknowledged": true, "indices": closed})))
}

pub(crate) fn open(state: &mut State, exchange: &Exchange, names: &str) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &PARAMS)?;
    let closed = Expand { open: false, closed: true, ..Expand::OPEN };
    for name in state.resolve(&split(names), closed.of_query(exchange)?)? {
        if let Some(index) = state.indices.get_mut(&name) {
            index.closed = false;
        }
    }
    Ok(Reply::acknowledged_with_shards())
}

/// `_refresh` and `_flush`: nothing is held back here, so only the shards are counted.
pub(crate) fn refresh(state: &State, exchange: &Exchange, names: &str) -> Result<Reply, Failure> {
    let known = ["expand_wildcards", "ignore_unavailable", "allow_no_indices", "force", "wait_if_ongoing"];
    exchange.only(&known)?;
    let names = state.resolve(&split(names), Expand::OPEN.of_query(exchange)?)?;
    let indices: Vec<_> = names.iter().filter_map(|name| state.indices.get(name)).collect();
    let total: u32 = indices.iter().map(|index| index.shards * (1 + index.replicas)).sum();
    let successful: u32 =
        indices.iter().map(|index| crate::testing::api::health::Shards::of(index, state.now).active).sum();
    let shards: Value = json!({"total": total, "successful": successful, "failed": 0});
    Ok(Reply::ok(json!({"_shards": shards})))
}
