//! What a dead process still owes, paid by a living one.

mod debts;
mod late;
mod past;
mod report;
mod retention;

use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Component, Error, Result};

use crate::connection::Connection;
use crate::connection::clients::Clients;
use crate::engine::{Entry, RunOutcome};
use crate::exporting::{self, Seen};
use crate::facts::discover::{dialect_for, gateway_version};
use crate::journal::{Claim, RunHistory, RunId, RunLog, claim, histories, history, lock_only, open_claims};
use crate::obligation::Obligation;
use crate::plan::Plan;
use crate::procedures::leftovers;

use crate::run_record::{
    damage_of, entries, has_ended, is_to_be_continued, left_to_wait, may_have_completed, owed, plan_of,
    unreadable_end,
};
pub(crate) use debts::{Unfinished, unfinished};
use debts::{another_cluster, clusters, is_of_this_gateway, pay, pay_what_is_understood};
use late::{CAME_LATE, Late, came_late, newest};
pub use past::{PastRun, past_entries, past_runs};
pub use report::{ExportingSeen, RecoveredEnd, RecoveredRun, RecoveryFailure, RecoveryReport};
pub(crate) use retention::tidy;

/// A number for run names, different for every claim of a cluster.
pub(crate) fn nonce(claim: &Claim) -> u32 {
    u32::try_from(claim.token() & u64::from(u32::MAX)).unwrap_or_default()
}

/// What one call did and could not do. One run's trouble hides nothing of another's.
#[derive(Default)]
struct Recovery {
    report: RecoveryReport,
    errors: Vec<Error>,
}

impl Recovery {
    fn end(self) -> Result<RecoveryReport, RecoveryFailure> {
        let mut errors = self.errors.into_iter();
        match errors.next() {
            None => Ok(self.report),
            Some(error) => Err(RecoveryFailure::new(error, errors.collect(), self.report)),
        }
    }

    fn is_claimed(&self) -> bool {
        self.errors.iter().any(|error| error.kind() == ErrorKind::Claimed)
    }
}

/// Finishes what dead runs owe. See [`Cluster::recover`](crate::Cluster::recover).
pub(crate) async fn recover(connection: &Connection) -> Result<RecoveryReport, RecoveryFailure> {
    let mut recovery = Recovery::default();
    for cluster in clusters(connection).await? {
        if let Err(error) = recover_cluster(connection, &cluster, &mut recovery).await {
            recovery.errors.push(error);
        }
    }
    // What a living run has paused is its own business.
    if !recovery.is_claimed() {
        recovery.report.exporting = exporting_now(connection).await;
    }
    recovery.end()
}

/// How long looking at exporting may take. It is said what was seen; nothing depends on it.
const LOOK: Duration = Duration::from_secs(20);

/// A journal without a debt proves nothing: its volume may not be mounted, or another one may have been used.
async fn exporting_now(connection: &Connection) -> ExportingSeen {
    let looking = async {
        let version = gateway_version(&connection.config, &connection.handles.zeebe).await?.version;
        let dialect = dialect_for(&connection.config, &version)?;
        let clients = Clients::new(&connection.handles, dialect, None)?;
        let resume = clients.exporting.http().curl(&clients.exporting.resume_call());
        Ok::<_, Error>((exporting::look_without_plan(&clients).await, resume))
    };
    match tokio::time::timeout(LOOK, looking).await {
        Ok(Ok((Seen::Runs, _))) => ExportingSeen::Runs,
        Ok(Ok((Seen::Paused(what), resume))) => ExportingSeen::Paused { what, resume },
        Ok(Ok((Seen::Stopped(what), _))) => ExportingSeen::Stopped { what },
        Ok(Ok((Seen::Unseen(why), _))) => ExportingSeen::Unseen { why },
        Ok(Err(error)) => ExportingSeen::Unseen { why: error.to_string() },
        Err(_) => ExportingSeen::Unseen { why: format!("no answer within {LOOK:?}") },
    }
}

async fn recover_cluster(connection: &Connection, cluster: &str, recovery: &mut Recovery) -> Result<()> {
    if is_nothing_to_do(connection, cluster, recovery).await? {
        return Ok(());
    }
    let now = connection.clock.now();
    let mut claim = match claim(Arc::clone(&connection.journal), cluster, "camunda-backup", now).await {
        Ok(claim) => claim,
        Err(error) if error.kind() == ErrorKind::Journal => {
            return Err(pay_unrecorded(connection, cluster, error).await);
        }
        Err(error) => return Err(error),
    };
    let before = recovery.errors.len();
    if let Err(error) = recover_claimed(connection, &claim, recovery).await {
        recovery.errors.push(error);
    }
    if recovery.errors.len() == before {
        let orphans: Vec<u64> = claim.orphans().iter().map(|orphan| orphan.token).collect();
        for token in orphans {
            if let Err(error) = claim.settle(token).await {
                recovery.errors.push(error);
            }
        }
    }
    tidy(connection, &claim).await;
    claim.release().await
}

/// Whether every run has ended and owes nothing, no claim is open, and no pause came late; says what there is to say then.
/// Without lock and claim, so that a call that finds nothing leaves nothing, and is in nobody's way.
async fn is_nothing_to_do(connection: &Connection, cluster: &str, recovery: &mut Recovery) -> Result<bool> {
    let journal = connection.journal.as_ref();
    // In this order: whoever has claimed the cluster since has a claim that the next call sees.
    let all = histories(journal, cluster).await?;
    if !open_claims(journal, cluster).await?.is_empty() {
        return Ok(false);
    }
    let mut runs = Vec::new();
    for history in &all {
        let Ok(entries) = entries(history) else { return Ok(false) };
        let is_open = is_to_be_continued(&entries);
        if !(is_open || has_ended(&entries)) || !owed(history, &entries).is_ok_and(|owed| owed.is_empty()) {
            return Ok(false);
        }
        runs.extend(is_open.then(|| to_be_continued(history, &entries, Vec::new())));
    }
    let newest = newest(&all);
    let mut doubts = Vec::new();
    for history in &all {
        match came_late(connection, history, newest).await? {
            Late::No => {}
            Late::Ours(_) => return Ok(false),
            Late::Perhaps(error) => doubts.push(error),
        }
    }
    recovery.errors.extend(doubts);
    recovery.report.runs.extend(runs);
    recovery.report.damage.extend(all.iter().flat_map(damage_of));
    Ok(true)
}

/// A run that another process can go on with: nothing of it is given up.
fn to_be_continued(history: &RunHistory, entries: &[Entry], paid: Vec<String>) -> RecoveredRun {
    let id = plan_of(entries).and_then(|plan| plan.id());
    RecoveredRun {
        run: history.run.to_string(),
        id,
        end: RecoveredEnd::ToBeContinued,
        paid,
        leftovers: Vec::new(),
    }
}

/// The journal takes no record, not even who recovers. What is owed is done all the same; it stays on record as owed, and
/// the next call does it again. Returns what to tell the caller.
async fn pay_unrecorded(connection: &Connection, cluster: &str, refused: Error) -> Error {
    let journal = &connection.journal;
    let locked = lock_only(journal, cluster, "camunda-backup", connection.clock.now()).await;
    let guard = match locked {
        Ok(guard) => guard,
        Err(error) if error.kind() == ErrorKind::Claimed => return error,
        Err(_) => return refused,
    };
    let paid = pay_everything(connection, cluster).await;
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

async fn pay_everything(connection: &Connection, cluster: &str) -> Result<Vec<String>> {
    let (mut paid, mut first_error) = (Vec::new(), None);
    for history in histories(connection.journal.as_ref(), cluster).await? {
        let owed = entries(&history).and_then(|entries| Ok((owed(&history, &entries)?, entries)));
        let (obligations, entries) = match owed {
            Ok(owed) => owed,
            Err(error) => {
                first_error = first_error.or(Some(error));
                continue;
            }
        };
        for obligation in obligations {
            let late = left_to_wait(&history, &entries, &obligation);
            match pay(connection, &obligation, late).await {
                Ok(_) => paid.push(obligation.to_string()),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
    }
    first_error.map_or(Ok(paid), Err)
}

async fn recover_claimed(connection: &Connection, claim: &Claim, recovery: &mut Recovery) -> Result<()> {
    let all = histories(connection.journal.as_ref(), claim.cluster()).await?;
    let is_ours = |history: &&RunHistory| {
        claim.cluster() == connection.config.name || is_of_this_gateway(connection, history)
    };
    let newest = newest(&all);
    let mut unpaid = false;
    for history in all.iter().filter(is_ours) {
        match recover_run(connection, claim, history, Because::Open).await {
            Ok(run) => recovery.report.runs.extend(run),
            Err(error) => {
                unpaid |= error.kind() == ErrorKind::NeedsOperator && error.operation().is_some();
                recovery.errors.push(error);
            }
        }
    }
    // Only a pause that nobody owes any more can be one that came late.
    for history in all.iter().filter(is_ours).filter(|_| !unpaid) {
        match came_late(connection, history, newest).await? {
            Late::No => {}
            Late::Perhaps(error) => recovery.errors.push(error),
            Late::Ours(late) => {
                match recover_run(connection, claim, history, Because::CameLate(late)).await {
                    Ok(run) => recovery.report.runs.extend(run),
                    Err(error) => recovery.errors.push(error),
                }
            }
        }
    }
    recovery.report.damage.extend(all.iter().flat_map(damage_of));
    Ok(())
}

/// Ends a run that could be continued, and pays what it owes.
pub(crate) async fn give_up(connection: &Connection, run: &RunId, why: String) -> Result<RecoveredRun> {
    let claim = connection.claim().await?;
    let given_up = async {
        let history = history(connection.journal.as_ref(), &connection.config.name, run).await?;
        let ended = recover_run(connection, &claim, &history, Because::GivenUp(why)).await?;
        ended.ok_or_else(|| {
            Error::new(ErrorKind::Blocked, "the run has ended meanwhile").with_subject(format!("run {run}"))
        })
    }
    .await;
    let released = claim.release().await;
    let given_up = given_up?;
    released?;
    Ok(given_up)
}

/// Why a run is recovered.
enum Because {
    /// It has not ended, or still owes something.
    Open,
    /// A pause of it has come true after it was resumed.
    CameLate(Obligation),
    /// Nobody will go on with it; who says so, and why.
    GivenUp(String),
}

async fn recover_run(
    connection: &Connection,
    claim: &Claim,
    history: &RunHistory,
    because: Because,
) -> Result<Option<RecoveredRun>> {
    let (late, given_up) = match because {
        Because::Open => (None, None),
        Because::CameLate(obligation) => (Some(obligation), None),
        Because::GivenUp(why) => (None, Some(why)),
    };
    let before = match entries(history) {
        Ok(entries) => entries,
        Err(error) => return Err(pay_what_is_understood(connection, history, error).await),
    };
    if late.is_none() && has_ended(&before) && owed(history, &before)?.is_empty() {
        return Ok(None);
    }
    if given_up.is_none() && is_to_be_continued(&before) && owed(history, &before)?.is_empty() {
        return Ok(Some(to_be_continued(history, &before, Vec::new())));
    }
    let (journal, run, now) = (Arc::clone(&connection.journal), history.run.clone(), connection.clock.now());
    // What the fenced-off process wrote up to now counts, so the history is read again behind the fence.
    let (mut log, history) = RunLog::resume(journal, claim.cluster(), run, claim.token(), now).await?;
    let entries = entries(&history)?;
    let mut first_error = None;
    let mut paid = Vec::new();
    if let Some(owes) = late.clone() {
        // Owed again, and on record as such before anything can go wrong.
        let step = CAME_LATE.to_owned();
        log.append(connection.clock.now(), &Entry::Intent { step, owes: Some(owes) }).await?;
    }
    for obligation in owed(&history, &entries)?.into_iter().chain(late) {
        let late = left_to_wait(&history, &entries, &obligation);
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
    if given_up.is_none() && is_to_be_continued(&entries) {
        return Ok(Some(to_be_continued(&history, &entries, paid)));
    }
    let end = end_of(&history, &entries);
    if !has_ended(&entries) {
        let error = Some(given_up.unwrap_or_else(|| why_abandoned(end).to_owned()));
        log.append(connection.clock.now(), &Entry::Finished { outcome: RunOutcome::Abandoned, error })
            .await?;
    }
    let plan = plan_of(&entries);
    let leftovers = match &plan {
        Some(plan) if end != RecoveredEnd::Unreadable => leftovers(connection, plan, &entries)?,
        _ => Vec::new(),
    };
    let (run, id) = (history.run.to_string(), plan.and_then(|plan| plan.id()));
    Ok(Some(RecoveredRun { run, id, end, paid, leftovers }))
}

fn end_of(history: &RunHistory, entries: &[Entry]) -> RecoveredEnd {
    match (may_have_completed(history, entries), has_ended(entries)) {
        (true, _) => RecoveredEnd::Unreadable,
        (false, true) => RecoveredEnd::OnlyOwed,
        (false, false) => RecoveredEnd::Died,
    }
}

fn why_abandoned(end: RecoveredEnd) -> &'static str {
    match end {
        RecoveredEnd::Unreadable => "how it ended cannot be read",
        _ => "the process that ran it died",
    }
}

/// The plan and entries of the run that made a backup id, if its record leaves no doubt that the backup is of no use.
pub(crate) async fn abandonable(connection: &Connection, id: BackupId) -> Result<(Plan, Vec<Entry>)> {
    for history in histories(connection.journal.as_ref(), &connection.config.name).await?.into_iter().rev() {
        let entries = entries(&history)?;
        let Some(plan) = plan_of(&entries).filter(|plan| plan.id() == Some(id)) else { continue };
        if !connection.config.is_at(&plan.gateway) {
            return Err(another_cluster(connection, &plan.gateway).with_subject(id));
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
