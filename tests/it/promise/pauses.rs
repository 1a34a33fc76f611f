//! Pauses that come late, resumes that are kept from leaving, and everything that could make a pause longer.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use camunda_backup::testing::{Fault, Rule, SimulatedCluster, SimulatedProcess, StoreKind};
use camunda_backup::{Cluster, ProgressObserver, RecoveredEnd, RunEvent, RunEventKind};

use super::{Duration, MINUTE, die_paused};
use crate::world::{
    assert_resumed_within, assert_running, backup, completed, connect, connect_with, eight_six, failed,
    is_paused, is_running, limited, longest_pause, plan, sent, until, world,
};

/// The pause is answered by nobody and takes effect after a while.
async fn late_pause(late_by: Duration) -> SimulatedCluster {
    let simulated = eight_six().await;
    simulated.inject(Rule::operation("zeebe.exporting.pause", Fault::Delay(late_by)).unwrap().times(1));
    simulated
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_comes_true_after_its_answer_was_given_up_is_resumed_too() {
    for late_by in [45, 58, 75, 100, 120] {
        let simulated = late_pause(Duration::from_secs(late_by)).await;
        drop(backup(&simulated).await);
        tokio::time::sleep(10 * MINUTE).await; // virtual time: whatever comes late has come
        assert_running(&simulated);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_comes_true_after_its_sender_died_is_resumed_by_the_recovery() {
    let simulated = late_pause(Duration::from_secs(45)).await;
    let process = SimulatedProcess::immortal(&simulated);
    let cluster =
        Cluster::connect_with(simulated.config().unwrap(), process.connect_options()).await.unwrap();
    let planned = plan(&cluster);
    let run = tokio::spawn(async move { cluster.run(planned).await.map(|_| ()) });
    until("sent", || !sent(&simulated, "zeebe.exporting.pause").is_empty()).await;
    process.kill();
    run.abort();
    assert!(!is_paused(&simulated));
    let recovered = connect(&simulated).await.recover().await.unwrap();
    assert_eq!(recovered.runs[0].paid.len(), 1, "{recovered}");
    tokio::time::sleep(10 * MINUTE).await; // virtual time: whatever comes late has come
    assert_running(&simulated);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_comes_even_later_is_known_to_be_ours() {
    let simulated = late_pause(Duration::from_secs(300)).await;
    let (_, report) = failed(backup(&simulated).await);
    assert!(!report.owing, "everything was seen exporting for a minute");
    tokio::time::sleep(10 * MINUTE).await; // virtual time: whatever comes late has come
    assert!(is_paused(&simulated));
    let recovered = connect(&simulated).await.recover().await.unwrap();
    assert!(recovered.to_string().contains("had ended and still owed something"), "{recovered}");
    assert_running(&simulated);
}

#[tokio::test(start_paused = true)]
async fn a_dead_runs_pause_is_not_taken_for_an_older_one_that_came_late() {
    let simulated = eight_six().await;
    simulated.inject(Rule::operation("zeebe.exporting.pause", Fault::LoseAfter).unwrap().times(1));
    drop(backup(&simulated).await);
    tokio::time::sleep(2 * MINUTE).await; // virtual time: the next run
    die_paused(&simulated, simulated.config().unwrap()).await;
    let recovered = connect(&simulated).await.recover().await.unwrap();
    assert_eq!(recovered.runs.len(), 1, "{recovered}");
    assert_eq!(recovered.runs[0].end, RecoveredEnd::Died, "{recovered}");
    assert_running(&simulated);
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_somebody_else_is_not_ended_by_a_recovery() {
    let simulated = eight_six().await;
    completed(&simulated, backup(&simulated).await);
    simulated.camunda().foreign_pause(true);
    let recovered = connect(&simulated).await.recover().await.unwrap();
    assert!(
        recovered.runs.is_empty() && !recovered.is_clean(),
        "it is said, and nothing was done: {recovered}"
    );
    assert!(is_paused(&simulated));
}

#[tokio::test(start_paused = true)]
async fn a_topology_that_hangs_does_not_keep_the_resume_from_leaving() {
    for version in ["8.5.8", "8.6.0"] {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        let mut config = simulated.config().unwrap();
        config.brokers.clear();
        die_paused(&simulated, config.clone()).await;
        simulated.inject(Rule::operation("rest.topology", Fault::Hang).unwrap());
        let began = simulated.clock().elapsed();
        let recovered = camunda_backup::recover(config.clone(), simulated.connect_options()).await;
        // 8.6 refuses by itself what it cannot do; before, nobody can tell.
        recovered.unwrap_err();
        assert_running(&simulated);
        let history = simulated.camunda().pause_history();
        let resumed = history.iter().map(|event| event.at).find(|at| *at >= began).unwrap();
        let waited = resumed.saturating_sub(began);
        assert!(waited < Duration::from_secs(10), "{version}: {waited:?}");
        simulated.heal();
        assert_eq!(camunda_backup::recover(config, simulated.connect_options()).await.unwrap().runs.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn no_request_that_hangs_makes_the_pause_longer_than_its_bound() {
    let simulated = eight_six().await;
    completed(&simulated, backup(&simulated).await);
    let operations: BTreeSet<&'static str> =
        simulated.requests().into_iter().map(|request| request.operation).collect();
    assert!(operations.contains("store.snapshots.create") && operations.contains("zeebe.backups.create"));
    for operation in operations.into_iter().filter(|operation| *operation != "zeebe.exporting.resume") {
        for with_brokers in [true, false] {
            let simulated = eight_six().await;
            let watched = simulated.clone();
            let inside = operation == "zeebe.exporting.pause";
            simulated.inject(Rule::when(
                move |request| request.operation == operation && (inside || !is_running(&watched)),
                Fault::Hang,
            ));
            let cluster = connect_with(&simulated, |config| {
                if !with_brokers {
                    config.brokers.clear();
                }
            });
            let cluster = cluster.await.unwrap();
            let spec = limited(|limits| {
                limits.max_pause = Duration::from_secs(10);
                limits.max_resume = 2 * MINUTE;
            });
            drop(cluster.run(cluster.plan_backup(spec).unwrap()).await);
            let longest = longest_pause(&simulated);
            assert!(longest <= Duration::from_secs(20), "{operation}, brokers {with_brokers}: {longest:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn limits_that_no_clock_can_show_are_no_limits() {
    let simulated = eight_six().await;
    let spec = limited(|limits| {
        (limits.max_pause, limits.max_part) = (Duration::MAX, Duration::MAX);
        (limits.stall, limits.grace, limits.max_resume) = (Duration::MAX, Duration::MAX, Duration::MAX);
    });
    let cluster = connect(&simulated).await;
    completed(&simulated, cluster.run(cluster.plan_backup(spec).unwrap()).await);
}

/// Does not return from the event that the pause is confirmed.
#[derive(Debug)]
struct Blocks(Mutex<Receiver<()>>);

impl ProgressObserver for Blocks {
    fn observe(&self, event: &RunEvent) {
        if matches!(&event.kind, RunEventKind::Reached { step, .. } if step == "soft-pause-exporting") {
            let _ = self.0.lock().unwrap().recv();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_blocks_stops_nothing() {
    let simulated = eight_six().await;
    let (unblock, blocked) = channel();
    let mut parts = simulated.connect_options();
    parts.observer = Some(Arc::new(Blocks(Mutex::new(blocked))));
    let cluster = Cluster::connect_with(simulated.config().unwrap(), parts).await.unwrap();
    completed(&simulated, cluster.run(plan(&cluster)).await);
    assert_resumed_within(&simulated, MINUTE);
    unblock.send(()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_debt_that_is_open_again_is_said_to_be() {
    let simulated = late_pause(Duration::from_secs(600)).await;
    let cluster = connect(&simulated).await;
    let run = cluster.start(cluster.plan_backup(limited(|limits| limits.max_resume = MINUTE)).unwrap()).await;
    let mut events = run.events();
    let gone = async {
        while let Some(event) = events.next().await {
            // The pause was given up, and everything was seen exporting; then the gateway and the brokers go away.
            if matches!(&event.kind, RunEventKind::StepFailed { step, .. } if step == "soft-pause-exporting")
            {
                until("resumed", || !sent(&simulated, "zeebe.exporting.resume").is_empty()).await;
                tokio::time::sleep(Duration::from_secs(2)).await; // virtual time: it was seen
                for operation in ["zeebe.exporting.resume", "broker.partitions.statuses"] {
                    simulated.inject(Rule::operation(operation, Fault::Refuse).unwrap());
                }
            }
        }
    };
    let (ended, ()) = tokio::join!(run.finished(), gone);
    let (_, report) = failed(ended);
    assert!(report.owing, "{report}");
    simulated.heal();
    assert_eq!(cluster.recover().await.unwrap().runs[0].paid.len(), 1);
    assert_running(&simulated);
}
