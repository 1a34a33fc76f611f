//! Two clusters on one store whose prefixes begin alike, and indices that nobody in the configuration backs up.

use camunda_backup::testing::{SimulatedCluster, StoreKind};
use camunda_backup::{ClusterConfig, Condition, ConditionStatus, FindingCode, Report, Verdict};
use serde_json::json;

use crate::world::{backup, completed, connect_with, plan, sent, tuned, world};

fn condition<'a>(report: &'a Report, number: &str) -> &'a Condition {
    report.conditions.iter().find(|condition| condition.number == number).unwrap()
}

fn put(simulated: &SimulatedCluster, index: &str, position: i64) {
    simulated.store().put_document(index, "1", json!({"partitionId": 1, "position": position}));
}

async fn run_with(simulated: &SimulatedCluster, change: impl FnOnce(&mut ClusterConfig)) -> Report {
    let cluster = connect_with(simulated, change).await.unwrap();
    completed(simulated, cluster.run(plan(&cluster)).await)
}

/// The indices of everything in the repository whose name has the id.
fn saved(simulated: &SimulatedCluster, report: &Report) -> Vec<String> {
    let snapshots = simulated.store().snapshots("backups").into_iter();
    let ours = snapshots.filter(|snapshot| snapshot.name.contains(&report.id.unwrap().to_string()));
    ours.flat_map(|snapshot| snapshot.indices).collect()
}

/// Two clusters on one store. The other one's positions are far below or far above ours.
#[tokio::test(start_paused = true)]
async fn another_clusters_indices_are_neither_saved_nor_read_nor_judged() {
    for (version, others) in [
        (
            "8.6.0",
            [
                "zeebe-record-dev2_job_8.6.0_2026-06-03",
                "zeebe-record_dev2_job_8.6.0_2026-06-03",
                "operate-dev2-list-view-8.3.0_",
                "tasklist-dev2-task-8.5.0_",
                "optimize-dev2-process-definition_v6",
                "zeebe-record2_job_8.6.0_2026-06-03",
            ],
        ),
        (
            "8.8.0",
            [
                "zeebe-record-dev2_job_8.8.0_2026-06-03",
                "zeebe-record_dev2_job_8.8.0_2026-06-03",
                "operate-dev2-operate-list-view-8.3.0_",
                "camunda-operate-list-view-8.3.0_",
                "dev2-operate-list-view-8.3.0_",
                "optimize-dev2-process-instance-invoice_v8",
            ],
        ),
    ] {
        for position in [3, 9_000_000] {
            let simulated = world(version, StoreKind::Elasticsearch8).await;
            for index in others {
                put(&simulated, index, position);
            }
            simulated.store().set_red(others[2], true);
            simulated.start_recording();
            let report = run_with(&simulated, |_| {}).await;
            assert_eq!(report.verdict, Verdict::Proven, "{version} {position}: {report}");
            let held = saved(&simulated, &report);
            assert!(others.iter().all(|other| !held.contains(&(*other).to_owned())), "{held:?}");
            for request in sent(&simulated, "store.max_by_group") {
                assert!(!request.line.contains("zeebe-record*") && !request.line.contains("zeebe-record_*"));
            }
            let named = report.plan.findings.iter().find(|f| f.code == FindingCode::IndicesOfOthers);
            assert!(named.is_some_and(|finding| finding.seen.contains("dev2")), "{named:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_exporter_writes_and_no_application_backs_up_is_never_proven() {
    let simulated = tuned("8.8.0", StoreKind::Elasticsearch8, |options| {
        options.camunda.orchestration_prefix = "custom".to_owned();
    })
    .await;
    // Its indices are not seen, because their prefix is not configured.
    let cluster = connect_with(&simulated, |config| config.webapps = None).await.unwrap();
    let report = cluster.run(plan(&cluster)).await.unwrap();
    let n4 = condition(&report, "N4");
    assert_eq!((n4.standing, report.verdict), (ConditionStatus::Unproven, Verdict::Plausible));
    assert!(n4.reason.contains("camundaexporter"), "{n4}");
}

#[tokio::test(start_paused = true)]
async fn what_is_below_the_records_prefix_and_no_record_is_named_and_not_saved() {
    let simulated = world("8.6.0", StoreKind::Elasticsearch8).await;
    put(&simulated, "zeebe-record_notes", 1);
    let report = completed(&simulated, backup(&simulated).await);
    let n5 = condition(&report, "N5");
    assert_eq!((n5.standing, report.verdict), (ConditionStatus::Unproven, Verdict::Plausible));
    assert!(n5.reason.contains("zeebe-record_notes"), "{n5}");
    assert!(!saved(&simulated, &report).contains(&"zeebe-record_notes".to_owned()));
}

/// A list costs the store a look at every shard of every index.
#[tokio::test(start_paused = true)]
async fn the_records_are_listed_once_while_exporting_is_paused() {
    for version in ["8.6.0", "8.8.0"] {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        put(&simulated, "zeebe-record_dev2_job_8.6.0_2026-06-03", 9_000_000);
        let cluster = connect_with(&simulated, |_| {}).await.unwrap();
        let plan = plan(&cluster);
        simulated.start_recording();
        let report = completed(&simulated, cluster.run(plan).await);
        assert_eq!(condition(&report, "N10").standing, ConditionStatus::Holds, "{report}");
        let operations: Vec<&str> = simulated.requests().iter().map(|request| request.operation).collect();
        let position = |wanted: &str| operations.iter().position(|operation| *operation == wanted).unwrap();
        let paused = &operations[position("zeebe.exporting.pause")..position("zeebe.exporting.resume")];
        let lists = paused.iter().filter(|operation| **operation == "store.indices.list").count();
        assert_eq!(lists, 1, "{version}: {paused:?}");
    }
}
