//! A run that is stopped, wherever it is, closes what it opened.

use std::time::Duration;

use camunda_backup::testing::{Fault, Rule, SimulatedCluster, SimulationOptions, StoreKind};
use camunda_backup::{Cluster, ConnectOptions, ErrorKind, RunHandle, RunOutcome};

use crate::world::{
    artifacts, assert_abandonable, assert_running, backup, completed, connect, eight_six, failed, is_paused,
    plan, until, world,
};

const MINUTE: Duration = Duration::from_secs(60);

fn shared<T: Send + Sync + 'static>() {}
fn cloned<T: Clone>() {}

#[test]
fn handles_can_be_shared_between_threads() {
    shared::<Cluster>();
    shared::<RunHandle>();
    shared::<ConnectOptions>();
    shared::<SimulatedCluster>();
    shared::<camunda_backup::Error>();
    shared::<camunda_backup::Failure>();
    shared::<camunda_backup::Events>();
    cloned::<Cluster>();
    cloned::<ConnectOptions>();
    cloned::<RunHandle>();
    assert!(std::mem::size_of::<Cluster>() <= 2 * std::mem::size_of::<usize>(), "cheap to clone");
}

/// How many requests a whole run sends, discovery included.
async fn requests_of_a_run(version: &str) -> usize {
    let simulated = world(version, StoreKind::Elasticsearch8).await;
    completed(&simulated, backup(&simulated).await);
    simulated.requests().len()
}

#[tokio::test(start_paused = true)]
async fn cancel_at_any_moment_closes_and_reports() {
    for version in ["8.6.0", "8.8.0"] {
        let mut cancelled = 0;
        for moment in (0..requests_of_a_run(version).await).step_by(5) {
            let simulated = world(version, StoreKind::Elasticsearch8).await;
            let before = artifacts(&simulated);
            let cluster = connect(&simulated).await;
            let run = cluster.start(plan(&cluster)).await;
            until("that moment", || simulated.requests().len() >= moment).await;
            run.cancel();
            let Err(failure) = run.finished().await else { continue };
            cancelled += 1;
            assert_running(&simulated);
            assert_eq!(failure.error.kind(), ErrorKind::Cancelled, "at {moment}: {failure}");
            assert!(cluster.recover().await.unwrap().is_clean(), "nothing is owed");
            if let Some(report) = failure.report {
                assert_eq!((report.outcome, report.owing), (RunOutcome::Cancelled, false), "at {moment}");
                tokio::time::sleep(MINUTE).await;
                assert_abandonable(&simulated, &report, &before).await;
            }
        }
        assert!(cancelled > 10, "{version}: {cancelled}");
    }
}

#[tokio::test(start_paused = true)]
async fn drop_at_any_moment_closes_in_the_background() {
    for moment in (0..requests_of_a_run("8.6.0").await).step_by(5) {
        for future in [true, false] {
            let simulated = eight_six().await;
            let cluster = connect(&simulated).await;
            let planned = plan(&cluster);
            if future {
                tokio::select! {
                    ended = cluster.run(planned) => drop(ended),
                    () = until("that moment", || simulated.requests().len() >= moment) => {}
                }
            } else {
                let run = cluster.start(planned).await;
                until("that moment", || simulated.requests().len() >= moment).await;
                drop(run);
            }
            tokio::time::sleep(5 * MINUTE).await;
            assert_running(&simulated);
            assert!(cluster.recover().await.unwrap().is_clean(), "the run closed by itself");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_before_it_is_polled_sends_nothing() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let puts = simulated.journal().puts();
    simulated.start_recording();
    drop(cluster.run(plan(&cluster)));
    drop(cluster.start(plan(&cluster)));
    drop(cluster.recover());
    tokio::time::sleep(MINUTE).await;
    assert_eq!((simulated.requests().len(), simulated.journal().puts()), (0, puts));
}

#[tokio::test(start_paused = true)]
async fn a_detached_run_finishes_by_itself() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let planned = plan(&cluster);
    let id = planned.id().unwrap();
    cluster.start(planned).await.detach();
    tokio::time::sleep(5 * MINUTE).await;
    assert!(simulated.check(id).is_consistent(), "{:?}", simulated.check(id));
    assert_running(&simulated);
    let refused = cluster.abandon(id).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Foreign, "it is complete: {refused}");
    // Nobody waited for its report, and any later process has it.
    let later = connect(&simulated).await;
    let report = later.stored_report(id).await.unwrap().unwrap();
    assert_eq!((report.id.unwrap(), report.outcome), (id, RunOutcome::Completed));
    let runs = later.runs_with_reports().await.unwrap();
    assert_eq!((runs.len(), runs[0].as_str()), (1, report.run.as_str()));
    assert_eq!(later.report_of_run(&runs[0]).await.unwrap(), report);
    assert_eq!(later.stored_report(id.next().unwrap()).await.unwrap(), None);
    assert!(later.recover().await.unwrap().is_clean(), "a report is no record that something is owed");
}

#[tokio::test(start_paused = true)]
async fn the_report_of_a_failed_run_is_stored_as_it_was_returned() {
    let simulated = eight_six().await;
    simulated.inject(Rule::operation("zeebe.backups.create", Fault::Status(400)).unwrap());
    let cluster = connect(&simulated).await;
    let (_, report) = failed(cluster.run(plan(&cluster)).await);
    assert_eq!(cluster.stored_report(report.id.unwrap()).await.unwrap(), Some(report));
}

#[tokio::test(start_paused = true)]
async fn the_run_stops_when_the_last_handle_is_dropped_and_not_before() {
    for (detached, stops) in [(false, true), (true, false)] {
        let simulated = eight_six().await;
        let cluster = connect(&simulated).await;
        let run = cluster.start(plan(&cluster)).await;
        let (id, other) = (run.id().unwrap(), run.clone());
        until("paused", || is_paused(&simulated)).await;
        if detached {
            run.detach();
        } else {
            drop(run);
        }
        let last = other.clone();
        drop(other);
        drop(last);
        tokio::time::sleep(5 * MINUTE).await;
        assert_running(&simulated);
        let outcome = cluster.stored_report(id).await.unwrap().unwrap().outcome;
        assert_eq!(outcome == RunOutcome::Cancelled, stops, "{outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn any_handle_cancels_and_every_handle_gets_the_result() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let run = cluster.start(plan(&cluster)).await;
    let (canceller, waiter) = (run.clone(), tokio::spawn(run.clone().into_future()));
    until("paused", || is_paused(&simulated)).await;
    tokio::spawn(async move { canceller.cancel() });
    let (first, second) = (waiter.await.unwrap().unwrap_err(), run.await.unwrap_err());
    assert_eq!(first.error.kind(), ErrorKind::Cancelled, "{first}");
    assert_eq!(first.to_string(), second.to_string());
    assert_eq!(first.report, second.report);
    assert_running(&simulated);
}

#[tokio::test(start_paused = true)]
async fn shutdown_closes_within_the_grace() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let run = cluster.start(plan(&cluster)).await;
    until("paused", || is_paused(&simulated)).await;
    let (error, report) = failed_or_cancelled(run.shutdown(MINUTE).await);
    assert!(error.to_string().contains("shutting down"), "{error}");
    assert_eq!(report.outcome, RunOutcome::Cancelled);
    assert_running(&simulated);
}

#[tokio::test(start_paused = true)]
async fn shutdown_with_too_short_a_grace_says_who_pays() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    simulated.inject(
        Rule::operation("zeebe.exporting.resume", Fault::Delay(Duration::from_secs(8))).unwrap().times(1),
    );
    let run = cluster.start(plan(&cluster)).await;
    until("paused", || is_paused(&simulated)).await;
    let failure = run.shutdown(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::NeedsOperator, "{failure}");
    assert!(failure.error.advice().unwrap().contains("recover()"), "{failure}");
    assert!(is_paused(&simulated), "it had not closed yet");
    // The runtime lives on, so the run closes after all.
    tokio::time::sleep(MINUTE).await;
    assert_running(&simulated);
    assert!(cluster.recover().await.unwrap().is_clean());
}

fn failed_or_cancelled(
    ended: Result<camunda_backup::Report, camunda_backup::Failure>,
) -> (camunda_backup::Error, camunda_backup::Report) {
    let failure = ended.unwrap_err();
    (failure.error, *failure.report.unwrap())
}

#[test]
fn a_runtime_that_ends_inside_the_pause_leaves_a_debt_that_the_next_one_pays() {
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let first = runtime();
    let simulated = first.block_on(async {
        let simulated = eight_six().await;
        let cluster = connect(&simulated).await;
        let run = cluster.start(plan(&cluster)).await;
        until("paused", || is_paused(&simulated)).await;
        drop(run);
        simulated
    });
    drop(first);
    runtime().block_on(async {
        assert!(is_paused(&simulated));
        let recovered = connect(&simulated).await.recover().await.unwrap();
        assert_eq!(recovered.runs[0].paid.len(), 1, "{recovered}");
        assert_running(&simulated);
    });
}

#[test]
fn runs_on_a_multi_thread_runtime_in_real_time() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SimulationOptions::new("8.6.0".parse().unwrap(), StoreKind::Elasticsearch8);
        let simulated = SimulatedCluster::with(options);
        simulated.store().set_snapshot_duration(|_, _| Duration::from_millis(5));
        tokio::time::sleep(Duration::from_millis(500)).await; // virtual time
        completed(&simulated, backup(&simulated).await);
    });
}

#[tokio::test(start_paused = true)]
async fn recover_with_nothing_to_do_only_looks() {
    let simulated = eight_six().await;
    completed(&simulated, backup(&simulated).await);
    simulated.start_recording();
    let recovered =
        camunda_backup::recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();
    assert!(recovered.is_clean(), "{recovered}");
    assert_eq!(recovered.to_string().trim(), "nothing to recover");
    // A journal without a debt proves nothing, so exporting is looked at: the version, and each broker.
    let lines: Vec<String> = simulated.requests().into_iter().map(|request| request.line).collect();
    assert!(lines.iter().all(|line| line.starts_with("GET ")) && lines.len() <= 5, "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_returns_its_first_error_and_those_beside_it() {
    let simulated = eight_six().await;
    simulated.inject(Rule::operation("history.backups.create", Fault::Status(400)).unwrap());
    let cluster = connect(&simulated).await;
    let failure = cluster.run(plan(&cluster)).await.unwrap_err();
    let words = failure.to_string();
    assert!(words.contains("operate") && words.contains("beside it: tasklist"), "{words}");
    assert_eq!(failure.report.as_ref().unwrap().errors.len(), 1 + failure.secondary.len());
    drop(failed(Err(failure)));
}
