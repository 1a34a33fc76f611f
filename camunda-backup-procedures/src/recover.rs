//! What a dead process still owes, paid by a living one.

mod record;
mod report;
mod retention;

use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Component, Error, Result};

use crate::backup::leftovers::{self, Leftover};
use crate::connection::Connection;
use crate::connection::clients::Clients;
use crate::engine::{Entry, RunOutcome, entries};
use crate::exporting::{is_paused, resume_exporting};
use crate::facts::discover::dialect_for;
use crate::journal::{Claim, RunHistory, RunId, RunLog, histories, lock_only, open_claims};
use crate::obligation::Obligation;
use crate::plan::Plan;

use record::{
    damage_of, has_ended, left_to_wait, may_come_late, may_have_completed, owed, owed_by_what_is_understood,
    plan_of, unreadable_end,
};
pub use report::{RecoveredEnd, RecoveredRun, RecoveryReport};
pub(crate) use retention::tidy;

/// A number for run names, different for every claim of a cluster.
pub(crate) fn nonce(claim: &Claim) -> u32 {
    u32::try_from(claim.token() & u64::from(u32::MAX)).unwrap_or_default()
}

/// What earlier runs still owe, with the run that does.
pub(crate) async fn debts(connection: &Connection) -> Result<Vec<(RunId, Obligation)>> {
    let mut owing = Vec::new();
    for history in histories(connection.journal.as_ref(), &connection.config.name).await? {
        let entries = entries(&history)?;
        let owed = owed(&history, &entries)?;
        owing.extend(owed.into_iter().map(|obligation| (history.run.clone(), obligation)));
    }
    Ok(owing)
}

/// Finishes what dead runs owe. See [`Cluster::recover`](crate::Cluster::recover).
pub(crate) async fn recover(connection: &Connection) -> Result<RecoveryReport> {
    if let Some(nothing_to_do) = look(connection).await? {
        return Ok(nothing_to_do);
    }
    let mut claim = match connection.claim().await {
        Ok(claim) => claim,
        Err(error) if error.kind() == ErrorKind::Journal => {
            return Err(pay_unrecorded(connection, error).await);
        }
        Err(error) => return Err(error),
    };
    let mut result = recover_claimed(connection, &claim).await;
    if result.is_ok() {
        let orphans: Vec<u64> = claim.orphans().iter().map(|orphan| orphan.token).collect();
        for token in orphans {
            if let Err(error) = claim.settle(token).await {
                result = Err(error);
            }
        }
    }
    tidy(connection, &claim).await;
    let released = claim.release().await;
    let report = result?;
    released?;
    Ok(report)
}

/// What there is to say if there is nothing to do: every run has ended and owes nothing, no claim is open, and no pause
/// came late. Without lock and claim, so that a call that finds nothing leaves nothing, and is in nobody's way.
async fn look(connection: &Connection) -> Result<Option<RecoveryReport>> {
    let (journal, cluster) = (connection.journal.as_ref(), &connection.config.name);
    // In this order: whoever has claimed the cluster since has a claim that the next call sees.
    let all = histories(journal, cluster).await?;
    if !open_claims(journal, cluster).await?.is_empty() {
        return Ok(None);
    }
    for history in &all {
        let Ok(entries) = entries(history) else { return Ok(None) };
        if !has_ended(&entries) || !owed(history, &entries).is_ok_and(|owed| owed.is_empty()) {
            return Ok(None);
        }
    }
    for history in &all {
        if came_late(connection, history).await?.is_some() {
            return Ok(None);
        }
    }
    let damage = all.iter().flat_map(damage_of).collect();
    Ok(Some(RecoveryReport { damage, ..RecoveryReport::default() }))
}

/// The journal takes no record, not even who recovers. What is owed is done all the same; it stays on record as owed, and
/// the next call does it again. Returns what to tell the caller.
async fn pay_unrecorded(connection: &Connection, refused: Error) -> Error {
    let (journal, name) = (&connection.journal, &connection.config.name);
    let locked = lock_only(journal, name, "camunda-backup", connection.clock.now()).await;
    let guard = match locked {
        Ok(guard) => guard,
        Err(error) if error.kind() == ErrorKind::Claimed => return error,
        Err(_) => return refused,
    };
    let paid = pay_everything(connection).await;
    if let Err(error) = connection.journal.unlock(guard).await {
        tracing::warn!(%error, "the lock could not be given back");
    }
    match paid {
        Ok(paid) if paid.is_empty() => refused,
        Ok(paid) => {
            let message = format!("done, and it could not be written down: {}", paid.join("; "));
            Error::new(ErrorKind::Journal, message)
                .with_component(Component::Journal)
                .with_source(refused)
                .with_advice(
                    "make the journal writable, then run `recover()` again: it will look, and note it",
                )
        }
        Err(error) => error,
    }
}

async fn pay_everything(connection: &Connection) -> Result<Vec<String>> {
    let (mut paid, mut first_error) = (Vec::new(), None);
    for history in histories(connection.journal.as_ref(), &connection.config.name).await? {
        let owed = entries(&history).and_then(|entries| Ok((owed(&history, &entries)?, entries)));
        let (obligations, entries) = match owed {
            Ok(owed) => owed,
            Err(error) => {
                first_error = first_error.or(Some(error));
                continue;
            }
        };
        for obligation in obligations {
            let late = left_to_wait(&history, &entries, &obligation, connection.clock.now());
            match pay(connection, &obligation, late).await {
                Ok(_) => paid.push(obligation.to_string()),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
    }
    first_error.map_or(Ok(paid), Err)
}

async fn recover_claimed(connection: &Connection, claim: &Claim) -> Result<RecoveryReport> {
    let mut report = RecoveryReport::default();
    let mut first_error = None;
    let all = histories(connection.journal.as_ref(), &connection.config.name).await?;
    for history in &all {
        // One run's trouble must not keep another's debt from being paid.
        match recover_run(connection, claim, history, None).await {
            Ok(run) => report.runs.extend(run),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    // Only a pause that nobody owes any more can be one that came late.
    for history in all.iter().filter(|_| first_error.is_none()) {
        if let Some(late) = came_late(connection, history).await? {
            report.runs.extend(recover_run(connection, claim, history, Some(late)).await?);
        }
    }
    report.damage = all.iter().flat_map(damage_of).collect();
    match first_error {
        None => Ok(report),
        Some(error) => Err(error),
    }
}

async fn recover_run(
    connection: &Connection,
    claim: &Claim,
    history: &RunHistory,
    late: Option<Obligation>,
) -> Result<Option<RecoveredRun>> {
    let before = match entries(history) {
        Ok(entries) => entries,
        Err(error) => return Err(pay_what_is_understood(connection, history, error).await),
    };
    if late.is_none() && has_ended(&before) && owed(history, &before)?.is_empty() {
        return Ok(None);
    }
    let (journal, run, now) = (Arc::clone(&connection.journal), history.run.clone(), connection.clock.now());
    // What the fenced-off process wrote up to now counts, so the history is read again behind the fence.
    let (mut log, history) =
        RunLog::resume(journal, &connection.config.name, run, claim.token(), now).await?;
    let entries = entries(&history)?;
    let mut first_error = None;
    let mut paid = Vec::new();
    if let Some(owes) = late.clone() {
        // Owed again, and on record as such before anything can go wrong.
        let step = "pause-that-came-late".to_owned();
        log.append(connection.clock.now(), &Entry::Intent { step, owes: Some(owes) }).await?;
    }
    for obligation in owed(&history, &entries)?.into_iter().chain(late) {
        let late = left_to_wait(&history, &entries, &obligation, connection.clock.now());
        match pay(connection, &obligation, late).await {
            Ok(attempts) => {
                paid.push(obligation.to_string());
                let noted = log.append(connection.clock.now(), &Entry::Paid { obligation, attempts }).await;
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
    let end = match (may_have_completed(&history, &entries), has_ended(&entries)) {
        (true, _) => RecoveredEnd::Unreadable,
        (false, true) => RecoveredEnd::OnlyOwed,
        (false, false) => RecoveredEnd::Died,
    };
    if !has_ended(&entries) {
        let why = match end {
            RecoveredEnd::Unreadable => "how it ended cannot be read",
            _ => "the process that ran it died",
        };
        let error = Some(why.to_owned());
        log.append(connection.clock.now(), &Entry::Finished { outcome: RunOutcome::Abandoned, error })
            .await?;
    }
    let plan = plan_of(&entries);
    let leftovers = match plan {
        Some(plan) if end != RecoveredEnd::Unreadable => leftovers_of(connection, plan, &entries)?,
        _ => Vec::new(),
    };
    let (run, id) = (history.run.to_string(), plan.map(|plan| plan.id));
    Ok(Some(RecoveredRun { run, id, end, paid, leftovers }))
}

/// A run of which not everything is understood keeps its error, and what is understood is done.
async fn pay_what_is_understood(connection: &Connection, history: &RunHistory, error: Error) -> Error {
    for obligation in owed_by_what_is_understood(history) {
        if let Err(unpaid) = pay(connection, &obligation, Duration::ZERO).await {
            return unpaid
                .with_subject(format!("run {} owes to {obligation}", history.run))
                .with_source(error);
        }
        tracing::warn!(run = %history.run, %obligation, "done, and stays on record as owed: not all of it is understood");
    }
    error
}

/// How long a pause that is found is taken for one of ours that came late.
const OURS_AFTER_ALL: Duration = Duration::from_secs(60 * 60);
/// How long it is at least named as one that could be ours.
const PERHAPS_OURS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A pause of ours that came true after it had been resumed already. Somebody else's in the same mode looks the same.
async fn came_late(connection: &Connection, history: &RunHistory) -> Result<Option<Obligation>> {
    let late = entries(history).ok().and_then(|entries| may_come_late(history, &entries));
    let Some((owed, sent)) = late else { return Ok(None) };
    let age = connection.clock.now().since(sent);
    let Obligation::ResumeExporting { gateway, version, mode, replicas } = &owed;
    if age > PERHAPS_OURS || !connection.config.is_at(gateway) {
        return Ok(None);
    }
    let clients = Clients::new(&connection.handles, dialect_for(&connection.config, version)?, None)?;
    if !is_paused(&clients, replicas, *mode, connection.clock.as_ref()).await {
        return Ok(None);
    }
    if age <= OURS_AFTER_ALL {
        return Ok(Some(owed));
    }
    let resume = clients.exporting.http().curl(&clients.exporting.resume_call());
    let message =
        format!("exporting is paused, and run {} sent a pause that was never answered", history.run);
    Err(Error::new(ErrorKind::NeedsOperator, message)
        .with_component(Component::Zeebe)
        .with_advice(format!("if nobody else has paused it, it is that one: send\n    {resume}"))
        .with_requests([resume]))
}

/// How long one call tries. Somebody waits for it at start-up, and the next call tries again.
const PATIENCE: Duration = Duration::from_secs(3 * 60);

async fn pay(connection: &Connection, obligation: &Obligation, late: Duration) -> Result<u32> {
    let Obligation::ResumeExporting { gateway, version, replicas, .. } = obligation;
    if !connection.config.is_at(gateway) {
        return Err(another_cluster(connection, gateway));
    }
    let dialect = dialect_for(&connection.config, version)?;
    let clients = Clients::new(&connection.handles, dialect, None)?;
    let clock = connection.clock.as_ref();
    let resumed = resume_exporting(&clients, replicas, clock, PATIENCE).await?;
    if late.is_zero() {
        return Ok(resumed.attempts);
    }
    tokio::time::sleep(late).await;
    let again = resume_exporting(&clients, replicas, clock, PATIENCE).await?;
    Ok(resumed.attempts + again.attempts)
}

/// Seeing that exporting runs here says nothing about the cluster that is owed to.
fn another_cluster(connection: &Connection, gateway: &str) -> Error {
    let message = format!(
        "this is owed to the cluster at {gateway}, and the configuration has the one at {}",
        connection.config.zeebe.base()
    );
    Error::new(ErrorKind::NeedsOperator, message).with_component(Component::Zeebe).with_advice(
        "run `recover()` with the configuration of that cluster, and give each cluster a name or journal of its own; \
         if it is this one at a new address, add the old one to `formerly` (CAMUNDA_ZEEBE_FORMER_URLS)",
    )
}

fn leftovers_of(connection: &Connection, plan: &Plan, entries: &[Entry]) -> Result<Vec<Leftover>> {
    if leftovers::has_completed(entries) {
        return Ok(Vec::new());
    }
    let clients = clients_of(connection, plan)?;
    Ok(leftovers::of_run(plan, entries.iter(), &clients))
}

/// Clients for a plan of the past, without looking at anything.
pub(crate) fn clients_of(connection: &Connection, plan: &Plan) -> Result<Clients> {
    let dialect = dialect_for(&connection.config, &plan.pinned.version)?;
    let store = plan.pinned.store.clone().zip(connection.config.repository.clone());
    Clients::new(&connection.handles, dialect, store)
}

/// The plan and entries of the run that made a backup id, if its record leaves no doubt that the backup is of no use.
pub(crate) async fn abandonable(connection: &Connection, id: BackupId) -> Result<(Plan, Vec<Entry>)> {
    for history in histories(connection.journal.as_ref(), &connection.config.name).await?.into_iter().rev() {
        let entries = entries(&history)?;
        let Some(plan) = plan_of(&entries).filter(|plan| plan.id == id).cloned() else { continue };
        if !connection.config.is_at(&plan.pinned.gateway) {
            return Err(another_cluster(connection, &plan.pinned.gateway).with_subject(id));
        }
        if may_have_completed(&history, &entries) {
            return Err(unreadable_end(&history).with_subject(id));
        }
        return Ok((plan, entries));
    }
    Err(Error::new(ErrorKind::Foreign, "no run in this journal made a backup with this id")
        .with_component(Component::Journal)
        .with_subject(id)
        .with_advice(
            "only what the journal proves to be ours is deleted; use the components' own delete calls",
        ))
}

/// The highest backup id in the journal.
pub(crate) async fn highest_id(connection: &Connection) -> Result<Option<BackupId>> {
    let mut highest = None;
    for history in histories(connection.journal.as_ref(), &connection.config.name).await? {
        // A run that this version does not understand must not keep it from connecting; other lists know its id, too.
        let Ok(entries) = entries(&history) else { continue };
        highest = highest.max(plan_of(&entries).map(|plan| plan.id));
    }
    Ok(highest)
}
