//! Records that nobody writes any more, and clusters on which nothing happens.

use camunda_backup::testing::{SimulatedCluster, StoreKind};
use camunda_backup::{Cluster, ConditionStatus, FindingCode, Report, Severity, Verdict};
use serde_json::json;

use super::Duration;
use crate::world::{completed, connect, findings, plan, tuned, world};

async fn run(cluster: &Cluster) -> Report {
    cluster.run(plan(cluster)).await.unwrap()
}

fn is_warned(cluster: &Cluster) -> bool {
    let found = findings(cluster);
    let behind: Vec<_> = found.iter().filter(|finding| finding.code == FindingCode::RecordsBehind).collect();
    assert!(behind.iter().all(|finding| finding.severity == Severity::Warning), "{behind:?}");
    !behind.is_empty()
}

fn assert_not_proven(report: &Report, words: &str) {
    assert_eq!(report.verdict, Verdict::Plausible, "{report}");
    let n9 = report.conditions.iter().find(|condition| condition.number == "N9").unwrap();
    assert_eq!(n9.standing, ConditionStatus::Unproven, "{n9}");
    assert!(n9.reason.contains(words) && n9.reason.contains("index.prefix"), "{n9}");
}

fn wait(seconds: u64) -> tokio::time::Sleep {
    tokio::time::sleep(Duration::from_secs(seconds)) // virtual time
}

#[tokio::test(start_paused = true)]
async fn records_of_long_ago_are_named_before_the_backup_and_prove_nothing() {
    for version in ["8.6.0", "8.8.0"] {
        let simulated = tuned(version, StoreKind::Elasticsearch8, |options| {
            options.camunda.record_prefix = "eu-eu-zeebe-record".into();
        })
        .await;
        for partition in [1, 2] {
            let old = json!({"partitionId": partition, "position": 40});
            simulated.store().put_document("zeebe-record_job_8.4.0_2024-01-01", &partition.to_string(), old);
        }
        let cluster = connect(&simulated).await;
        assert!(is_warned(&cluster), "{version}");
        assert_not_proven(&run(&cluster).await, "R=40 E=");
    }
}

/// The exporter was given another prefix a moment ago: what is under the old one is nearly all of the log.
async fn moved_a_moment_ago(version: &str) -> SimulatedCluster {
    let simulated = world(version, StoreKind::Elasticsearch8).await;
    wait(300).await;
    simulated.camunda().tick();
    simulated.camunda().set_record_prefix("moved");
    wait(20).await;
    simulated
}

#[tokio::test(start_paused = true)]
async fn records_that_stand_still_while_the_log_grows_prove_nothing() {
    for version in ["8.5.8", "8.6.0", "8.8.0"] {
        let simulated = moved_a_moment_ago(version).await;
        simulated.store().set_snapshot_duration(|_, _| Duration::from_secs(1));
        let cluster = connect(&simulated).await;
        assert!(!is_warned(&cluster), "{version}: a gap of seconds");
        assert_not_proven(&run(&cluster).await, "all the time");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_on_which_nothing_happens_is_proven() {
    for version in ["8.6.0", "8.8.0"] {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        wait(300).await;
        simulated.camunda().set_records_per_second(0);
        wait(3600).await;
        let cluster = connect(&simulated).await;
        assert!(!is_warned(&cluster), "{version}");
        assert_eq!(completed(&simulated, cluster.run(plan(&cluster)).await).verdict, Verdict::Proven);
    }
}

/// What workers poll for moves the log and the exporter's position, and no record is written: that is no blocker.
#[tokio::test(start_paused = true)]
async fn a_cluster_whose_workers_only_poll_is_backed_up() {
    let simulated = moved_a_moment_ago("8.6.0").await;
    wait(3600).await;
    let cluster = connect(&simulated).await;
    assert!(is_warned(&cluster));
    assert_not_proven(&run(&cluster).await, "index.prefix");
}
