//! `/_alias`, `/{index}/_alias`, `/_aliases`.

use serde_json::{Map, Value, json};

use crate::testing::state::server::State;
use crate::testing::wire::answer::{Failure, Reply};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{Expand, matches, split};

pub(crate) fn get(
    state: &State,
    exchange: &Exchange,
    indices: Option<&str>,
    names: Option<&str>,
) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(
        &state.dialect,
        &["expand_wildcards", "ignore_unavailable", "allow_no_indices", "local"],
    )?;
    let expressions = indices.map_or_else(|| vec!["*".to_owned()], split);
    let wanted = names.map(split);
    let mut body = Map::new();
    for name in state.resolve(&expressions, Expand::ALL.of_query(exchange)?)? {
        let Some(index) = state.indices.get(&name) else { continue };
        let takes = |alias: &String| {
            wanted.as_ref().is_none_or(|wanted| {
                wanted.iter().any(|pattern| pattern == "_all" || matches(pattern, alias))
            })
        };
        let shown: Map<String, Value> = index
            .aliases
            .iter()
            .filter(|(alias, _)| takes(alias))
            .map(|(alias, settings)| (alias.clone(), settings.clone()))
            .collect();
        if wanted.is_none() || !shown.is_empty() {
            body.insert(name, json!({"aliases": shown}));
        }
    }
    let missing: Vec<&String> = wanted
        .iter()
        .flatten()
        .filter(|name| !name.contains('*') && *name != "_all" && state.behind_alias(name).is_empty())
        .collect();
    let Some(first) = missing.first() else { return Ok(Reply::ok(Value::Object(body))) };
    // The error stands between the indices that were found.
    let s = if missing.len() == 1 { "" } else { "es" };
    let list = if missing.len() == 1 {
        (*first).clone()
    } else {
        missing.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",")
    };
    body.insert("error".into(), format!("alias{s} [{list}] missing").into());
    body.insert("status".into(), 404.into());
    Err(Failure::Bare { status: 404, body: Value::Object(body) })
}

pub(crate) fn put(
    state: &mut State,
    exchange: &Exchange,
    indices: &str,
    alias: &str,
) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &["timeout"])?;
    let settings = exchange.object(&state.dialect)?;
    for name in state.resolve(&split(indices), Expand::OPEN_CLOSED)? {
        if let Some(index) = state.indices.get_mut(&name) {
            index.aliases.insert(alias.to_owned(), Value::Object(settings.clone()));
        }
    }
    Ok(Reply::acknowledged())
}

pub(crate) fn delete(
    state: &mut State,
    exchange: &Exchange,
    indices: &str,
    names: &str,
) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &["timeout"])?;
    let resolved = state.resolve(&split(indices), Expand::OPEN_CLOSED)?;
    remove(state, &resolved, &split(names))?;
    Ok(Reply::acknowledged())
}

fn missing(names: &[String]) -> Failure {
    let list = names.join(",");
    Failure::of(404, "aliases_not_found_exception", format!("aliases [{list}] missing"))
        .with("resource.type", "aliases")
        .with("resource.id", list)
}

fn remove(state: &mut State, indices: &[String], names: &[String]) -> Result<(), Failure> {
    let mut found = false;
    for name in indices {
        if let Some(index) = state.indices.get_mut(name) {
            let before = index.aliases.len();
            index
                .aliases
                .retain(|alias, _| !names.iter().any(|pattern| pattern == "_all" || matches(pattern, alias)));
            found |= before != index.aliases.len();
        }
    }
    let literal = names.iter().any(|name| !name.contains('*'));
    if found || !literal { Ok(()) } else { Err(missing(names)) }
}

/// `POST /_aliases`. One failing action among several: 200, told apart only by new servers; alone: 404.
pub(crate) fn actions(state: &mut State, exchange: &Exchange) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &["timeout"])?;
    let body = exchange.object(&state.dialect)?;
    let actions = body.get("actions").and_then(Value::as_array).cloned().unwrap_or_default();
    if actions.is_empty() {
        return Err(Failure::illegal_argument("No action specified"));
    }
    let mut results = Vec::new();
    let mut failed = None;
    for action in &actions {
        let Some((kind, target)) = action.as_object().and_then(|map| map.iter().next()) else { continue };
        let indices = words(target, "index", "indices");
        let aliases = words(target, "alias", "aliases");
        let outcome = one(state, kind, target, &indices, &aliases);
        let mut shape = json!({
            "action": {"type": kind, "indices": indices, "aliases": aliases},
            "status": outcome.as_ref().map_or_else(Failure::status, |()| 200),
        });
        if let Err(failure) = outcome {
            if !matches!(&failure, Failure::Envelope { status: 404, .. }) || actions.len() == 1 {
                return Err(failure);
            }
            let list = aliases.join(",");
            shape["error"] = json!({
                "type": "aliases_not_found_exception",
                "reason": format!("aliases [{list}] missing"),
                "resource.type": "aliases",
                "resource.id": list,
            });
            failed = Some(failure);
        }
        results.push(shape);
    }
    if failed.is_some() && state.dialect.aliases_report_errors {
        return Ok(Reply::ok(json!({"acknowledged": true, "errors": true, "action_results": results})));
    }
    if state.dialect.aliases_report_errors {
        return Ok(Reply::ok(json!({"acknowledged": true, "errors": false})));
    }
    Ok(Reply::acknowledged())
}

fn words(target: &Value, one: &str, many: &str) -> Vec<String> {
    match target.get(one).or_else(|| target.get(many)) {
        Some(Value::String(text)) => split(text),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn one(
    state: &mut State,
    kind: &str,
    target: &Value,
    indices: &[String],
    aliases: &[String],
) -> Result<(), Failure> {
    let resolved = state.resolve(indices, Expand::OPEN_CLOSED)?;
    match kind {
        "add" => {
            let mut settings = target.as_object().cloned().unwrap_or_default();
            for key in ["index", "indices", "alias", "aliases", "must_exist"] {
                settings.remove(key);
            }
            for name in &resolved {
                if let Some(index) = state.indices.get_mut(name) {
                    for alias in aliases {
                        index.aliases.insert(alias.clone(), Value::Object(settings.clone()));
                    }
                }
            }
            Ok(())
        }
        "remove" => remove(state, &resolved, aliases),
        "remove_index" => {
            state.indices.retain(|name, _| !resolved.contains(name));
            Ok(())
        }
        other => Err(Failure::illegal_argument(format!("[aliases] unknown field [{other}]"))),
    }
}
