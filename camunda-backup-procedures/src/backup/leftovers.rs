//! What a run that did not complete leaves behind, and how it is deleted: own names only, verified in the store.

use std::collections::BTreeSet;
use std::fmt;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Component, Error, Result, SnapshotName};
use camunda_backup_es::SearchStore;
use camunda_backup_zeebe::{BackupState, PartName};
use serde::{Deserialize, Serialize};

use crate::backup::evidence::Evidence;
use crate::connection::clients::Clients;
use crate::engine::{Entry, Moment, RunOutcome};
use crate::plan::{Goal, Plan};

/// Something that a run started and that is of no use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Leftover {
    /// Where it is.
    pub component: String,
    /// What it is.
    pub what: String,
    /// How to delete it by hand.
    pub delete: String,
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}: {}", self.what, self.component, self.delete)
    }
}

/// A run's own last word counts: one whose success could not be written down says so afterwards. What a recovery that
/// could not read that word has noted after it does not.
pub(crate) fn has_completed(entries: &[Entry]) -> bool {
    let mut ends = entries.iter().rev().filter_map(|entry| match entry {
        Entry::Finished { outcome, .. } => Some(*outcome),
        _ => None,
    });
    ends.find(|outcome| *outcome != RunOutcome::Abandoned) == Some(RunOutcome::Completed)
}

/// The goals whose request may have had an effect.
fn started<'a>(plan: &'a Plan, entries: impl Iterator<Item = &'a Entry>) -> Vec<&'a Goal> {
    let mut intended = BTreeSet::new();
    for entry in entries {
        match entry {
            Entry::Intent { step, .. } => {
                intended.insert(step.as_str());
            }
            Entry::Answered { step, sent: crate::engine::Sent::Refused, .. } => {
                intended.remove(step.as_str());
            }
            _ => {}
        }
    }
    let steps = plan.steps();
    steps.into_iter().filter(|step| intended.contains(step.name.as_str())).map(|step| &step.goal).collect()
}

/// What a run left behind, by its own record.
pub(crate) fn of_run<'a>(
    plan: &'a Plan,
    entries: impl Iterator<Item = &'a Entry>,
    clients: &Clients,
) -> Vec<Leftover> {
    let id = plan.id;
    let goals = started(plan, entries);
    goals.into_iter().filter_map(|goal| leftover(goal, id, clients)).collect()
}

fn leftover(goal: &Goal, id: BackupId, clients: &Clients) -> Option<Leftover> {
    let (component, what, delete) = match goal {
        Goal::ZeebeBackedUp => {
            let http = clients.runtime.http();
            let delete = clients.runtime.delete_call(id).ok().map(|call| http.curl(&call));
            ("zeebe".to_owned(), format!("Zeebe backup {id}"), delete)
        }
        Goal::HistoryBackedUp { app } => {
            let client = clients.history_of(app).ok()?;
            let delete = client.delete_call(id).ok().map(|call| client.http().curl(&call));
            (app.to_string(), format!("parts camunda_{app}_{id}_*"), delete)
        }
        Goal::OptimizeBackedUp => {
            let client = clients.optimize.as_ref()?;
            let delete = client.delete_call(id).ok().map(|call| client.http().curl(&call));
            ("optimize".to_owned(), format!("parts camunda_optimize_{id}_*"), delete)
        }
        Goal::RecordsSnapshotted { snapshot } => {
            let (store, repository) = clients.store.as_ref()?;
            let delete = store.delete_snapshot_call(repository, snapshot);
            ("store".to_owned(), format!("snapshot {snapshot}"), Some(store.http().curl(&delete)))
        }
        _ => return None,
    };
    let delete = delete
        .unwrap_or_else(|| "this version cannot delete it; remove its objects from the bucket".to_owned());
    Some(Leftover { component, what, delete })
}

/// The snapshots that a run proved to exist.
pub(crate) fn snapshots_in(timeline: &[Moment]) -> Vec<String> {
    let mut names = Vec::new();
    for moment in timeline {
        if let Entry::Reached { evidence, .. } = &moment.entry {
            match evidence.as_ref() {
                Evidence::Parts(parts) => {
                    names.extend(parts.snapshots.iter().map(|snapshot| snapshot.name.clone()));
                }
                Evidence::Records(records) => names.push(records.snapshot.name.clone()),
                _ => {}
            }
        }
    }
    names
}

/// What abandoning a run did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Abandoned {
    /// What was deleted, and seen to be gone.
    pub deleted: Vec<String>,
    /// What is still there or could not be looked at, with the reason. Abandon again later.
    pub remaining: Vec<String>,
}

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.deleted {
            writeln!(f, "deleted {name}")?;
        }
        for why in &self.remaining {
            writeln!(f, "still there: {why}")?;
        }
        Ok(())
    }
}

/// Deletes what a run that did not complete has started, by its own journal, and verifies it in the store.
///
/// # Guarantees
/// Only names of this id that the run's journal proves to be ours are deleted; no pattern is sent. A delete that the
/// application acknowledges is not believed (Q23): the store is asked, and what is left is deleted by its exact name.
pub(crate) async fn abandon(
    plan: &Plan,
    entries: &[Entry],
    is_young: bool,
    clients: &Clients,
) -> Result<Abandoned> {
    if has_completed(entries) {
        return Err(Error::new(
            ErrorKind::Foreign,
            "this backup is complete; abandoning is for runs that are not",
        )
        .with_component(Component::Journal)
        .with_subject(plan.id)
        .with_advice("nothing was deleted"));
    }
    let mut abandoned = Abandoned::default();
    for goal in started(plan, entries.iter()) {
        match goal {
            Goal::ZeebeBackedUp => zeebe(plan.id, clients, &mut abandoned).await,
            Goal::HistoryBackedUp { app } => {
                let client = clients.history_of(app)?;
                let parts = PartsOf { app: &app.to_string(), id: plan.id, is_young };
                parts.delete(client.delete(plan.id), clients, &mut abandoned).await;
            }
            Goal::OptimizeBackedUp => {
                if let Some(client) = &clients.optimize {
                    let parts = PartsOf { app: "optimize", id: plan.id, is_young };
                    parts.delete(client.delete(plan.id), clients, &mut abandoned).await;
                }
            }
            Goal::RecordsSnapshotted { snapshot } => {
                if let Some((store, repository)) = &clients.store {
                    exactly(store, repository, snapshot, &mut abandoned).await;
                }
            }
            _ => {}
        }
    }
    Ok(abandoned)
}

async fn zeebe(id: BackupId, clients: &Clients, abandoned: &mut Abandoned) {
    let what = format!("Zeebe backup {id}");
    if let Err(error) = clients.runtime.delete(id).await {
        if error.kind() != ErrorKind::NotFound {
            abandoned.remaining.push(format!("{what}: {error}"));
            return;
        }
    }
    match clients.runtime.status(id).await {
        Ok(backup) if matches!(backup.state, BackupState::NotVisible | BackupState::Deleted) => {
            abandoned.deleted.push(what);
        }
        Ok(backup) => abandoned.remaining.push(format!("{what} is {} still", backup.state)),
        Err(error) => abandoned.remaining.push(format!("{what}: {error}")),
    }
}

/// The parts of one application's backup.
struct PartsOf<'a> {
    app: &'a str,
    id: BackupId,
    /// The application was asked so lately that its first part may not be visible yet.
    is_young: bool,
}

impl PartsOf<'_> {
    /// The application deletes asynchronously or not at all, and says 204 in any case; the store is the witness. An
    /// application goes on with its queue of parts although the first ones are deleted, so parts that were never seen may
    /// come yet.
    async fn delete(
        &self,
        delete: impl Future<Output = Result<()>>,
        clients: &Clients,
        abandoned: &mut Abandoned,
    ) {
        let Self { app, id, .. } = self;
        let before = self.list(clients).await;
        let deleted = delete.await;
        let after = self.list(clients).await;
        let (before, after) = match (before, after) {
            (Some(Ok(before)), Some(Ok(after))) => (before, after),
            (Some(Err(error)), _) | (_, Some(Err(error))) => {
                return abandoned.remaining.push(format!("parts of {app}: {error}"));
            }
            _ => {
                return abandoned.remaining.push(match deleted {
                    Ok(()) => format!("parts of {app}: deleted by its word only, there is no store to ask"),
                    Err(error) => format!("parts of {app}: {error}"),
                });
            }
        };
        let remained = abandoned.remaining.len();
        for (name, _) in &after {
            match clients.store() {
                Ok((store, repository)) => exactly(store, repository, name, abandoned).await,
                Err(error) => abandoned.remaining.push(error.to_string()),
            }
        }
        let seen: BTreeSet<u32> = before.iter().chain(&after).map(|(_, part)| part.part).collect();
        let of = before.iter().chain(&after).map(|(_, part)| part.of as usize).max();
        if of.map_or(self.is_young, |of| seen.len() < of) {
            abandoned.remaining.push(format!(
                "parts of {app} under id {id}: {app} may be making more of them; abandon again in a minute"
            ));
        }
        if abandoned.remaining.len() == remained {
            abandoned.deleted.push(format!("all parts of {app} under id {id}"));
        }
    }

    /// What the store has of them; nothing without a store.
    async fn list(&self, clients: &Clients) -> Option<Result<Vec<(SnapshotName, PartName)>>> {
        let (store, repository) = clients.store.as_ref()?;
        let prefix = format!("camunda_{}_{}_", self.app, self.id);
        let listed = store.snapshots_starting_with(repository, &prefix).await;
        Some(listed.and_then(|entries| {
            let parts = entries.iter().filter_map(|entry| Some((&entry.name, PartName::parse(&entry.name)?)));
            parts.map(|(name, part)| Ok((SnapshotName::new(name)?, part))).collect()
        }))
    }
}

async fn exactly(
    store: &SearchStore,
    repository: &camunda_backup_core::RepositoryName,
    name: &SnapshotName,
    abandoned: &mut Abandoned,
) {
    match store.delete_snapshot(repository, name).await {
        Ok(_) => abandoned.deleted.push(format!("snapshot {name}")),
        Err(error) => abandoned.remaining.push(format!("snapshot {name}: {error}")),
    }
}
