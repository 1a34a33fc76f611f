//! The request lines that a plan prints, made by the same builders that send them.

use camunda_backup_core::{BackupId, Call, Component, HttpClient, Result, SnapshotName};
use camunda_backup_es::{CreateSnapshot, IndexStats};
use camunda_backup_zeebe::{HistoryBackups, OptimizeBackups, PauseMode};

use crate::connection::clients::Clients;

fn line(http: &HttpClient, call: &Call) -> String {
    let body =
        call.body.as_ref().map(|body| format!(" {}", String::from_utf8_lossy(body))).unwrap_or_default();
    format!("{} {}{}{body}", call.method, http.base(), call.path_and_query())
}

pub(super) fn pause(clients: &Clients, mode: PauseMode) -> Result<Vec<String>> {
    let mut lines = vec![line(clients.exporting.http(), &clients.exporting.pause_call(mode)?)];
    lines.extend(look(clients));
    Ok(lines)
}

pub(super) fn resume(clients: &Clients) -> Vec<String> {
    let mut lines = vec![line(clients.exporting.http(), &clients.exporting.resume_call())];
    for partitions in clients.partitions.values() {
        lines.push(format!(
            "if refused or late: {}",
            line(partitions.http(), &partitions.resume_exporting_call())
        ));
    }
    lines.extend(look(clients));
    lines
}

/// How it is seen what exporting does.
pub(super) fn look(clients: &Clients) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if clients.dialect.speaks_rest() {
        lines.push(format!("confirm: GET {}/v2/exporting", clients.exporting.http().base()));
    }
    for partitions in clients.partitions.values() {
        lines.push(format!("confirm: GET {}/actuator/partitions", partitions.http().base()));
    }
    if lines.is_empty() {
        let topology = if clients.topology.is_some() { " and a complete topology" } else { "" };
        lines.push(format!("confirm: by the answer{topology} only; no broker address is configured"));
    }
    lines
}

pub(super) fn history(client: &HistoryBackups, clients: &Clients, id: BackupId) -> Result<Vec<String>> {
    let create = line(client.http(), &client.create_call(id)?);
    Ok([create].into_iter().chain(witness(clients, client.component(), id)).collect())
}

pub(super) fn optimize(client: &OptimizeBackups, clients: &Clients, id: BackupId) -> Result<Vec<String>> {
    let create = line(client.http(), &client.create_call(id)?);
    Ok([create].into_iter().chain(witness(clients, &Component::Optimize, id)).collect())
}

fn witness(clients: &Clients, app: &Component, id: BackupId) -> Option<String> {
    let (store, repository) = clients.store.as_ref()?;
    Some(format!("confirm: GET {}/_snapshot/{repository}/ for camunda_{app}_{id}_*", store.http().base()))
}

pub(super) fn records(
    clients: &Clients,
    snapshot: &SnapshotName,
    indices: &[IndexStats],
) -> Result<Vec<String>> {
    let Some((store, repository)) = &clients.store else { return Ok(Vec::new()) };
    let names = indices.iter().map(|index| index.name.clone());
    let options = CreateSnapshot { include_global_state: true, ..CreateSnapshot::of(names) };
    let call = store.create_snapshot_call(repository, snapshot, &options)?;
    let head = format!("{} {}{}", call.method, store.http().base(), call.path_and_query());
    Ok(vec![format!("{head} with {} indices, named one by one, and the global state", indices.len())])
}

pub(super) fn positions(clients: &Clients, prefix: &str) -> Vec<String> {
    let store = clients.store.as_ref();
    store
        .map(|(store, _)| {
            format!("POST {}/{prefix}_*/_search (max position by partition)", store.http().base())
        })
        .into_iter()
        .collect()
}

pub(super) fn zeebe(clients: &Clients, id: BackupId) -> Result<Vec<String>> {
    let create = line(clients.runtime.http(), &clients.runtime.create_call(id)?);
    Ok(vec![create])
}
