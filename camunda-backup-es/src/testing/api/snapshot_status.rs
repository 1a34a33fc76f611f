//! `GET /_snapshot/…/_status`: progress, never a verdict.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::testing::state::server::{Index, State};
use crate::testing::state::snapshots::Snapshot;
use crate::testing::wire::answer::{Failure, Reply};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{matches, split};

/// `/_snapshot/_status` and `/_snapshot/{repositories}/_status`: what runs; an unknown repository is no error.
pub(crate) fn running(
    state: &State,
    exchange: &Exchange,
    repositories: Option<&str>,
) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &["ignore_unavailable"])?;
    let named = repositories.map_or_else(|| vec!["*".to_owned()], split);
    let shown = state.running.iter().filter(|snapshot| {
        named.iter().any(|pattern| pattern == "_all" || matches(pattern, &snapshot.repository))
    });
    let list: Vec<Value> =
        shown.map(|snapshot| status(state, &snapshot.repository, snapshot, None)).collect();
    Ok(Reply::ok(json!({"snapshots": list})))
}

/// `/_snapshot/{repository}/{names}/_status`: names only, no patterns; `_all` shows nothing.
pub(crate) fn named(
    state: &State,
    exchange: &Exchange,
    repository: &str,
    names: &str,
    index: Option<&str>,
) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &["ignore_unavailable"])?;
    let ignore = exchange.flag("ignore_unavailable", false)?;
    if names == "_all" {
        return running(state, exchange, Some(repository));
    }
    let known = state.snapshots_of(repository)?;
    let mut list = Vec::new();
    for name in split(names) {
        match known.iter().find(|snapshot| snapshot.name == name) {
            Some(snapshot) if snapshot.damaged => return Err(snapshot.unreadable(repository)),
            Some(snapshot) => list.push(status(state, repository, snapshot, index)),
            None if ignore => {}
            None => {
                return Err(Failure::snapshot_missing(repository, &name));
            }
        }
    }
    Ok(Reply::ok(json!({"snapshots": list})))
}

fn status(state: &State, repository: &str, snapshot: &Snapshot, only: Option<&str>) -> Value {
    let now = state.now;
    let running = snapshot.running(now);
    let word = snapshot.state_word(now);
    let word = match word.as_str() {
        "IN_PROGRESS" => "STARTED",
        "PARTIAL" if !state.dialect.status_says_partial => "SUCCESS",
        other => other,
    };
    let mut uploaded = snapshot.shards_done(now);
    let mut whole = Sum::default();
    let mut indices = Map::new();
    let shown = snapshot.indices.iter().filter(|(name, _)| only.is_none_or(|only| only == *name));
    // The small ones are done first.
    let mut shown: Vec<_> = shown.collect();
    shown.sort_by_key(|(_, index)| index.bytes());
    for (name, index) in shown {
        let (shape, sum) = index_status(snapshot, name, index, now, &mut uploaded);
        whole.add(&sum);
        indices.insert(name.clone(), shape);
    }
    let end = if running { state.cached_millis(now) } else { snapshot.end_millis };
    let time = end.saturating_sub(snapshot.start_millis);
    json!({
        "snapshot": snapshot.name,
        "repository": repository,
        "uuid": snapshot.uuid,
        "state": word,
        "include_global_state": snapshot.global.is_some(),
        "shards_stats": whole.shards(),
        "stats": whole.stats(running, snapshot.start_millis, time),
        "indices": indices,
    })
}

/// Shards and bytes of an index or of a snapshot.
#[derive(Debug, Default)]
struct Sum {
    initializing: u32,
    started: u32,
    done: u32,
    failed: u32,
    bytes: u64,
    processed: u64,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.initializing += other.initializing;
        self.started += other.started;
        self.done += other.done;
        self.failed += other.failed;
        self.bytes += other.bytes;
        self.processed += other.processed;
    }

    fn shards(&self) -> Value {
        json!({
            "initializing": self.initializing,
            "started": self.started,
            "finalizing": 0,
            "done": self.done,
            "failed": self.failed,
            "total": self.initializing + self.started + self.done + self.failed,
        })
    }

    fn stats(&self, running: bool, start: u64, time: u64) -> Value {
        let files = |bytes: u64| u64::from(bytes > 0) * 4;
        let mut stats = json!({
            "incremental": {"file_count": files(self.bytes), "size_in_bytes": self.bytes},
            "total": {"file_count": files(self.bytes), "size_in_bytes": self.bytes},
            "start_time_in_millis": start,
            "time_in_millis": time,
        });
        // Only while files are being uploaded.
        if running && self.started > 0 {
            stats["processed"] = json!({"file_count": 1, "size_in_bytes": self.processed});
        }
        stats
    }
}

fn index_status(
    snapshot: &Snapshot,
    name: &str,
    index: &Index,
    now: Duration,
    uploaded: &mut u32,
) -> (Value, Sum) {
    let running = snapshot.running(now);
    let per_shard = index.bytes() / u64::from(index.shards.max(1));
    let mut sum = Sum::default();
    let mut shards = Map::new();
    for shard in 0..index.shards {
        let failure =
            snapshot.failures.iter().find(|failure| failure.index == name && failure.shard == shard);
        let mut one = Sum::default();
        let stage = if failure.is_some() && !running {
            one.failed = 1;
            "FAILURE"
        } else if *uploaded > 0 {
            *uploaded -= 1;
            one = Sum { done: 1, bytes: per_shard, ..one };
            "DONE"
        } else if running && shards.is_empty() {
            one = Sum { started: 1, bytes: per_shard, processed: per_shard / 2, ..one };
            "STARTED"
        } else {
            one.initializing = 1;
            "INIT"
        };
        let began = if one.done + one.started > 0 { snapshot.start_millis } else { 0 };
        let mut shape = json!({"stage": stage, "stats": one.stats(running, began, 0)});
        if stage == "STARTED" {
            shape["node"] = crate::testing::api::cluster::NODE_ID.into();
        }
        if let Some(failure) = failure.filter(|_| !running) {
            shape["reason"] = failure.reason.into();
        }
        shards.insert(shard.to_string(), shape);
        sum.add(&one);
    }
    let began = if sum.done + sum.started > 0 { snapshot.start_millis } else { 0 };
    let shape = json!({
        "shards_stats": sum.shards(),
        "stats": sum.stats(running, began, 0),
        "shards": shards,
    });
    (shape, sum)
}
