//! What is owed is owed to every replica: to those that nobody can ask, and not to those that are gone for good.

use std::time::Duration;

use camunda_backup::testing::{Fault, Rule, StoreKind};
use camunda_backup::{BackupSpec, BrokerId, ErrorKind, FindingCode, Verdict};

use crate::world::{
    REPOSITORY, assert_running, backup, completed, connect, connect_with, eight_six, failed, findings,
    is_paused, is_running, limited, overriding, plan, snapshot, tuned, until,
};

const MINUTE: Duration = Duration::from_secs(60);

fn broker(id: u32) -> BrokerId {
    BrokerId::from(id)
}

#[tokio::test(start_paused = true)]
async fn a_broker_without_an_address_that_comes_back_paused_is_not_forgotten() {
    let simulated = eight_six().await;
    let cluster = connect_with(&simulated, |config| drop(config.brokers.remove(&broker(1)))).await.unwrap();
    let warned = findings(&cluster).into_iter().find(|f| f.code == FindingCode::ExportingUnknown).unwrap();
    assert!(warned.seen.contains("broker 1"), "{warned}");
    let run = cluster.start(plan(&cluster)).await;
    until("paused", || is_paused(&simulated)).await;
    simulated.camunda().kill_broker(&broker(1));
    let back = simulated.clone();
    tokio::spawn(async move {
        tokio::time::sleep(2 * MINUTE).await; // virtual time
        back.camunda().restart_broker(&broker(1));
    });
    let (_, report) = failed(run.finished().await);
    assert_eq!(report.owing, !is_running(&simulated), "{report}");
    cluster.recover().await.unwrap();
    assert_running(&simulated);
}

#[tokio::test(start_paused = true)]
async fn with_brokers_that_nobody_can_ask_a_pause_without_a_success_is_none() {
    for fault in [Fault::Envelope500After, Fault::LoseAfter, Fault::StatusAfter(504)] {
        let simulated = eight_six().await;
        simulated.inject(Rule::operation("zeebe.exporting.pause", fault).unwrap());
        let cluster =
            connect_with(&simulated, |config| drop(config.brokers.remove(&broker(1)))).await.unwrap();
        let (error, _) = failed(cluster.run(plan(&cluster)).await);
        assert_eq!(error.kind(), ErrorKind::Failed, "{fault:?}: {error}");
        assert_running(&simulated);
    }
    let simulated = eight_six().await;
    let cluster = connect_with(&simulated, |config| drop(config.brokers.remove(&broker(1)))).await.unwrap();
    let report = completed(&simulated, cluster.run(plan(&cluster)).await);
    assert_eq!(report.verdict, Verdict::Plausible, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_was_removed_for_good_inside_the_pause_is_not_owed_for_ever() {
    let simulated = tuned("8.6.0", StoreKind::Elasticsearch8, |options| {
        (options.camunda.brokers, options.camunda.replication) = (3, 3);
    })
    .await;
    let cluster = connect(&simulated).await;
    let spec = limited(|limits| limits.max_resume = MINUTE);
    let run = cluster.start(cluster.plan_backup(spec).unwrap()).await;
    until("paused", || is_paused(&simulated)).await;
    simulated.camunda().kill_broker(&broker(2));
    let (_, report) = failed(run.finished().await);
    assert!(report.owing, "a dead broker is still owed: {report}");
    assert_eq!(cluster.recover().await.unwrap_err().kind(), ErrorKind::NeedsOperator);
    simulated.camunda().remove_broker(&broker(2));
    cluster.recover().await.unwrap();
    assert_running(&simulated);
    let cluster = connect_with(&simulated, |config| drop(config.brokers.remove(&broker(2)))).await.unwrap();
    assert!(cluster.recover().await.unwrap().is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_only_in_the_configuration_counts_too() {
    let simulated = eight_six().await;
    let cluster = connect_with(&simulated, |config| {
        config.brokers.remove(&broker(1));
        config.rest = None;
    })
    .await
    .unwrap();
    match cluster.plan_backup(camunda_backup::BackupSpec::default()) {
        Err(error) => assert_eq!(error.kind(), ErrorKind::Blocked, "{error}"),
        Ok(planned) => {
            assert!(
                planned.backup().unwrap().pinned.replicas.contains_key(&broker(1)),
                "{:?}",
                planned.backup().unwrap().pinned
            );
            let report = completed(&simulated, cluster.run(planned).await);
            assert_eq!(report.verdict, Verdict::Plausible, "{report}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_address_is_not_two_brokers() {
    let simulated = eight_six().await;
    let error = connect_with(&simulated, |config| {
        let first = config.brokers[&broker(0)].clone();
        config.brokers.insert(broker(1), first);
    })
    .await
    .unwrap_err();
    assert!(
        error.kind() == ErrorKind::Config && error.to_string().contains("broker 0 and broker 1"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_not_run_twice_even_if_nothing_of_the_first_can_be_seen() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let planned = plan(&cluster);
    simulated.inject(Rule::operation("history.backups.create", Fault::LoseBefore).unwrap());
    failed(cluster.run(planned.clone()).await);
    simulated.heal();
    let failure = cluster.run(planned).await.unwrap_err();
    assert!(failure.error.to_string().contains("id-taken"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn an_overridden_blocker_proves_nothing() {
    let simulated = eight_six().await;
    snapshot(&simulated, "somebodys_nightly", serde_json::Value::Null);
    simulated.store().set_snapshot_duration(|_, _| Duration::from_millis(10));
    simulated.camunda().set_pending_change(true);
    let cluster = connect(&simulated).await;
    let codes = [FindingCode::ChangePending, FindingCode::SnapshotRunning];
    let planned = cluster.plan_backup(overriding(&codes)).unwrap();
    simulated.camunda().set_pending_change(false);
    let report = completed(&simulated, cluster.run(planned).await);
    assert_eq!(report.verdict, Verdict::Plausible, "{report}");
}

#[tokio::test(start_paused = true)]
async fn what_blocked_when_connecting_blocks_no_more_after_reconnecting() {
    let simulated = eight_six().await;
    snapshot(&simulated, "somebodys_nightly", serde_json::Value::Null);
    let cluster = connect(&simulated).await;
    let error = cluster.plan_backup(BackupSpec::default()).unwrap_err();
    assert!(error.to_string().contains("snapshot-running"), "{error}");
    until("ended", || simulated.store().snapshots(REPOSITORY).iter().all(|one| one.state == "SUCCESS")).await;
    cluster.plan_backup(BackupSpec::default()).unwrap_err();
    let cluster = cluster.reconnect().await.unwrap();
    completed(&simulated, cluster.run(plan(&cluster)).await);
}

#[tokio::test(start_paused = true)]
async fn lists_that_could_not_be_read_prove_no_solitude() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let planned = plan(&cluster);
    let gone = simulated.clone();
    // The second look at the list is the one after the run.
    let looks = std::sync::atomic::AtomicUsize::new(0);
    simulated.inject(Rule::when(
        move |request| {
            request.operation == "zeebe.backups.list"
                && !gone.camunda().backup_ids().is_empty()
                && looks.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 9
        },
        Fault::Status(500),
    ));
    let report = completed(&simulated, cluster.run(planned).await);
    let alone = report.conditions.iter().find(|condition| condition.number == "T7").unwrap();
    assert!(alone.reason.contains("could not be read: zeebe"), "{alone}");
    assert_eq!(report.verdict, Verdict::Plausible);
    simulated.heal();
    completed(&simulated, backup(&simulated).await);
}
