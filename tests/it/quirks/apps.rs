//! Q3, Q22–Q24: the web applications' own backups, and the store as the second witness.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use camunda_backup::testing::{Fault, Rule, SeenRequest, StoreKind};
use camunda_backup::{ErrorKind, FindingCode, Verdict};
use serde_json::Value;

use crate::world::{
    artifacts, assert_abandonable, assert_resumed_within, assert_running, backup, completed, connect,
    eight_six, failed, findings, just_before, plan, sent, snapshot, until, world,
};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn q03_operate_on_opensearch_cannot_say_while_it_works_and_the_store_can() {
    for store in [StoreKind::OpenSearch1, StoreKind::OpenSearch2, StoreKind::OpenSearch3] {
        let simulated = world("8.6.0", store).await;
        simulated.store().set_snapshot_duration(|_, _| Duration::from_secs(20));
        let report = completed(&simulated, backup(&simulated).await);
        assert_eq!(report.verdict, Verdict::Proven, "{store:?}: {report}");
    }
}

#[tokio::test(start_paused = true)]
async fn q03_when_the_application_cannot_say_the_store_wins_and_the_report_says_so() {
    let simulated = eight_six().await;
    // Operate answers 400 for everything once it works, as it does when its own view of the store is broken.
    let begun = std::sync::atomic::AtomicBool::new(false);
    simulated.inject(Rule::when(
        move |request| {
            use std::sync::atomic::Ordering::SeqCst;
            let operate = request.line.contains("operate.sim");
            begun.fetch_or(operate && request.operation == "history.backups.create", SeqCst);
            operate && request.operation == "history.backups.status" && begun.load(SeqCst)
        },
        Fault::Status(400),
    ));
    let report = completed(&simulated, backup(&simulated).await);
    let bundle = serde_json::to_string(&report).unwrap();
    assert!(bundle.contains("the store has every part"), "the disagreement is evidence");
}

#[tokio::test(start_paused = true)]
async fn q03_a_store_that_is_away_for_a_while_is_waited_for() {
    let simulated = eight_six().await;
    simulated.inject(Rule::operation("history.backups.status", Fault::Status(502)).unwrap().times(6));
    let of_one_app = |line: &str| line.contains("_snapshot/") && line.contains("camunda_");
    simulated.inject(Rule::when(move |request| of_one_app(&request.line), Fault::Refuse).times(6));
    completed(&simulated, backup(&simulated).await);
}

#[tokio::test(start_paused = true)]
async fn q22_a_part_longer_than_the_socket_timeout_is_recognised_and_the_setting_is_named() {
    let simulated = eight_six().await;
    simulated.store().set_snapshot_duration(|name, _| {
        Duration::from_secs(if name.contains("tasklist") && name.contains("part_2") { 31 } else { 1 })
    });
    let before = artifacts(&simulated);
    let (error, report) = failed(backup(&simulated).await);
    assert!(error.to_string().contains("tasklist") && error.to_string().contains("2 of 6 parts"), "{error}");
    let advice = error.advice().unwrap();
    assert!(
        advice.contains("CAMUNDA_TASKLIST_ELASTICSEARCH_SOCKETTIMEOUT") && advice.contains("30 s"),
        "{advice}"
    );
    assert!(sent(&simulated, "zeebe.exporting.pause").is_empty(), "nothing was paused for it");
    assert_abandonable(&simulated, &report, &before).await;
}

#[tokio::test(start_paused = true)]
async fn q22_parts_that_came_near_the_timeout_are_warned_about() {
    let simulated = eight_six().await;
    simulated
        .store()
        .set_snapshot_duration(|name, _| Duration::from_secs(if name.contains("operate") { 25 } else { 1 }));
    assert!(
        !findings(&connect(&simulated).await).iter().any(|finding| finding.code == FindingCode::PartsSlow)
    );
    completed(&simulated, backup(&simulated).await);
    let findings = findings(&connect(&simulated).await);
    let slow: Vec<_> = findings.iter().filter(|finding| finding.code == FindingCode::PartsSlow).collect();
    assert_eq!(slow.len(), 1, "{findings:?}");
    assert!(slow[0].component == "operate" && slow[0].seen.contains("25"), "{}", slow[0]);
    assert!(slow[0].advice.contains("CAMUNDA_OPERATE_ELASTICSEARCH_SOCKETTIMEOUT"), "{}", slow[0]);
}

#[tokio::test(start_paused = true)]
async fn q23_another_running_backup_is_seen_by_us_because_the_server_does_not_guard() {
    let simulated = eight_six().await;
    simulated.store().set_snapshot_duration(|_, _| Duration::from_secs(5));
    let cluster = connect(&simulated).await;
    let planned = plan(&cluster);
    // Somebody without our journal.
    let other = crate::world::eight_six().await.journal();
    let mut parts = simulated.connect_options();
    parts.journal = Some(std::sync::Arc::new(other));
    let stranger = camunda_backup::Cluster::connect_with(simulated.config().unwrap(), parts).await.unwrap();
    let theirs = stranger.start(plan(&stranger)).await;
    until("their parts run", || simulated.store().is_busy()).await;
    let refused = cluster.run(planned).await.unwrap_err();
    assert_eq!(refused.error.kind(), ErrorKind::Blocked, "{refused}");
    assert!(refused.error.to_string().contains("backup-running"), "{refused}");
    completed(&simulated, theirs.finished().await);
}

#[tokio::test(start_paused = true)]
async fn q23_a_204_to_a_delete_is_not_believed() {
    let simulated = eight_six().await;
    let before = artifacts(&simulated);
    simulated.camunda().set_zeebe_backup_outcome(camunda_backup::zeebe::testing::ZeebeBackupOutcome::Fail);
    let (_, report) = failed(backup(&simulated).await);
    // Acknowledged, and nothing is done.
    for operation in ["history.backups.delete", "optimize.backups.delete"] {
        simulated.inject(Rule::operation(operation, Fault::Status(204)).unwrap());
    }
    assert_abandonable(&simulated, &report, &before).await;
}

#[tokio::test(start_paused = true)]
async fn q24_a_poisoned_list_is_a_warning_that_names_the_culprit() {
    for (version, name) in [("8.6.0", "camunda_operate_before_the_update"), ("8.5.8", "camunda_operate_mine")]
    {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        snapshot(&simulated, name, Value::Null);
        tokio::time::sleep(MINUTE).await;
        let report = completed(&simulated, backup(&simulated).await);
        let unreadable: Vec<_> =
            report.findings.iter().filter(|finding| finding.code == FindingCode::HistoryUnreadable).collect();
        assert_eq!(unreadable.len(), 1, "{report}");
        assert_eq!(unreadable[0].component, "operate");
        assert!(unreadable[0].advice.contains(name), "the culprit is named: {}", unreadable[0]);
        assert_ne!(report.verdict, Verdict::Inconsistent, "{report}");
        assert!(artifacts(&simulated).contains(name), "and left alone");
    }
}

#[tokio::test(start_paused = true)]
async fn q24_our_own_snapshots_poison_nobodys_list() {
    let simulated = eight_six().await;
    completed(&simulated, backup(&simulated).await);
    let cluster = connect(&simulated).await;
    assert!(!findings(&cluster).iter().any(|finding| finding.code == FindingCode::HistoryUnreadable));
    let lists: Vec<usize> =
        cluster.facts().history_backups.values().map(|probe| probe.seen().unwrap().len()).collect();
    assert_eq!(lists, [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn an_application_that_dies_is_an_error_before_the_pause() {
    let simulated = eight_six().await;
    just_before(&simulated, "optimize.backups.create", |simulated| simulated.camunda().kill_operate());
    let (error, _) = failed(backup(&simulated).await);
    assert!(error.to_string().contains("operate"), "{error}");
    assert!(sent(&simulated, "zeebe.exporting.pause").is_empty());
    assert_running(&simulated);
}

/// Inside the pause, where every second counts: an application that is silent, or refuses to say how far it is, leaves it to
/// the store.
#[tokio::test(start_paused = true)]
async fn q10_an_application_that_does_not_say_how_far_it_is_costs_seconds() {
    for fault in [Fault::Hang, Fault::Status(403), Fault::Status(502)] {
        let simulated = world("8.8.0", StoreKind::Elasticsearch8).await;
        let began = AtomicBool::new(false);
        let after_the_request = move |request: &SeenRequest| {
            if request.operation.ends_with(".backups.create") {
                began.store(true, Ordering::SeqCst);
            }
            let asked = ["history.backups.status", "optimize.backups.status"].contains(&request.operation);
            asked && began.load(Ordering::SeqCst)
        };
        simulated.inject(Rule::when(after_the_request, fault));
        let report = completed(&simulated, backup(&simulated).await);
        assert_eq!(report.verdict, Verdict::Proven, "{fault:?}: {report}");
        assert!(report.to_string().contains("the store has every part"), "{fault:?}: {report}");
        assert_resumed_within(&simulated, Duration::from_secs(45));
    }
}
