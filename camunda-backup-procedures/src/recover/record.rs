//! What the journal says of a run: what it owes, whether it ended, and what of that cannot be told any more.

use std::collections::BTreeSet;
use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Component, Error, Result, Timestamp};

use crate::engine::{Entry, RunOutcome, Sent};
use crate::journal::RunHistory;
use crate::plan::{Goal, Obligation, Plan, StepPlan};
use crate::steps::LATEST_EFFECT;

/// The obligations of a run that were not paid. A request that was cleanly refused still owes: a refused pause may
/// have paused the brokers that could be reached. A record that cannot be read may have been an intent, so a run with
/// damage owes all that its plan could owe; resuming what is not paused is harmless.
pub(super) fn owed(history: &RunHistory, entries: &[Entry]) -> Result<Vec<Obligation>> {
    let mut owed: Vec<Obligation> = Vec::new();
    let mut paid: Vec<&Obligation> = Vec::new();
    for entry in entries {
        match entry {
            Entry::Intent { owes: Some(obligation), .. } => owed.push(obligation.clone()),
            Entry::Paid { obligation, .. } => paid.push(obligation),
            _ => {}
        }
    }
    if !history.damaged.is_empty() || !history.gaps.is_empty() {
        match plan_of(entries) {
            Some(plan) => owed.extend(plan.obligations().cloned()),
            // Died while it wrote its very first record: the others, if there are any, say what is owed.
            None if history.gaps.is_empty() && history.damaged.iter().all(|damage| damage.seq == 1) => {}
            None => return Err(unreadable_plan(history)),
        }
        owed.dedup();
    }
    owed.retain(|obligation| !paid.contains(&obligation));
    Ok(owed)
}

fn unreadable_plan(history: &RunHistory) -> Error {
    Error::new(ErrorKind::NeedsOperator, format!("the records of run {} are damaged, its plan among them", history.run))
        .with_component(Component::Journal)
        .with_advice(
            "it cannot be told what it owes: look at every broker's /actuator/partitions, POST \
             /actuator/exporting/resume if exporting is paused, then move the run's directory out of the journal",
        )
}

pub(super) fn has_ended(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| matches!(entry, Entry::Finished { .. }))
}

pub(super) fn plan_of(entries: &[Entry]) -> Option<&Plan> {
    entries.iter().find_map(|entry| match entry {
        Entry::Started { plan } => Some(plan.as_ref()),
        _ => None,
    })
}

/// Whether the records that are lost or damaged could be the ones that say that a run completed.
pub(super) fn may_have_completed(history: &RunHistory, entries: &[Entry]) -> bool {
    let gaps: u64 = history.gaps.iter().map(|gap| gap.end() - gap.start() + 1).sum();
    // The first one is the plan.
    let lost = history.damaged.iter().filter(|damage| damage.seq > 1).count() as u64 + gaps;
    let reached: BTreeSet<&str> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Reached { step, .. } => Some(step.as_str()),
            _ => None,
        })
        .collect();
    let by_itself = |step: &&StepPlan| step.goal != Goal::ExportingResumed;
    let missing = |plan: &Plan| {
        plan.steps()
            .into_iter()
            .filter(by_itself)
            .filter(|step| !reached.contains(step.name.as_str()))
            .count()
    };
    // The missing steps, and the end itself.
    let needed = plan_of(entries).map_or(0, missing) as u64 + 1;
    // What was noted by a recovery tells nothing about the records before.
    let ended_by_itself = entries
        .iter()
        .any(|entry| matches!(entry, Entry::Finished { outcome, .. } if *outcome != RunOutcome::Abandoned));
    !ended_by_itself && lost >= needed
}

/// When the request was sent that may have made what is owed, if its answer does not tell what became of it: the process
/// died right after it was sent, or was told nothing.
fn unanswered_since(history: &RunHistory, entries: &[Entry], owed: &Obligation) -> Option<Timestamp> {
    let (opens, at) = entries.iter().zip(&history.records).find_map(|(entry, record)| match entry {
        Entry::Intent { step, owes: Some(obligation) } if obligation == owed => Some((step, record.at)),
        _ => None,
    })?;
    let answered = entries.iter().any(
        |entry| matches!(entry, Entry::Answered { step, sent, .. } if step == opens && *sent != Sent::Unknown),
    );
    (!answered).then_some(at)
}

/// How long a pause without an answer must still be reckoned with, as a rule.
pub(super) fn left_to_wait(
    history: &RunHistory,
    entries: &[Entry],
    owed: &Obligation,
    now: Timestamp,
) -> Duration {
    let since = unanswered_since(history, entries, owed);
    since.map_or(Duration::ZERO, |at| LATEST_EFFECT.saturating_sub(now.since(at)))
}

/// How long a pause that is found is taken for one of ours that came even later, out of a gateway that hung.
const OURS_AFTER_ALL: Duration = Duration::from_secs(60 * 60);

/// What a run that has paid everything would owe again if exporting were paused now.
pub(super) fn may_come_late(history: &RunHistory, entries: &[Entry], now: Timestamp) -> Option<Obligation> {
    entries.iter().find_map(|entry| match entry {
        Entry::Intent { owes: Some(owed), .. } => {
            let at = unanswered_since(history, entries, owed)?;
            (now.since(at) < OURS_AFTER_ALL).then(|| owed.clone())
        }
        _ => None,
    })
}

pub(super) fn damage_of(history: &RunHistory) -> Vec<String> {
    let damaged = history.damaged.iter().map(|damage| format!("{}: {}", damage.key, damage.why));
    let gaps = history
        .gaps
        .iter()
        .map(|gap| format!("records {} to {} of run {} are missing", gap.start(), gap.end(), history.run));
    let strangers = history.strangers.iter().map(|key| format!("{key} is no record"));
    damaged.chain(gaps).chain(strangers).collect()
}

/// When something was asked for last.
pub(super) fn asked_last(history: &RunHistory, entries: &[Entry]) -> Option<Timestamp> {
    let intents =
        entries.iter().zip(&history.records).filter(|(entry, _)| matches!(entry, Entry::Intent { .. }));
    intents.map(|(_, record)| record.at).last()
}

pub(super) fn unreadable_end(history: &RunHistory) -> Error {
    let damage = damage_of(history).join("; ");
    Error::new(ErrorKind::NeedsOperator, format!("it may have completed, its records cannot be read: {damage}"))
        .with_component(Component::Journal)
        .with_advice(
            "nothing was deleted; look at the backup's parts, and delete them by the components' own calls if it is of \
             no use",
        )
}
