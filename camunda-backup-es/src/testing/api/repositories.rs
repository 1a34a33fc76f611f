//! `/_snapshot/{repository}`: register, read, verify, clean up, forget.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::testing::state::server::{Condition, Repository, State};
use crate::testing::wire::answer::{Failure, Reply};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{matches, split};

pub(crate) fn put(state: &mut State, exchange: &Exchange, name: &str) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &["timeout", "verify"])?;
    exchange.duration("timeout")?;
    let Some(body) = exchange.json(&state.dialect)? else {
        return Err(Failure::of(400, "parse_exception", "request body is required"));
    };
    let Some(kind) = body.get("type").and_then(Value::as_str) else {
        return Err(Failure::validation("type is missing"));
    };
    state.check_cluster_writable(None)?;
    check_repository_name(state, name)?;
    let settings = string_settings(body.get("settings"));
    let location = location(state, name, kind, &settings)?;
    let repository = Repository { kind: kind.to_owned(), settings, location, condition: Condition::Fine };
    let waits = check_unused_or_same(state, name, &repository)?;
    // Registering over a broken repository does not repair it; deleting it first does.
    let condition = state.repositories.get(name).map_or(Condition::Fine, |known| known.condition);
    state.repositories.insert(name.to_owned(), Repository { condition, ..repository });
    Ok(Reply::acknowledged().not_before(waits))
}

fn check_repository_name(state: &State, name: &str) -> Result<(), Failure> {
    if name.contains('#') {
        return Err(Failure::of(500, "repository_exception", format!("[{name}] must not contain '#'")));
    }
    if name.contains([' ', '"', '*', ',', '/', '<', '>', '?', '\\', '|']) {
        let reason = format!("[{name}] {}", state.dialect.bad_characters);
        return Err(Failure::of(500, "repository_exception", reason));
    }
    Ok(())
}

/// All settings come back as strings, flat.
fn string_settings(value: Option<&Value>) -> BTreeMap<String, String> {
    let mut flat = BTreeMap::new();
    crate::testing::api::settings::flatten("", value.unwrap_or(&Value::Null), &mut flat);
    flat.into_iter()
        .map(|(key, value)| (key, value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}

/// Where the contents lie. Object stores are reached by bucket and base path; the module for them is taken as installed
/// unless the settings are missing.
fn location(
    state: &State,
    name: &str,
    kind: &str,
    settings: &BTreeMap<String, String>,
) -> Result<String, Failure> {
    let setting = |key: &str| settings.get(key).cloned();
    let failed = |reason: String| {
        Failure::of(500, "repository_exception", format!("[{name}] failed to create repository"))
            .rooted_in("repository_exception", reason)
    };
    match kind {
        "fs" => {
            let path = setting("location").ok_or_else(|| failed(format!("[{name}] missing location")))?;
            // Every path is allowed but those that no operator puts under `path.repo`.
            if path.starts_with("/var") || path.starts_with("/etc") || path.contains("..") {
                return Err(failed(format!(
                    "[{name}] location [{path}] doesn't match any of the locations specified by path.repo"
                )));
            }
            Ok(path)
        }
        "url" => Ok(setting("url").unwrap_or_default()),
        "s3" | "gcs" | "azure" if settings.contains_key("base_path") => {
            let bucket = setting("bucket").or_else(|| setting("container")).unwrap_or_default();
            Ok(format!("{bucket}/{}", setting("base_path").unwrap_or_default()))
        }
        other => {
            let project = if state.dialect.project_prefix.is_empty() { "" } else { " for project [default]" };
            let reason = format!("[{name}] repository type [{other}] does not exist{project}");
            Err(Failure::of(500, "repository_exception", reason))
        }
    }
}

/// While a snapshot or restore uses it a repository cannot be moved; changing the rest, or nothing, waits or is refused.
fn check_unused_or_same(
    state: &State,
    name: &str,
    new: &Repository,
) -> Result<Option<std::time::Duration>, Failure> {
    let Some(old) = state.repositories.get(name) else { return Ok(None) };
    let Some(usage) = usage(state, name) else { return Ok(None) };
    let moved = old.location != new.location || old.kind != new.kind;
    let strict = !state.dialect.elasticsearch && state.dialect.major < 3;
    if moved || strict {
        return Err(in_use(state, name, usage));
    }
    let patient = state.dialect.modern_elasticsearch || !state.dialect.elasticsearch;
    let changed = old.settings != new.settings;
    Ok(if patient || changed { state.all_ended(&old.location) } else { None })
}

/// What a repository is used for now.
fn usage(state: &State, name: &str) -> Option<&'static str> {
    if state.running.iter().any(|snapshot| snapshot.repository == name) {
        return Some("snapshot is in progress");
    }
    let mut restoring = state.indices.values().filter(|index| index.restoring(state.now));
    let from_here = |source: &crate::testing::state::server::RestoreSource| source.repository == name;
    restoring
        .any(|index| index.recovery.source.as_ref().is_some_and(from_here))
        .then_some("snapshot restore is in progress")
}

fn in_use(state: &State, name: &str, usage: &str) -> Failure {
    let (status, kind) = state.dialect.repository_conflict;
    let words = "trying to modify or unregister repository";
    let reason = match (state.dialect.modern_elasticsearch, state.dialect.elasticsearch) {
        (true, _) => format!("[{name}] {words} that is currently used ({usage})"),
        (_, true) => format!("{words} [{name}] that is currently used ({usage})"),
        _ => format!("{words} that is currently used"),
    };
    Failure::of(status, kind, reason)
}

pub(crate) fn get(state: &State, exchange: &Exchange, names: Option<&str>) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &["local", "flat_settings"])?;
    let mut shown = Map::new();
    for part in names.map_or_else(|| vec!["_all".to_owned()], split) {
        let pattern = if part == "_all" { "*" } else { part.as_str() };
        if !pattern.contains('*') {
            state.repository(pattern)?;
        }
        for (name, repository) in state.repositories.iter().filter(|(name, _)| matches(pattern, name)) {
            shown.insert(name.clone(), shape(state, repository));
        }
    }
    Ok(Reply::ok(Value::Object(shown)))
}

fn shape(state: &State, repository: &Repository) -> Value {
    let mut shape = json!({"type": repository.kind, "settings": repository.settings});
    // Elasticsearch only, and only after the first snapshot has been written.
    if let Some(uuid) =
        state.storage.contents(&repository.location).uuid.filter(|_| state.dialect.elasticsearch)
    {
        shape["uuid"] = uuid.into();
    }
    shape
}

pub(crate) fn delete(state: &mut State, exchange: &Exchange, names: &str) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &["timeout"])?;
    exchange.duration("timeout")?;
    let mut doomed: Vec<String> = Vec::new();
    for pattern in split(names) {
        let before = doomed.len();
        doomed.extend(state.repositories.keys().filter(|name| matches(&pattern, name)).cloned());
        if before == doomed.len() {
            return Err(Failure::repository_missing(&pattern));
        }
    }
    for name in &doomed {
        if let Some(usage) = usage(state, name) {
            return Err(in_use(state, name, usage));
        }
    }
    for name in doomed {
        state.repositories.remove(&name);
    }
    Ok(Reply::acknowledged())
}

/// Re-creates a vanished directory and finds nothing wrong; behind a running upload it waits.
pub(crate) fn verify(state: &State, exchange: &Exchange, name: &str) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &["timeout"])?;
    let location = &state.repository(name)?.location;
    let mut nodes = Map::new();
    nodes.insert(
        crate::testing::api::cluster::NODE_ID.to_owned(),
        json!({"name": crate::testing::api::cluster::NODE_NAME}),
    );
    Ok(Reply::ok(json!({"nodes": nodes})).not_before(state.all_ended(location)))
}

pub(crate) fn cleanup(state: &State, exchange: &Exchange, name: &str) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &["timeout"])?;
    let repository = state.repository(name)?;
    if repository.readonly() {
        let (status, kind) = state.dialect.readonly_error;
        let reason = if state.dialect.modern_elasticsearch {
            format!("[{name}] repository is readonly")
        } else {
            format!("[{name}] cannot run cleanup on readonly repository")
        };
        return Err(Failure::of(status, kind, reason));
    }
    let running: Vec<&str> = state.running.iter().map(|snapshot| snapshot.name.as_str()).collect();
    if !running.is_empty() {
        let reason = format!(
            "Cannot cleanup [{name}] - a snapshot is currently running in [SnapshotsInProgress[{}]]",
            if state.dialect.modern_elasticsearch {
                format!("entries=[{}],nodeIdsForRemoval=[]", running.join(","))
            } else {
                running.join(",")
            }
        );
        return Err(Failure::of(500, "illegal_state_exception", reason));
    }
    Ok(Reply::ok(json!({"results": {"deleted_bytes": 0, "deleted_blobs": 0}})))
}
