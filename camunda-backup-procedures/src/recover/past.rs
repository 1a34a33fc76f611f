//! What the journal says of the past, for people and programs that only look: no lock, no claim, no request.

use std::fmt;

use camunda_backup_core::{BackupId, CamundaVersion, Result, Timestamp};
use serde::Serialize;

use crate::engine::{Entry, Moment, RunOutcome};
use crate::journal::{Journal, Record, RunHistory, RunId, histories, history};
use crate::obligation::Obligation;
use crate::plan::Plan;
use crate::run_record::{damage_of, entries, moments, owed, owed_by_what_is_understood, plan_of};

/// One run, as the journal holds it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PastRun {
    /// Its name in the journal.
    pub run: RunId,
    /// The backup id of its plan, if that can be read. It is used up.
    pub id: Option<BackupId>,
    /// The version that it was planned for, if that can be read.
    pub version: Option<CamundaVersion>,
    /// When it began, on its own clock.
    pub began: Timestamp,
    /// When the last thing about it was written down.
    pub last: Option<Timestamp>,
    /// How it ended; `None` while it is under way, when its process died, and when that cannot be read.
    pub outcome: Option<RunOutcome>,
    /// Its first error, in words.
    pub error: Option<String>,
    /// What it owes, as far as that can be told. [`recover`](crate::recover) pays it.
    pub owes: Vec<Obligation>,
    /// What of its records is damaged, lost, unread or not understood, in words. If there is any, `owes` may lack something.
    pub trouble: Vec<String>,
}

/// The runs of a cluster that the journal has not forgotten, oldest first.
///
/// ```
/// # use camunda_backup_procedures as camunda_backup;
/// use camunda_backup::{Journal, past_runs};
/// use camunda_backup::journal::open_claims;
///
/// async fn show(journal: &dyn Journal) -> camunda_backup_core::Result<()> {
///     for run in past_runs(journal, "camunda").await? {
///         println!("{run}");
///         for obligation in &run.owes {
///             println!("  owes to {obligation}"); // until `recover()` has seen to it
///         }
///     }
///     // A run that is under way, or a process that died: `recover()` can tell one from the other.
///     for claim in open_claims(journal, "camunda").await? {
///         println!("claimed by {}", claim.holder.map_or("nobody knows whom".to_owned(), |holder| holder.to_string()));
///     }
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use camunda_backup::testing::{SimulatedCluster, StoreKind};
/// # let simulated = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8)?;
/// # tokio::time::sleep(std::time::Duration::from_secs(10)).await;
/// # let cluster = camunda_backup::Cluster::connect_with(simulated.config()?, simulated.connect_options()).await?;
/// # cluster.run(cluster.plan_backup(camunda_backup::BackupSpec::default())?).await?;
/// # let journal = simulated.journal();
/// show(&journal).await?;
/// assert_eq!(past_runs(&journal, "camunda").await?.len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ErrorKind::Journal`](camunda_backup_core::ErrorKind::Journal) if the journal cannot be listed. The trouble of a single
/// run is in [`PastRun::trouble`].
///
/// # Cancellation
/// Nothing happens; it only reads.
pub async fn past_runs(journal: &dyn Journal, cluster: &str) -> Result<Vec<PastRun>> {
    Ok(histories(journal, cluster).await?.iter().map(past_run).collect())
}

/// What one run wrote down, in order: its plan, intents, answers, evidence and end.
///
/// # Errors
/// [`ErrorKind::NotFound`](camunda_backup_core::ErrorKind::NotFound) if the journal holds nothing about it,
/// [`ErrorKind::Journal`](camunda_backup_core::ErrorKind::Journal) if a record was not read or was written by a newer
/// version. What is damaged is left out; [`past_runs`] names it.
pub async fn past_entries(journal: &dyn Journal, cluster: &str, run: &RunId) -> Result<Vec<Moment>> {
    let history = history(journal, cluster, run).await?;
    let entries = entries(&history)?;
    Ok(moments(&history, entries))
}

fn past_run(history: &RunHistory) -> PastRun {
    let mut trouble = damage_of(history);
    trouble.extend(history.unread.iter().map(ToString::to_string));
    let told = entries(history).and_then(|entries| owed(history, &entries));
    let owes = told.unwrap_or_else(|error| {
        trouble.push(error.to_string());
        owed_by_what_is_understood(history)
    });
    let understood = |record: &Record| serde_json::from_value::<Entry>(record.event.clone()).ok();
    let entries: Vec<Entry> = history.records.iter().filter_map(understood).collect();
    let plan = plan_of(&entries);
    let end = entries.iter().rev().find_map(|entry| match entry {
        Entry::Finished { outcome, error } => Some((*outcome, error.clone())),
        _ => None,
    });
    let (outcome, error) = end.map_or((None, None), |(outcome, error)| (Some(outcome), error));
    PastRun {
        run: history.run.clone(),
        id: plan.as_ref().and_then(Plan::id),
        version: plan.map(|plan| plan.version),
        began: history.run.started(),
        last: history.records.last().map(|record| record.at),
        outcome,
        error,
        owes,
        trouble,
    }
}

impl fmt::Display for PastRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id.map_or_else(|| "an unknown id".to_owned(), |id| format!("backup {id}"));
        let end = self.outcome.map_or_else(|| "not ended".to_owned(), |outcome| outcome.to_string());
        write!(f, "run {} of {id}, begun {}: {end}", self.run, self.began)?;
        if let Some(error) = &self.error {
            write!(f, ", {error}")?;
        }
        for trouble in &self.trouble {
            write!(f, "; {trouble}")?;
        }
        Ok(())
    }
}
