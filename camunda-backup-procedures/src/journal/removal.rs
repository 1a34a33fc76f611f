//! Removing what is over, so that a crash at any moment leaves it whole, marked as being removed, or gone.
//!
//! A run of which some records are gone looks damaged, and may look as if it owed something. So a mark is put first,
//! and whoever sees it leaves the run out; then the records go, and the mark goes last. The next removal finishes what one
//! has left.

use bytes::Bytes;
use camunda_backup_core::{Result, Timestamp};
use serde::Serialize;

use super::claim::{claim_key, claims_of, released_key};
use super::history::{cluster_prefix, run_of, run_prefix};
use super::record::{FORMAT, RunId};
use super::{Journal, Key, Removal, checksum};

/// The last segment of the mark's key.
const MARK: &str = "removing.json";

/// What is stored in a mark, for people: that it is there is what counts.
#[derive(Serialize)]
struct Mark<'a> {
    format: u32,
    run: &'a RunId,
    at: Timestamp,
    token: u64,
}

/// Whether a key marks its run as being removed.
pub(super) fn is_mark(key: &Key) -> bool {
    key.segments().nth(3) == Some(MARK) && key.segments().count() == 4
}

/// Where the report of a run is stored.
pub(crate) fn report_key(cluster: &str, run: &str) -> Result<Key> {
    Key::new(format!("reports/{cluster}/{run}.json"))
}

/// Removes everything that is stored about a run. Only for one that is over and owes nothing.
///
/// # Cancellation
/// The run is whole, or is left out by every reader until the next removal finishes it.
pub(crate) async fn remove_run(
    journal: &dyn Journal,
    cluster: &str,
    run: &RunId,
    at: Timestamp,
    token: u64,
) -> Result<Removal> {
    // Asked before anything is marked: what is marked and stays is seen by nobody.
    let never_stored = Key::new(format!("{}/removable.json", run_prefix(cluster, run)?))?;
    if journal.remove(&never_stored).await? == Removal::Unsupported {
        return Ok(Removal::Unsupported);
    }
    // Evidence only, and of no use without its run.
    journal.remove(&report_key(cluster, run.as_str())?).await?;
    let mark: Bytes = checksum::encode(&Mark { format: FORMAT, run, at, token })?;
    journal.put_new(&Key::new(format!("{}/{MARK}", run_prefix(cluster, run)?))?, mark).await?;
    let keys = journal.list(&run_prefix(cluster, run)?).await?;
    remove_marked(journal, &keys).await
}

/// Finishes the removals that were begun and not ended.
pub(crate) async fn finish_removals(journal: &dyn Journal, cluster: &str) -> Result<()> {
    let keys = journal.list(&cluster_prefix(cluster)?).await?;
    for mark in keys.iter().filter(|key| is_mark(key)) {
        let run = run_of(mark);
        let of_run: Vec<Key> = keys.iter().filter(|key| run_of(key) == run).cloned().collect();
        remove_marked(journal, &of_run).await?;
    }
    Ok(())
}

/// Removes keys among which there is a mark, that one last.
async fn remove_marked(journal: &dyn Journal, keys: &[Key]) -> Result<Removal> {
    let (marks, records): (Vec<_>, Vec<_>) = keys.iter().partition(|key| is_mark(key));
    for key in records.into_iter().chain(marks) {
        if journal.remove(key).await? == Removal::Unsupported {
            return Ok(Removal::Unsupported);
        }
    }
    Ok(Removal::Gone)
}

/// Removes the claims before `token` that were given back or settled. Those that were not are still reported.
pub(crate) async fn remove_claims(journal: &dyn Journal, cluster: &str, token: u64) -> Result<()> {
    let claims = claims_of(journal, cluster).await?;
    for (earlier, _) in claims.into_iter().filter(|(earlier, released)| *released && *earlier < token) {
        // In this order: a claim without its end is an orphan, an end without its claim is nothing.
        for key in [claim_key(cluster, earlier)?, released_key(cluster, earlier)?] {
            if journal.remove(&key).await? == Removal::Unsupported {
                return Ok(());
            }
        }
    }
    Ok(())
}
