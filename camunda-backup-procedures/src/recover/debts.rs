//! What is owed to this cluster, and paying it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Component, Error, Result};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::connection::clients::Clients;
use crate::run_record::{entries, has_ended, is_to_be_continued, owed, owed_by_what_is_understood, plan_of};

use crate::engine::Attempt;
use crate::exporting;
use crate::facts::discover::dialect_for;
use crate::journal::{RunHistory, RunId, histories};
use crate::obligation::Obligation;

/// How long one call tries. Somebody waits for it at start-up, and the next call tries again.
const PATIENCE: Duration = Duration::from_secs(3 * 60);

/// What earlier runs have left that keeps others from beginning.
#[derive(Debug, Default)]
pub(crate) struct Unfinished {
    /// What is still owed to this cluster, with the run that does. Another name for the same gateway hides nothing.
    pub(crate) owing: Vec<(RunId, Obligation)>,
    /// The runs that are open although no process has them: each keeps others out until it was continued or given up.
    pub(crate) open: Vec<RunId>,
}

/// Reads it from the journal.
pub(crate) async fn unfinished(connection: &Connection) -> Result<Unfinished> {
    let mut unfinished = Unfinished::default();
    for cluster in clusters(connection).await? {
        for history in histories(connection.journal.as_ref(), &cluster).await? {
            if cluster != connection.config.name && !is_of_this_gateway(connection, &history) {
                continue;
            }
            let entries = entries(&history)?;
            let owed = owed(&history, &entries)?;
            unfinished.owing.extend(owed.into_iter().map(|obligation| (history.run.clone(), obligation)));
            if cluster == connection.config.name && is_to_be_continued(&entries) {
                unfinished.open.push(history.run);
            }
        }
    }
    Ok(unfinished)
}

/// The names under which runs of this cluster may be on record: its own, and every other that has an open run at the same
/// gateway. Somebody may have named the cluster otherwise since.
pub(super) async fn clusters(connection: &Connection) -> Result<Vec<String>> {
    let own = connection.config.name.clone();
    let keys = connection.journal.list("runs").await?;
    let names: BTreeSet<&str> = keys.iter().filter_map(|key| key.segments().nth(1)).collect();
    let mut clusters = vec![own.clone()];
    for name in names.into_iter().filter(|name| *name != own) {
        let of_name = histories(connection.journal.as_ref(), name).await?;
        if of_name.iter().any(|history| is_open(history) && is_of_this_gateway(connection, history)) {
            tracing::warn!(
                name,
                own,
                "a run under another name of the cluster has not ended, at the same gateway"
            );
            clusters.push(name.to_owned());
        }
    }
    Ok(clusters)
}

/// Whether a run has not ended, or may owe something.
fn is_open(history: &RunHistory) -> bool {
    let Ok(entries) = entries(history) else { return true };
    !has_ended(&entries) || owed(history, &entries).map_or(true, |owed| !owed.is_empty())
}

/// Whether a run was about the cluster at our gateway, by its plan.
pub(super) fn is_of_this_gateway(connection: &Connection, history: &RunHistory) -> bool {
    let entries = entries(history).unwrap_or_default();
    plan_of(&entries).is_some_and(|plan| !plan.gateway.is_empty() && connection.config.is_at(&plan.gateway))
}

/// Pays; and pays once more after `late`, when a pause may come true that was never seen. How often the resume was sent.
pub(super) async fn pay(connection: &Connection, obligation: &Obligation, late: Duration) -> Result<u32> {
    let Obligation::ResumeExporting { gateway, version, .. } = obligation;
    if !connection.config.is_at(gateway) {
        return Err(another_cluster(connection, gateway));
    }
    let may_come_until = Instant::now() + late;
    let dialect = dialect_for(&connection.config, version)?;
    let clients = Arc::new(Clients::new(&connection.handles, dialect, None)?);
    let told = |attempt: Attempt<'_>| {
        let Attempt { number, seen, waited } = attempt;
        tracing::warn!(number, seen, ?waited, %obligation, "what is owed could not be done yet");
    };
    let resumed = exporting::pay(obligation, &clients, &connection.clock, PATIENCE, &told).await?;
    if late.is_zero() {
        return Ok(resumed.attempts);
    }
    tokio::time::sleep_until(may_come_until).await;
    let again = exporting::pay(obligation, &clients, &connection.clock, PATIENCE, &told).await?;
    Ok(resumed.attempts + again.attempts)
}

/// A run of which not everything is understood keeps its error, and what is understood is done.
pub(super) async fn pay_what_is_understood(
    connection: &Connection,
    history: &RunHistory,
    error: Error,
) -> Error {
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

/// Seeing that exporting runs here says nothing about the cluster that is owed to.
pub(super) fn another_cluster(connection: &Connection, gateway: &str) -> Error {
    let message = format!(
        "this is owed to the cluster at {gateway}, and the configuration has the one at {}",
        connection.config.zeebe.base()
    );
    Error::new(ErrorKind::NeedsOperator, message).with_component(Component::Zeebe).with_advice(
        "run `recover()` with the configuration of that cluster, and give each cluster a name or journal of its own; \
         if it is this one at a new address, add the old one to `formerly` (CAMUNDA_ZEEBE_FORMER_URLS)",
    )
}
