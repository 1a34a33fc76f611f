//! What a dead process still owes, paid by a living one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Error, Result};
use serde::{Deserialize, Serialize};

use crate::clients::Clients;
use crate::cluster::Shared;
use crate::discover::dialect_for;
use crate::engine::{Entry, RunOutcome, entries};
use crate::journal::{Claim, RunHistory, RunId, RunLog, histories};
use crate::leftovers::{self, Leftover};
use crate::plan::{Obligation, Plan};
use crate::steps::resume_exporting;

/// What `recover()` found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// The runs that had not ended, oldest first.
    pub runs: Vec<RecoveredRun>,
    /// Damage in the journal, in words. A damaged record is never skipped silently.
    pub damage: Vec<String>,
}

/// One run that had not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecoveredRun {
    /// The run's name in the journal.
    pub run: String,
    /// Its backup id, if its plan can be read. It is used up.
    pub id: Option<BackupId>,
    /// What was owed and is done now: seen, not believed.
    pub paid: Vec<String>,
    /// What it left behind; `abandon(id)` deletes it.
    pub leftovers: Vec<Leftover>,
}

impl RecoveryReport {
    /// Whether there was nothing to do.
    pub fn is_clean(&self) -> bool {
        self.runs.is_empty() && self.damage.is_empty()
    }
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return writeln!(f, "nothing to recover");
        }
        for run in &self.runs {
            let id = run.id.map_or_else(|| "an unknown id".to_owned(), |id| format!("backup {id}"));
            writeln!(f, "run {} of {id} had not ended and is abandoned; its id is used up", run.run)?;
            for paid in &run.paid {
                writeln!(f, "  done now: {paid}")?;
            }
            for leftover in &run.leftovers {
                writeln!(f, "  left behind: {leftover}")?;
            }
        }
        for damage in &self.damage {
            writeln!(f, "journal: {damage}")?;
        }
        Ok(())
    }
}

/// A number for run names, different for every claim of a cluster.
pub(crate) fn nonce(claim: &Claim) -> u32 {
    u32::try_from(claim.token() & u64::from(u32::MAX)).unwrap_or_default()
}

/// What earlier runs still owe, with the run that does.
pub(crate) async fn debts(shared: &Shared) -> Result<Vec<(RunId, Obligation)>> {
    let mut owing = Vec::new();
    for history in histories(shared.journal.as_ref(), &shared.config.name).await? {
        let entries = entries(&history)?;
        let owed = owed(&history, &entries)?;
        owing.extend(owed.into_iter().map(|obligation| (history.run.clone(), obligation)));
    }
    Ok(owing)
}

/// The obligations of a run that were not paid. A request that was cleanly refused still owes: a refused pause may
/// have paused the brokers that could be reached. A record that cannot be read may have been an intent, so a run with
/// damage owes all that its plan could owe; resuming what is not paused is harmless.
fn owed(history: &RunHistory, entries: &[Entry]) -> Result<Vec<Obligation>> {
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
            // Died while it wrote its very first record: nothing was sent on the strength of it.
            None if entries.is_empty() && history.damaged.len() == 1 && history.torn_tail().is_some() => {}
            None => return Err(unreadable_plan(history)),
        }
        owed.dedup();
    }
    owed.retain(|obligation| !paid.contains(&obligation));
    Ok(owed)
}

fn unreadable_plan(history: &RunHistory) -> Error {
    Error::new(ErrorKind::NeedsOperator, format!("the records of run {} are damaged, its plan among them", history.run))
        .with_component(camunda_backup_core::Component::Journal)
        .with_advice(
            "it cannot be told what it owes: look at every broker's /actuator/partitions, POST \
             /actuator/exporting/resume if exporting is paused, then move the run's directory out of the journal",
        )
}

fn has_ended(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| matches!(entry, Entry::Finished { .. }))
}

fn plan_of(entries: &[Entry]) -> Option<&Plan> {
    entries.iter().find_map(|entry| match entry {
        Entry::Started { plan } => Some(plan.as_ref()),
        _ => None,
    })
}

/// Finishes what dead runs owe. See [`Cluster::recover`](crate::Cluster::recover).
pub(crate) async fn recover(shared: &Shared) -> Result<RecoveryReport> {
    let mut claim = shared.claim().await?;
    let result = recover_claimed(shared, &claim).await;
    if result.is_ok() {
        let orphans: Vec<u64> = claim.orphans().iter().map(|orphan| orphan.token).collect();
        for token in orphans {
            claim.settle(token).await?;
        }
    }
    let released = claim.release().await;
    let report = result?;
    released?;
    Ok(report)
}

async fn recover_claimed(shared: &Shared, claim: &Claim) -> Result<RecoveryReport> {
    let mut report = RecoveryReport::default();
    let mut first_error = None;
    for history in histories(shared.journal.as_ref(), &shared.config.name).await? {
        report.damage.extend(damage_of(&history));
        // One run's trouble must not keep another's debt from being paid.
        match recover_run(shared, claim, &history).await {
            Ok(run) => report.runs.extend(run),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    match first_error {
        None => Ok(report),
        Some(error) => Err(error),
    }
}

async fn recover_run(shared: &Shared, claim: &Claim, history: &RunHistory) -> Result<Option<RecoveredRun>> {
    let before = entries(history)?;
    if has_ended(&before) && owed(history, &before)?.is_empty() {
        return Ok(None);
    }
    let (journal, run, now) = (Arc::clone(&shared.journal), history.run.clone(), shared.clock.now());
    // What the fenced-off process wrote up to now counts, so the history is read again behind the fence.
    let (mut log, history) = RunLog::resume(journal, &shared.config.name, run, claim.token(), now).await?;
    let entries = entries(&history)?;
    let mut first_error = None;
    let mut paid = Vec::new();
    for obligation in owed(&history, &entries)? {
        match pay(shared, &obligation).await {
            Ok(attempts) => {
                paid.push(obligation.to_string());
                let noted = log.append(shared.clock.now(), &Entry::Paid { obligation, attempts }).await;
                first_error = first_error.or(noted.err());
            }
            Err(error) => {
                let subject = format!("run {} owes to {obligation}", history.run);
                first_error = first_error.or(Some(error.with_subject(subject)));
            }
        }
    }
    if let Some(error) = first_error {
        return Err(error);
    }
    if !has_ended(&entries) {
        let error = Some("the process that ran it died".to_owned());
        log.append(shared.clock.now(), &Entry::Finished { outcome: RunOutcome::Abandoned, error }).await?;
    }
    let plan = plan_of(&entries);
    let leftovers = match plan {
        Some(plan) => leftovers_of(shared, plan, &entries)?,
        None => Vec::new(),
    };
    Ok(Some(RecoveredRun { run: history.run.to_string(), id: plan.map(|plan| plan.id), paid, leftovers }))
}

/// How long one call tries. Somebody waits for it at start-up, and the next call tries again.
const PATIENCE: Duration = Duration::from_secs(3 * 60);

async fn pay(shared: &Shared, obligation: &Obligation) -> Result<u32> {
    let Obligation::ResumeExporting { version, replicas, .. } = obligation;
    let dialect = dialect_for(&shared.config, version)?;
    let clients = Clients::new(&shared.handles, dialect, None)?;
    let resumed = resume_exporting(&clients, replicas, shared.clock.as_ref(), PATIENCE).await?;
    Ok(resumed.attempts)
}

fn leftovers_of(shared: &Shared, plan: &Plan, entries: &[Entry]) -> Result<Vec<Leftover>> {
    let completed =
        entries.iter().any(|entry| matches!(entry, Entry::Finished { outcome: RunOutcome::Completed, .. }));
    if completed {
        return Ok(Vec::new());
    }
    let clients = clients_of(shared, plan)?;
    Ok(leftovers::of_run(plan, entries.iter(), &clients))
}

/// Clients for a plan of the past, without looking at anything.
pub(crate) fn clients_of(shared: &Shared, plan: &Plan) -> Result<Clients> {
    let dialect = dialect_for(&shared.config, &plan.pinned.version)?;
    let store = plan.pinned.store.clone().zip(shared.config.repository.clone());
    Clients::new(&shared.handles, dialect, store)
}

fn damage_of(history: &RunHistory) -> Vec<String> {
    let damaged = history.damaged.iter().map(|damage| format!("{}: {}", damage.key, damage.why));
    let gaps = history
        .gaps
        .iter()
        .map(|gap| format!("records {} to {} of run {} are missing", gap.start(), gap.end(), history.run));
    damaged.chain(gaps).collect()
}

/// The plan and entries of the run that made a backup id.
pub(crate) async fn run_of(shared: &Shared, id: BackupId) -> Result<(Plan, Vec<Entry>)> {
    for history in histories(shared.journal.as_ref(), &shared.config.name).await?.into_iter().rev() {
        let entries = entries(&history)?;
        if let Some(plan) = plan_of(&entries).filter(|plan| plan.id == id).cloned() {
            return Ok((plan, entries));
        }
    }
    Err(Error::new(ErrorKind::Foreign, "no run in this journal made a backup with this id")
        .with_component(camunda_backup_core::Component::Journal)
        .with_subject(id)
        .with_advice(
            "only what the journal proves to be ours is deleted; use the components' own delete calls",
        ))
}

/// The highest backup id in the journal.
pub(crate) async fn highest_id(shared: &Shared) -> Result<Option<BackupId>> {
    let mut highest = None;
    for history in histories(shared.journal.as_ref(), &shared.config.name).await? {
        let entries = entries(&history)?;
        highest = highest.max(plan_of(&entries).map(|plan| plan.id));
    }
    Ok(highest)
}
