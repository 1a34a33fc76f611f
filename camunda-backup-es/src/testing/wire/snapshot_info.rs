//! How a snapshot looks in `GET /_snapshot/{repository}/{snapshot}` and in the answer of a waiting create.

use std::time::Duration;

use camunda_backup_core::Timestamp;
use serde_json::{Map, Value, json};

use crate::testing::state::snapshots::Snapshot;
use crate::testing::wire::dialect::Dialect;

/// What of a snapshot is shown.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)] // the servers' own independent options
pub(crate) struct Detail {
    pub(crate) verbose: bool,
    pub(crate) repository: bool,
    pub(crate) index_names: bool,
    pub(crate) index_details: bool,
    pub(crate) human: bool,
}

impl Default for Detail {
    fn default() -> Self {
        Self { verbose: true, repository: true, index_names: true, index_details: false, human: false }
    }
}

/// One snapshot as it looks at a given time.
pub(crate) fn snapshot_info(
    dialect: &Dialect,
    repository: &str,
    snapshot: &Snapshot,
    at: Duration,
    detail: Detail,
) -> Value {
    let mut map = Map::new();
    let mut put = |key: &str, value: Value| {
        map.insert(key.to_owned(), value);
    };
    put("snapshot", snapshot.name.as_str().into());
    put("uuid", snapshot.uuid.as_str().into());
    if dialect.elasticsearch && detail.repository {
        put("repository", repository.into());
    }
    if detail.index_names {
        put("indices", snapshot.indices.keys().cloned().collect());
    }
    put("data_streams", json!([]));
    put("state", snapshot.state_word(at).into());
    if !detail.verbose {
        return Value::Object(map);
    }
    put("version_id", snapshot.written_by.version_id.into());
    put("version", dialect.shown_version(&snapshot.written_by).into());
    if dialect.shallow_copy_field {
        put("remote_store_index_shallow_copy", false.into());
    }
    if dialect.elasticsearch {
        put("feature_states", json!([]));
    }
    put("include_global_state", snapshot.global.is_some().into());
    if let Some(metadata) = &snapshot.metadata {
        put("metadata", metadata.clone());
    }
    if snapshot.state_word(at) == "FAILED" {
        put("reason", "Snapshot was aborted by deletion".into());
    }
    if dialect.elasticsearch && detail.index_details {
        put("index_details", index_details(snapshot));
    }
    put_times(&mut map, snapshot, at, detail.human);
    put_shards(&mut map, dialect, snapshot, at);
    Value::Object(map)
}

fn put_times(map: &mut Map<String, Value>, snapshot: &Snapshot, at: Duration, human: bool) {
    let end = if snapshot.running(at) { 0 } else { snapshot.end_millis };
    let duration = end.saturating_sub(snapshot.start_millis);
    let mut put = |key: &str, value: Value| map.insert(key.to_owned(), value);
    put("start_time", Timestamp::from_millis(snapshot.start_millis).to_string().into());
    put("start_time_in_millis", snapshot.start_millis.into());
    put("end_time", Timestamp::from_millis(end).to_string().into());
    put("end_time_in_millis", end.into());
    put("duration_in_millis", duration.into());
    if human {
        put("duration", words(duration).into());
    }
}

/// While a snapshot runs these numbers mean something else on every family; only `state` decides.
fn put_shards(map: &mut Map<String, Value>, dialect: &Dialect, snapshot: &Snapshot, at: Duration) {
    let (total, failed) = (snapshot.shards_total(), snapshot.shards_failed());
    let done = snapshot.shards_done(at);
    let running = snapshot.running(at);
    let (total, failed, successful) = match (running, dialect.elasticsearch) {
        (false, _) => (total, failed, total.saturating_sub(failed)),
        (true, false) => (0, 0, 0),
        (true, true) if dialect.modern_elasticsearch => (total, 0, done),
        (true, true) => (total, total.saturating_sub(done), done),
    };
    map.insert("shards".into(), json!({"total": total, "failed": failed, "successful": successful}));
    let failures = if running { Vec::new() } else { snapshot.failures.iter().map(failure).collect() };
    map.insert("failures".into(), Value::Array(failures));
}

fn failure(failure: &crate::testing::state::snapshots::ShardFailure) -> Value {
    let mut map = Map::new();
    map.insert("index".into(), failure.index.as_str().into());
    map.insert("index_uuid".into(), failure.index_uuid.as_str().into());
    map.insert("shard_id".into(), failure.shard.into());
    map.insert("reason".into(), failure.reason.into());
    if failure.on_node {
        map.insert("node_id".into(), crate::testing::api::cluster::NODE_ID.into());
    }
    map.insert("status".into(), "INTERNAL_SERVER_ERROR".into());
    Value::Object(map)
}

fn index_details(snapshot: &Snapshot) -> Value {
    let details = snapshot.indices.iter().map(|(name, index)| {
        let shape = json!({
            "shard_count": index.shards,
            "size_in_bytes": index.bytes(),
            "max_segments_per_shard": 1,
        });
        (name.clone(), shape)
    });
    Value::Object(details.collect())
}

/// A duration as `human=true` and the cat tables write it: `204ms`, `1.6s`.
pub(crate) fn words(millis: u64) -> String {
    match millis {
        0 => "0s".to_owned(),
        1..=999 => format!("{millis}ms"),
        _ => {
            let tenths = millis / 100;
            if tenths % 10 == 0 {
                format!("{}s", tenths / 10)
            } else {
                format!("{}.{}s", tenths / 10, tenths % 10)
            }
        }
    }
}
