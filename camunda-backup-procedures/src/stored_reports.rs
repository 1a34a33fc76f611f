//! The reports of runs in the journal, so that nobody has to hold a handle to get one.
//!
//! ```text
//! reports/<cluster>/<run>.json
//! ```
//! Evidence only: nothing is decided by it. Beside the runs and not among their records, because those are all read by
//! whoever asks what is owed.

use bytes::Bytes;
use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Component, Error, Result};

use crate::journal::{Journal, MAX_BODY, RunId, report_key};
use crate::report::Report;

/// Stores a report. That it could not be stored takes nothing from what the run did, so it is a warning only.
pub(crate) async fn store(journal: &dyn Journal, report: &Report) {
    if let Err(error) = try_store(journal, report).await {
        tracing::warn!(cluster = report.cluster, run = report.run, %error, "the report of a run could not be stored");
    }
}

async fn try_store(journal: &dyn Journal, report: &Report) -> Result<()> {
    let body = serde_json::to_vec(report).map_err(|cause| {
        Error::new(ErrorKind::Internal, "a report cannot be written as JSON").with_source(cause)
    })?;
    if body.len() > MAX_BODY {
        return Err(Error::new(ErrorKind::Journal, "the report is longer than a journal's body may be"));
    }
    journal.put_new(&report_key(&report.cluster, &report.run)?, Bytes::from(body)).await.map(|_| ())
}

/// The report of the last run with this id; `None` if none is stored.
///
/// # Errors
/// `Journal` when one that may be it cannot be read or understood.
pub(crate) async fn last_of(journal: &dyn Journal, cluster: &str, id: BackupId) -> Result<Option<Report>> {
    for run in runs_with_reports(journal, cluster).await?.iter().rev() {
        let report = read(journal, cluster, run).await?;
        if report.id == Some(id) {
            return Ok(Some(report));
        }
    }
    Ok(None)
}

/// The stored report of one run.
///
/// # Errors
/// `NotFound` when there is none; `Journal` when it cannot be read or understood.
pub(crate) async fn read(journal: &dyn Journal, cluster: &str, run: &RunId) -> Result<Report> {
    let key = report_key(cluster, run.as_str())?;
    let body = journal.read(&key).await?;
    serde_json::from_slice(&body).map_err(|cause| {
        Error::new(ErrorKind::Journal, "the report cannot be understood")
            .with_component(Component::Journal)
            .with_subject(&key)
            .with_source(cause)
            .with_advice(
                "it is torn, or of another version of this library; the run's records beside it hold the same facts",
            )
    })
}

/// The runs whose reports are stored, oldest first.
pub(crate) async fn runs_with_reports(journal: &dyn Journal, cluster: &str) -> Result<Vec<RunId>> {
    let keys = journal.list(&format!("reports/{cluster}")).await?;
    let names = keys.iter().filter_map(|key| key.segments().nth(2)?.strip_suffix(".json"));
    let mut runs: Vec<RunId> = names.filter_map(|name| name.parse().ok()).collect();
    runs.sort();
    Ok(runs)
}
