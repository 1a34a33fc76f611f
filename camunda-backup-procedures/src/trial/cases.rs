use std::time::Duration;

use camunda_backup_core::Timestamp;
use camunda_backup_core::error::ErrorKind;
use camunda_backup_zeebe::testing::Phase;
use serde_json::json;

use super::plan;
use crate::engine::{Entry, RunEventKind};
use crate::journal::RunId;
use crate::report::{Failure, Report};
use crate::run_handle::RunHandle;
use crate::testing::{SimulatedCluster, SimulatedProcess, StoreKind};
use crate::{Cluster, ConnectOptions, PastRun, RecoveredEnd, RunOutcome, past_entries, past_runs, recover};

const CLUSTER: &str = "camunda";
const INDEX: &str = "scratch-index";

async fn cluster() -> SimulatedCluster {
    let simulated = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8).unwrap();
    simulated.store().create_index(INDEX);
    for n in 0..5 {
        simulated.store().put_document(INDEX, &n.to_string(), json!({ "n": n }));
    }
    tokio::time::sleep(Duration::from_secs(10)).await; // virtual time
    simulated
}

async fn connect(simulated: &SimulatedCluster, options: ConnectOptions) -> Cluster {
    Cluster::connect_with(simulated.config().unwrap(), options).await.unwrap()
}

/// Waits for an event of the run.
async fn until(handle: &RunHandle, is_it: impl Fn(&RunEventKind) -> bool) {
    let mut events = handle.events();
    while let Some(event) = events.next().await {
        if is_it(&event.kind) {
            return;
        }
    }
}

/// Says yes to whatever the run asks, as an operator who has looked.
async fn answer(handle: &RunHandle) {
    let mut events = handle.events();
    while let Some(event) = events.next().await {
        if let RunEventKind::Asks { step, .. } = event.kind {
            handle.confirm(&step, "operator", "yes, I have looked").await.unwrap();
        }
    }
    std::future::pending::<()>().await;
}

/// Says yes until the run has reached a step.
async fn until_reached(handle: &RunHandle, wanted: &str) {
    tokio::select! {
        biased;
        () = until(handle, |event| matches!(event, RunEventKind::Reached { step, .. } if step == wanted)) => {}
        () = answer(handle) => unreachable!("it only answers"),
    }
}

/// Says yes until the run has ended.
async fn say_yes(handle: RunHandle) -> Result<Report, Failure> {
    let asked = handle.clone();
    tokio::select! {
        ended = handle => ended,
        () = answer(&asked) => unreachable!("it only answers"),
    }
}

/// One process on the cluster that begins the trial, or goes on with it; nothing when it dies.
async fn process(
    simulated: &SimulatedCluster,
    process: &SimulatedProcess,
) -> Option<Result<Report, Failure>> {
    let living = async {
        let cluster = connect(simulated, process.connect_options()).await;
        let open = past_runs(&simulated.journal(), CLUSTER).await.unwrap().pop();
        let handle = match open {
            Some(run) if run.outcome.is_none() => cluster.continue_run(&run.run).await.unwrap(),
            _ => cluster.start(plan(cluster.discovery(), INDEX)).await,
        };
        say_yes(handle).await
    };
    tokio::select! {
        biased;
        () = process.died() => None,
        ended = living => Some(ended),
    }
}

/// The index is as it was, exporting runs, and the run has ended once and for all.
async fn assert_done(simulated: &SimulatedCluster, report: &Report, how: &str) {
    let documents = simulated.store().documents(INDEX);
    assert_eq!(documents.len(), 5, "{how}: {documents:?}");
    let phases = simulated.camunda().phases();
    assert!(phases.values().all(|phase| *phase == Phase::Exporting), "{how}: {phases:?}");
    assert_eq!((report.outcome, report.owing), (RunOutcome::Completed, false), "{how}: {report}");
    let runs = past_runs(&simulated.journal(), CLUSTER).await.unwrap();
    assert_eq!(runs.len(), 1, "{how}");
    assert_eq!((runs[0].outcome, runs[0].owes.len()), (Some(RunOutcome::Completed), 0), "{how}: {}", runs[0]);
    let sent = |operation: &str| {
        let requests = simulated.requests();
        requests.iter().filter(|request| request.operation == operation).count()
    };
    assert_eq!(sent("store.snapshots.create"), 3, "{how}: each copy is made once");
    assert_eq!(sent("store.snapshots.restore"), 1, "{how}: restored once");
}

/// Says that it died, and what the recovery made of it.
async fn recovered(simulated: &SimulatedCluster) -> Option<RecoveredEnd> {
    let report = recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();
    assert!(report.runs.len() <= 1, "{report}");
    report.runs.first().map(|run| run.end)
}

#[tokio::test(start_paused = true)]
async fn it_runs_to_its_end_and_the_words_are_on_record() {
    let simulated = cluster().await;
    simulated.start_recording();
    let living = SimulatedProcess::immortal(&simulated);
    let report = process(&simulated, &living).await.unwrap().unwrap();
    assert_done(&simulated, &report, "without a death").await;
    let entries = past_entries(&simulated.journal(), CLUSTER, &report.run.parse().unwrap()).await.unwrap();
    let confirmed = entries.iter().filter_map(|moment| match &moment.entry {
        Entry::Confirmed { step, by, words } => Some((step.as_str(), by.as_str(), words.as_str())),
        _ => None,
    });
    let words = "yes, I have looked";
    let expected = [("copies-are-whole", "operator", words), ("all-is-well", "operator", words)];
    assert_eq!(confirmed.collect::<Vec<_>>(), expected);
    let text = report.plan.to_string();
    assert!(
        text.contains("if something in it fails:") && text.contains("restore-from-second-copy"),
        "{text}"
    );
}

/// How a process dies, by number: before or after the effect of a request, or of a record.
type Dying = fn(&SimulatedCluster, usize) -> SimulatedProcess;

const DYING: [(&str, Dying); 4] = [
    ("before request", SimulatedProcess::dying_before_request),
    ("after request", SimulatedProcess::dying_after_request),
    ("before record", SimulatedProcess::dying_before_append),
    ("after record", SimulatedProcess::dying_after_append),
];

/// Dies there, is perhaps recovered, and another process goes on. Whether it died.
async fn dies_and_is_continued(dying: Dying, number: usize, recover_between: bool, how: &str) -> bool {
    let simulated = cluster().await;
    simulated.start_recording();
    if let Some(ended) = process(&simulated, &dying(&simulated, number)).await {
        ended.unwrap_or_else(|failure| panic!("{how}: {failure}"));
        return false;
    }
    let runs = past_runs(&simulated.journal(), CLUSTER).await.unwrap();
    if let [PastRun { outcome: Some(outcome), owes, .. }] = runs.as_slice() {
        // It died after its end.
        assert_eq!((*outcome, owes.len()), (RunOutcome::Completed, 0), "{how}");
        return true;
    }
    if recover_between {
        let end = recovered(&simulated).await;
        assert!(matches!(end, None | Some(RecoveredEnd::ToBeContinued)), "{how}: {end:?}");
        let phases = simulated.camunda().phases();
        assert!(phases.values().all(|phase| *phase == Phase::Exporting), "{how}: {phases:?}");
    }
    tokio::time::sleep(Duration::from_secs(3 * 24 * 60 * 60)).await; // virtual time: days
    let next = SimulatedProcess::immortal(&simulated);
    let ended = process(&simulated, &next).await.unwrap();
    let report = ended.unwrap_or_else(|failure| panic!("{how}: {failure}"));
    assert_done(&simulated, &report, how).await;
    true
}

#[test]
fn wherever_its_process_dies_another_goes_on() {
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let (requests, records) = runtime().block_on(async {
        let simulated = cluster().await;
        let living = SimulatedProcess::immortal(&simulated);
        process(&simulated, &living).await.unwrap().unwrap();
        (living.requests(), living.appends())
    });
    assert!(requests > 40 && records > 25, "{requests} requests, {records} records");
    let mut died = 0;
    for (kind, dying) in DYING {
        let places = if kind.ends_with("request") { requests } else { records };
        for number in 0..places {
            let recover_between = number % 2 == 0;
            let how = format!("{kind} {number}, recovered: {recover_between}");
            let case = dies_and_is_continued(dying, number, recover_between, &how);
            died += usize::from(runtime().block_on(case));
        }
    }
    // The last record is that of the claim's release, after the end.
    let all = 2 * (requests + records);
    assert!(died >= all - 4, "{died} of {all} died");
}

#[tokio::test(start_paused = true)]
async fn what_it_owes_is_paid_it_stays_open_and_keeps_others_out() {
    let simulated = cluster().await;
    let victim = SimulatedProcess::immortal(&simulated);
    let cluster = connect(&simulated, victim.connect_options()).await;
    let handle = cluster.start(plan(cluster.discovery(), INDEX)).await;
    until_reached(&handle, "soft-pause-exporting").await;
    victim.kill();

    let first = recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();
    assert_eq!((first.runs[0].end, first.runs[0].paid.len()), (RecoveredEnd::ToBeContinued, 1), "{first}");
    let run: RunId = first.runs[0].run.parse().unwrap();
    assert!(first.to_string().contains("to be continued"), "{first}");
    let puts = simulated.journal().puts();
    assert_eq!(recovered(&simulated).await, Some(RecoveredEnd::ToBeContinued));
    assert_eq!(simulated.journal().puts(), puts, "nothing to do, so nothing is written");

    let next = connect(&simulated, simulated.connect_options()).await;
    let backup = next.plan_backup(crate::BackupSpec::default()).unwrap();
    let failure = next.run(backup).await.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Blocked, "{failure}");
    assert!(
        failure.to_string().contains(run.as_str()) && failure.to_string().contains("give_up_run"),
        "{failure}"
    );

    let ended = next.give_up_run(&run, "operator", "the index is not needed").await.unwrap();
    assert_eq!(ended.run, run.to_string());
    let past = past_runs(&simulated.journal(), CLUSTER).await.unwrap().remove(0);
    assert_eq!(past.outcome, Some(RunOutcome::Abandoned));
    assert_eq!(past.error.as_deref(), Some("given up by operator: the index is not needed"));
    for error in [
        next.continue_run(&run).await.map(drop).unwrap_err(),
        next.give_up_run(&run, "operator", "again").await.map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Blocked, "{}", error.report());
    }
    next.run(next.plan_backup(crate::BackupSpec::default()).unwrap()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn only_an_open_run_of_the_right_kind_is_continued_by_one_process() {
    let simulated = cluster().await;
    let cluster = connect(&simulated, simulated.connect_options()).await;
    let unknown = RunId::new(Timestamp::from_millis(1_767_225_600_000), 1);
    assert_eq!(cluster.continue_run(&unknown).await.unwrap_err().kind(), ErrorKind::NotFound);

    let victim = SimulatedProcess::immortal(&simulated);
    let dying = connect(&simulated, victim.connect_options()).await;
    let backup = dying.start(dying.plan_backup(crate::BackupSpec::default()).unwrap()).await;
    until(&backup, |event| matches!(event, RunEventKind::Owes { .. })).await;
    victim.kill();
    let error = cluster.continue_run(&backup.run_id().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Blocked);
    assert!(error.report().contains("recover()"), "{}", error.report());
    recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();

    let trial = cluster.start(plan(cluster.discovery(), INDEX)).await;
    until(&trial, |event| matches!(event, RunEventKind::Asks { .. })).await;
    let other = connect(&simulated, simulated.connect_options()).await;
    let failure = other.continue_run(&trial.run_id().unwrap()).await.unwrap().await.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Claimed, "{failure}");
    trial.cancel();
    let failure = trial.await.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Cancelled, "{failure}");
    assert_eq!(simulated.store().documents(INDEX).len(), 5, "nobody said yes");
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_lost_while_nobody_runs_stops_it_before_anything_is_deleted() {
    let simulated = cluster().await;
    let victim = SimulatedProcess::immortal(&simulated);
    let dying = connect(&simulated, victim.connect_options()).await;
    let trial = dying.start(plan(dying.discovery(), INDEX)).await;
    until_reached(&trial, "copies-are-whole").await;
    victim.kill();
    let repository = simulated.config().unwrap().repository.unwrap();
    assert!(simulated.store().remove_snapshot(repository.as_str(), "copy-2"));
    let living = SimulatedProcess::immortal(&simulated);
    let failure = process(&simulated, &living).await.unwrap().unwrap_err();
    assert!(failure.to_string().contains("copy-2 is not whole"), "{failure}");
    assert_eq!(simulated.store().documents(INDEX).len(), 5);
}
