//! Deletes what a run left behind: own names only, verified in the store, and not before it may have appeared.

use std::collections::BTreeSet;
use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{
    BackupId, Component, Error, IndexPrefix, PartitionId, RepositoryName, Result, SnapshotName,
};
use camunda_backup_es::{SearchStore, SnapshotEntry};
use camunda_backup_zeebe::{BackupState, PartName, PartitionBackup, RuntimeBackup};

use super::{Effect, has_completed, started};
use crate::backup::task::{BackupTask, Goal};
use crate::connection::clients::Clients;
use crate::connection::config::ClusterConfig;
use crate::engine::Entry;
use crate::leftover::Abandoned;
use crate::plan::Plan;

/// Which indices are those of the configured cluster. Another cluster's snapshot can have the name of ours where both write
/// into one repository under the same id; then its indices tell whose it is.
#[derive(Debug)]
pub(crate) struct OurIndices<'a> {
    records: &'a IndexPrefix,
    apps: &'a [IndexPrefix],
}

impl<'a> OurIndices<'a> {
    pub(crate) fn of(config: &'a ClusterConfig) -> Self {
        Self { records: &config.record_prefix, apps: &config.app_prefixes }
    }

    /// The indices in a snapshot that do not belong to this cluster. The store's own begin with a dot and belong to no cluster.
    fn strangers<'b>(&self, indices: &'b [String]) -> Vec<&'b str> {
        let is_ours = |index: &str| {
            let under = |prefix: &IndexPrefix, separator| {
                index.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.starts_with(separator))
            };
            under(self.records, '_') || self.apps.iter().any(|prefix| under(prefix, '-'))
        };
        let strangers = indices.iter().map(String::as_str);
        strangers.filter(|index| !index.starts_with('.') && !is_ours(index)).collect()
    }
}

/// How long after its sender gave up a request may still take effect: a gateway lets a backup run half a minute after its
/// 504 (Q35), and an application works through a queue.
const LATEST_PART: Duration = Duration::from_secs(60);
/// The same for a request to the store, whose own time-out is five minutes.
const LATEST_SNAPSHOT: Duration = Duration::from_secs(6 * 60);

/// How long something that is not there may still appear, counted from the moment in which it was not seen.
fn may_appear_for(goal: &Goal, effect: Effect) -> Option<Duration> {
    match (goal, effect) {
        (_, Effect::Seen) => None,
        (Goal::RecordsSnapshotted { .. }, Effect::Unknown) => Some(LATEST_SNAPSHOT),
        (Goal::ZeebeBackedUp | Goal::HistoryBackedUp { .. } | Goal::OptimizeBackedUp, _)
        | (Goal::RecordsSnapshotted { .. }, Effect::Accepted) => Some(LATEST_PART),
        _ => None,
    }
}

/// Deletes what a run that did not complete has started, by its own journal, and verifies it in the store.
///
/// # Guarantees
/// Only names of this id that the run's journal proves to be ours are deleted, and only if their indices belong to the
/// configured cluster; no pattern is sent to the store. A delete that the application acknowledges is not believed (Q23):
/// the store is asked, and what is left is deleted by its exact name. What is not there although its request may yet take
/// effect is waited for, by this process's own clock: a time on record is no proof of age.
pub(crate) async fn abandon(
    plan: &Plan,
    task: &BackupTask,
    entries: &[Entry],
    indices: OurIndices<'_>,
    clients: &Clients,
) -> Result<Abandoned> {
    if has_completed(entries) {
        return Err(Error::new(
            ErrorKind::Foreign,
            "this backup is complete; abandoning is for runs that are not",
        )
        .with_component(Component::Journal)
        .with_subject(task.id)
        .with_advice("nothing was deleted"));
    }
    let mut deletion = Deletion { task, clients, indices, abandoned: Abandoned::default() };
    let mut again = Vec::new();
    for (goal, effect) in started(plan, entries.iter()) {
        let said = deletion.abandoned.remaining.len();
        let latest = match deletion.delete(&goal).await? {
            Found::Nothing => may_appear_for(&goal, effect),
            Found::Partly => Some(LATEST_PART),
            Found::Something | Found::Unseen => None,
        };
        if let Some(latest) = latest {
            // What remains of it is said by the second look.
            deletion.abandoned.remaining.truncate(said);
            again.push((goal, latest));
        }
    }
    if let Some(latest) = again.iter().map(|(_, latest)| *latest).max() {
        tracing::info!(id = %task.id, ?latest, "waiting for what may still appear");
        tokio::time::sleep(latest).await;
        for (goal, _) in again {
            deletion.delete(&goal).await?;
        }
    }
    Ok(deletion.abandoned)
}

fn is_there(state: &BackupState) -> bool {
    !matches!(state, BackupState::NotVisible | BackupState::Deleted)
}

/// Whether there was anything to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Something,
    Nothing,
    /// Some of it was there, and the rest may still come.
    Partly,
    /// It could not be looked at, and that is said.
    Unseen,
}

struct Deletion<'a> {
    task: &'a BackupTask,
    clients: &'a Clients,
    indices: OurIndices<'a>,
    abandoned: Abandoned,
}

impl Deletion<'_> {
    async fn delete(&mut self, goal: &Goal) -> Result<Found> {
        let (id, clients) = (self.task.id, self.clients);
        Ok(match goal {
            Goal::ZeebeBackedUp => self.zeebe().await,
            Goal::HistoryBackedUp { app } => {
                let client = clients.history_of(app)?;
                self.parts(&app.to_string(), client.delete(id)).await
            }
            Goal::OptimizeBackedUp => match &clients.optimize {
                Some(client) => self.parts("optimize", client.delete(id)).await,
                None => self.unseen("parts of optimize: it has no address in this configuration".to_owned()),
            },
            Goal::RecordsSnapshotted { snapshot } => match &clients.store {
                Some((store, repository)) => self.records(store, repository, snapshot).await,
                None => self.unseen(format!("snapshot {snapshot}: no store and repository are configured")),
            },
            _ => Found::Nothing,
        })
    }

    fn unseen(&mut self, why: String) -> Found {
        self.abandoned.remaining.push(why);
        Found::Unseen
    }

    async fn zeebe(&mut self) -> Found {
        let (id, runtime) = (self.task.id, &self.clients.runtime);
        let what = format!("Zeebe backup {id}");
        let before = runtime.status(id).await;
        if let Err(error) = runtime.delete(id).await {
            if error.kind() != ErrorKind::NotFound {
                return self.unseen(format!("{what}: {error}"));
            }
        }
        match runtime.status(id).await {
            Ok(backup) if is_there(&backup.state) => {
                self.abandoned.remaining.push(format!("{what} is {} still", backup.state));
                return Found::Partly;
            }
            Ok(_) => {}
            Err(error) => return self.unseen(format!("{what}: {error}")),
        }
        match before {
            Ok(backup) if is_there(&backup.state) => {
                let may_grow = !self.has_all_parts(&backup);
                self.abandoned.deleted.push(what);
                if may_grow { Found::Partly } else { Found::Something }
            }
            _ => Found::Nothing,
        }
    }

    /// Whether every partition has made its share or failed to: one that has not even begun may begin after the others were
    /// deleted.
    fn has_all_parts(&self, backup: &RuntimeBackup) -> bool {
        let ended = |part: &&PartitionBackup| part.state.is_completed() || part.state.is_terminal_failure();
        let ended: BTreeSet<PartitionId> =
            backup.partitions.iter().filter(ended).map(|part| part.partition).collect();
        self.task.pinned.replicas.values().flatten().all(|partition| ended.contains(partition))
    }

    async fn records(
        &mut self,
        store: &SearchStore,
        repository: &RepositoryName,
        name: &SnapshotName,
    ) -> Found {
        match store.snapshots_starting_with(repository, name.as_str()).await {
            Err(error) => self.unseen(format!("snapshot {name}: {error}")),
            Ok(listed) => match listed.iter().find(|entry| entry.name == name.as_str()) {
                None => Found::Nothing,
                Some(entry) => {
                    if !self.is_of_another_cluster(entry) {
                        self.exactly(store, repository, name).await;
                    }
                    Found::Something
                }
            },
        }
    }

    /// The application deletes asynchronously or not at all, and says 204 in any case; the store is the witness. An
    /// application goes on with its queue of parts although the first ones are deleted, so parts that were never seen may
    /// come yet.
    async fn parts(&mut self, app: &str, delete: impl Future<Output = Result<()>>) -> Found {
        let (id, clients) = (self.task.id, self.clients);
        let Some((store, repository)) = &clients.store else {
            let why = match delete.await {
                Ok(()) => format!("parts of {app}: deleted by its word only, there is no store to ask"),
                Err(error) => format!("parts of {app}: {error}"),
            };
            return self.unseen(why);
        };
        let before = match list(store, repository, app, id).await {
            Ok(before) => before,
            Err(error) => return self.unseen(format!("parts of {app}: {error}")),
        };
        let (others, ours): (Vec<_>, Vec<_>) =
            before.into_iter().partition(|part| self.is_of_another_cluster(&part.entry));
        // The application deletes whatever has its name and this id, also what is not its own.
        if others.is_empty() {
            if let Err(error) = delete.await {
                tracing::warn!(%app, %error, "the application did not delete its parts; the store does");
            }
        }
        let after = match list(store, repository, app, id).await {
            Ok(after) => after,
            Err(error) => return self.unseen(format!("parts of {app}: {error}")),
        };
        let is_new = |part: &&Part| others.iter().all(|other| other.name != part.name);
        let after: Vec<&Part> = after.iter().filter(is_new).collect();
        let gone = ours.iter().filter(|part| after.iter().all(|left| left.name != part.name));
        self.abandoned.deleted.extend(gone.map(|part| format!("snapshot {}", part.name)));
        for part in &after {
            if !self.is_of_another_cluster(&part.entry) {
                self.exactly(store, repository, &part.name).await;
            }
        }
        let seen = || ours.iter().chain(after.iter().copied()).map(|part| &part.is);
        let numbers: BTreeSet<u32> = seen().map(|part| part.part).collect();
        let Some(of) = seen().map(|part| part.of as usize).max() else { return Found::Nothing };
        if numbers.len() < of {
            self.abandoned.remaining.push(format!(
                "parts of {app} under id {id}: {app} may be making more of them; abandon again in a minute"
            ));
        }
        Found::Something
    }

    /// Says so if a snapshot under our id holds indices of another cluster.
    fn is_of_another_cluster(&mut self, entry: &SnapshotEntry) -> bool {
        let strangers = self.indices.strangers(&entry.indices);
        let Some(first) = strangers.first() else { return false };
        self.abandoned.remaining.push(format!(
            "snapshot {} was not touched: it holds {first}, which has none of the configured prefixes, so it may be \
             another cluster's under the same id",
            entry.name
        ));
        true
    }

    async fn exactly(&mut self, store: &SearchStore, repository: &RepositoryName, name: &SnapshotName) {
        match store.delete_snapshot(repository, name).await {
            Ok(_) => self.abandoned.deleted.push(format!("snapshot {name}")),
            Err(error) => self.abandoned.remaining.push(format!("snapshot {name}: {error}")),
        }
    }
}

/// One part of one application's backup, as the store has it.
struct Part {
    name: SnapshotName,
    is: PartName,
    entry: SnapshotEntry,
}

async fn list(
    store: &SearchStore,
    repository: &RepositoryName,
    app: &str,
    id: BackupId,
) -> Result<Vec<Part>> {
    let listed = store.snapshots_starting_with(repository, &format!("camunda_{app}_{id}_")).await?;
    let named = listed.into_iter().filter_map(|entry| Some((PartName::parse(&entry.name)?, entry)));
    named.map(|(is, entry)| Ok(Part { name: SnapshotName::new(&entry.name)?, is, entry })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_clusters_indices_are_no_indices_of_ours() {
        let records = IndexPrefix::new("zeebe-record").unwrap();
        let apps = ["operate", "camunda"].map(|prefix| IndexPrefix::new(prefix).unwrap());
        let ours = OurIndices { records: &records, apps: &apps };
        let strangers = |index: &str| ours.strangers(&[index.to_owned()]).len();
        for index in
            ["zeebe-record_job_8.6.0_2026-01-01", "operate-list-view-8.3.0_", "camunda-user-8.8.0_", ".tasks"]
        {
            assert_eq!(strangers(index), 0, "{index}");
        }
        for index in [
            "zeebe-record-b_job",
            "operate2-list-view",
            "operate_list",
            "b-operate-list-view",
            "zeebe-recordx",
        ] {
            assert_eq!(strangers(index), 1, "{index}");
        }
    }

    #[test]
    fn what_was_not_seen_may_appear_for_a_while() {
        let snapshot = Goal::RecordsSnapshotted {
            snapshot: SnapshotName::new("camunda_zeebe_records_backup_1").unwrap(),
        };
        for (goal, effect, latest) in [
            (&Goal::ZeebeBackedUp, Effect::Unknown, Some(LATEST_PART)),
            (&Goal::ZeebeBackedUp, Effect::Accepted, Some(LATEST_PART)),
            (&Goal::ZeebeBackedUp, Effect::Seen, None),
            (&snapshot, Effect::Unknown, Some(LATEST_SNAPSHOT)),
            (&snapshot, Effect::Accepted, Some(LATEST_PART)),
            (&snapshot, Effect::Seen, None),
            (&Goal::ExportingResumed, Effect::Unknown, None),
        ] {
            assert_eq!(may_appear_for(goal, effect), latest, "{goal:?} {effect:?}");
        }
    }
}
