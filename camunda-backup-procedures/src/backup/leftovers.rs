//! What a run that did not complete leaves behind.

mod abandon;

pub(crate) use abandon::{OurIndices, abandon};

use std::collections::BTreeMap;

use camunda_backup_core::BackupId;

use crate::backup::evidence::Evidence;
use crate::backup::task::Goal;
use crate::connection::clients::Clients;
use crate::engine::{Entry, Moment, RunOutcome, Sent};
use crate::leftover::Leftover;
use crate::plan::Plan;

/// A run's own last word counts: one whose success could not be written down says so afterwards. What a recovery that
/// could not read that word has noted after it does not.
pub(crate) fn has_completed(entries: &[Entry]) -> bool {
    let mut ends = entries.iter().rev().filter_map(|entry| match entry {
        Entry::Finished { outcome, .. } => Some(*outcome),
        _ => None,
    });
    ends.find(|outcome| *outcome != RunOutcome::Abandoned) == Some(RunOutcome::Completed)
}

/// What is on record about the effect of a request that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// It was seen: what is not there any more was deleted.
    Seen,
    /// The server accepted it, and what it makes may not be visible yet.
    Accepted,
    /// Nobody knows whether it took effect, or when it will.
    Unknown,
}

/// The goals whose request may have had an effect.
fn started<'a>(plan: &Plan, entries: impl Iterator<Item = &'a Entry>) -> Vec<(Goal, Effect)> {
    let mut effects = BTreeMap::new();
    for entry in entries {
        match entry {
            Entry::Intent { step, .. } => drop(effects.insert(step.as_str(), Effect::Unknown)),
            Entry::Answered { step, sent: Sent::Refused, .. } => drop(effects.remove(step.as_str())),
            Entry::Answered { step, sent: Sent::Accepted, .. } => {
                effects.entry(step.as_str()).and_modify(|effect| *effect = Effect::Accepted);
            }
            Entry::Reached { step, .. } => {
                effects.entry(step.as_str()).and_modify(|effect| *effect = Effect::Seen);
            }
            _ => {}
        }
    }
    let steps = plan.steps().into_iter();
    steps.filter_map(|step| Some((step.goal()?, *effects.get(step.name.as_str())?))).collect()
}

/// What a run left behind, by its own record.
pub(crate) fn of_run<'a>(
    plan: &'a Plan,
    entries: impl Iterator<Item = &'a Entry>,
    clients: &Clients,
) -> Vec<Leftover> {
    let Some(id) = plan.id() else { return Vec::new() };
    let goals = started(plan, entries);
    goals.iter().filter_map(|(goal, _)| leftover(goal, id, clients)).collect()
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
            match Evidence::of(evidence) {
                Some(Evidence::Parts(parts)) => {
                    names.extend(parts.snapshots.iter().map(|snapshot| snapshot.name.clone()));
                }
                Some(Evidence::Records(records)) => names.push(records.snapshot.name),
                _ => {}
            }
        }
    }
    names
}
