//! `/{index}/_doc`, `_count`, `_bulk` and `_delete_by_query`: writing and counting documents.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::testing::api::search::Query;
use crate::testing::state::searchable::searchable;
use crate::testing::state::server::State;
use crate::testing::wire::answer::{Failure, Reply};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{Expand, invalid_index_name, split};

const WRITE_PARAMS: [&str; 12] = [
    "refresh",
    "routing",
    "timeout",
    "version",
    "version_type",
    "op_type",
    "if_seq_no",
    "if_primary_term",
    "wait_for_active_shards",
    "pipeline",
    "require_alias",
    "_source",
];

/// `PUT /{index}/_doc/{id}`, `PUT /{index}/_create/{id}` and `POST /{index}/_doc`. An index that is not there is made, with
/// default settings: what a writing client does after a failed restore.
pub(crate) fn put(
    state: &mut State,
    exchange: &Exchange,
    index: &str,
    id: Option<&str>,
) -> Result<Reply, Failure> {
    exchange.only(&WRITE_PARAMS)?;
    let Some(document) = exchange.json(&state.dialect)? else {
        return Err(Failure::of(400, "parse_exception", "request body is required"));
    };
    let (status, shape) = write(state, index, id, document)?;
    Ok(Reply::with_status(status, shape))
}

/// `_create`: 409 when the id is taken.
pub(crate) fn check_free(state: &State, index: &str, id: &str, wanted: bool) -> Result<(), Failure> {
    let Some(found) = state.indices.get(index).filter(|found| wanted && found.documents.contains_key(id))
    else {
        return Ok(());
    };
    let reason = format!("[{id}]: version conflict, document already exists (current version [1])");
    Err(Failure::of(409, "version_conflict_engine_exception", reason)
        .with("index_uuid", found.uuid.as_str())
        .with("shard", "0")
        .with("index", index))
}

fn write(
    state: &mut State,
    target: &str,
    id: Option<&str>,
    document: Value,
) -> Result<(u16, Value), Failure> {
    let name = state.write_target(target)?;
    let id = id.map_or_else(|| state.uuid(), str::to_owned);
    let Some(index) = state.indices.get_mut(&name) else { return Err(Failure::index_missing(&name)) };
    let documents = Arc::make_mut(&mut index.documents);
    let before = documents.insert(id.clone(), document);
    let (status, result) = if before.is_some() { (200, "updated") } else { (201, "created") };
    let shape = json!({
        "_index": name,
        "_id": id,
        "_version": 1,
        "result": result,
        "_shards": {"total": 1 + index.replicas, "successful": 1, "failed": 0},
        "_seq_no": documents.len(),
        "_primary_term": 1,
    });
    Ok((status, typed(state, shape)))
}

/// Servers of the 7.x family still send a `_type`.
fn typed(state: &State, mut shape: Value) -> Value {
    let old = if state.dialect.elasticsearch { state.dialect.major < 8 } else { state.dialect.major < 2 };
    if old {
        shape["_type"] = "_doc".into();
    }
    shape
}

impl State {
    /// The index behind a name or alias that is written to; made when it is not there.
    fn write_target(&mut self, target: &str) -> Result<String, Failure> {
        let behind = self.behind_alias(target);
        let writes = |name: &&String| {
            let alias = self.indices.get(*name).and_then(|index| index.aliases.get(target));
            alias.and_then(|alias| alias.get("is_write_index")) == Some(&Value::Bool(true))
        };
        let name = match behind.as_slice() {
            [] => target.to_owned(),
            [one] => one.clone(),
            many => many.iter().find(writes).cloned().ok_or_else(|| {
                Failure::illegal_argument(format!(
                    "no write index is defined for alias [{target}]. The write index may be explicitly disabled using \
                     is_write_index=false or the alias points to multiple indices without one being designated as a \
                     write index"
                ))
            })?,
        };
        if self.flood_stage {
            let reason = format!(
                "index [{name}] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has \
                 read-only-allow-delete block];"
            );
            return Err(Failure::of(429, "cluster_block_exception", reason));
        }
        if !self.indices.contains_key(&name) {
            if let Some(failure) = invalid_index_name(&name) {
                return Err(failure);
            }
            self.check_cluster_writable(Some(&name))?;
            let index = self.index_from(&name, &Value::Null);
            self.indices.insert(name.clone(), index);
        }
        self.check_blocks(std::slice::from_ref(&name), &["write", "read_only"])?;
        Ok(name)
    }
}

pub(crate) fn get(state: &State, exchange: &Exchange, index: &str, id: &str) -> Result<Reply, Failure> {
    exchange.only(&["realtime", "refresh", "routing", "_source", "preference", "version"])?;
    let names = state.resolve(&[index.to_owned()], Expand::OPEN)?;
    let found = names.iter().find_map(|name| {
        let document = state.indices.get(name)?.documents.get(id)?;
        Some(json!({
            "_index": name, "_id": id, "_version": 1, "_seq_no": 0, "_primary_term": 1, "found": true,
            "_source": document,
        }))
    });
    if let Some(shape) = found {
        return Ok(Reply::ok(typed(state, shape)));
    }
    let body = typed(state, json!({"_index": index, "_id": id, "found": false}));
    Err(Failure::Bare { status: 404, body })
}

pub(crate) fn delete(
    state: &mut State,
    exchange: &Exchange,
    index: &str,
    id: &str,
) -> Result<Reply, Failure> {
    exchange.only(&WRITE_PARAMS)?;
    let Some(found) = state.indices.get_mut(index) else { return Err(Failure::index_missing(index)) };
    let gone = Arc::make_mut(&mut found.documents).remove(id).is_some();
    let (status, result) = if gone { (200, "deleted") } else { (404, "not_found") };
    let shape = json!({
        "_index": index, "_id": id, "_version": 2, "result": result,
        "_shards": {"total": 1, "successful": 1, "failed": 0}, "_seq_no": 1, "_primary_term": 1,
    });
    Ok(Reply::with_status(status, typed(state, shape)))
}

pub(crate) fn count(state: &State, exchange: &Exchange, indices: &str) -> Result<Reply, Failure> {
    exchange.only(&["expand_wildcards", "ignore_unavailable", "allow_no_indices", "preference", "q"])?;
    let body = exchange.object(&state.dialect)?;
    let query = body.get("query").map(Query::parse).transpose()?.unwrap_or(Query::All);
    let names = state.resolve(&split(indices), Expand::OPEN.of_query(exchange)?)?;
    let (names, shards) = searchable(state, names)?;
    let found = names.iter().filter_map(|name| state.indices.get(name));
    let count: usize = found
        .map(|index| index.documents.iter().filter(|(id, source)| query.takes(id, source)).count())
        .sum();
    Ok(Reply::ok(json!({"count": count, "_shards": shards})))
}

/// `POST [/{index}]/_bulk` with `index`, `create` and `delete` lines.
pub(crate) fn bulk(state: &mut State, exchange: &Exchange, default: Option<&str>) -> Result<Reply, Failure> {
    exchange.only(&WRITE_PARAMS)?;
    let mut lines = exchange.lines();
    let mut items = Vec::new();
    let mut errors = false;
    while let Some(line) = lines.next() {
        let action: Value = serde_json::from_str(line).unwrap_or(Value::Null);
        let Some((verb, target)) = action.as_object().and_then(|map| map.iter().next()) else {
            let reason = "Malformed action/metadata line, expected START_OBJECT";
            return Err(Failure::illegal_argument(reason));
        };
        let index = target.get("_index").and_then(Value::as_str).or(default).unwrap_or_default();
        let id = target.get("_id").and_then(Value::as_str);
        let outcome = if verb == "delete" {
            let gone = state
                .indices
                .get_mut(index)
                .and_then(|index| Arc::make_mut(&mut index.documents).remove(id.unwrap_or_default()));
            Ok(if gone.is_some() {
                (200, json!({"_index": index, "_id": id, "result": "deleted"}))
            } else {
                (404, json!({"_index": index, "_id": id, "result": "not_found"}))
            })
        } else {
            let source = lines.next().and_then(|line| serde_json::from_str(line).ok());
            write(state, index, id, source.unwrap_or_else(|| json!({})))
        };
        let mut shape = match outcome {
            Ok((status, mut shape)) => {
                shape["status"] = status.into();
                shape
            }
            Err(failure) => {
                errors = true;
                let sentence = failure.sentence();
                let (kind, reason) = sentence.split_once(": ").unwrap_or((&sentence, ""));
                json!({
                    "_index": index, "_id": id, "status": failure.status(),
                    "error": {"type": kind, "reason": reason},
                })
            }
        };
        shape = typed(state, shape);
        items.push(json!({verb: shape}));
    }
    Ok(Reply::ok(json!({"took": 1, "errors": errors, "items": items})))
}

/// `POST /{index}/_delete_by_query`.
pub(crate) fn delete_by_query(
    state: &mut State,
    exchange: &Exchange,
    indices: &str,
) -> Result<Reply, Failure> {
    let known = [
        "conflicts",
        "refresh",
        "slices",
        "wait_for_completion",
        "timeout",
        "expand_wildcards",
        "ignore_unavailable",
        "allow_no_indices",
        "scroll_size",
        "max_docs",
        "requests_per_second",
    ];
    exchange.only(&known)?;
    let body = exchange.object(&state.dialect)?;
    let Some(query) = body.get("query") else { return Err(Failure::validation("query is missing")) };
    let query = Query::parse(query)?;
    let names = state.resolve(&split(indices), Expand::OPEN.of_query(exchange)?)?;
    let (names, _) = searchable(state, names)?;
    let mut deleted = 0;
    for name in names {
        if let Some(index) = state.indices.get_mut(&name) {
            let before = index.documents.len();
            Arc::make_mut(&mut index.documents).retain(|id, source| !query.takes(id, source));
            deleted += before - index.documents.len();
        }
    }
    Ok(Reply::ok(json!({
        "took": 1, "timed_out": false, "total": deleted, "deleted": deleted, "batches": 1,
        "version_conflicts": 0, "noops": 0, "retries": {"bulk": 0, "search": 0}, "throttled_millis": 0,
        "requests_per_second": -1.0, "throttled_until_millis": 0, "failures": [],
    })))
}
