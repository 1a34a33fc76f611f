//! `/{index}`: create, read, delete; `/_resolve/index`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::testing::api::settings::{flatten, shown};
use crate::testing::control::options::TemplateKind;
use crate::testing::state::server::{Index, State};
use crate::testing::wire::answer::{Failure, Reply};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{Expand, invalid_index_name, matches, split};

pub(crate) fn create(state: &mut State, exchange: &Exchange, name: &str) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &["timeout", "wait_for_active_shards"])?;
    let body = exchange.object(&state.dialect)?;
    if let Some(bad) = body.keys().find(|key| !matches!(key.as_str(), "settings" | "mappings" | "aliases")) {
        let reason = format!("unknown key [{bad}] for create index");
        return Err(Failure::of(400, "parse_exception", reason));
    }
    if let Some(existing) = state.indices.get(name) {
        let reason = format!("index [{name}/{}] already exists", existing.uuid);
        return Err(Failure::of(400, "resource_already_exists_exception", reason)
            .with("index_uuid", existing.uuid.as_str())
            .with("index", name));
    }
    if let Some(failure) = invalid_index_name(name) {
        return Err(failure);
    }
    if !state.behind_alias(name).is_empty() {
        let reason = format!("Invalid index name [{name}], already exists as alias");
        return Err(Failure::of(400, "invalid_index_name_exception", reason)
            .with("index_uuid", "_na_")
            .with("index", name));
    }
    state.check_cluster_writable(Some(name))?;
    let index = state.index_from(name, &Value::Object(body));
    state.check_shard_limit([&index].into_iter())?;
    state.indices.insert(name.to_owned(), index);
    Ok(Reply::ok(json!({"acknowledged": true, "shards_acknowledged": true, "index": name})))
}

impl State {
    /// A new index of this name, after its templates and then the given body.
    pub(crate) fn index_from(&mut self, name: &str, body: &Value) -> Index {
        let mut index = self.new_index(name);
        // Without anything said, real servers give one replica.
        index.replicas = 1;
        for layer in self.template_layers(name).iter().chain([body]) {
            let mut given = BTreeMap::new();
            flatten("", layer.get("settings").unwrap_or(&Value::Null), &mut given);
            index.apply_settings(&given);
            if let Some(Value::Object(aliases)) = layer.get("aliases") {
                index.aliases.extend(aliases.clone());
            }
            if let Some(mappings) = layer.get("mappings").filter(|mappings| mappings.is_object()) {
                index.mappings = mappings.clone();
            }
        }
        index
    }

    /// The templates that fit: the components and then the composable template of the highest priority, else the legacy
    /// ones by order.
    fn template_layers(&self, name: &str) -> Vec<Value> {
        let fits = |template: &Value| {
            let patterns = template.get("index_patterns").and_then(Value::as_array);
            patterns.is_some_and(|patterns| {
                patterns.iter().filter_map(Value::as_str).any(|pattern| matches(pattern, name))
            })
        };
        let number = |template: &Value, key: &str| template.get(key).and_then(Value::as_i64).unwrap_or(0);
        let of_kind = |kind: TemplateKind| {
            self.templates.iter().filter(move |((of, _), _)| *of == kind).map(|(_, template)| template)
        };
        let best = of_kind(TemplateKind::Index)
            .filter(|template| fits(template))
            .max_by_key(|template| number(template, "priority"));
        if let Some(best) = best {
            let components = best.get("composed_of").and_then(Value::as_array).into_iter().flatten();
            let component = |name: &str| self.templates.get(&(TemplateKind::Component, name.to_owned()));
            let mut layers: Vec<Value> =
                components.filter_map(|name| component(name.as_str()?)?.get("template").cloned()).collect();
            layers.extend(best.get("template").cloned());
            return layers;
        }
        let mut legacy: Vec<&Value> =
            of_kind(TemplateKind::Legacy).filter(|template| fits(template)).collect();
        legacy.sort_by_key(|template| number(template, "order"));
        legacy.into_iter().cloned().collect()
    }
}

const TARGET_PARAMS: [&str; 6] = [
    "expand_wildcards",
    "ignore_unavailable",
    "allow_no_indices",
    "flat_settings",
    "local",
    "include_defaults",
];

pub(crate) fn get(state: &State, exchange: &Exchange, names: &str) -> Result<Reply, Failure> {
    let mut known = TARGET_PARAMS.to_vec();
    known.push("features");
    exchange.only_with_master_timeout(&state.dialect, &known)?;
    if names.starts_with('_') && names != "_all" {
        let reason = format!("Invalid index name [{names}], must not start with '_'.");
        return Err(Failure::of(400, "invalid_index_name_exception", reason)
            .with("index_uuid", "_na_")
            .with("index", names));
    }
    let flat = exchange.flag("flat_settings", false)?;
    let mut body = Map::new();
    for name in state.resolve(&split(names), Expand::OPEN.of_query(exchange)?)? {
        let Some(index) = state.indices.get(&name) else { continue };
        let settings = index.all_settings(&state.dialect);
        let shape = json!({
            "aliases": index.aliases,
            "mappings": index.mappings,
            "settings": shown(&settings, flat),
        });
        body.insert(name, shape);
    }
    Ok(Reply::ok(Value::Object(body)))
}

pub(crate) fn mapping(state: &State, exchange: &Exchange, names: &str) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &TARGET_PARAMS)?;
    let names = state.resolve(&split(names), Expand::OPEN.of_query(exchange)?)?;
    let shape = |name: String| {
        let mappings = state.indices.get(&name).map(|index| index.mappings.clone());
        (name, json!({"mappings": mappings}))
    };
    Ok(Reply::ok(Value::Object(names.into_iter().map(shape).collect())))
}

pub(crate) fn delete(state: &mut State, exchange: &Exchange, names: &str) -> Result<Reply, Failure> {
    let known = ["timeout", "expand_wildcards", "ignore_unavailable", "allow_no_indices"];
    exchange.only_with_master_timeout(&state.dialect, &known)?;
    let mut expressions = split(names);
    state.check_destructive(&expressions)?;
    let tolerant = exchange.flag("ignore_unavailable", false)?;
    let is_alias = |name: &String| {
        !name.contains('*') && !state.indices.contains_key(name) && !state.behind_alias(name).is_empty()
    };
    if tolerant && expressions.iter().any(is_alias) {
        // An alias counts as missing, and nothing behind it is deleted.
        expressions.retain(|name| !is_alias(name));
        if expressions.is_empty() {
            return Ok(Reply::acknowledged());
        }
    }
    for name in &expressions {
        if is_alias(name) {
            return Err(Failure::illegal_argument(format!(
                "The provided expression [{name}] matches an alias, specify the corresponding concrete indices instead."
            )));
        }
    }
    let expand = Expand { open: true, ..Expand::OPEN_CLOSED }.of_query(exchange)?;
    let doomed = state.resolve(&expressions, expand)?;
    state.check_not_snapshotted("delete", &doomed)?;
    state.check_blocks(&doomed, &["read_only"])?;
    for name in doomed {
        state.indices.remove(&name);
    }
    Ok(Reply::acknowledged())
}

impl State {
    /// `action.destructive_requires_name`: no wildcards, even when they match nothing.
    pub(crate) fn check_destructive(&self, expressions: &[String]) -> Result<(), Failure> {
        let default = self.dialect.destructive_requires_name;
        let strict = self.cluster_flag("action.destructive_requires_name", default);
        let wild = expressions.iter().any(|name| name.contains('*') || name == "_all");
        if strict && (wild || expressions.is_empty()) {
            return Err(Failure::wildcards_refused());
        }
        Ok(())
    }

    /// An index that is being copied can be neither deleted nor closed.
    pub(crate) fn check_not_snapshotted(&self, verb: &str, names: &[String]) -> Result<(), Failure> {
        let copied: BTreeSet<&String> =
            self.running.iter().flat_map(|snapshot| snapshot.indices.keys()).collect();
        let busy: Vec<String> = names
            .iter()
            .filter(|name| copied.contains(name))
            .filter_map(|name| self.indices.get(name).map(|index| format!("[{name}/{}]", index.uuid)))
            .collect();
        if busy.is_empty() {
            return Ok(());
        }
        let reason = format!(
            "Cannot {verb} indices that are being snapshotted: [{}]. Try again after snapshot finishes or cancel the \
             currently running snapshot.",
            busy.join(", ")
        );
        Err(Failure::of(400, "snapshot_in_progress_exception", reason))
    }

    /// `index.blocks.…` of the indices.
    pub(crate) fn check_blocks(&self, names: &[String], blocks: &[&str]) -> Result<(), Failure> {
        for name in names {
            let Some(index) = self.indices.get(name) else { continue };
            if let Some(block) = blocks.iter().find(|block| index.blocked(block)) {
                let words = if *block == "write" {
                    "FORBIDDEN/8/index write (api)"
                } else {
                    "FORBIDDEN/5/index read-only (api)"
                };
                let reason = format!("index [{name}] blocked by: [{words}];");
                return Err(Failure::of(403, "cluster_block_exception", reason));
            }
        }
        Ok(())
    }
}

/// `GET /_resolve/index/{pattern}`.
pub(crate) fn resolve(state: &State, exchange: &Exchange, pattern: &str) -> Result<Reply, Failure> {
    exchange.only(&["expand_wildcards", "ignore_unavailable", "allow_no_indices", "mode"])?;
    let mut expand = Expand::OPEN.of_query(exchange)?;
    expand.ignore_unavailable |= !state.dialect.resolve_missing_is_404;
    let expressions = split(pattern);
    let indices: Vec<Value> = state
        .resolve(&expressions, expand)?
        .into_iter()
        .filter(|name| expressions.iter().any(|expression| matches(expression, name)))
        .filter_map(|name| state.indices.get(&name).map(|index| resolved(state, &name, index)))
        .collect();
    let mut aliases: BTreeMap<&String, Vec<&String>> = BTreeMap::new();
    for (name, index) in &state.indices {
        for alias in index.aliases.keys() {
            if expressions.iter().any(|expression| matches(expression, alias)) {
                aliases.entry(alias).or_default().push(name);
            }
        }
    }
    let aliases: Vec<Value> =
        aliases.into_iter().map(|(name, indices)| json!({"name": name, "indices": indices})).collect();
    Ok(Reply::ok(json!({"indices": indices, "aliases": aliases, "data_streams": []})))
}

fn resolved(state: &State, name: &str, index: &Index) -> Value {
    let mut attributes = vec![if index.closed { "closed" } else { "open" }];
    if index.hidden {
        attributes.insert(0, "hidden");
    }
    attributes.sort_unstable();
    let mut shape = json!({"name": name, "attributes": attributes});
    if !index.aliases.is_empty() {
        shape["aliases"] = index.aliases.keys().cloned().collect();
    }
    if state.dialect.elasticsearch && state.dialect.major >= 9 {
        shape["mode"] = "standard".into();
    }
    shape
}
