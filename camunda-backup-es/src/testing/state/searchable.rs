//! Which shards a search reaches. When some do not answer the search is still 200, over the rest; when none does it is 503.

use serde_json::{Map, Value, json};

use crate::testing::api::cluster::{NODE_ID, NODE_NAME};
use crate::testing::state::server::{Index, State};
use crate::testing::wire::answer::Failure;

/// The indices whose shards answer, and `_shards` of the answer. A closed index is refused.
pub(crate) fn searchable(state: &State, names: Vec<String>) -> Result<(Vec<String>, Value), Failure> {
    let mut reached = Vec::new();
    let (mut total, mut failures) = (0, Vec::new());
    for name in names {
        let Some(index) = state.indices.get(&name) else { continue };
        if index.closed {
            return Err(Failure::of(400, "index_closed_exception", "closed")
                .with("index_uuid", index.uuid.as_str())
                .with("index", name));
        }
        total += index.shards;
        if index.red || index.restoring(state.now) {
            failures.extend((0..index.shards).map(|shard| failure(state, &name, index, shard)));
        } else {
            reached.push(name);
        }
    }
    let failed = u32::try_from(failures.len()).unwrap_or(u32::MAX);
    if failed > 0 && failed == total {
        return Err(all_failed(state, &failures));
    }
    let mut shards =
        json!({"total": total, "successful": total.saturating_sub(failed), "skipped": 0, "failed": failed});
    if state.dialect.elasticsearch && failed > 0 {
        shards["failures"] = failures.into();
    }
    Ok((reached, shards))
}

/// OpenSearch does not say which shards; Elasticsearch names each.
fn all_failed(state: &State, failures: &[Value]) -> Failure {
    let named = state.dialect.elasticsearch;
    let roots: Vec<Value> = failures.iter().map(|failure| failure["reason"].clone()).take(1).collect();
    let (roots, failures) = if named { (roots, failures.to_vec()) } else { Default::default() };
    Failure::of(503, "search_phase_execution_exception", "all shards failed")
        .with("phase", "query")
        .with("grouped", true)
        .with("failed_shards", failures)
        .with_root(roots.into())
}

fn failure(state: &State, name: &str, index: &Index, shard: u32) -> Value {
    let mut reason = Map::new();
    reason.insert("type".into(), "no_shard_available_action_exception".into());
    if index.red {
        reason.insert("reason".into(), Value::Null);
    } else {
        let words = format!("[{NODE_NAME}][127.0.0.1:9300][indices:data/read/search[phase/query]]");
        reason.insert("reason".into(), words.into());
        if state.dialect.typed_documents {
            reason.insert("index_uuid".into(), index.uuid.as_str().into());
            reason.insert("shard".into(), shard.to_string().into());
            reason.insert("index".into(), name.into());
        }
    }
    let node = if index.red { Value::Null } else { NODE_ID.into() };
    json!({"shard": shard, "index": name, "node": node, "reason": reason})
}
