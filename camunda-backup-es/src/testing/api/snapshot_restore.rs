//! `POST /_snapshot/{repository}/{snapshot}/_restore`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::testing::state::server::{Index, Recovery, RestoreSource, State};
use crate::testing::state::snapshots::Snapshot;
use crate::testing::wire::answer::{Failure, Reply};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{invalid_index_name, matches};
use crate::testing::wire::restore_body::Restoring;

/// One index on its way back: its old name, its new name, what was copied.
type Target = (String, String, Index);

pub(crate) fn restore(
    state: &mut State,
    exchange: &Exchange,
    repository: &str,
    name: &str,
) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &["wait_for_completion"])?;
    let wait = exchange.flag("wait_for_completion", false)?;
    let wanted = Restoring::parse(state, &exchange.object(&state.dialect)?)?;
    let known = state.snapshots_of(repository)?;
    let finished = known.into_iter().find(|snapshot| snapshot.name == name && !snapshot.running(state.now));
    let Some(snapshot) = finished else {
        let reason = format!("[{repository}:{name}] snapshot does not exist");
        return Err(refused(reason));
    };
    state.check_cluster_writable(None)?;
    if snapshot.damaged {
        return Err(snapshot.unreadable(repository));
    }
    let label = state.label(repository, &snapshot);
    check_snapshot(state, &label, &snapshot, &wanted)?;
    let targets = targets(repository, &snapshot, &wanted)?;
    for target in &targets {
        check_target(state, &label, &snapshot, target, &wanted)?;
    }
    check_write_indices(state, &targets, &wanted)?;
    state.check_shard_limit(targets.iter().map(|(_, _, index)| index))?;
    if wanted.include_global_state {
        state.replace_global(&snapshot);
    }
    let lasts = targets.iter().map(|(from, ..)| (state.restore_duration)(from)).max();
    let done = state.now + lasts.unwrap_or_default();
    let restore_uuid = state.uuid();
    let failed = start(state, repository, &snapshot, &wanted, &targets, &restore_uuid);
    // Without a shard it has ended before it is answered.
    if !wait && !targets.is_empty() {
        return Ok(Reply::ok(json!({"accepted": true})));
    }
    let total: u32 = targets.iter().map(|(_, _, index)| index.shards).sum();
    let names: Vec<&String> = targets.iter().map(|(_, to, _)| to).collect();
    let shards = json!({"total": total, "failed": failed, "successful": total - failed.min(total)});
    let body = json!({"snapshot": {"snapshot": name, "indices": names, "shards": shards}});
    let until = (!targets.is_empty()).then_some(done);
    Ok(Reply::ok(body).not_before(until.max(state.all_ended(&snapshot.location))))
}

fn refused(reason: String) -> Failure {
    Failure::of(500, "snapshot_restore_exception", reason)
}

/// What concerns the snapshot as a whole: who wrote it, and what it holds.
fn check_snapshot(
    state: &State,
    label: &str,
    snapshot: &Snapshot,
    wanted: &Restoring,
) -> Result<(), Failure> {
    let (own, writer) = (&state.dialect, &snapshot.written_by);
    let foreign = own.elasticsearch != writer.elasticsearch;
    let numbers = crate::testing::wire::dialect::numbers;
    if foreign || numbers(&writer.version) > numbers(&own.version) {
        let whose = match (own.elasticsearch, own.modern_elasticsearch) {
            (false, _) => "OpenSearch version",
            (true, false) => "Elasticsearch version",
            _ => "version",
        };
        return Err(refused(format!(
            "{label} the snapshot was created with {whose} [{}] which is higher than the version of this node [{}]",
            own.shown_version(writer),
            own.version
        )));
    }
    if wanted.include_global_state && snapshot.global.is_none() && own.restore_needs_global_state {
        return Err(refused(format!(
            "{label} cannot restore global state since the snapshot was created without global state"
        )));
    }
    let unknown: Vec<&str> =
        wanted.feature_states.iter().map(String::as_str).filter(|name| *name != "none").collect();
    if !unknown.is_empty() {
        return Err(refused(format!(
            "{label} requested feature states [[{}]] are not present in snapshot",
            unknown.join(", ")
        )));
    }
    Ok(())
}

/// The indices of the snapshot that are wanted, with their new names.
fn targets(repository: &str, snapshot: &Snapshot, wanted: &Restoring) -> Result<Vec<Target>, Failure> {
    let mut chosen: BTreeMap<&String, &Index> = BTreeMap::new();
    let mut wildcard_before = false;
    for expression in &wanted.expressions {
        let pattern = if expression == "_all" { "*" } else { expression.as_str() };
        if let Some(excluded) = pattern.strip_prefix('-').filter(|_| wildcard_before) {
            chosen.retain(|name, _| !matches(excluded, name));
            continue;
        }
        wildcard_before |= pattern.contains('*');
        let before = chosen.len();
        chosen.extend(snapshot.indices.iter().filter(|(name, _)| matches(pattern, name)));
        let there = chosen.len() > before || snapshot.indices.contains_key(pattern);
        if !there && !pattern.contains('*') && !wanted.ignore_unavailable {
            let reason = format!("no such index [{pattern}]");
            return Err(Failure::of(404, "index_not_found_exception", reason)
                .with("index_uuid", "_na_")
                .with("index", pattern));
        }
    }
    let mut targets: Vec<Target> = Vec::new();
    for (name, index) in chosen {
        let to = wanted.renamed(name);
        if let Some((other, _, _)) = targets.iter().find(|(_, taken, _)| *taken == to) {
            return Err(refused(format!(
                "[{repository}:{}] indices [{other}] and [{name}] are renamed into the same index [{to}]",
                snapshot.name
            )));
        }
        targets.push((name.clone(), to, index.clone()));
    }
    Ok(targets)
}

fn check_target(
    state: &State,
    label: &str,
    snapshot: &Snapshot,
    (from, to, index): &Target,
    wanted: &Restoring,
) -> Result<(), Failure> {
    let incomplete = snapshot.failures.iter().any(|failure| failure.index == *from);
    if incomplete && !wanted.partial {
        return Err(refused(format!("{label} index [{from}] wasn't fully snapshotted - cannot restore")));
    }
    check_upgrade(state, label, snapshot, from, index)?;
    if let Some(failure) = invalid_index_name(to) {
        return Err(failure);
    }
    if !state.indices.contains_key(to) && !state.behind_alias(to).is_empty() {
        let reason = format!("Invalid index name [{to}], already exists as alias");
        return Err(Failure::of(400, "invalid_index_name_exception", reason)
            .with("index_uuid", "_na_")
            .with("index", to.as_str()));
    }
    match state.indices.get(to) {
        Some(existing) if !existing.closed => {
            return Err(refused(format!(
                "{label} cannot restore index [{to}] because an open index with same name already exists in the cluster. \
                 Either close or delete the existing index or restore the index under a different name by providing a \
                 rename pattern and replacement name"
            )));
        }
        Some(existing) if existing.shards != index.shards => {
            return Err(refused(format!(
                "{label} cannot restore index [{to}] with [{}] shards from a snapshot of index [{from}] with [{}] shards",
                existing.shards, index.shards
            )));
        }
        _ => {}
    }
    check_settings(state, label, wanted)
}

/// One major version up at most.
fn check_upgrade(
    state: &State,
    label: &str,
    snapshot: &Snapshot,
    from: &str,
    index: &Index,
) -> Result<(), Failure> {
    let (own, writer) = (&state.dialect, &snapshot.written_by);
    if own.major <= writer.major + 1 {
        return Ok(());
    }
    let shown = own.shown_version(writer);
    let inner = if own.elasticsearch {
        format!(
            "The index [{from}/{}] created in version [{shown}] with current compatibility version [{shown}] must be marked \
             as read-only using the setting [index.blocks.write] set to [true] before upgrading to {}.",
            index.uuid, own.version
        )
    } else {
        format!(
            "The index [[{from}/{}]] was created with version [{shown}] but the minimum compatible version is [{}.0.0].",
            index.uuid,
            own.major - 1
        )
    };
    let reason =
        format!("{label} cannot restore index [[{from}/{}]] because it cannot be upgraded", index.uuid);
    Err(refused(reason).caused_by("illegal_state_exception", inner))
}

fn check_settings(state: &State, label: &str, wanted: &Restoring) -> Result<(), Failure> {
    const FIXED: [&str; 4] =
        ["index.number_of_shards", "index.version.created", "index.uuid", "index.creation_date"];
    let new_words = |name: &str| match name {
        "index.number_of_shards" => !state.dialect.elasticsearch && state.dialect.major >= 2,
        "index.uuid" => !state.dialect.elasticsearch && state.dialect.major >= 3,
        _ => false,
    };
    let setting = |name| if new_words(name) { "UnmodifiableOnRestore setting" } else { "setting" };
    if let Some(name) = wanted.index_settings.keys().find(|name| FIXED.contains(&name.as_str())) {
        return Err(refused(format!("{label} cannot modify {} [{name}] on restore", setting(name))));
    }
    let kept = |name: &&String| FIXED.contains(&name.as_str()) || *name == "index.number_of_replicas";
    if let Some(name) = wanted.ignore_index_settings.iter().find(kept) {
        return Err(refused(format!("{label} cannot remove {} [{name}] on restore", setting(name))));
    }
    Ok(())
}

/// An alias has one write index at most.
fn check_write_indices(state: &State, targets: &[Target], wanted: &Restoring) -> Result<(), Failure> {
    if !wanted.include_aliases {
        return Ok(());
    }
    let writes = |index: &Index, alias: &String| {
        index.aliases.get(alias).and_then(|settings| settings.get("is_write_index"))
            == Some(&Value::Bool(true))
    };
    for (_, to, index) in targets {
        for alias in index.aliases.keys().filter(|alias| writes(index, alias)) {
            let there = state.indices.iter().find(|(name, index)| *name != to && writes(index, alias));
            if let Some((name, _)) = there {
                let reason = format!("alias [{alias}] has more than one write index [{name},{to}]");
                return Err(Failure::of(500, "illegal_state_exception", reason));
            }
        }
    }
    Ok(())
}

/// Puts the indices there, as being restored; returns how many shards cannot be.
fn start(
    state: &mut State,
    repository: &str,
    snapshot: &Snapshot,
    wanted: &Restoring,
    targets: &[Target],
    restore_uuid: &str,
) -> u32 {
    let mut failed = 0;
    for (from, to, copied) in targets {
        let missing = snapshot.failures.iter().filter(|failure| failure.index == *from).count();
        failed += u32::try_from(missing).unwrap_or(u32::MAX);
        let mut index = copied.clone();
        let before = state.indices.get(to);
        index.history_uuid = None;
        match before.map(|before| before.uuid.clone()) {
            Some(uuid) => {
                index.uuid = uuid;
                index.history_uuid = Some(state.uuid());
            }
            None => index.uuid = state.uuid(),
        }
        index.closed = false;
        index.red = missing > 0;
        index.settings.retain(|name, _| !wanted.ignore_index_settings.contains(name));
        index.apply_settings(&wanted.index_settings);
        index.aliases = if wanted.include_aliases {
            let aliases = copied.aliases.iter();
            aliases.map(|(alias, settings)| (wanted.renamed_alias(alias), settings.clone())).collect()
        } else {
            BTreeMap::new()
        };
        index.recovery = Recovery {
            source: Some(RestoreSource {
                repository: repository.to_owned(),
                snapshot: snapshot.name.clone(),
                snapshot_uuid: snapshot.uuid.clone(),
                version: state.dialect.shown_version(&snapshot.written_by),
                index: from.clone(),
                restore_uuid: restore_uuid.to_owned(),
            }),
            started: state.now,
            started_millis: state.wall.millis(),
            until: state.now + (state.restore_duration)(from),
            restarted: false,
        };
        state.indices.insert(to.clone(), index);
    }
    failed
}

impl State {
    /// The snapshot's global state replaces the present one; newer templates and persistent settings are gone.
    fn replace_global(&mut self, snapshot: &Snapshot) {
        if let Some(global) = &snapshot.global {
            self.templates.clone_from(&global.templates);
            self.persistent.clone_from(&global.persistent);
            self.policies.clone_from(&global.policies);
        }
    }
}
