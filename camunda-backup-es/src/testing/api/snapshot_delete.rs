//! `DELETE /_snapshot/{repository}/{names}`: wildcards are obeyed, running snapshots are aborted.

use std::time::Duration;

use crate::testing::state::server::{Condition, State};
use crate::testing::state::snapshots::{Ending, Snapshot};
use crate::testing::wire::answer::{Failure, Reply};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{matches, split};

/// How long aborting a running snapshot takes.
const ABORT: Duration = Duration::from_millis(200);

pub(crate) fn delete(
    state: &mut State,
    exchange: &Exchange,
    repository: &str,
    names: &str,
) -> Result<Reply, Failure> {
    let known: &[&str] = if state.dialect.delete_wait_param { &["wait_for_completion"] } else { &[] };
    exchange.only_with_master_timeout(&state.dialect, known)?;
    let wait = exchange.flag("wait_for_completion", true)?;
    let doomed = doomed(state, repository, names)?;
    check_not_restoring(state, repository, &doomed)?;
    let registered = state.repository(repository)?;
    if registered.condition != Condition::Fine && !doomed.is_empty() {
        return Err(state.disabled(repository));
    }
    let location = registered.location.clone();
    let (running, finished): (Vec<Snapshot>, Vec<Snapshot>) =
        doomed.into_iter().partition(|snapshot| snapshot.running(state.now));
    // Deleting what is finished waits for what runs; deleting what runs is an abort.
    let waits = if finished.is_empty() { None } else { state.all_ended(&location) };
    let aborted = (!running.is_empty()).then(|| state.now + ABORT);
    if !wait {
        // Without waiting, an aborted snapshot is still IN_PROGRESS for a moment.
        let end = state.now + ABORT;
        let doomed: Vec<&String> = running.iter().map(|snapshot| &snapshot.uuid).collect();
        for snapshot in state.running.iter_mut().filter(|snapshot| doomed.contains(&&snapshot.uuid)) {
            snapshot.ends = Some(end);
            snapshot.ending = Ending::Vanishes;
        }
        let finished: Vec<String> = finished.iter().map(|snapshot| snapshot.uuid.clone()).collect();
        state.storage.remove(&location, &finished);
        return Ok(Reply::acknowledged());
    }
    let gone: Vec<String> = running.iter().chain(&finished).map(|snapshot| snapshot.uuid.clone()).collect();
    state.running.retain(|snapshot| !gone.contains(&snapshot.uuid));
    state.storage.remove(&location, &gone);
    Ok(Reply::acknowledged().not_before(waits.max(aborted)))
}

/// A name that is not there spoils the whole request; a wildcard without match does not.
fn doomed(state: &State, repository: &str, names: &str) -> Result<Vec<Snapshot>, Failure> {
    let known = state.snapshots_of(repository)?;
    let mut doomed: Vec<Snapshot> = Vec::new();
    for name in split(names) {
        let pattern = if name == "_all" { "*" } else { name.as_str() };
        let before = doomed.len();
        for snapshot in known.iter().filter(|snapshot| matches(pattern, &snapshot.name)) {
            if doomed.iter().all(|already| already.uuid != snapshot.uuid) {
                doomed.push(snapshot.clone());
            }
        }
        if before == doomed.len() && !pattern.contains('*') {
            return Err(Failure::snapshot_missing(repository, &name));
        }
    }
    let writable = !state.repository(repository)?.readonly();
    if !writable && !doomed.is_empty() {
        let (status, kind) = state.dialect.readonly_error;
        let why = if state.dialect.modern_elasticsearch {
            "repository is readonly"
        } else {
            "cannot delete snapshot from a readonly repository"
        };
        return Err(Failure::of(status, kind, format!("[{repository}] {why}")));
    }
    Ok(doomed)
}

fn check_not_restoring(state: &State, repository: &str, doomed: &[Snapshot]) -> Result<(), Failure> {
    let restoring = state.indices.values().filter(|index| index.restoring(state.now));
    let sources: Vec<_> = restoring.filter_map(|index| index.recovery.source.as_ref()).collect();
    for snapshot in doomed {
        let Some(source) = sources.iter().find(|source| source.snapshot_uuid == snapshot.uuid) else {
            continue;
        };
        let label = state.label(repository, snapshot);
        let reason = format!(
            "{label} cannot delete snapshot during a restore in progress in [RestoreInProgress[{{{}}}{{{}{repository}:{}/{}}}]]",
            source.restore_uuid, state.dialect.project_prefix, snapshot.name, snapshot.uuid
        );
        let status = state.dialect.concurrency_status;
        return Err(Failure::of(status, "concurrent_snapshot_execution_exception", reason));
    }
    Ok(())
}
