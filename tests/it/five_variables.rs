//! What the README promises: with the addresses of the gateway, the applications and the store alone a backup works. It
//! cannot be proven then, because nobody is asked what exporting really does.

use camunda_backup::testing::StoreKind;
use camunda_backup::{BackupSpec, Cluster, ErrorKind, FindingCode, RunOutcome, Severity, Verdict};

use crate::world::{assert_running, connect_with, world};

async fn connect(version: &str) -> (camunda_backup::testing::SimulatedCluster, Cluster) {
    let simulated = world(version, StoreKind::Elasticsearch8).await;
    let cluster = connect_with(&simulated, |config| {
        config.rest = None;
        config.brokers.clear();
    })
    .await
    .unwrap();
    (simulated, cluster)
}

#[tokio::test(start_paused = true)]
async fn from_8_6_on_a_backup_is_complete_and_plausible() {
    for version in ["8.6.0", "8.7.0", "8.8.0", "8.9.0"] {
        let (simulated, cluster) = connect(version).await;
        let plan = cluster.plan_backup(BackupSpec::default()).unwrap();
        let unknown =
            plan.findings.iter().find(|finding| finding.code == FindingCode::TopologyUnknown).unwrap();
        assert_eq!(unknown.severity, Severity::Warning, "{version}: {unknown}");
        assert!(
            !plan.backup().unwrap().pinned.replicas.is_empty()
                && plan.backup().unwrap().pinned.partitions > 0,
            "{version}: {:?}",
            plan.backup().unwrap().pinned
        );

        let (id, report) = (plan.id().unwrap(), cluster.run(plan).await.unwrap());
        assert_eq!((report.outcome, report.verdict), (RunOutcome::Completed, Verdict::Plausible), "{report}");
        let unproven: Vec<&str> = report
            .conditions
            .iter()
            .filter(|condition| condition.standing == camunda_backup::ConditionStatus::Unproven)
            .map(|condition| condition.number.as_str())
            .collect();
        assert!(unproven.contains(&"T5"), "{version}: {unproven:?}");
        assert!(simulated.check(id).is_consistent(), "{version}");
        assert_running(&simulated);
    }
}

#[tokio::test(start_paused = true)]
async fn before_8_6_the_success_of_a_gateway_that_knows_nothing_would_be_believed() {
    for version in ["8.4.9", "8.5.8"] {
        let (_, cluster) = connect(version).await;
        let error = cluster.plan_backup(BackupSpec::default()).unwrap_err();
        assert!(
            error.kind() == ErrorKind::Blocked && error.to_string().contains("topology-unknown"),
            "{error}"
        );
    }
}
