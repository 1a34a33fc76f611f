//! Settings: flat and nested spelling, index settings, cluster settings.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::testing::state::server::{Index, State};
use crate::testing::wire::answer::{Failure, Reply};
use crate::testing::wire::dialect::Dialect;
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{Expand, matches, split};

/// `{"a":{"b":1}}` and `{"a.b":1}` alike to `a.b = 1`.
pub(crate) fn flatten(prefix: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&name, value, into);
            }
        }
        Value::Null if prefix.is_empty() => {}
        other => {
            into.insert(prefix.to_owned(), other.clone());
        }
    }
}

/// `a.b = 1` to `{"a":{"b":"1"}}`, or flat when asked; values become strings.
pub(crate) fn shown(flat: &BTreeMap<String, Value>, flat_wanted: bool) -> Value {
    let mut root = Map::new();
    for (name, value) in flat {
        let value = stringly(value);
        if flat_wanted {
            root.insert(name.clone(), value);
        } else {
            nest(&mut root, &name.split('.').collect::<Vec<_>>(), value);
        }
    }
    Value::Object(root)
}

fn nest(map: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [last] => {
            map.insert((*last).to_owned(), value);
        }
        [first, rest @ ..] => {
            let inner = map.entry((*first).to_owned()).or_insert_with(|| json!({}));
            if let Value::Object(inner) = inner {
                nest(inner, rest, value);
            }
        }
    }
}

fn stringly(value: &Value) -> Value {
    match value {
        Value::String(_) | Value::Null => value.clone(),
        Value::Array(items) => items.iter().map(stringly).collect(),
        other => other.to_string().into(),
    }
}

impl Index {
    /// All settings by their flat names.
    pub(crate) fn all_settings(&self, dialect: &Dialect) -> BTreeMap<String, Value> {
        let elasticsearch = dialect.elasticsearch;
        let replication = (!elasticsearch && dialect.major >= 2).then_some("DOCUMENT");
        let mut all = self.settings.clone();
        let mut put = |name: &str, value: String| all.insert(format!("index.{name}"), value.into());
        put("uuid", self.uuid.clone());
        put("provided_name", self.provided_name.clone());
        put("creation_date", self.created_millis.to_string());
        put("number_of_shards", self.shards.to_string());
        put("number_of_replicas", self.replicas.to_string());
        put("version.created", self.version_created.to_string());
        if self.hidden {
            put("hidden", "true".to_owned());
        }
        if let Some(uuid) = &self.history_uuid {
            put("history.uuid", uuid.clone());
        }
        if elasticsearch {
            put("routing.allocation.include._tier_preference", "data_content".to_owned());
        }
        if let Some(replication) = replication {
            put("replication.type", replication.to_owned());
        }
        all
    }

    /// Applies settings given with or without `index.`; `null` resets.
    pub(crate) fn apply_settings(&mut self, given: &BTreeMap<String, Value>) {
        for (name, value) in given {
            let short = name.strip_prefix("index.").unwrap_or(name);
            let number = || stringly(value).as_str().and_then(|text| text.parse::<u32>().ok());
            match short {
                "number_of_shards" => self.shards = number().unwrap_or(1).max(1),
                "number_of_replicas" => self.replicas = number().unwrap_or(0),
                "hidden" => self.hidden = stringly(value) == "true",
                _ if value.is_null() => {
                    self.settings.remove(&format!("index.{short}"));
                }
                _ => {
                    self.settings.insert(format!("index.{short}"), value.clone());
                }
            }
        }
        // No node carries such attributes: the shards stay unassigned.
        let pinned = |name: &String| name.starts_with("index.routing.allocation.require.");
        if self.settings.keys().any(pinned) {
            self.red = true;
        }
    }

    pub(crate) fn blocked(&self, block: &str) -> bool {
        self.settings.get(&format!("index.blocks.{block}")).map(stringly) == Some("true".into())
    }
}

/// `GET /{index}/_settings[/{names}]`.
pub(crate) fn index_settings(
    state: &State,
    exchange: &Exchange,
    indices: &str,
    names: Option<&str>,
) -> Result<Reply, Failure> {
    let known = [
        "flat_settings",
        "expand_wildcards",
        "ignore_unavailable",
        "allow_no_indices",
        "include_defaults",
        "local",
    ];
    exchange.only_with_master_timeout(&state.dialect, &known)?;
    let expand = Expand::OPEN_CLOSED.of_query(exchange)?;
    let flat = exchange.flag("flat_settings", false)?;
    let mut body = Map::new();
    for name in state.resolve(&split(indices), expand)? {
        let Some(index) = state.indices.get(&name) else { continue };
        let mut all = index.all_settings(&state.dialect);
        if let Some(names) = names {
            let patterns = split(names);
            all.retain(|name, _| patterns.iter().any(|pattern| matches(pattern, name)));
        }
        body.insert(name, json!({"settings": shown(&all, flat)}));
    }
    Ok(Reply::ok(Value::Object(body)))
}

/// `PUT /{index}/_settings`.
pub(crate) fn put_index_settings(
    state: &mut State,
    exchange: &Exchange,
    indices: &str,
) -> Result<Reply, Failure> {
    let known =
        ["timeout", "preserve_existing", "expand_wildcards", "ignore_unavailable", "allow_no_indices"];
    exchange.only_with_master_timeout(&state.dialect, &known)?;
    let body = Value::Object(exchange.object(&state.dialect)?);
    let body = body.get("settings").cloned().unwrap_or(body);
    let mut given = BTreeMap::new();
    flatten("", &body, &mut given);
    if let Some(name) = given.keys().find(|name| name.ends_with("number_of_shards")) {
        let reason = format!("final {indices} setting [{name}], not updateable");
        return Err(Failure::illegal_argument(reason));
    }
    for name in state.resolve(&split(indices), Expand::OPEN_CLOSED.of_query(exchange)?)? {
        if let Some(index) = state.indices.get_mut(&name) {
            index.apply_settings(&given);
        }
    }
    Ok(Reply::acknowledged())
}

/// `GET /_cluster/settings`.
pub(crate) fn cluster_settings(state: &State, exchange: &Exchange) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &["flat_settings", "include_defaults", "local"])?;
    let flat = exchange.flag("flat_settings", false)?;
    let mut body =
        json!({"persistent": shown(&state.persistent, flat), "transient": shown(&state.transient, flat)});
    if exchange.flag("include_defaults", false)? {
        body["defaults"] = shown(&defaults(state), flat);
    }
    Ok(Reply::ok(body))
}

fn defaults(state: &State) -> BTreeMap<String, Value> {
    let destructive = state.dialect.destructive_requires_name.to_string();
    [
        ("action.auto_create_index", "true".to_owned()),
        ("action.destructive_requires_name", destructive),
        ("cluster.name", state.options.cluster_name.clone()),
        ("cluster.routing.allocation.disk.threshold_enabled", "true".to_owned()),
        ("cluster.routing.allocation.disk.watermark.flood_stage", "95%".to_owned()),
        ("cluster.routing.allocation.disk.watermark.high", "90%".to_owned()),
        ("cluster.routing.allocation.disk.watermark.low", "85%".to_owned()),
        ("snapshot.max_concurrent_operations", state.options.max_concurrent_snapshots.to_string()),
    ]
    .into_iter()
    .filter(|(name, _)| state.setting(name).is_none())
    .map(|(name, value)| (name.to_owned(), value.into()))
    .collect()
}

/// `PUT /_cluster/settings`: answers what it was given, nested.
pub(crate) fn put_cluster_settings(state: &mut State, exchange: &Exchange) -> Result<Reply, Failure> {
    const KNOWN: [&str; 8] =
        ["action.", "cluster.", "indices.", "snapshot.", "network.", "search.", "logger.", "xpack."];
    exchange.only_with_master_timeout(&state.dialect, &["flat_settings", "timeout"])?;
    let flat = exchange.flag("flat_settings", false)?;
    let body = exchange.object(&state.dialect)?;
    let mut answer = json!({"acknowledged": true});
    let mut changes = Vec::new();
    for kind in ["persistent", "transient"] {
        let mut given = BTreeMap::new();
        flatten("", body.get(kind).unwrap_or(&Value::Null), &mut given);
        let known = |name: &&String| KNOWN.iter().any(|prefix| name.starts_with(prefix));
        if let Some(bad) = given.keys().find(|name| !known(name)) {
            let os3 = !state.dialect.elasticsearch && state.dialect.major >= 3;
            let error = if os3 { "settings_exception" } else { "illegal_argument_exception" };
            return Err(Failure::of(400, error, format!("{kind} setting [{bad}], not recognized")));
        }
        let shown_part: BTreeMap<_, _> =
            given.iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
        answer[kind] = shown(&shown_part, flat);
        changes.push((kind, given));
    }
    for (kind, given) in changes {
        let target = if kind == "persistent" { &mut state.persistent } else { &mut state.transient };
        for (name, value) in given {
            let _before = if value.is_null() { target.remove(&name) } else { target.insert(name, value) };
        }
    }
    Ok(Reply::ok(answer))
}

impl State {
    /// A boolean cluster setting.
    pub(crate) fn cluster_flag(&self, name: &str, default: bool) -> bool {
        self.setting(name).map_or(default, |value| stringly(value) == "true")
    }

    /// Refuses changes under `cluster.blocks.read_only`; snapshots are not among them.
    pub(crate) fn check_cluster_writable(&self, index: Option<&str>) -> Result<(), Failure> {
        if !self.cluster_flag("cluster.blocks.read_only", false) {
            return Ok(());
        }
        let whose = index.map(|index| format!("index [{index}] ")).unwrap_or_default();
        let reason = format!("{whose}blocked by: [FORBIDDEN/6/cluster read-only (api)];");
        Err(Failure::of(403, "cluster_block_exception", reason))
    }
}
