//! Every finding of the preflight, reached by a cluster that deserves it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::time::Duration;

use camunda_backup::es::testing::SnapshotFault;
use camunda_backup::testing::{Fault, Rule, SimulatedCluster, SimulationOptions, StoreKind};
use camunda_backup::zeebe::testing::{BucketState, ZeebeBackupOutcome};
use camunda_backup::{
    BackupSpec, BrokerId, ClusterConfig, Component, Endpoint, ErrorKind, FindingCode, PartitionId,
    RunOutcome, SecondaryStorage, Severity,
};
use serde_json::{Value, json};

use crate::world::{
    REPOSITORY, assert_running, backup, backup_as, completed, connect, connect_with, eight_six, failed,
    findings, limited, overriding, snapshot, tuned, world,
};

const MINUTE: Duration = Duration::from_secs(60);

/// How a cluster comes to deserve a finding.
struct Scenario {
    code: FindingCode,
    severity: Severity,
    /// What the finding is about.
    component: &'static str,
    version: &'static str,
    build: fn(&mut SimulationOptions),
    happen: fn(&SimulatedCluster),
    configure: fn(&mut ClusterConfig),
}

fn blocker(code: FindingCode, component: &'static str) -> Scenario {
    let severity = Severity::Blocker;
    let (build, happen, configure) = (|_: &mut _| {}, |_: &_| {}, |_: &mut _| {});
    Scenario { code, severity, component, version: "8.6.0", build, happen, configure }
}

fn warning(code: FindingCode, component: &'static str) -> Scenario {
    Scenario { severity: Severity::Warning, ..blocker(code, component) }
}

fn elsewhere() -> Endpoint {
    Endpoint::new("http://operate.sim:9600").unwrap()
}

#[allow(clippy::too_many_lines)] // a table
fn about_the_cluster() -> Vec<Scenario> {
    use FindingCode as Code;
    vec![
        Scenario { version: "8.2.29", ..warning(Code::VersionUnconfirmed, "zeebe") },
        Scenario {
            happen: |simulated| simulated.camunda().kill_operate(),
            ..blocker(Code::ComponentUnreachable, "operate")
        },
        Scenario {
            happen: |simulated| {
                simulated.camunda().set_exporter_phase(&BrokerId::from(0), PartitionId(1), Some("CLOSED"));
            },
            ..blocker(Code::ExportingStopped, "broker 0")
        },
        Scenario {
            happen: |simulated| simulated.camunda().kill_broker(&BrokerId::from(1)),
            ..blocker(Code::TopologyIncomplete, "zeebe")
        },
        Scenario {
            version: "8.4.9",
            configure: |config| config.brokers.clear(),
            ..blocker(Code::TopologyUnknown, "zeebe")
        },
        Scenario {
            happen: |simulated| simulated.inject(Rule::operation("rest.topology", Fault::Refuse).unwrap()),
            ..blocker(Code::TopologyUnknown, "zeebe")
        },
        Scenario {
            happen: |simulated| simulated.camunda().set_bucket(BucketState::Missing),
            ..blocker(Code::BackupStoreUnusable, "zeebe")
        },
        Scenario {
            happen: |simulated| simulated.camunda().add_foreign_backup(10_000_000_000_000),
            ..blocker(Code::IdTaken, "zeebe")
        },
        Scenario {
            happen: |simulated| simulated.camunda().set_pending_change(true),
            ..blocker(Code::ChangePending, "zeebe")
        },
        Scenario {
            happen: |simulated| simulated.camunda().foreign_pause(true),
            ..blocker(Code::ExportingPaused, "broker 0")
        },
        Scenario {
            build: |options| options.broker_addresses = false,
            ..warning(Code::ExportingUnknown, "zeebe")
        },
        Scenario {
            happen: |simulated| simulated.camunda().set_exporter_enabled(false),
            ..warning(Code::ExporterNotEnabled, "zeebe")
        },
        Scenario {
            happen: |simulated| {
                simulated.camunda().set_component_version(Component::Tasklist, "8.6.1".parse().unwrap());
            },
            ..blocker(Code::VersionsDiffer, "tasklist")
        },
        Scenario {
            version: "8.9.0",
            configure: |config| config.secondary_storage = SecondaryStorage::Rdbms,
            ..blocker(Code::RelationalStorage, "webapps")
        },
        Scenario {
            version: "8.8.0",
            configure: |config| {
                config.operate = config.webapps.take();
            },
            ..blocker(Code::AddressMissing, "webapps")
        },
        Scenario {
            configure: |config| config.tasklist = None,
            ..blocker(Code::ApplicationForgotten, "tasklist")
        },
    ]
}

fn about_the_store() -> Vec<Scenario> {
    use FindingCode as Code;
    vec![
        Scenario { configure: |config| config.store = None, ..blocker(Code::StoreNotConfigured, "store") },
        Scenario {
            configure: |config| config.repository = Some("elsewhere".parse().unwrap()),
            ..blocker(Code::RepositoryMissing, "store")
        },
        Scenario {
            happen: |simulated| simulated.store().register_repository(REPOSITORY, true),
            ..blocker(Code::RepositoryReadonly, "store")
        },
        Scenario {
            happen: |simulated| {
                simulated.inject(Rule::operation("store.repositories.verify", Fault::Status(500)).unwrap());
            },
            ..blocker(Code::RepositoryUnverified, "store")
        },
        Scenario {
            happen: |simulated| {
                simulated.store().fail_snapshots_matching("nightly", SnapshotFault::NeverEnds);
                snapshot(simulated, "somebodys_nightly", Value::Null);
            },
            ..blocker(Code::SnapshotRunning, "store")
        },
        Scenario {
            configure: |config| config.record_prefix = "wrong-prefix".parse().unwrap(),
            ..blocker(Code::PrefixWithoutIndices, "store")
        },
        Scenario {
            happen: |simulated| {
                simulated.store().put_document("operate-dev2-list-view-8.3.0_", "1", Value::Null);
            },
            ..warning(Code::IndicesOfOthers, "store")
        },
        Scenario {
            build: |options| options.camunda.record_prefix = "moved".into(),
            happen: |simulated| {
                let old = json!({"partitionId": 1, "position": 4});
                simulated.store().put_document("zeebe-record_job_8.4.0_2024-01-01", "1", old);
            },
            ..warning(Code::RecordsBehind, "store")
        },
        Scenario {
            happen: |simulated| snapshot(simulated, "camunda_operate_by_hand", Value::Null),
            ..warning(Code::HistoryUnreadable, "operate")
        },
        Scenario {
            happen: |simulated| {
                let names = simulated.store().index_names();
                simulated
                    .store()
                    .set_red(names.iter().find(|name| name.starts_with("operate-")).unwrap(), true);
            },
            ..blocker(Code::IndexRed, "store")
        },
        Scenario {
            happen: |simulated| simulated.store().set_disk(99_500_000_000, 100_000_000_000),
            ..blocker(Code::StoreDiskFull, "store")
        },
    ]
}

#[tokio::test(start_paused = true)]
async fn every_finding_names_component_sight_reason_and_cure() {
    // These have tests of their own, the last one in promise/ownership.rs.
    let mut reached =
        BTreeSet::from([FindingCode::BackupRunning, FindingCode::PartsSlow, FindingCode::OtherRepository]);
    for scenario in about_the_cluster().into_iter().chain(about_the_store()) {
        let code = scenario.code;
        let simulated = tuned(scenario.version, StoreKind::Elasticsearch8, scenario.build).await;
        (scenario.happen)(&simulated);
        tokio::time::sleep(MINUTE).await;
        let cluster = connect_with(&simulated, scenario.configure).await.unwrap();
        let found = findings(&cluster);
        let finding =
            found.iter().find(|finding| finding.code == code && finding.component == scenario.component);
        let finding = finding.unwrap_or_else(|| panic!("{code}: {found:#?}"));
        assert_eq!(finding.severity, scenario.severity, "{finding}");
        for text in [&finding.seen, &finding.why, &finding.advice] {
            assert!(text.len() > 10, "{finding}");
        }
        if scenario.severity == Severity::Blocker && code != FindingCode::IdTaken {
            let error = cluster.plan_backup(BackupSpec::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Blocked, "{error}");
            assert!(error.to_string().contains(&code.to_string()), "{error}");
        }
        reached.insert(code);
    }
    assert_eq!(reached.len(), declared(), "a finding has no scenario");
}

/// How many codes the library declares.
fn declared() -> usize {
    let source = include_str!("../../camunda-backup-procedures/src/finding.rs");
    let body = source.split_once("pub enum FindingCode {").unwrap().1.split_once("\n}").unwrap().0;
    body.lines().filter(|line| line.ends_with(',') && !line.contains("//")).count()
}

#[tokio::test(start_paused = true)]
async fn a_backup_in_progress_is_a_blocker() {
    let simulated = eight_six().await;
    simulated.camunda().set_zeebe_backup_outcome(ZeebeBackupOutcome::NeverEnds);
    let (_, report) = failed(backup_as(&simulated, limited(|limits| limits.stall = MINUTE)).await);
    let found = findings(&connect(&simulated).await);
    let running = found.iter().find(|finding| finding.code == FindingCode::BackupRunning).unwrap();
    assert!(
        running.seen.contains(&report.id.unwrap().to_string()) && running.component == "zeebe",
        "{running}"
    );
}

#[tokio::test(start_paused = true)]
async fn all_blockers_are_reported_at_once() {
    let simulated = eight_six().await;
    simulated.camunda().foreign_pause(false);
    simulated.camunda().set_pending_change(true);
    simulated.camunda().set_bucket(BucketState::NotConfigured);
    simulated.camunda().set_component_version(Component::Operate, "8.5.8".parse().unwrap());
    simulated.store().register_repository(REPOSITORY, true);
    simulated.store().set_disk(99_500_000_000, 100_000_000_000);
    simulated.start_recording();
    let error = connect(&simulated).await.plan_backup(BackupSpec::default()).unwrap_err();
    for code in [
        "exporting-paused",
        "change-pending",
        "backup-store-unusable",
        "versions-differ",
        "repository-readonly",
        "store-disk-full",
    ] {
        assert!(error.to_string().contains(code), "{code} is missing: {error}");
    }
    assert!(error.advice().unwrap().contains("overridden by name"), "{}", error.report());
    let changed: Vec<_> = simulated
        .requests()
        .into_iter()
        .filter(|request| {
            let reads = ["store.repositories.verify", "store.max_by_group"];
            !request.line.starts_with("GET ") && !reads.contains(&request.operation)
        })
        .collect();
    assert!(changed.is_empty(), "looking changes nothing: {changed:?}");
}

#[tokio::test(start_paused = true)]
async fn an_override_by_name_is_recorded_in_plan_and_report() {
    let simulated = eight_six().await;
    simulated.camunda().set_pending_change(true);
    let cluster = connect(&simulated).await;
    let wrong = cluster.plan_backup(overriding(&[FindingCode::IndexRed])).unwrap_err();
    assert!(wrong.to_string().contains("change-pending"), "another name does not help: {wrong}");
    let planned = cluster.plan_backup(overriding(&[FindingCode::ChangePending])).unwrap();
    assert!(planned.to_string().contains("overridden change-pending"), "{planned}");
    let report = completed(&simulated, cluster.run(planned).await);
    assert_eq!(report.outcome, RunOutcome::Completed);
    assert!(report.to_string().contains("overridden change-pending"), "{report}");
    let overridden = report.findings.iter().find(|finding| finding.severity == Severity::Overridden).unwrap();
    assert_eq!(overridden.code, FindingCode::ChangePending);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["findings"][0]["severity"], "overridden");
}

#[tokio::test(start_paused = true)]
async fn a_pause_and_a_used_id_cannot_be_talked_away() {
    let simulated = eight_six().await;
    simulated.camunda().foreign_pause(true);
    simulated.camunda().add_foreign_backup(77);
    let mut spec =
        overriding(&[FindingCode::ExportingPaused, FindingCode::IdTaken, FindingCode::AddressMissing]);
    spec.id = Some(camunda_backup::BackupId::new(77).unwrap());
    let error = connect(&simulated).await.plan_backup(spec).unwrap_err();
    assert!(
        error.to_string().contains("exporting-paused") && error.to_string().contains("id-taken"),
        "{error}"
    );
    assert!(!error.to_string().contains("overridden"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_paused_while_a_replica_could_be_missing_from_what_is_owed() {
    // Up to 8.4 the brokers are the topology; a dead one would be paused and never seen resumed.
    for version in ["8.4.9", "8.6.0"] {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        simulated.camunda().kill_broker(&BrokerId::from(1));
        simulated.inject(Rule::operation("rest.topology", Fault::Refuse).unwrap());
        let codes = [
            FindingCode::ComponentUnreachable,
            FindingCode::TopologyIncomplete,
            FindingCode::TopologyUnknown,
            FindingCode::ChangePending,
            FindingCode::VersionsDiffer,
        ];
        let error = connect(&simulated).await.plan_backup(overriding(&codes)).unwrap_err();
        assert!(error.to_string().contains("blocker topology-unknown (zeebe)"), "{version}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_of_the_other_generation_is_not_ignored() {
    let simulated = eight_six().await;
    let cluster = connect_with(&simulated, |config| {
        config.webapps = Some(elsewhere());
        config.operate = None;
        config.tasklist = None;
    })
    .await
    .unwrap();
    let error = cluster.plan_backup(overriding(&[FindingCode::ComponentUnreachable])).unwrap_err();
    assert!(
        error.to_string().contains("address-missing") && error.to_string().contains("CAMUNDA_OPERATE_URL")
    );
}

#[tokio::test(start_paused = true)]
async fn without_blockers_a_plan_is_pure() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    simulated.start_recording();
    let one = cluster.plan_backup(BackupSpec::default()).unwrap();
    tokio::time::sleep(MINUTE).await;
    assert_eq!(one, cluster.plan_backup(BackupSpec::default()).unwrap());
    assert_eq!(simulated.requests().len(), 0);
    completed(&simulated, backup(&simulated).await);
    assert_running(&simulated);
}
