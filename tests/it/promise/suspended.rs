//! A machine that sleeps while exporting is paused, and what is looked at twice.

use std::collections::BTreeMap;

use camunda_backup::{Outcome, RunOutcome, Verdict};

use super::{Duration, MINUTE, die_paused};
use crate::world::{
    assert_running, backup, completed, connect, eight_six, failed, is_paused, is_running, plan, until,
};

/// Nobody can resume while the machine sleeps. When it wakes, the pause is longer than its limit and ends at once.
#[tokio::test(start_paused = true)]
async fn when_a_suspended_machine_wakes_the_pause_ends_at_once_and_the_run_fails() {
    let simulated = eight_six().await;
    simulated.store().set_snapshot_duration(|name, _| {
        if name.contains("records") { 10 * MINUTE } else { Duration::from_millis(30) }
    });
    let cluster = connect(&simulated).await;
    let run = cluster.start(plan(&cluster)).await;
    until("paused", || is_paused(&simulated)).await;
    tokio::time::sleep(MINUTE).await; // virtual time: into the records' snapshot
    assert!(is_paused(&simulated));

    tokio::time::advance(3 * 60 * MINUTE).await; // no task of ours runs meanwhile
    let woke = simulated.clock().elapsed();
    assert!(is_paused(&simulated));
    until("resumed", || is_running(&simulated)).await;
    let late = simulated.clock().elapsed().saturating_sub(woke);
    assert!(late < Duration::from_secs(5), "resumed {late:?} after it woke");

    let (error, report) = failed(run.finished().await);
    assert_eq!(report.outcome, RunOutcome::Failed, "{report}");
    assert!(error.report().contains("its time was over"), "{}", error.report());
    assert!(!report.owing && error.outcome() != Outcome::Unknown, "{report}");
    assert_running(&simulated);
}

/// Another process resumes after the sleeper's pause; what the sleeper makes afterwards is never called complete.
#[tokio::test(start_paused = true)]
async fn a_pause_that_a_recovery_ended_meanwhile_is_resumed_once_and_leaves_nothing_owed() {
    let simulated = eight_six().await;
    die_paused(&simulated, simulated.config().unwrap()).await;
    // A week later: the wall clock alone makes no pause somebody else's while it is owed.
    tokio::time::sleep(7 * 24 * 60 * MINUTE).await; // virtual time
    assert!(is_paused(&simulated));
    let recovered = connect(&simulated).await.recover().await.unwrap();
    assert_eq!(recovered.runs.len(), 1, "{recovered}");
    assert_running(&simulated);
}

/// What a plan rests on is read when connecting and once more before anything changes, because hours can be between them.
/// Nothing is read a third time outside the pause, except what is waited for.
#[tokio::test(start_paused = true)]
async fn before_the_first_change_everything_is_read_twice_at_most() {
    let simulated = eight_six().await;
    simulated.start_recording();
    assert_eq!(completed(&simulated, backup(&simulated).await).verdict, Verdict::Proven);
    let mut read: BTreeMap<String, usize> = BTreeMap::new();
    for request in simulated.requests() {
        if request.operation == "history.backups.create" {
            break;
        }
        *read.entry(format!("{}: {}", request.component, request.line)).or_default() += 1;
    }
    assert!(read.len() > 15, "{read:?}");
    let often: Vec<_> = read.iter().filter(|(_, times)| **times > 2).collect();
    assert!(often.is_empty(), "{often:#?}");
}
