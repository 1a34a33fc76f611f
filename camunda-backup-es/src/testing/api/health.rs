//! `GET /_cluster/health[/{index}]`, waiting included.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::testing::state::server::{Index, State};
use crate::testing::wire::answer::{Failure, Reply};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{Expand, split};

/// The status of an index or of all, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Color {
    #[default]
    Green,
    Yellow,
    Red,
}

impl Color {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }

    fn parse(state: &State, word: &str) -> Result<Self, Failure> {
        match word.to_ascii_lowercase().as_str() {
            "green" => Ok(Self::Green),
            "yellow" => Ok(Self::Yellow),
            "red" => Ok(Self::Red),
            other => {
                let word = other.to_ascii_uppercase();
                let family = if state.dialect.elasticsearch { "elasticsearch" } else { "opensearch" };
                let class = "cluster.health.ClusterHealthStatus";
                Err(Failure::illegal_argument(format!("No enum constant org.{family}.{class}.{word}")))
            }
        }
    }
}

/// Shards by what they do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shards {
    pub(crate) color: Color,
    pub(crate) active_primaries: u32,
    pub(crate) active: u32,
    pub(crate) initializing: u32,
    pub(crate) unassigned: u32,
    pub(crate) unassigned_primaries: u32,
}

impl Shards {
    /// One node: replicas have no place. While an index is being restored it is yellow, not red.
    pub(crate) fn of(index: &Index, at: Duration) -> Self {
        let (primaries, replicas) = (index.shards, index.shards * index.replicas);
        if index.red {
            let color = Color::Red;
            return Self {
                color,
                unassigned: primaries + replicas,
                unassigned_primaries: primaries,
                ..Self::default()
            };
        }
        if index.restoring(at) {
            let color = Color::Yellow;
            return Self { color, initializing: primaries, unassigned: replicas, ..Self::default() };
        }
        let color = if replicas > 0 { Color::Yellow } else { Color::Green };
        Self {
            color,
            active_primaries: primaries,
            active: primaries,
            unassigned: replicas,
            ..Self::default()
        }
    }

    fn add(&mut self, other: &Self) {
        self.color = self.color.max(other.color);
        self.active_primaries += other.active_primaries;
        self.active += other.active;
        self.initializing += other.initializing;
        self.unassigned += other.unassigned;
        self.unassigned_primaries += other.unassigned_primaries;
    }

    fn put_counts(&self, state: &State, map: &mut Map<String, Value>) {
        let mut put = |key: &str, value: u32| map.insert(key.to_owned(), value.into());
        put("active_primary_shards", self.active_primaries);
        put("active_shards", self.active);
        put("relocating_shards", 0);
        put("initializing_shards", self.initializing);
        put("unassigned_shards", self.unassigned);
        if state.dialect.modern_elasticsearch {
            put("unassigned_primary_shards", self.unassigned_primaries);
        }
    }
}

/// What the caller waits for.
struct Goal {
    status: Option<Color>,
    no_initializing: bool,
    active: Option<u32>,
    all_active: bool,
}

impl Goal {
    fn parse(state: &State, exchange: &Exchange) -> Result<Self, Failure> {
        let active = exchange.param("wait_for_active_shards");
        Ok(Self {
            status: exchange.param("wait_for_status").map(|word| Color::parse(state, word)).transpose()?,
            no_initializing: exchange.flag("wait_for_no_initializing_shards", false)?,
            active: active.and_then(|text| text.parse().ok()),
            all_active: active == Some("all"),
        })
    }

    fn reached(&self, shards: &Shards) -> bool {
        self.status.is_none_or(|wanted| shards.color <= wanted)
            && (!self.no_initializing || shards.initializing == 0)
            && self.active.is_none_or(|wanted| shards.active >= wanted)
            && (!self.all_active || shards.initializing + shards.unassigned == 0)
    }
}

pub(crate) fn health(state: &State, exchange: &Exchange, indices: Option<&str>) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(
        &state.dialect,
        &[
            "expand_wildcards",
            "level",
            "local",
            "timeout",
            "wait_for_active_shards",
            "wait_for_events",
            "wait_for_no_initializing_shards",
            "wait_for_no_relocating_shards",
            "wait_for_nodes",
            "wait_for_status",
        ],
    )?;
    let timeout = exchange.duration("timeout")?.unwrap_or(Duration::from_secs(30));
    let goal = Goal::parse(state, exchange)?;
    let expressions = indices.map_or_else(|| vec!["*".to_owned()], split);
    let expand = Expand { ignore_unavailable: true, ..Expand::ALL };
    let names = state.resolve(&expressions, expand)?;
    let exists = |name: &&String| state.indices.contains_key(*name) || !state.behind_alias(name).is_empty();
    let unknown = expressions.iter().filter(|name| !name.contains('*') && *name != "_all");
    let unknown = unknown.filter(|name| !exists(name)).count() > 0;
    let deadline = state.now.saturating_add(timeout);
    // Nothing but the end of a restore changes the status by itself.
    let mut times: Vec<Duration> = state.indices.values().map(|index| index.recovery.until).collect();
    times.retain(|time| *time > state.now && *time <= deadline);
    times.push(state.now);
    times.sort_unstable();
    let reached = times.into_iter().find(|time| !unknown && goal.reached(&sum(state, &names, *time)));
    let at = reached.unwrap_or(deadline);
    let mut shards = sum(state, &names, at);
    if unknown {
        shards = Shards { color: Color::Red, ..Shards::default() };
    }
    let mut body = body(state, &shards, reached.is_none());
    if matches!(exchange.param("level"), Some("indices" | "shards")) {
        body.insert("indices".into(), per_index(state, &names, at));
    }
    let status = if reached.is_some() { 200 } else { 408 };
    Ok(Reply::with_status(status, Value::Object(body)).not_before(Some(at)))
}

fn sum(state: &State, names: &[String], at: Duration) -> Shards {
    let mut sum = Shards::default();
    for index in names.iter().filter_map(|name| state.indices.get(name)) {
        sum.add(&Shards::of(index, at));
    }
    sum
}

fn body(state: &State, shards: &Shards, timed_out: bool) -> Map<String, Value> {
    let mut map = Map::new();
    shards.put_counts(state, &mut map);
    let total = shards.active + shards.initializing + shards.unassigned;
    let percent = if total == 0 { 100.0 } else { f64::from(shards.active) * 100.0 / f64::from(total) };
    let mut put = |key: &str, value: Value| map.insert(key.to_owned(), value);
    put("cluster_name", state.options.cluster_name.as_str().into());
    put("status", shards.color.word().into());
    put("timed_out", timed_out.into());
    put("number_of_nodes", 1.into());
    put("number_of_data_nodes", 1.into());
    if !state.dialect.elasticsearch {
        put("discovered_master", true.into());
        if state.dialect.major >= 2 {
            put("discovered_cluster_manager", true.into());
        }
    }
    put("delayed_unassigned_shards", 0.into());
    put("number_of_pending_tasks", 0.into());
    put("number_of_in_flight_fetch", 0.into());
    put("task_max_waiting_in_queue_millis", 0.into());
    put("active_shards_percent_as_number", json!(percent));
    map
}

fn per_index(state: &State, names: &[String], at: Duration) -> Value {
    let known = names.iter().filter_map(|name| state.indices.get(name).map(|index| (name, index)));
    let shapes = known.map(|(name, index)| {
        let shards = Shards::of(index, at);
        let mut map = Map::new();
        shards.put_counts(state, &mut map);
        map.insert("status".into(), shards.color.word().into());
        map.insert("number_of_shards".into(), index.shards.into());
        map.insert("number_of_replicas".into(), index.replicas.into());
        (name.clone(), Value::Object(map))
    });
    Value::Object(shapes.collect())
}
