//! Backups that lack something and must not be PROVEN.

use camunda_backup::testing::{Fault, Rule, SimulatedCluster, StoreKind};
use camunda_backup::zeebe::testing::ZeebeBackupOutcome;
use camunda_backup::{
    BackupSpec, Component, ConditionStatus, ErrorKind, Failure, FindingCode, Report, RunEventKind,
    RunOutcome, Verdict,
};
use serde_json::json;

use super::MINUTE;
use crate::world::{
    artifacts, assert_abandonable, assert_running, backup, completed, connect, connect_with, eight_six,
    failed, findings, just_before, overriding, plan, until, world,
};

fn standing(report: &Report, number: &str) -> ConditionStatus {
    report.conditions.iter().find(|condition| condition.number == number).unwrap().standing
}

#[tokio::test(start_paused = true)]
async fn an_application_that_was_forgotten_is_a_blocker() {
    for (version, app) in
        [("8.6.0", "tasklist"), ("8.6.0", "optimize"), ("8.8.0", "webapps"), ("8.8.0", "optimize")]
    {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        let cluster = connect_with(&simulated, |config| match app {
            "tasklist" => config.tasklist = None,
            "webapps" => config.webapps = None,
            _ => config.optimize = None,
        });
        let cluster = cluster.await.unwrap();
        let error = cluster.plan_backup(BackupSpec::default()).unwrap_err();
        assert!(error.to_string().contains(&format!("application-forgotten ({app})")), "{version}: {error}");
        // Another cluster's indices may be vouched for, and then it is no proof.
        let planned = cluster.plan_backup(overriding(&[FindingCode::ApplicationForgotten])).unwrap();
        assert_eq!(
            cluster.run(planned).await.unwrap().verdict,
            Verdict::Plausible,
            "{version} without {app}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn without_records_nothing_is_proven() {
    for version in ["8.5.8", "8.6.0", "8.8.0"] {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        let wrong = connect_with(&simulated, |config| config.record_prefix = "wrong".parse().unwrap());
        let cluster = wrong.await.unwrap();
        let planned = cluster.plan_backup(overriding(&[FindingCode::PrefixWithoutIndices])).unwrap();
        let report = cluster.run(planned).await.unwrap();
        assert_eq!(report.verdict, Verdict::Plausible, "{version}");
        assert_eq!(standing(&report, "N5"), ConditionStatus::Unproven, "{version}: {report}");
    }
}

/// Nothing but Zeebe is configured, and an exporter says that there is more.
#[tokio::test(start_paused = true)]
async fn a_cluster_of_which_only_zeebe_is_configured_is_not_proven() {
    for version in ["8.6.0", "8.8.0"] {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        let bare = connect_with(&simulated, |config| {
            (config.operate, config.tasklist, config.webapps, config.optimize) = (None, None, None, None);
            (config.store, config.repository) = (None, None);
        });
        let cluster = bare.await.unwrap();
        let report = cluster.run(plan(&cluster)).await.unwrap();
        assert_eq!(
            (standing(&report, "N5"), report.verdict),
            (ConditionStatus::Unproven, Verdict::Plausible)
        );
        tokio::time::sleep(MINUTE).await; // virtual time: the next id
        let mut asked_for = BackupSpec::default();
        asked_for.zeebe_only = true;
        let cluster = connect(&simulated).await;
        let report = cluster.run(cluster.plan_backup(asked_for).unwrap()).await.unwrap();
        assert_eq!(report.verdict, Verdict::Proven, "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_live_index_to_compare_with_is_no_proof() {
    let simulated = eight_six().await;
    let wrong = connect_with(&simulated, |config| config.app_prefixes = vec!["wrong".parse().unwrap()]);
    let cluster = wrong.await.unwrap();
    let report = completed(&simulated, cluster.run(plan(&cluster)).await);
    assert_eq!((standing(&report, "N4"), report.verdict), (ConditionStatus::Unproven, Verdict::Plausible));
}

#[tokio::test(start_paused = true)]
async fn a_second_backup_in_the_window_is_not_none() {
    let simulated = eight_six().await;
    simulated.camunda().set_zeebe_backup_outcome(ZeebeBackupOutcome::NeverEnds);
    let first = connect(&simulated).await;
    let mut spec = BackupSpec::default();
    spec.zeebe_only = true;
    let run = first.start(first.plan_backup(spec).unwrap()).await;
    until("asked for", || !simulated.camunda().backup_ids().is_empty()).await;
    run.cancel();
    drop(run.finished().await);
    simulated.camunda().set_zeebe_backup_outcome(ZeebeBackupOutcome::Complete);
    tokio::time::sleep(MINUTE).await; // virtual time: the next id
    let cluster = connect(&simulated).await;
    let planned = cluster.plan_backup(overriding(&[FindingCode::BackupRunning])).unwrap();
    let report = cluster.run(planned).await.unwrap();
    assert_eq!((standing(&report, "T7"), report.verdict), (ConditionStatus::Unproven, Verdict::Plausible));
}

#[tokio::test(start_paused = true)]
async fn a_pause_by_somebody_else_right_afterwards_is_said() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let run = cluster.start(plan(&cluster)).await;
    let mut events = run.events();
    let paused_again = async {
        while let Some(event) = events.next().await {
            if matches!(event.kind, RunEventKind::Paid { .. }) {
                simulated.camunda().foreign_pause(true);
            }
        }
    };
    let (report, ()) = tokio::join!(run.finished(), paused_again);
    let report = report.unwrap();
    assert_ne!(report.verdict, Verdict::Proven, "{report}");
    let t7 = report.conditions.iter().find(|condition| condition.number == "T7").unwrap();
    assert!(t7.reason.contains("somebody paused again"), "{t7}");
}

#[tokio::test(start_paused = true)]
async fn changes_that_could_not_be_read_are_neither_a_violation_nor_a_proof() {
    let simulated = eight_six().await;
    let watched = simulated.clone();
    // From the resume on the gateway does not tell the cluster's changes.
    let over = move |operation: &str| {
        operation == "zeebe.cluster.state" && !watched.camunda().pause_history().is_empty()
    };
    simulated.inject(Rule::when(move |request| over(request.operation), Fault::Status(502)));
    let report = completed(&simulated, backup(&simulated).await);
    assert_eq!(
        (standing(&report, "N12"), report.verdict),
        (ConditionStatus::Unproven, Verdict::Plausible),
        "{report}"
    );

    let simulated = eight_six().await;
    simulated.inject(Rule::operation("zeebe.cluster.state", Fault::Status(401)).unwrap());
    simulated.inject(Rule::operation("zeebe.exporters.list", Fault::Status(401)).unwrap());
    simulated.inject(Rule::operation("store.disk", Fault::Status(403)).unwrap());
    let found = findings(&connect(&simulated).await);
    for code in [FindingCode::ChangePending, FindingCode::ExporterNotEnabled] {
        assert!(found.iter().any(|finding| finding.code == code), "{code}: {found:?}");
    }
}

/// I4: every part succeeds, and together they are no recovery point. The run fails, and the journal says so.
#[tokio::test(start_paused = true)]
async fn parts_that_all_succeed_and_do_not_belong_together_are_a_failed_run() {
    // Operate was upgraded after everything had been looked at: its parts carry another version.
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let planned = plan(&cluster);
    simulated.camunda().set_component_version(Component::Operate, "8.6.7".parse().unwrap());
    let ended = cluster.run(planned).await;
    Box::pin(assert_failed_as_inconsistent(&simulated, ended, "N6", "one version")).await;

    // Somebody else took a backup inside the window.
    let simulated = eight_six().await;
    just_before(&simulated, "zeebe.exporting.resume", |simulated| simulated.camunda().add_foreign_backup(7));
    let ended = backup(&simulated).await;
    Box::pin(assert_failed_as_inconsistent(&simulated, ended, "T7", "who else takes backups")).await;

    // A record of the future.
    let simulated = eight_six().await;
    just_before(&simulated, "store.max_by_group", |simulated| {
        let indices = simulated.store().index_names();
        let index = indices.iter().find(|name| name.starts_with("zeebe-record")).unwrap();
        simulated.store().put_document(index, "late", json!({"partitionId": 1, "position": 1_000_000_000}));
    });
    let ended = backup(&simulated).await;
    Box::pin(assert_failed_as_inconsistent(&simulated, ended, "N10", "another try ends the same way")).await;
}

async fn assert_failed_as_inconsistent(
    simulated: &SimulatedCluster,
    ended: Result<Report, Failure>,
    number: &str,
    advice: &str,
) {
    let (error, report) = failed(ended);
    assert_eq!((report.outcome, report.verdict), (RunOutcome::Failed, Verdict::Inconsistent), "{report}");
    assert_eq!((standing(&report, number), error.kind()), (ConditionStatus::Violated, ErrorKind::Failed));
    assert!(report.is_whole() && !report.owing && report.errors.len() == 1, "{report}");
    assert!(error.to_string().contains("INCONSISTENT") && error.to_string().contains(number), "{error}");
    assert!(error.advice().unwrap().contains(advice), "{}", error.report());
    assert!(!report.leftovers.is_empty() && report.to_string().contains("FAILED, INCONSISTENT"), "{report}");
    assert_running(simulated);
    // The journal does not call it complete either, so it may be abandoned.
    let foreign = artifacts(simulated).into_iter().filter(|name| name == "zeebe 7").collect();
    assert_abandonable(simulated, &report, &foreign).await;
}
