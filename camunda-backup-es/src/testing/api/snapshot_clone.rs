//! `PUT /_snapshot/{repository}/{snapshot}/_clone/{target}`: copies some indices of a finished snapshot.

use serde_json::Value;

use crate::testing::state::server::State;
use crate::testing::wire::answer::{Failure, Reply};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{matches, split};

pub(crate) fn clone(
    state: &mut State,
    exchange: &Exchange,
    repository: &str,
    name: &str,
    target: &str,
) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &[])?;
    let body = exchange.object(&state.dialect)?;
    let wanted: Vec<String> = match body.get("indices") {
        Some(Value::String(text)) => split(text),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => return Err(Failure::validation("indices is missing")),
    };
    state.check_name(repository, target)?;
    let source = state.snapshots_of(repository)?.into_iter().find(|snapshot| snapshot.name == name);
    let Some(mut copy) = source else { return Err(Failure::snapshot_missing(repository, name)) };
    state.check_name_is_free(repository, target)?;
    copy.indices.retain(|index, _| wanted.iter().any(|pattern| matches(pattern, index)));
    if copy.indices.is_empty() {
        return Err(Failure::index_missing(&wanted.join(",")));
    }
    target.clone_into(&mut copy.name);
    copy.uuid = state.uuid();
    copy.started = state.now;
    copy.ends = Some(state.now);
    copy.finished = true;
    copy.start_millis = state.cached_millis(state.now);
    copy.end_millis = copy.start_millis;
    let uuid = state.uuid();
    state.storage.finish(copy, uuid);
    Ok(Reply::acknowledged())
}
