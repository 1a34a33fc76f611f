//! Abandoning a run whose requests may still take effect, or whose names are somebody else's, too.

use std::collections::BTreeSet;
use std::sync::Arc;

use camunda_backup::testing::{Fault, Rule, SimulatedCluster, SimulatedProcess};
use camunda_backup::zeebe::testing::ZeebeBackupOutcome;
use camunda_backup::{Abandoned, BackupId, Cluster};
use camunda_backup::{Clock, Timestamp};
use serde_json::json;

use super::{Duration, MINUTE};
use crate::world::{a_minute_later, artifacts, connect, eight_six, failed, limited, plan, sent, until};

/// A clock that is ahead of everybody else's.
#[derive(Debug)]
struct Ahead(Arc<dyn Clock>, Duration);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        let ahead = u64::try_from(self.1.as_millis()).unwrap();
        Timestamp::from_millis(self.0.now().millis() + ahead)
    }
}

async fn connect_ahead(simulated: &SimulatedCluster, ahead: Duration) -> Cluster {
    let mut options = simulated.connect_options();
    options.clock = Some(Arc::new(Ahead(Arc::new(simulated.clock()), ahead)));
    Cluster::connect_with(simulated.config().unwrap(), options).await.unwrap()
}

/// A process that dies after this request was answered or given up.
async fn die_after(simulated: &SimulatedCluster, operation: &'static str, later: Duration) -> BackupId {
    let process = SimulatedProcess::immortal(simulated);
    let cluster =
        Cluster::connect_with(simulated.config().unwrap(), process.connect_options()).await.unwrap();
    let planned = plan(&cluster);
    let id = planned.id().unwrap();
    let run = tokio::spawn(async move { cluster.run(planned).await.map(|_| ()) });
    until("sent", || !sent(simulated, operation).is_empty()).await;
    tokio::time::sleep(later).await; // virtual time: the answer
    process.kill();
    run.abort();
    id
}

fn assert_all_gone_or_said(simulated: &SimulatedCluster, before: &BTreeSet<String>, abandoned: &Abandoned) {
    let left: BTreeSet<String> = artifacts(simulated).difference(before).cloned().collect();
    assert!(
        left.is_empty() || !abandoned.remaining.is_empty(),
        "{left:?} is there, and was said: {abandoned}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_backup_of_zeebe_that_appears_after_its_refusal_is_deleted_too() {
    // However old the record seems to be: only this process's own clock says how long ago the request was given up.
    for ahead in [Duration::ZERO, 2 * 60 * MINUTE, 30 * 24 * 60 * MINUTE] {
        let simulated = eight_six().await;
        simulated.camunda().set_zeebe_backup_outcome(ZeebeBackupOutcome::GhostAfter504);
        let before = artifacts(&simulated);
        let id = die_after(&simulated, "zeebe.backups.create", Duration::from_millis(15_500)).await;
        let cluster = connect_ahead(&simulated, ahead).await;
        cluster.recover().await.unwrap();
        let abandoned = cluster.abandon(id).await.unwrap();
        a_minute_later(&simulated).await;
        a_minute_later(&simulated).await;
        assert_all_gone_or_said(&simulated, &before, &abandoned);
        a_minute_later(&simulated).await;
        let again = cluster.abandon(id).await.unwrap();
        assert!(artifacts(&simulated).difference(&before).next().is_none(), "{abandoned}{again}");
        assert!(again.remaining.is_empty(), "abandoning ends: {again}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_appears_minutes_after_its_request_was_given_up_is_deleted_too() {
    for ahead in [Duration::ZERO, 2 * 60 * MINUTE] {
        let simulated = eight_six().await;
        let late = Fault::Delay(Duration::from_secs(330));
        simulated.inject(Rule::operation("store.snapshots.create", late).unwrap().times(1));
        let before = artifacts(&simulated);
        let spec = limited(|limits| limits.max_pause = Duration::from_secs(40));
        let cluster = connect(&simulated).await;
        let (_, report) = failed(cluster.run(cluster.plan_backup(spec).unwrap()).await);
        let abandoned = connect_ahead(&simulated, ahead).await.abandon(report.id.unwrap()).await.unwrap();
        for _ in 0..7 {
            a_minute_later(&simulated).await;
        }
        assert_all_gone_or_said(&simulated, &before, &abandoned);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_and_deleted_is_not_waited_for_and_stands_there_by_name() {
    let simulated = eight_six().await;
    simulated.camunda().set_zeebe_backup_outcome(ZeebeBackupOutcome::Fail);
    let before = artifacts(&simulated);
    let cluster = connect(&simulated).await;
    let (_, report) = failed(cluster.run(plan(&cluster)).await);
    tokio::time::sleep(MINUTE).await; // virtual time: every partition has failed by now
    let ours: BTreeSet<String> = artifacts(&simulated).difference(&before).cloned().collect();
    let began = tokio::time::Instant::now();
    let abandoned = cluster.abandon(report.id.unwrap()).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(abandoned.remaining, [""; 0]);
    let named = |name: &String| match name.strip_prefix("zeebe ") {
        Some(id) => format!("Zeebe backup {id}"),
        None => format!("snapshot {name}"),
    };
    let expected: BTreeSet<String> = ours.iter().map(named).collect();
    assert_eq!(abandoned.deleted.iter().cloned().collect::<BTreeSet<_>>(), expected);
}

/// Two clusters write into one repository, and both have this id.
#[tokio::test(start_paused = true)]
async fn another_clusters_parts_under_our_id_survive() {
    let simulated = eight_six().await;
    simulated.camunda().set_zeebe_backup_outcome(ZeebeBackupOutcome::Fail);
    let cluster = connect(&simulated).await;
    let (_, report) = failed(cluster.run(plan(&cluster)).await);
    let theirs = format!("camunda_operate_{}_8.5.0_part_1_of_6", report.id.unwrap());
    let metadata = json!({"backupId": report.id.unwrap(), "version": "8.5.0", "partNo": 1, "partCount": 6});
    let index = "blue-operate-list-view-8.3.0_".to_owned();
    simulated.store().create_index(&index);
    simulated
        .store()
        .start_snapshot(crate::world::REPOSITORY, &theirs, std::slice::from_ref(&index), metadata, false)
        .unwrap();
    let abandoned = cluster.abandon(report.id.unwrap()).await.unwrap();
    let left: Vec<String> =
        artifacts(&simulated).into_iter().filter(|name| name.contains("operate")).collect();
    assert!(left.contains(&theirs), "another cluster's part was deleted: {abandoned}");
    let said = abandoned.remaining.iter().any(|why| why.contains(&theirs) && why.contains(&index));
    assert!(said && !abandoned.deleted.iter().any(|name| name.contains(&theirs)), "{abandoned}");
    let others: Vec<String> = artifacts(&simulated).into_iter().filter(|name| *name != theirs).collect();
    assert!(
        others.iter().all(|name| !name.contains("tasklist")),
        "ours are deleted all the same: {others:?}"
    );
}
