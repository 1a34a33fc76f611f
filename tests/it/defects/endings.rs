//! Runs that ended wrongly: half, never, or with later parts after a failed one.

use std::time::Duration;

use camunda_backup::es::testing::SnapshotFault;
use camunda_backup::testing::{Fault, Rule, SimulatedProcess, StoreKind};
use camunda_backup::zeebe::testing::ZeebeBackupOutcome;
use camunda_backup::{BackupSpec, Cluster, ErrorKind, RunOutcome};

use crate::world::{
    add_foreign, artifacts, assert_abandonable, assert_resumed_within, assert_running, backup, changes,
    completed, connect, eight_six, failed, is_paused, just_before, plan, sent, until, world,
};

#[tokio::test(start_paused = true)]
async fn d08_without_the_records_snapshot_nothing_completes() {
    let simulated = eight_six().await;
    simulated.store().fail_snapshots_matching("zeebe_records", SnapshotFault::RefusedAtStart);
    let before = artifacts(&simulated);
    let (error, report) = failed(backup(&simulated).await);
    assert_eq!(report.outcome, RunOutcome::Failed);
    assert!(error.to_string().starts_with("store: "), "{error}");
    assert_eq!(sent(&simulated, "zeebe.backups.create").len(), 0, "later parts are not started");
    assert_resumed_within(&simulated, Duration::from_secs(90));
    assert_abandonable(&simulated, &report, &before).await;
}

#[tokio::test(start_paused = true)]
async fn d14_a_partial_delete_is_reported_and_can_be_repeated() {
    let simulated = eight_six().await;
    add_foreign(&simulated).await;
    simulated.camunda().set_zeebe_backup_outcome(ZeebeBackupOutcome::Fail);
    let before = artifacts(&simulated);
    let (_, report) = failed(backup(&simulated).await);
    // The applications acknowledge and delete nothing; the store refuses one of the exact names.
    simulated.inject(Rule::when(
        |r| r.line.starts_with("DELETE ") && r.line.contains("part_3_of"),
        Fault::Status(500),
    ));
    simulated.inject(Rule::operation("history.backups.delete", Fault::Status(204)).unwrap());
    let cluster = connect(&simulated).await;
    let abandoned = cluster.abandon(report.id.unwrap()).await.unwrap();
    let left: Vec<String> = artifacts(&simulated).difference(&before).cloned().collect();
    assert!(!left.is_empty());
    for name in &left {
        assert!(abandoned.remaining.iter().any(|why| why.contains(name)), "{name}: {abandoned}");
        assert!(!abandoned.deleted.iter().any(|what| what.contains(name)), "{name}: {abandoned}");
    }
    for app in ["operate", "tasklist"] {
        let claimed = abandoned.deleted.iter().any(|what| what.contains(&format!("parts of {app}")));
        assert!(!claimed, "a part of {app} is still there: {abandoned}");
    }
    simulated.heal();
    assert_abandonable(&simulated, &report, &before).await;
    // 404 counts as gone: once more is a success.
    assert_eq!(cluster.abandon(report.id.unwrap()).await.unwrap().remaining, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn d20_the_watchdog_ends_a_backup_that_never_ends() {
    for version in ["8.5.0", "8.6.0", "8.8.0", "8.10.0"] {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        simulated.camunda().set_zeebe_backup_outcome(ZeebeBackupOutcome::NeverEnds);
        let (error, report) = failed(backup(&simulated).await);
        assert_eq!(error.kind(), ErrorKind::Failed, "{version}: {error}");
        assert!(error.to_string().contains("nothing moves for 60"), "{version}: {error}");
        assert_resumed_within(&simulated, Duration::from_secs(11 * 60));
        assert!(!report.owing && report.paused.unwrap() < Duration::from_secs(11 * 60));
    }
}

#[tokio::test(start_paused = true)]
async fn d20_the_bound_of_the_pause_holds_also_while_something_moves() {
    let simulated = eight_six().await;
    simulated.store().set_snapshot_duration(|name, _| {
        Duration::from_secs(if name.contains("zeebe_records") { 3 * 3600 } else { 1 })
    });
    let (error, _) = failed(backup(&simulated).await);
    assert!(matches!(error.kind(), ErrorKind::DeadlineExceeded | ErrorKind::Failed), "{error}");
    assert_resumed_within(&simulated, Duration::from_secs(15 * 60 + 5));
}

#[tokio::test(start_paused = true)]
async fn d23_the_first_failure_ends_the_run() {
    let simulated = eight_six().await;
    simulated.store().fail_snapshots_matching("operate", SnapshotFault::Failed);
    failed(backup(&simulated).await);
    let changes = changes(&simulated);
    for never in ["zeebe.exporting.pause", "store.snapshots.create", "zeebe.backups.create"] {
        assert!(!changes.contains(&never), "{changes:?}");
    }

    let simulated = world("8.8.0", StoreKind::Elasticsearch8).await;
    simulated.store().fail_snapshots_matching("webapps", SnapshotFault::Failed);
    failed(backup(&simulated).await);
    let changes = crate::world::changes(&simulated);
    for never in ["store.snapshots.create", "zeebe.backups.create"] {
        assert!(!changes.contains(&never), "{changes:?}");
    }
    assert_resumed_within(&simulated, Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn d24_recovery_closes_what_a_dead_process_left_and_relabels_nothing_before() {
    let simulated = eight_six().await;
    let process = SimulatedProcess::immortal(&simulated);
    let cluster =
        Cluster::connect_with(simulated.config().unwrap(), process.connect_options()).await.unwrap();
    let planned = plan(&cluster);
    let id = planned.id().unwrap();
    let run = tokio::spawn(async move { cluster.run(planned).await.map(|_| ()) });
    until("paused", || is_paused(&simulated)).await;
    process.kill();
    run.abort();

    // A recovery that cannot see exporting run pays nothing and says so.
    simulated.inject(Rule::when(|r| r.line.contains("/actuator/exporting/resume"), Fault::Refuse));
    simulated.inject(Rule::when(|r| r.line.contains("/actuator/partitions"), Fault::Refuse));
    let error = connect(&simulated).await.recover().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeedsOperator, "{error}");
    assert!(error.advice().unwrap().contains("curl"), "{}", error.report());
    assert!(is_paused(&simulated));
    simulated.heal();

    let cluster = connect(&simulated).await;
    let refused = cluster.plan_backup(BackupSpec::default()).unwrap_err();
    assert!(refused.to_string().contains("exporting-paused"), "{refused}");
    let recovered = cluster.recover().await.unwrap();
    assert_running(&simulated);
    assert_eq!((recovered.runs.len(), recovered.runs[0].id), (1, Some(id)), "{recovered}");
    assert_eq!(recovered.runs[0].paid.len(), 1, "{recovered}");
    assert!(cluster.recover().await.unwrap().is_clean());
    let next = completed(&simulated, backup(&simulated).await);
    assert!(next.id.unwrap() > id, "the id of the dead run is used up");
}

#[tokio::test(start_paused = true)]
async fn d34_a_failed_run_lists_its_leftovers_and_abandon_deletes_exactly_these() {
    for version in ["8.2.29", "8.5.8", "8.6.0", "8.8.0", "8.10.0"] {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        if version == "8.6.0" {
            add_foreign(&simulated).await;
        }
        let earlier = completed(&simulated, backup(&simulated).await);
        let before = artifacts(&simulated);
        simulated.camunda().set_zeebe_backup_outcome(ZeebeBackupOutcome::Fail);
        let (_, report) = failed(backup(&simulated).await);
        assert!(report.leftovers.len() >= 3, "{version}: {:?}", report.leftovers);
        assert!(
            report.leftovers.iter().all(|leftover| leftover.delete.contains("curl")),
            "{:?}",
            report.leftovers
        );
        assert_abandonable(&simulated, &report, &before).await;
        let refused = connect(&simulated).await.abandon(earlier.id.unwrap()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Foreign, "a complete backup is not abandoned: {refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn d34_an_id_that_the_journal_does_not_know_is_not_abandoned() {
    let simulated = eight_six().await;
    add_foreign(&simulated).await;
    let before = artifacts(&simulated);
    let cluster = connect(&simulated).await;
    simulated.start_recording();
    let refused = cluster.abandon(camunda_backup::BackupId::new(7).unwrap()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Foreign);
    assert_eq!((artifacts(&simulated), simulated.requests().len()), (before, 0));
}

#[tokio::test(start_paused = true)]
async fn d34_a_dead_runs_leftovers_are_listed_by_recover() {
    let simulated = eight_six().await;
    let before = artifacts(&simulated);
    let process = SimulatedProcess::immortal(&simulated);
    let cluster =
        Cluster::connect_with(simulated.config().unwrap(), process.connect_options()).await.unwrap();
    let planned = plan(&cluster);
    let id = planned.id().unwrap();
    just_before(&simulated, "zeebe.backups.create", {
        let process = process.clone();
        move |_| process.kill()
    });
    tokio::select! {
        _ = cluster.run(planned) => panic!("the process is dead"),
        () = process.died() => {}
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    let cluster = connect(&simulated).await;
    let recovered = cluster.recover().await.unwrap();
    assert_running(&simulated);
    let listed = format!("{:?}", recovered.runs[0].leftovers);
    for artifact in artifacts(&simulated).difference(&before) {
        let part = artifact
            .split_once("_8.6.0")
            .map_or(artifact.replace("zeebe ", "Zeebe backup "), |(head, _)| head.to_owned());
        assert!(listed.contains(&part), "{artifact}: {listed}");
    }
    assert_eq!(cluster.abandon(id).await.unwrap().remaining, Vec::<String>::new());
    assert_eq!(artifacts(&simulated), before);
}
