//! `GET [/{index}]/_recovery`: how the shards came to be. Shards without a place are not listed at all.

use serde_json::{Map, Value, json};

use crate::testing::api::cat_rows::permille;
use crate::testing::api::cluster::{NODE_ID, NODE_NAME};
use crate::testing::state::server::{Index, State};
use crate::testing::wire::answer::{Failure, Reply};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{Expand, split};

/// One index' recovery at the present.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) kind: &'static str,
    pub(crate) stage: &'static str,
    pub(crate) recovered: u64,
    pub(crate) total: u64,
    pub(crate) millis: u64,
}

/// `None` when no shard has a place.
pub(crate) fn progress(state: &State, index: &Index) -> Option<Progress> {
    if index.red {
        return None;
    }
    let recovery = &index.recovery;
    let whole = recovery.until.saturating_sub(recovery.started);
    let passed = state.now.saturating_sub(recovery.started).min(whole);
    let kind = match (&recovery.source, recovery.restarted) {
        (_, true) => "EXISTING_STORE",
        (Some(_), _) => "SNAPSHOT",
        (None, _) => "EMPTY_STORE",
    };
    let total = if kind == "EMPTY_STORE" { 0 } else { index.bytes() };
    let done = !index.restoring(state.now);
    let recovered = if done {
        total
    } else {
        let part = u128::from(total) * passed.as_millis() / whole.as_millis().max(1);
        u64::try_from(part).unwrap_or(total)
    };
    let millis = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
    Some(Progress { kind, stage: if done { "DONE" } else { "INDEX" }, recovered, total, millis })
}

pub(crate) fn recovery(state: &State, exchange: &Exchange, indices: &str) -> Result<Reply, Failure> {
    let known = ["active_only", "detailed", "expand_wildcards", "ignore_unavailable", "allow_no_indices"];
    exchange.only(&known)?;
    let active_only = exchange.flag("active_only", false)?;
    let detailed = exchange.flag("detailed", false)?;
    let mut body = Map::new();
    for name in state.resolve(&split(indices), Expand::OPEN_CLOSED.of_query(exchange)?)? {
        let Some(index) = state.indices.get(&name) else { continue };
        let Some(progress) = progress(state, index) else { continue };
        if active_only && progress.stage == "DONE" {
            continue;
        }
        let shards: Vec<Value> =
            (0..index.shards).map(|shard| shape(state, index, shard, &progress, detailed)).collect();
        body.insert(name, json!({"shards": shards}));
    }
    Ok(Reply::ok(Value::Object(body)))
}

fn shape(state: &State, index: &Index, shard: u32, progress: &Progress, detailed: bool) -> Value {
    let started = index.recovery.started_millis;
    let mut shape = json!({
        "id": shard,
        "type": progress.kind,
        "stage": progress.stage,
        "primary": true,
        "start_time_in_millis": started,
        "total_time_in_millis": progress.millis,
        "source": source(state, index, progress.kind),
        "target": {
            "id": NODE_ID,
            "host": "127.0.0.1",
            "transport_address": "127.0.0.1:9300",
            "ip": "127.0.0.1",
            "name": NODE_NAME,
        },
        "index": copied(state, index, progress, detailed),
        "translog": {
            "recovered": 0,
            "total": 0,
            "percent": "100.0%",
            "total_on_start": 0,
            "total_time_in_millis": 0,
        },
        "verify_index": {"check_index_time_in_millis": 0, "total_time_in_millis": 0},
    });
    if progress.stage == "DONE" {
        shape["stop_time_in_millis"] = (started + progress.millis).into();
    }
    shape
}

/// Bytes and files of one shard.
fn copied(state: &State, index: &Index, progress: &Progress, detailed: bool) -> Value {
    let shards = u64::from(index.shards.max(1));
    let (total, recovered) = (progress.total / shards, progress.recovered / shards);
    let percent = if total == 0 { 0.0 } else { permille(recovered, total) };
    let percent = format!("{percent:.1}%");
    let files = u64::from(total > 0) * 4;
    let files_done = if progress.stage == "DONE" { files } else { files * recovered / total.max(1) };
    let mut size = json!({
        "total_in_bytes": total,
        "reused_in_bytes": 0,
        "recovered_in_bytes": recovered,
        "percent": percent,
    });
    if state.dialect.elasticsearch {
        size["recovered_from_snapshot_in_bytes"] = 0.into();
    }
    let mut file_counts = json!({"total": files, "reused": 0, "recovered": files_done, "percent": percent});
    if detailed {
        file_counts["details"] = json!([]);
    }
    json!({
        "size": size,
        "files": file_counts,
        "total_time_in_millis": progress.millis,
        "source_throttle_time_in_millis": 0,
        "target_throttle_time_in_millis": 0,
    })
}

fn source(state: &State, index: &Index, kind: &str) -> Value {
    let source = match &index.recovery.source {
        Some(source) if kind == "SNAPSHOT" => source,
        _ if kind == "EXISTING_STORE" => return json!({"bootstrap_new_history_uuid": false}),
        _ => return json!({}),
    };
    let mut shape = json!({
        "repository": source.repository,
        "snapshot": source.snapshot,
        "version": source.version,
        "index": source.index,
        "restoreUUID": source.restore_uuid,
    });
    if state.dialect.shallow_copy_field {
        shape["isSearchableSnapshot"] = false.into();
        shape["remoteStoreIndexShallowCopy"] = false.into();
        shape["sourceRemoteStoreRepository"] = Value::Null;
        shape["sourceRemoteTranslogRepository"] = Value::Null;
    }
    shape
}
