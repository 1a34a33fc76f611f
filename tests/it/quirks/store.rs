//! Q12–Q18, Q31: the search store.

use std::time::Duration;

use camunda_backup::es::testing::SnapshotFault;
use camunda_backup::testing::{Fault, Rule, StoreKind};
use camunda_backup::{BackupSpec, ErrorKind, FindingCode, Verdict};
use serde_json::Value;

use crate::world::{
    REPOSITORY, add_foreign, assert_resumed_within, assert_running, backup, changes, completed, connect,
    eight_six, failed, findings, just_before, plan, sent, until, world,
};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn q12_shards_of_a_running_snapshot_are_not_read() {
    for store in StoreKind::ALL {
        let simulated = world("8.6.0", store).await;
        simulated.store().set_snapshot_duration(|_, _| Duration::from_secs(20));
        let report = completed(&simulated, backup(&simulated).await);
        assert_eq!(report.verdict, Verdict::Proven, "{store:?}: {report}");
    }
}

#[tokio::test(start_paused = true)]
async fn q13_the_verdict_about_a_part_comes_from_the_snapshot_and_not_from_its_status() {
    for store in [StoreKind::Elasticsearch7, StoreKind::Elasticsearch8, StoreKind::OpenSearch1] {
        let simulated = world("8.6.0", store).await;
        simulated.store().fail_snapshots_matching("zeebe_records", SnapshotFault::Partial);
        let (error, report) = failed(backup(&simulated).await);
        assert!(
            error.to_string().contains("PARTIAL") && error.to_string().contains("shards failed"),
            "{error}"
        );
        // What would have been believed: `_status` says SUCCESS.
        let name = format!("camunda_zeebe_records_backup_{}", report.id.unwrap());
        assert_eq!(simulated.store().snapshot(REPOSITORY, &name).unwrap().state, "PARTIAL");
    }
}

#[tokio::test(start_paused = true)]
async fn q14_a_snapshot_that_was_running_and_is_gone_has_failed() {
    for (name, paused) in [("operate", false), ("zeebe_records", true)] {
        let simulated = eight_six().await;
        simulated.store().set_snapshot_duration(|_, _| Duration::from_secs(10));
        simulated.store().fail_snapshots_matching(name, SnapshotFault::Vanish);
        let (error, _) = failed(backup(&simulated).await);
        assert_eq!(error.kind(), ErrorKind::Failed, "{error}");
        assert!(error.to_string().contains("vanished"), "{error}");
        assert_running(&simulated);
        if paused {
            assert_resumed_within(&simulated, MINUTE);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn q14_a_restart_of_the_store_inside_the_pause_ends_the_run_and_the_pause() {
    let simulated = eight_six().await;
    simulated.store().set_snapshot_duration(|_, _| Duration::from_secs(10));
    let cluster = connect(&simulated).await;
    let run = cluster.start(plan(&cluster)).await;
    let records = "camunda_zeebe_records";
    let is_records = |name: &str| name.starts_with(records);
    until("the records are being written", || {
        simulated.store().snapshots(REPOSITORY).iter().any(|snapshot| is_records(&snapshot.name))
    })
    .await;
    simulated.store().set_down(true);
    tokio::time::sleep(Duration::from_secs(20)).await;
    simulated.store().set_down(false);
    let (error, _) = failed(run.finished().await);
    assert!(error.to_string().starts_with("store: "), "{error}");
    assert_resumed_within(&simulated, 2 * MINUTE);
    completed(&simulated, backup(&simulated).await);
}

#[tokio::test(start_paused = true)]
async fn q15_the_records_are_named_one_by_one_and_never_as_everything() {
    let simulated = eight_six().await;
    let report = completed(&simulated, backup(&simulated).await);
    let creates = sent(&simulated, "store.snapshots.create");
    assert_eq!(creates.len(), 1);
    let body: Value = serde_json::from_str(&creates[0].body).unwrap();
    let named: Vec<&str> = match &body["indices"] {
        Value::String(list) => list.split(',').collect(),
        list => list.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect(),
    };
    assert!(!named.is_empty() && named.iter().all(|name| name.starts_with("zeebe-record_")), "{named:?}");
    assert!(named.iter().all(|name| !name.contains('*')), "{named:?}");
    let snapshot = format!("camunda_zeebe_records_backup_{}", report.id.unwrap());
    let stored = simulated.store().snapshot(REPOSITORY, &snapshot).unwrap();
    let mut sorted = named.clone();
    sorted.sort_unstable();
    assert_eq!(stored.indices, sorted);
}

#[tokio::test(start_paused = true)]
async fn q15_no_record_index_left_is_an_error_and_no_empty_list() {
    // A hard pause: the exporter does not write them again.
    let simulated = world("8.5.0", StoreKind::Elasticsearch8).await;
    let hook = simulated.clone();
    // Away for us at the moment of the snapshot, as with a wrong alias or a retention job.
    simulated.inject(Rule::when(
        move |request| {
            if request.operation == "store.indices.list" && !sent_nothing(&hook) {
                for index in hook.store().index_names() {
                    if index.starts_with("zeebe-record") {
                        hook.store().delete_index(&index);
                    }
                }
            }
            false
        },
        Fault::Refuse,
    ));
    let (error, _) = failed(backup(&simulated).await);
    assert!(error.to_string().contains("no record indices"), "{error}");
    assert!(sent(&simulated, "store.snapshots.create").is_empty());
    assert_resumed_within(&simulated, MINUTE);
}

fn sent_nothing(simulated: &camunda_backup::testing::SimulatedCluster) -> bool {
    simulated.camunda().pause_history().is_empty()
}

#[tokio::test(start_paused = true)]
async fn q15_an_index_that_vanishes_before_the_snapshot_fails_it() {
    let simulated = world("8.5.0", StoreKind::Elasticsearch8).await;
    // Between our list and the store's work; in a hard pause the exporter does not write it again.
    just_before(&simulated, "store.snapshots.create", |simulated| {
        let records =
            simulated.store().index_names().into_iter().find(|name| name.starts_with("zeebe-record"));
        simulated.store().delete_index(&records.unwrap());
    });
    let (error, report) = failed(backup(&simulated).await);
    assert!(error.to_string().starts_with("store: "), "{error}");
    assert_eq!(report.verdict, Verdict::Inconsistent);
    assert_resumed_within(&simulated, MINUTE);
}

#[tokio::test(start_paused = true)]
async fn q16_a_500_is_an_answer_and_is_not_sent_again() {
    for operation in ["store.snapshots.create", "history.backups.create", "zeebe.backups.create"] {
        let simulated = eight_six().await;
        simulated.inject(Rule::operation(operation, Fault::Status(500)).unwrap());
        let (error, _) = failed(backup(&simulated).await);
        assert!(error.report().contains("HTTP 500"), "{}", error.report());
        assert!(sent(&simulated, operation).len() <= 2, "once for each application");
        let lines: std::collections::BTreeSet<String> =
            sent(&simulated, operation).into_iter().map(|request| request.line).collect();
        assert_eq!(lines.len(), sent(&simulated, operation).len(), "no line twice");
        assert_running(&simulated);
    }
}

#[tokio::test(start_paused = true)]
async fn q16_a_503_of_a_read_is_asked_again() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let planned = plan(&cluster);
    for operation in ["zeebe.backups.status", "store.snapshots.find", "broker.partitions.statuses"] {
        simulated.inject(Rule::operation(operation, Fault::Status(503)).unwrap().times(2));
    }
    completed(&simulated, cluster.run(planned).await);
}

#[tokio::test(start_paused = true)]
async fn q17_a_damaged_snapshot_of_somebody_does_not_keep_us_from_a_backup() {
    for store in StoreKind::ALL {
        let simulated = world("8.6.0", store).await;
        add_foreign(&simulated).await;
        assert!(simulated.store().damage_snapshot(REPOSITORY, "somebodys_nightly"));
        let report = completed(&simulated, backup(&simulated).await);
        assert_ne!(report.verdict, Verdict::Inconsistent, "{store:?}: {report}");
    }
}

#[tokio::test(start_paused = true)]
async fn q17_an_unknown_repository_is_a_blocker_on_every_store() {
    for store in StoreKind::ALL {
        let simulated = world("8.6.0", store).await;
        let cluster = crate::world::connect_with(&simulated, |config| {
            config.repository = Some("elsewhere".parse().unwrap());
        })
        .await
        .unwrap();
        let error = cluster.plan_backup(BackupSpec::default()).unwrap_err();
        assert!(error.to_string().contains("repository-missing"), "{store:?}: {error}");
        assert!(error.to_string().contains("curl -X PUT"), "how to register it: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn q18_a_readonly_repository_is_a_blocker_whoever_made_it_so() {
    for store in StoreKind::ALL {
        let simulated = world("8.6.0", store).await;
        let cluster = connect(&simulated).await;
        let planned = plan(&cluster);
        simulated.store().register_repository(REPOSITORY, true);
        assert!(
            findings(&connect(&simulated).await).iter().any(|f| f.code == FindingCode::RepositoryReadonly)
        );
        let refused = cluster.run(planned).await.unwrap_err();
        assert_eq!(refused.error.kind(), ErrorKind::Blocked, "{store:?}: {refused}");
        assert!(refused.error.to_string().contains("repository-readonly"), "{refused}");
        simulated.start_recording();
        assert_eq!(changes(&simulated), Vec::<&str>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn q31_no_request_line_is_longer_than_4096_bytes() {
    for store in [StoreKind::Elasticsearch7, StoreKind::OpenSearch2] {
        let simulated = world("8.6.0", store).await;
        for number in 0..400 {
            let index = format!("zeebe-record_process-instance-creation_8.6.0_2026-01-{number:03}");
            simulated.store().put_document(&index, "1", serde_json::json!({"partitionId": 1, "position": 1}));
        }
        completed(&simulated, backup(&simulated).await);
        let longest = simulated.requests().iter().map(|request| request.line.len()).max().unwrap();
        assert!(longest < 4000, "{longest} bytes");
        assert!(sent(&simulated, "store.snapshots.create")[0].body.len() > 10_000);
    }
}

#[tokio::test(start_paused = true)]
async fn q31_every_shape_of_error_body_becomes_words() {
    // 8.1 sends {failure}, 8.5 problem+json, 8.6 JSON objects, Operate its own shape.
    for version in ["8.1.27", "8.5.8", "8.6.0", "8.10.0"] {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        just_before(&simulated, "zeebe.backups.create", |simulated| {
            simulated.camunda().set_bucket(camunda_backup::zeebe::testing::BucketState::NotConfigured);
        });
        let (error, _) = failed(backup(&simulated).await);
        assert!(
            !error.report().contains('{') && error.report().len() < 2000,
            "{version}: {}",
            error.report()
        );
        if version != "8.1.27" {
            assert!(
                error.report().contains("No backup store is configured"),
                "{version}: {}",
                error.report()
            );
        }
    }
}
