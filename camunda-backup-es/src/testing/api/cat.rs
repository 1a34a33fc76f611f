//! `/_cat/…`: tables of strings, as JSON when asked.

use serde_json::{Map, Value};

use crate::testing::api::health::Shards;
use crate::testing::state::server::State;
use crate::testing::wire::answer::{Body, Failure, Reply};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{Expand, split};

/// A row: columns in their order, `None` for null.
pub(crate) type Row = Vec<(&'static str, Option<String>)>;

/// Parameters of every table.
const COMMON: [&str; 8] = ["h", "s", "v", "help", "bytes", "time", "local", "ts"];

pub(crate) fn table(state: &State, exchange: &Exchange, segments: &[&str]) -> Result<Reply, Failure> {
    let mut known = COMMON.to_vec();
    known.extend(["expand_wildcards", "ignore_unavailable", "health", "pri", "include_unloaded_segments"]);
    known.extend(["active_only", "detailed"]);
    exchange.only_with_master_timeout(&state.dialect, &known)?;
    let rows = match *segments {
        ["indices"] => indices(state, exchange, "*")?,
        ["indices", pattern] => indices(state, exchange, pattern)?,
        ["allocation"] => crate::testing::api::cat_rows::allocation(state, exchange),
        ["repositories"] => crate::testing::api::cat_rows::repositories(state),
        ["snapshots"] => crate::testing::api::cat_rows::snapshots(state, None, exchange.param("h"))?,
        ["snapshots", repository] => {
            crate::testing::api::cat_rows::snapshots(state, Some(repository), exchange.param("h"))?
        }
        ["recovery"] => crate::testing::api::cat_rows::recovery(state, exchange, "*")?,
        ["recovery", pattern] => crate::testing::api::cat_rows::recovery(state, exchange, pattern)?,
        ["shards"] => crate::testing::api::cat_rows::shards(state, exchange, "*")?,
        ["shards", pattern] => crate::testing::api::cat_rows::shards(state, exchange, pattern)?,
        ["aliases"] => crate::testing::api::cat_rows::aliases(state),
        ["health"] => crate::testing::api::cat_rows::health(state),
        _ => return Err(Failure::no_handler(&exchange.uri, &exchange.method)),
    };
    Ok(render(exchange, rows))
}

fn render(exchange: &Exchange, rows: Vec<Row>) -> Reply {
    let columns = exchange.param("h").map(split);
    let rows: Vec<Row> = rows
        .into_iter()
        .map(|row| match &columns {
            None => row,
            Some(columns) => columns
                .iter()
                .filter_map(|column| row.iter().find(|(name, _)| name == column).cloned())
                .collect(),
        })
        .collect();
    let json = exchange.param("format") == Some("json")
        || (exchange.param("format").is_none()
            && exchange.accept.as_deref().is_some_and(|accept| accept.starts_with("application/json")));
    if json {
        let objects = rows.into_iter().map(|row| {
            let cells = row
                .into_iter()
                .map(|(name, cell)| (name.to_owned(), cell.map_or(Value::Null, Value::String)));
            Value::Object(cells.collect::<Map<_, _>>())
        });
        return Reply::ok(objects.collect());
    }
    let lines = rows.iter().map(|row| {
        let cells: Vec<&str> = row.iter().map(|(_, cell)| cell.as_deref().unwrap_or("")).collect();
        cells.join(" ") + "\n"
    });
    Reply { status: 200, body: Body::Text(lines.collect()), not_before: None, warning: None }
}

fn indices(state: &State, exchange: &Exchange, pattern: &str) -> Result<Vec<Row>, Failure> {
    let names = state.resolve(&split(pattern), Expand::OPEN_CLOSED.of_query(exchange)?)?;
    let raw = exchange.param("bytes") == Some("b");
    let known = names.into_iter().filter_map(|name| state.indices.get(&name).map(|index| (name, index)));
    let rows = known.map(|(name, index)| {
        let shards = Shards::of(index, state.now);
        // No shard can be asked.
        let silent = index.closed || index.red || index.restoring(state.now);
        let size = (!silent).then(|| bytes(index.bytes(), raw));
        let mut row: Row = vec![
            ("health", Some(shards.color.word().to_owned())),
            ("status", Some(if index.closed { "close" } else { "open" }.to_owned())),
            ("index", Some(name)),
            ("uuid", Some(index.uuid.clone())),
            ("pri", Some(index.shards.to_string())),
            ("rep", Some(index.replicas.to_string())),
            ("docs.count", (!silent).then(|| index.documents.len().to_string())),
            ("docs.deleted", (!silent).then(|| "0".to_owned())),
            ("store.size", size.clone()),
            ("pri.store.size", size.clone()),
        ];
        if state.dialect.modern_elasticsearch {
            row.push(("dataset.size", size));
        }
        if exchange.param("h").is_some() {
            row.push(("creation.date", Some(index.created_millis.to_string())));
            let date = camunda_backup_core::Timestamp::from_millis(index.created_millis);
            row.push(("creation.date.string", Some(date.to_string())));
        }
        row
    });
    Ok(rows.collect())
}

/// Bytes as a number or in words: `227b`, `5.7kb`.
pub(crate) fn bytes(count: u64, raw: bool) -> String {
    if raw {
        return count.to_string();
    }
    let mut unit = 1u64;
    for (word, next) in [("b", 1024), ("kb", 1024), ("mb", 1024), ("gb", 1024), ("tb", u64::MAX)] {
        if next == u64::MAX || count < unit.saturating_mul(next) {
            let tenths = u128::from(count) * 10 / u128::from(unit);
            return if tenths % 10 == 0 {
                format!("{}{word}", tenths / 10)
            } else {
                format!("{}.{}{word}", tenths / 10, tenths % 10)
            };
        }
        unit = unit.saturating_mul(next);
    }
    count.to_string()
}
