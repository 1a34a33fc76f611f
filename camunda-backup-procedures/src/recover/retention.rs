//! What is over and done goes, so that the journal does not grow for ever. Only while the cluster is claimed anyway.

use std::time::Duration;

use camunda_backup_core::Result;

use crate::connection::Connection;
use crate::journal::{
    Claim, Removal, RunHistory, RunId, finish_removals, histories, remove_claims, remove_run, run_names,
};
use crate::run_record::{entries, has_ended, may_come_late, owed, plan_of};

/// How long one call tidies. What is left is removed by the next one.
const TIDYING: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes released claims, and the runs that are older than the retention, owe nothing and can owe nothing any more. What
/// cannot be removed stays; that is no failure of what the claim was for.
pub(crate) async fn tidy(connection: &Connection, claim: &Claim) {
    match tokio::time::timeout(TIDYING, remove_what_is_over(connection, claim)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "what is over could not be removed from the journal"),
        Err(_) => tracing::info!("not all that is over was removed from the journal; the next run goes on"),
    }
}

async fn remove_what_is_over(connection: &Connection, claim: &Claim) -> Result<()> {
    let (journal, cluster) = (connection.journal.as_ref(), claim.cluster());
    remove_claims(journal, cluster, claim.token()).await?;
    finish_removals(journal, cluster).await?;
    let days = connection.config.retention_days;
    if days == 0 {
        return Ok(());
    }
    let (now, retention) = (connection.clock.now(), DAY * days);
    let is_old = |run: &RunId| now.since(run.started()) > retention;
    if !run_names(journal, cluster).await?.iter().any(is_old) {
        return Ok(());
    }
    for run in over(&histories(journal, cluster).await?, is_old) {
        if remove_run(journal, cluster, run, now, claim.token()).await? == Removal::Unsupported {
            break;
        }
    }
    Ok(())
}

/// The runs that can go. The newest stays, and the one with the highest backup id, which must never be used again.
fn over(histories: &[RunHistory], is_old: impl Fn(&RunId) -> bool) -> Vec<&RunId> {
    let id_of = |history: &RunHistory| {
        let entries = entries(history).ok()?;
        plan_of(&entries).and_then(|plan| plan.id())
    };
    let newest = histories.last().map(|history| &history.run);
    let highest = histories.iter().max_by_key(|history| id_of(history)).map(|history| &history.run);
    let runs = histories.iter().filter(|history| is_old(&history.run) && is_done(history));
    runs.map(|history| &history.run).filter(|run| Some(*run) != newest && Some(*run) != highest).collect()
}

/// Whether a run has ended, owes nothing, and will owe nothing. Of what is damaged or not understood nobody can say so.
fn is_done(history: &RunHistory) -> bool {
    let is_whole = history.is_complete() && history.damaged.is_empty() && history.strangers.is_empty();
    let Ok(entries) = entries(history) else { return false };
    is_whole
        && has_ended(&entries)
        && owed(history, &entries).is_ok_and(|owed| owed.is_empty())
        && may_come_late(history, &entries).is_none()
}
