//! What must be true after every case, named as in the list of invariants.

use std::collections::BTreeMap;
use std::time::Duration;

use camunda_backup::testing::{Fault, SimulatedCluster};
use camunda_backup::zeebe::testing::{PauseKind, Phase};
use camunda_backup::{Error, ErrorKind, Failure, RunOutcome, Verdict};

use super::cases::Place;
use super::explore::{Aftermath, End};
use super::journal_content::{Stored, stored};
use super::scenes::MAX_PAUSE;
use crate::world::longest_pause;

/// On top of the bound of the pause: one resume that has to be repeated, and the second until a dead process recovers.
const SLACK: Duration = Duration::from_secs(5);

pub(super) fn exports_everywhere(cluster: &SimulatedCluster) -> bool {
    cluster.camunda().phases().values().all(|phase| *phase == Phase::Exporting)
}

/// All that is violated.
pub(super) async fn violated(after: &Aftermath<'_>) -> Vec<String> {
    let mut violations = Vec::new();
    violations.extend(i1_exporting_runs(after).await);
    violations.extend(i2_pauses_do_not_follow_each_other(after));
    violations.extend(i3_started_at_most_once(after));
    violations.extend(i4_completed_means_complete(after).await);
    violations.extend(i5_nothing_is_deleted(after.cluster));
    violations.extend(i8_the_pause_is_bounded(after.cluster));
    violations.extend(it_ends_and_nothing_panics(after));
    violations
}

/// A living run leaves exporting running by itself; for a dead one `recover()` does, and owes nothing any more.
async fn i1_exporting_runs(after: &Aftermath<'_>) -> Vec<String> {
    let mut violations = Vec::new();
    if !exports_everywhere(after.cluster) {
        violations.push(format!("I1: in the end exporting is {:?}", after.cluster.camunda().phases()));
    }
    if !after.ran_at_end && !matches!(after.end, End::Died) {
        violations.push("I1: the run ended, and exporting did not run".to_owned());
    }
    if let Err(error) = &after.recovered {
        violations.push(format!("I1: recover() failed: {}", error.report()));
    }
    match &after.again {
        Ok(report) if report.is_clean() => {}
        Ok(report) => violations.push(format!("I1: a second recover() still finds something: {report}")),
        Err(error) => violations.push(format!("I1: a second recover() failed: {}", error.report())),
    }
    let runs = stored(&after.cluster.journal()).await;
    if runs.iter().any(Stored::owes) {
        violations.push("I1: the journal still owes in the end".to_owned());
    }
    if runs.iter().any(|run| run.outcome().is_none()) {
        violations.push("I1: a run without an end is still in the journal".to_owned());
    }
    violations
}

/// Only pauses of the planned kind take effect, and never one kind over the other.
fn i2_pauses_do_not_follow_each_other(after: &Aftermath<'_>) -> Vec<String> {
    let mut violations = Vec::new();
    let mut paused = BTreeMap::new();
    for event in after.cluster.camunda().pause_history() {
        let is_pause = matches!(event.what, PauseKind::Soft | PauseKind::Hard);
        if is_pause && event.what != after.planned {
            violations.push(format!("I2: {:?} was planned, and this happened: {event:?}", after.planned));
        }
        let before = if is_pause {
            paused.insert(event.replica.clone(), event.what)
        } else {
            paused.remove(&event.replica);
            None
        };
        if before.is_some_and(|before| before != event.what) {
            violations.push(format!("I2: {event:?} follows {before:?} without a resume"));
        }
    }
    violations
}

/// Counted on the wire and by the servers. Refused connections prove by themselves that nothing has arrived.
fn i3_started_at_most_once(after: &Aftermath<'_>) -> Vec<String> {
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    for request in after.cluster.requests() {
        let records = request.line.starts_with("PUT ") && request.line.contains("/_snapshot/");
        if (records || request.operation.ends_with(".create")) && request.fault != Some(Fault::Refuse) {
            *sent.entry(format!("{} of {}", request.operation, request.component)).or_default() += 1;
        }
    }
    let received = after.cluster.camunda().backup_posts().into_iter();
    let received = received.map(|((component, id), times)| (format!("{component} {id}"), times as usize));
    let twice = sent.into_iter().chain(received).filter(|(_, times)| *times > 1);
    twice.map(|(what, times)| format!("I3: {what} was started {times} times")).collect()
}

async fn i4_completed_means_complete(after: &Aftermath<'_>) -> Vec<String> {
    let mut violations = Vec::new();
    let found = after.cluster.check(after.id);
    let mut claims = Vec::new();
    if let End::Ended(result) = after.end {
        match result.as_ref() {
            Ok(report) => {
                claims.push("the report");
                let whole = report.outcome == RunOutcome::Completed && report.errors.is_empty();
                if !whole || report.verdict == Verdict::Inconsistent || report.owing {
                    violations.push(format!("I4: Ok, and the report says {report}"));
                }
            }
            Err(Failure { report: Some(report), .. }) if report.outcome == RunOutcome::Completed => {
                violations.push("I4: an error with a report that says completed".to_owned());
            }
            Err(_) => {}
        }
    }
    let runs = stored(&after.cluster.journal()).await;
    if runs.iter().any(|run| run.outcome() == Some("completed")) {
        claims.push("the journal");
    }
    if !claims.is_empty() && !found.is_consistent() {
        violations.push(format!("I4: completed say {claims:?}, and the data says {:?}", found.problems));
    }
    violations
}

/// A backup and a recovery delete nothing at all.
fn i5_nothing_is_deleted(cluster: &SimulatedCluster) -> Vec<String> {
    let deletes = cluster.requests().into_iter().filter(|request| request.line.starts_with("DELETE "));
    deletes.map(|request| format!("I5: {}", request.line)).collect()
}

fn i8_the_pause_is_bounded(cluster: &SimulatedCluster) -> Vec<String> {
    let longest = longest_pause(cluster);
    let violated = longest > MAX_PAUSE + SLACK;
    violated.then(|| format!("I8: a replica was paused for {longest:?}")).into_iter().collect()
}

fn it_ends_and_nothing_panics(after: &Aftermath<'_>) -> Vec<String> {
    let mut violations = Vec::new();
    let internal = |error: &Error| error.kind() == ErrorKind::Internal;
    match after.end {
        End::Never => violations.push("it never ended".to_owned()),
        End::Ended(result) => {
            if let Err(failure) = result.as_ref() {
                for error in [&failure.error].into_iter().chain(&failure.secondary) {
                    if internal(error) {
                        violations.push(format!("a defect of ours: {}", error.report()));
                    }
                    if error.component().is_none() {
                        violations.push(format!("an error without a component: {}", error.report()));
                    }
                }
            }
        }
        End::Dropped | End::Died => {}
    }
    // Where the journal was spared, a living run leaves nothing to recover, not even its end.
    let spared = after.case.is_none_or(|case| matches!(case.place, Place::Request(_)))
        && !matches!(after.end, End::Died);
    if let (true, Ok(report)) = (spared, &after.recovered) {
        if !report.is_clean() {
            violations.push(format!("a living run left something to recover: {report}"));
        }
    }
    violations
}
