//! Whose an index, a snapshot or a pause is: what is another cluster's is neither saved nor judged, and what nobody writes any
//! more proves nothing.

use camunda_backup::procedures::backup::verdict::judge;
use camunda_backup::procedures::facts::Probe;
use camunda_backup::testing::{Fault, Rule, SimulatedCluster, StoreKind};
use camunda_backup::{
    BackupSpec, ConditionStatus, ErrorKind, FindingCode, IndexName, IndexPrefix, PartitionId, Report,
    RepositoryName, Verdict,
};
use serde_json::json;

use super::broker;
use crate::world::{
    assert_running, backup, completed, connect, connect_with, eight_six, findings, overriding, plan, sent,
    tuned,
};

/// The verdict and N4 if one more index had been live before the backup, which no part holds.
fn judged_with(report: &Report, index: &str) -> (Verdict, ConditionStatus, String) {
    let mut before = report.backup().unwrap().before.clone();
    let Probe::Seen(live) = &mut before.app_indices else { panic!("no live indices") };
    let mut one = live[0].clone();
    one.name = IndexName::new(index).unwrap();
    live.push(one);
    let (verdict, conditions) =
        judge(&report.plan, &before, report.backup().unwrap().after.as_ref(), &report.timeline);
    let condition = conditions.into_iter().find(|condition| condition.number == "N4").unwrap();
    (verdict, condition.standing, condition.reason)
}

fn prefixes(names: &[&str]) -> Vec<IndexPrefix> {
    names.iter().map(|name| IndexPrefix::new(name).unwrap()).collect()
}

fn records_in(simulated: &SimulatedCluster, report: &Report) -> Vec<String> {
    let name = format!("camunda_zeebe_records_backup_{}", report.id.unwrap());
    simulated.store().snapshot("backups", &name).unwrap().indices
}

#[tokio::test(start_paused = true)]
async fn another_cluster_on_the_same_store_is_neither_saved_nor_judged() {
    for position in [3, 9_000_000] {
        let simulated = eight_six().await;
        for index in ["zeebe-record-dev2_job_8.6.0_2026-06-03", "zeebe-records_job_8.6.0_2026-06-03"] {
            simulated.store().put_document(index, "1", json!({"partitionId": 1, "position": position}));
        }
        let report = completed(&simulated, backup(&simulated).await);
        assert_eq!(report.verdict, Verdict::Proven, "{report}");
        let strange: Vec<String> = records_in(&simulated, &report)
            .into_iter()
            .filter(|name| !name.starts_with("zeebe-record_"))
            .collect();
        assert_eq!(strange, Vec::<String>::new());
        let (verdict, standing, reason) = judged_with(&report, "operate-dev2-list-view-8.3.0_");
        assert_eq!((verdict, standing), (Verdict::Proven, ConditionStatus::Holds), "{reason}");
        assert!(reason.contains("another cluster's: operate-dev2-*"), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn records_and_applications_under_one_prefix_are_told_apart() {
    let simulated = tuned("8.8.0", StoreKind::Elasticsearch8, |options| {
        options.camunda.record_prefix = "acme".into();
        options.camunda.orchestration_prefix = "acme".into();
    })
    .await;
    let cluster = connect_with(&simulated, |config| {
        config.record_prefix = IndexPrefix::new("acme").unwrap();
        config.app_prefixes = prefixes(&["acme", "optimize"]);
    });
    let cluster = cluster.await.unwrap();
    let report = completed(&simulated, cluster.run(plan(&cluster)).await);
    assert_eq!(report.verdict, Verdict::Proven, "{report}");
    assert!(records_in(&simulated, &report).iter().all(|name| name.starts_with("acme_")), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_live_index_that_is_in_no_part_is_named_under_every_prefix() {
    for prefix in ["", "acme"] {
        let simulated = tuned("8.8.0", StoreKind::Elasticsearch8, |options| {
            options.camunda.orchestration_prefix = prefix.into();
        })
        .await;
        let cluster = connect_with(&simulated, |config| {
            if !prefix.is_empty() {
                config.app_prefixes = prefixes(&[prefix, "optimize"]);
            }
        });
        let cluster = cluster.await.unwrap();
        let report = completed(&simulated, cluster.run(plan(&cluster)).await);
        assert_eq!(report.verdict, Verdict::Proven, "{report}");
        let start = if prefix.is_empty() { String::new() } else { format!("{prefix}-") };
        let index = format!("{start}camunda-usage-metric-8.8.0_2026-05-01");
        let (verdict, standing, reason) = judged_with(&report, &index);
        assert_eq!((verdict, standing), (Verdict::Plausible, ConditionStatus::Unproven), "{reason}");
        assert!(reason.contains(&index), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_under_a_prefix_of_its_own_is_not_forgotten() {
    let simulated = tuned("8.6.0", StoreKind::OpenSearch2, |options| {
        options.camunda.operate_prefix = "acme-operate".into();
        options.camunda.tasklist_prefix = "tasklistoos".into();
        options.camunda.optimize = false;
    })
    .await;
    let own = |config: &mut camunda_backup::ClusterConfig| {
        config.app_prefixes = prefixes(&["acme-operate", "tasklistoos"]);
    };
    let cluster = connect_with(&simulated, own).await.unwrap();
    let report = completed(&simulated, cluster.run(plan(&cluster)).await);
    assert_eq!(report.verdict, Verdict::Proven, "{report}");
    let cluster = connect_with(&simulated, |config| {
        own(config);
        config.operate = None;
    });
    let found = findings(&cluster.await.unwrap());
    let forgotten = found.iter().find(|finding| finding.code == FindingCode::ApplicationForgotten);
    assert_eq!(forgotten.map(|finding| finding.component.as_str()), Some("operate"));
}

#[tokio::test(start_paused = true)]
async fn records_that_nobody_writes_any_more_prove_nothing() {
    for version in ["8.6.0", "8.8.0"] {
        let simulated = tuned(version, StoreKind::Elasticsearch8, |options| {
            options.camunda.record_prefix = "eu-eu-zeebe-record".into();
        })
        .await;
        for partition in [1, 2] {
            let old = json!({"partitionId": partition, "position": 4});
            simulated.store().put_document("zeebe-record_job_8.4.0_2024-01-01", &partition.to_string(), old);
        }
        tokio::time::sleep(std::time::Duration::from_secs(300)).await; // virtual time: the log grows
        let report = backup(&simulated).await.unwrap();
        assert_eq!(report.verdict, Verdict::Plausible, "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_prefix_that_matches_nothing_does_not_make_it_a_backup_of_zeebe_alone() {
    let simulated = tuned("8.6.0", StoreKind::Elasticsearch8, |options| {
        (options.camunda.operate, options.camunda.tasklist, options.camunda.optimize) = (false, false, false);
    })
    .await;
    let cluster = connect_with(&simulated, |config| {
        (config.operate, config.tasklist, config.optimize) = (None, None, None);
        config.record_prefix = IndexPrefix::new("wrong").unwrap();
    });
    let cluster = cluster.await.unwrap();
    let error = cluster.plan_backup(BackupSpec::default()).unwrap_err();
    assert!(error.to_string().contains("prefix-without-indices"), "{error}");
    let mut alone = BackupSpec::default();
    alone.zeebe_only = true;
    assert!(cluster.plan_backup(alone).is_ok());
    assert!(cluster.plan_backup(overriding(&[FindingCode::PrefixWithoutIndices])).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_phase_that_is_neither_exporting_nor_paused_is_nobodys_pause() {
    for phase in ["CLOSED", "SOMETHING_NEW"] {
        let simulated = eight_six().await;
        simulated.camunda().set_exporter_phase(&broker(0), PartitionId(1), Some(phase));
        let found = findings(&connect(&simulated).await);
        let codes: Vec<FindingCode> = found.iter().map(|finding| finding.code).collect();
        assert!(codes.contains(&FindingCode::ExportingStopped), "{phase}: {found:?}");
        assert!(!codes.contains(&FindingCode::ExportingPaused), "{phase}: {found:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_that_writes_to_another_repository_is_noticed_by_its_last_backup() {
    let simulated = tuned("8.6.0", StoreKind::Elasticsearch8, |options| {
        options.camunda.repository = "operate-backup".into();
    })
    .await;
    let own = connect_with(&simulated, |config| {
        config.repository = Some(RepositoryName::new("operate-backup").unwrap());
    });
    let own = own.await.unwrap();
    completed(&simulated, own.run(plan(&own)).await);
    simulated.store().register_repository("records-backup", false);
    let other = connect_with(&simulated, |config| {
        config.repository = Some(RepositoryName::new("records-backup").unwrap());
    });
    let found = findings(&other.await.unwrap());
    let components: Vec<&str> = found
        .iter()
        .filter(|finding| finding.code == FindingCode::OtherRepository)
        .map(|finding| finding.component.as_str())
        .collect();
    assert!(components.contains(&"operate") && components.contains(&"tasklist"), "{found:?}");
    assert!(
        findings(&own.reconnect().await.unwrap())
            .iter()
            .all(|finding| finding.code != FindingCode::OtherRepository)
    );
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_missing_is_a_blocker_before_anything_is_paused() {
    for (app, operation) in [("optimize", "optimize.backups.list"), ("operate", "history.backups.list")] {
        let simulated = eight_six().await;
        simulated.inject(Rule::when(
            move |request| request.operation == operation && request.component.to_string() == app,
            Fault::Status(404),
        ));
        let cluster = connect(&simulated).await;
        let error = cluster.plan_backup(BackupSpec::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Blocked, "{app}");
        assert!(error.to_string().contains(app), "{error}");
        assert!(sent(&simulated, "zeebe.exporting.pause").is_empty());
        assert_running(&simulated);
    }
}
