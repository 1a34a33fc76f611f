//! The smaller cat tables.

use camunda_backup_core::Timestamp;

use crate::testing::api::cat::{Row, bytes};
use crate::testing::api::cluster::NODE_NAME;
use crate::testing::api::health::{Color, Shards};
use crate::testing::api::recovery::{Progress, progress};
use crate::testing::state::server::State;
use crate::testing::wire::answer::Failure;
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{Expand, split};
use crate::testing::wire::snapshot_info::words;

#[allow(clippy::unnecessary_wraps)] // a cell that is not null
fn some(text: impl Into<String>) -> Option<String> {
    Some(text.into())
}

pub(crate) fn allocation(state: &State, exchange: &Exchange) -> Vec<Row> {
    let raw = exchange.param("bytes") == Some("b");
    let shards: Vec<Shards> = state.indices.values().map(|index| Shards::of(index, state.now)).collect();
    let active: u32 = shards.iter().map(|shards| shards.active + shards.initializing).sum();
    let unassigned: u32 = shards.iter().map(|shards| shards.unassigned).sum();
    let stored: u64 = state.indices.values().map(crate::testing::state::server::Index::bytes).sum();
    let (used, total) = state.disk;
    let percent = if total == 0 { 0 } else { u128::from(used) * 100 / u128::from(total) };
    let row = |shards: u32, disk: Option<()>, node: &str| -> Row {
        let size = |count: u64| disk.map(|()| bytes(count, raw));
        let mut row: Row = vec![("shards", some(shards.to_string()))];
        if state.dialect.modern_elasticsearch {
            row.push(("shards.undesired", some("0")));
            row.push(("write_load.forecast", some("0.0")));
            row.push(("disk.indices.forecast", size(stored)));
        }
        row.extend([
            ("disk.indices", size(stored)),
            ("disk.used", size(used)),
            ("disk.avail", size(total.saturating_sub(used))),
            ("disk.total", size(total)),
            ("disk.percent", disk.map(|()| percent.to_string())),
            ("host", disk.map(|()| "127.0.0.1".to_owned())),
            ("ip", disk.map(|()| "127.0.0.1".to_owned())),
            ("node", some(node)),
        ]);
        if state.dialect.modern_elasticsearch {
            row.push(("node.role", disk.map(|()| "dim".to_owned())));
        }
        row
    };
    let mut rows = vec![row(active, Some(()), NODE_NAME)];
    if unassigned > 0 {
        rows.push(row(unassigned, None, "UNASSIGNED"));
    }
    rows
}

pub(crate) fn repositories(state: &State) -> Vec<Row> {
    let all = state.repositories.iter();
    all.map(|(name, repository)| vec![("id", some(name)), ("type", some(&repository.kind))]).collect()
}

pub(crate) fn snapshots(
    state: &State,
    repository: Option<&str>,
    columns: Option<&str>,
) -> Result<Vec<Row>, Failure> {
    let named: Vec<String> = match repository {
        None if !state.dialect.elasticsearch => return Err(Failure::validation("repository is missing")),
        None | Some("_all") if state.dialect.elasticsearch => state.repositories.keys().cloned().collect(),
        Some(name) => split(name),
        None => Vec::new(),
    };
    let mut rows = Vec::new();
    for name in named {
        let found = state.snapshots_of(&name).map_err(|failure| {
            if state.dialect.list_tolerates_missing_repository {
                let reason = format!("Repositories [{name}] failed to retrieve snapshots");
                let inner = format!("[{name}] missing");
                Failure::of(500, "exception", reason).rooted_in("repository_missing_exception", inner)
            } else {
                failure
            }
        })?;
        rows.extend(found.iter().map(|snapshot| snapshot_row(state, &name, snapshot)));
    }
    if columns.is_some_and(|columns| split(columns).iter().any(|column| column == "reason")) {
        for row in &mut rows {
            row.push(("reason", None));
        }
    }
    Ok(rows)
}

fn snapshot_row(
    state: &State,
    repository: &str,
    snapshot: &crate::testing::state::snapshots::Snapshot,
) -> Row {
    let running = snapshot.running(state.now);
    let end = if running { 0 } else { snapshot.end_millis };
    let time = |millis: u64| {
        let text = Timestamp::from_millis(millis).to_string();
        text.get(11..19).map(str::to_owned)
    };
    let total = if running && !state.dialect.elasticsearch { 0 } else { snapshot.shards_total() };
    let failed = if running { 0 } else { snapshot.shards_failed() };
    let successful =
        if running { snapshot.shards_done(state.now).min(total) } else { total - failed.min(total) };
    let mut row: Row = vec![("id", some(&snapshot.name))];
    if state.dialect.elasticsearch {
        row.push(("repository", some(repository)));
    }
    row.extend([
        ("status", some(snapshot.state_word(state.now))),
        ("start_epoch", some((snapshot.start_millis / 1000).to_string())),
        ("start_time", time(snapshot.start_millis)),
        ("end_epoch", some((end / 1000).to_string())),
        ("end_time", time(end)),
        ("duration", some(words(end.saturating_sub(snapshot.start_millis)))),
        ("indices", some(snapshot.indices.len().to_string())),
        ("successful_shards", some(successful.to_string())),
        ("failed_shards", some(failed.to_string())),
        ("total_shards", some(total.to_string())),
    ]);
    row
}

pub(crate) fn recovery(state: &State, exchange: &Exchange, pattern: &str) -> Result<Vec<Row>, Failure> {
    let raw = exchange.param("bytes") == Some("b")
        || !(state.dialect.modern_elasticsearch
            || (!state.dialect.elasticsearch && state.dialect.major >= 3));
    let active_only = exchange.flag("active_only", false)?;
    let mut rows = Vec::new();
    for name in state.resolve(&split(pattern), Expand::OPEN_CLOSED)? {
        let Some(index) = state.indices.get(&name) else { continue };
        let Some(Progress { kind, stage, recovered, total, millis }) = progress(state, index) else {
            continue;
        };
        if active_only && stage == "DONE" {
            continue;
        }
        let percent = if total == 0 { 100.0 } else { permille(recovered, total) };
        let source = index.recovery.source.as_ref().filter(|_| kind == "SNAPSHOT");
        let from = |part: fn(&crate::testing::state::server::RestoreSource) -> &String| {
            source.map_or("n/a", |s| part(s))
        };
        for shard in 0..index.shards {
            rows.push(vec![
                ("index", some(&name)),
                ("shard", some(shard.to_string())),
                ("time", some(words(millis))),
                ("type", some(kind.to_ascii_lowercase())),
                ("stage", some(stage.to_ascii_lowercase())),
                ("source_host", some("n/a")),
                ("source_node", some("n/a")),
                ("target_host", some("127.0.0.1")),
                ("target_node", some(NODE_NAME)),
                ("repository", some(from(|source| &source.repository))),
                ("snapshot", some(from(|source| &source.snapshot))),
                ("files", some("4")),
                ("files_recovered", some(if stage == "DONE" { "4" } else { "0" })),
                ("files_total", some("4")),
                ("files_percent", some(format!("{percent:.1}%"))),
                ("bytes", some(bytes(total, raw))),
                ("bytes_recovered", some(bytes(recovered, raw))),
                ("bytes_percent", some(format!("{percent:.1}%"))),
                ("bytes_total", some(bytes(total, raw))),
                ("translog_ops", some("0")),
                ("translog_ops_recovered", some("0")),
                ("translog_ops_percent", some("100.0%")),
            ]);
        }
    }
    Ok(rows)
}

/// Hundred times `part / whole`, to one decimal.
pub(crate) fn permille(part: u64, whole: u64) -> f64 {
    let tenths = u128::from(part) * 1000 / u128::from(whole.max(1));
    f64::from(u32::try_from(tenths).unwrap_or(1000)) / 10.0
}

pub(crate) fn shards(state: &State, exchange: &Exchange, pattern: &str) -> Result<Vec<Row>, Failure> {
    let raw = exchange.param("bytes") == Some("b");
    let mut rows = Vec::new();
    for name in state.resolve(&split(pattern), Expand::OPEN_CLOSED)? {
        let Some(index) = state.indices.get(&name) else { continue };
        let word = match Shards::of(index, state.now) {
            Shards { color: Color::Red, .. } => "UNASSIGNED",
            Shards { initializing: 1.., .. } => "INITIALIZING",
            _ => "STARTED",
        };
        let there = word == "STARTED";
        for shard in 0..index.shards {
            let placed = |text: &str| (word != "UNASSIGNED").then(|| text.to_owned());
            let mut row: Row = vec![
                ("index", some(&name)),
                ("shard", some(shard.to_string())),
                ("prirep", some("p")),
                ("state", some(word)),
                ("docs", there.then(|| (index.documents.len() / index.shards.max(1) as usize).to_string())),
                ("store", there.then(|| bytes(index.bytes() / u64::from(index.shards.max(1)), raw))),
                ("ip", placed("127.0.0.1")),
                ("node", placed(NODE_NAME)),
            ];
            if state.dialect.modern_elasticsearch {
                row.push((
                    "dataset",
                    there.then(|| bytes(index.bytes() / u64::from(index.shards.max(1)), raw)),
                ));
            }
            rows.push(row);
        }
    }
    Ok(rows)
}

pub(crate) fn aliases(state: &State) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, index) in &state.indices {
        for (alias, settings) in &index.aliases {
            let write = settings.get("is_write_index").map_or_else(|| "-".to_owned(), ToString::to_string);
            rows.push(vec![
                ("alias", some(alias)),
                ("index", some(name)),
                ("filter", some("-")),
                ("routing.index", some("-")),
                ("routing.search", some("-")),
                ("is_write_index", Some(write)),
            ]);
        }
    }
    rows
}

pub(crate) fn health(state: &State) -> Vec<Row> {
    let all: Vec<Shards> = state.indices.values().map(|index| Shards::of(index, state.now)).collect();
    let sum = |part: fn(&Shards) -> u32| some(all.iter().map(part).sum::<u32>().to_string());
    let color = all.iter().map(|shards| shards.color).max().unwrap_or(Color::Green);
    let total: u32 = all.iter().map(|shards| shards.active + shards.initializing + shards.unassigned).sum();
    let active: u32 = all.iter().map(|shards| shards.active).sum();
    let percent = if total == 0 { 100.0 } else { permille(u64::from(active), u64::from(total)) };
    let mut row: Row = vec![
        ("epoch", some(state.wall.seconds().to_string())),
        ("timestamp", state.wall.to_string().get(11..19).map(str::to_owned)),
        ("cluster", some(&state.options.cluster_name)),
        ("status", some(color.word())),
        ("node.total", some("1")),
        ("node.data", some("1")),
        ("shards", sum(|shards| shards.active)),
        ("pri", sum(|shards| shards.active_primaries)),
        ("relo", some("0")),
        ("init", sum(|shards| shards.initializing)),
        ("unassign", sum(|shards| shards.unassigned)),
        ("pending_tasks", some("0")),
        ("max_task_wait_time", some("-")),
        ("active_shards_percent", some(format!("{percent:.1}%"))),
    ];
    if !state.dialect.elasticsearch {
        let new_words = state.dialect.major >= 2;
        let word = if new_words { "discovered_cluster_manager" } else { "discovered_master" };
        row.push((word, some("true")));
    }
    if state.dialect.modern_elasticsearch {
        row.push(("unassign.pri", sum(|shards| shards.unassigned_primaries)));
    }
    vec![row]
}
