//! What the journal says of a run: what it owes, whether it ended, and what of that cannot be told any more.

use std::collections::BTreeSet;
use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Component, Error, Result, Timestamp};

use crate::backup::task::Goal;
use crate::engine::{self, Entry, Moment, Reentry, RunOutcome, Sent};
use crate::exporting::LATEST_EFFECT;
use crate::journal::{Journal, Record, RunHistory, RunId, histories, history};
use crate::obligation::Obligation;
use crate::plan::{Plan, StepPlan};

/// The obligations of a run that were not paid. A request that was cleanly refused still owes: a refused pause may
/// have paused the brokers that could be reached. A record that cannot be read may have been an intent, so a run with
/// damage owes all that its plan could owe; resuming what is not paused is harmless.
pub(crate) fn owed(history: &RunHistory, entries: &[Entry]) -> Result<Vec<Obligation>> {
    let (mut owed, mut paid): (Vec<Obligation>, Vec<&Obligation>) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Entry::Intent { owes: Some(obligation), .. } => owed.push(obligation.clone()),
            Entry::Paid { obligation, .. } => {
                owed.retain(|owed| owed != obligation);
                paid.push(obligation);
            }
            _ => {}
        }
    }
    if !history.damaged.is_empty() || !history.gaps.is_empty() {
        match plan_of(entries) {
            Some(plan) => owed.extend(plan.obligations().filter(|owed| !paid.contains(owed)).cloned()),
            // Died while it wrote its very first record: the others, if there are any, say what is owed.
            None if history.gaps.is_empty() && history.damaged.iter().all(|damage| damage.seq == 1) => {}
            None => return Err(unreadable_plan(history)),
        }
        owed.dedup();
    }
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

pub(crate) fn has_ended(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| matches!(entry, Entry::Finished { .. }))
}

/// The plan of a run. One that is not understood is none here: [`entries`] has refused it already.
pub(crate) fn plan_of(entries: &[Entry]) -> Option<Plan> {
    entries.iter().find_map(|entry| match entry {
        Entry::Started { plan } => Plan::of(plan).ok(),
        _ => None,
    })
}

/// The entries of a run, if this version understands all of them, the plan included.
pub(crate) fn entries(history: &RunHistory) -> Result<Vec<Entry>> {
    let entries = engine::entries(history)?;
    for entry in &entries {
        if let Entry::Started { plan } = entry {
            Plan::of(plan).map_err(|error| error.with_subject(format!("run {}", history.run)))?;
        }
    }
    Ok(entries)
}

/// Whether a run is open and another process can go on with it.
pub(crate) fn is_to_be_continued(entries: &[Entry]) -> bool {
    !has_ended(entries) && plan_of(entries).is_some_and(|plan| plan.task.reentry() == Reentry::Continue)
}

/// The entries of a run as moments, in the order in which they were written.
pub(crate) fn moments(history: &RunHistory, entries: Vec<Entry>) -> Vec<Moment> {
    let records = history.records.iter();
    records.zip(entries).map(|(record, entry)| Moment { order: record.seq, at: record.at, entry }).collect()
}

/// A run can go on only from a record that is whole: what is lost may be what was done last.
pub(crate) fn refuse_when_damaged(history: &RunHistory) -> Result<()> {
    let damage = damage_of(history);
    if damage.is_empty() && history.is_complete() {
        return Ok(());
    }
    let message =
        format!("its records are not whole, so nobody knows what it has done: {}", damage.join("; "));
    Err(Error::new(ErrorKind::NeedsOperator, message)
        .with_component(Component::Journal)
        .with_subject(format!("run {}", history.run))
        .with_advice(
            "nothing was done; look at the cluster, then give the run up (`Cluster::give_up_run`) and plan what is left",
        ))
}

/// A run that has ended is not continued.
pub(crate) fn refuse_when_ended(history: &RunHistory, entries: &[Entry]) -> Result<()> {
    if !has_ended(entries) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Blocked, "the run has ended")
        .with_component(Component::Journal)
        .with_subject(format!("run {}", history.run))
        .with_advice("nothing was done; its end is on record (`past_runs`), plan anew"))
}

/// The plan of a run that is open and can be continued.
pub(crate) async fn open_run(journal: &dyn Journal, cluster: &str, run: &RunId) -> Result<Plan> {
    let history = history(journal, cluster, run).await?;
    let entries = entries(&history)?;
    refuse_when_ended(&history, &entries)?;
    let about = |error: Error| error.with_component(Component::Journal).with_subject(format!("run {run}"));
    match plan_of(&entries) {
        None => Err(about(Error::new(ErrorKind::NotFound, "the journal holds no plan of this run"))),
        Some(plan) if plan.task.reentry() == Reentry::Continue => Ok(plan),
        Some(plan) => Err(about(
            Error::new(
                ErrorKind::Blocked,
                format!("a run of {} is not continued by another process", plan.task),
            )
            .with_advice("run `recover()`: it pays what the run owes and abandons it; then plan anew"),
        )),
    }
}

/// The highest backup id that a run of this cluster has on record.
pub(crate) async fn highest_id(journal: &dyn Journal, cluster: &str) -> Result<Option<BackupId>> {
    let mut highest = None;
    for history in histories(journal, cluster).await? {
        // A run that this version does not understand must not keep it from connecting; other lists know its id, too.
        let Ok(entries) = entries(&history) else { continue };
        highest = highest.max(plan_of(&entries).and_then(|plan| plan.id()));
    }
    Ok(highest)
}

/// Whether the records that are lost or damaged could be the ones that say that a run completed.
pub(crate) fn may_have_completed(history: &RunHistory, entries: &[Entry]) -> bool {
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
    let by_itself = |step: &&StepPlan| step.goal() != Some(Goal::ExportingResumed);
    let missing = |plan: Plan| {
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

/// What became of the request that may have made what is owed, as far as the record tells.
struct Opening {
    sent: Timestamp,
    /// When its answer came, or was given up, and what it said; none if the process died before.
    answered: Option<(Timestamp, Sent)>,
    /// Whether the pause was seen.
    confirmed: bool,
}

fn opening(history: &RunHistory, entries: &[Entry], owed: &Obligation) -> Option<Opening> {
    let recorded = || entries.iter().zip(history.records.iter().map(|record| record.at));
    let (opens, sent) = recorded().find_map(|(entry, at)| match entry {
        Entry::Intent { step, owes: Some(obligation) } if obligation == owed => Some((step, at)),
        _ => None,
    })?;
    let answered = recorded().find_map(|(entry, at)| match entry {
        Entry::Answered { step, sent, .. } if step == opens => Some((at, *sent)),
        _ => None,
    });
    let confirmed = entries.iter().any(|entry| matches!(entry, Entry::Reached { step, .. } if step == opens));
    Some(Opening { sent, answered, confirmed })
}

/// How long a pause that was never seen may still come true, counted from now. A recorded time never shortens it: the clock that
/// wrote it may have been another one, and nobody knows when a process died that has not even written down an answer.
pub(crate) fn left_to_wait(history: &RunHistory, entries: &[Entry], owed: &Obligation) -> Duration {
    match opening(history, entries, owed) {
        Some(Opening { confirmed: true, .. }) => Duration::ZERO,
        // Its record may be the one that cannot be read.
        Some(_) | None => LATEST_EFFECT,
    }
}

/// What a run that has paid everything would owe again if exporting were paused now, and since when: the answer to its
/// pause is not known, and out of a gateway that hung it may come true at any time.
pub(crate) fn may_come_late(history: &RunHistory, entries: &[Entry]) -> Option<(Obligation, Timestamp)> {
    entries.iter().find_map(|entry| match entry {
        Entry::Intent { owes: Some(owed), .. } => {
            let opening = opening(history, entries, owed)?;
            let unknown = opening.answered.is_none_or(|(_, sent)| sent == Sent::Unknown);
            (unknown && !opening.confirmed).then(|| (owed.clone(), opening.sent))
        }
        _ => None,
    })
}

/// What is owed by the entries that can be read and that this version understands, of a run that has others, too. A record
/// that was not read may say that it was paid: then nobody knows.
pub(crate) fn owed_by_what_is_understood(history: &RunHistory) -> Vec<Obligation> {
    let understood = |record: &Record| serde_json::from_value::<Entry>(record.event.clone()).ok();
    let entries: Vec<Entry> = history.records.iter().filter_map(understood).collect();
    let intact = RunHistory { damaged: Vec::new(), gaps: Vec::new(), ..history.clone() };
    let mut owed = owed(&intact, &entries).unwrap_or_default();
    let may_be_paid = |obligation: &Obligation| {
        let is_intent = |record: &&Record| match understood(record) {
            Some(Entry::Intent { owes: Some(asked), .. }) => asked == *obligation,
            _ => false,
        };
        let intent = history.records.iter().filter(is_intent).map(|record| record.seq).max();
        history.unread.iter().any(|unread| intent < Some(unread.seq))
    };
    owed.retain(|obligation| !may_be_paid(obligation));
    owed
}

pub(crate) fn damage_of(history: &RunHistory) -> Vec<String> {
    let damaged = history.damaged.iter().map(|damage| format!("{}: {}", damage.key, damage.why));
    let gaps = history
        .gaps
        .iter()
        .map(|gap| format!("records {} to {} of run {} are missing", gap.start(), gap.end(), history.run));
    let strangers = history.strangers.iter().map(|key| format!("{key} is no record"));
    damaged.chain(gaps).chain(strangers).collect()
}

pub(crate) fn unreadable_end(history: &RunHistory) -> Error {
    let damage = damage_of(history).join("; ");
    Error::new(ErrorKind::NeedsOperator, format!("it may have completed, its records cannot be read: {damage}"))
        .with_component(Component::Journal)
        .with_advice(
            "nothing was deleted; look at the backup's parts, and delete them by the components' own calls if it is of \
             no use",
        )
}
