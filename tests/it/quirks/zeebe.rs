//! Q1, Q2, Q10, Q11, Q35, Q36: Zeebe's own backups.

use std::time::Duration;

use camunda_backup::testing::{Fault, Rule, StoreKind};
use camunda_backup::zeebe::testing::{BucketState, ZeebeBackupOutcome};
use camunda_backup::{BackupSpec, ErrorKind, RunOutcome, Verdict};

use crate::world::{
    artifacts, assert_abandonable, assert_resumed_within, assert_running, backup, backup_as, completed,
    connect, eight_six, failed, just_before, limited, plan, sent, until, world,
};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn q01_a_202_into_nowhere_fails_after_the_grace_and_burns_the_id() {
    for heals in [true, false] {
        let simulated = eight_six().await;
        just_before(&simulated, "zeebe.backups.create", |simulated| {
            simulated.camunda().set_bucket(BucketState::Missing);
        });
        let cluster = connect(&simulated).await;
        let run = cluster.start(plan(&cluster)).await;
        until("asked", || !sent(&simulated, "zeebe.backups.create").is_empty()).await;
        tokio::time::sleep(Duration::from_secs(20)).await;
        if heals {
            simulated.camunda().set_bucket(BucketState::Ok);
        }
        let (error, report) = failed(run.finished().await);
        if heals {
            assert!(error.to_string().contains("never appeared"), "{error}");
        } else {
            assert!(error.to_string().contains("NoSuchBucket"), "the server's words: {error}");
        }
        assert!(error.to_string().starts_with("zeebe: "), "{error}");
        assert_eq!(sent(&simulated, "zeebe.backups.create").len(), 1, "I3");
        assert_resumed_within(&simulated, 3 * MINUTE);
        assert!(
            report
                .leftovers
                .iter()
                .any(|leftover| leftover.what == format!("Zeebe backup {}", report.id.unwrap()))
        );
        simulated.camunda().set_bucket(BucketState::Ok);
        let next = completed(&simulated, backup(&simulated).await);
        assert!(next.id.unwrap() > report.id.unwrap(), "the id is burnt");
    }
}

#[tokio::test(start_paused = true)]
async fn q01_a_missing_bucket_is_seen_before_anything_is_paused() {
    for (bucket, words) in
        [(BucketState::Missing, "NoSuchBucket"), (BucketState::NotConfigured, "No backup store")]
    {
        let simulated = eight_six().await;
        simulated.camunda().set_bucket(bucket);
        let error = connect(&simulated).await.plan_backup(BackupSpec::default()).unwrap_err();
        assert!(error.to_string().contains("backup-store-unusable"), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn q02_a_dead_operate_backup_looks_like_a_healthy_one_and_is_told_by_stillness() {
    let slow = |name: &str, _: usize| Duration::from_secs(if name.contains("operate") { 25 } else { 1 });
    // Healthy: INCOMPLETE between every two parts, far longer than the grace in all.
    let simulated = eight_six().await;
    simulated.store().set_snapshot_duration(slow);
    let report = completed(&simulated, backup(&simulated).await);
    assert_eq!(report.verdict, Verdict::Proven, "{report}");
    // Dead: the queue was in the memory of a process that was restarted.
    let simulated = eight_six().await;
    simulated.store().set_snapshot_duration(slow);
    let before = artifacts(&simulated);
    let cluster = connect(&simulated).await;
    let run = cluster.start(plan(&cluster)).await;
    until("asked", || !sent(&simulated, "history.backups.create").is_empty()).await;
    tokio::time::sleep(Duration::from_secs(40)).await;
    simulated.camunda().restart_operate();
    let (error, report) = failed(run.finished().await);
    assert!(error.to_string().contains("stopped half-way for 6"), "{error}");
    assert!(error.advice().unwrap().contains("restart"), "{}", error.report());
    assert!(report.ended.since(report.began) < 3 * MINUTE, "{report}");
    assert_running(&simulated);
    assert_abandonable(&simulated, &report, &before).await;
}

#[tokio::test(start_paused = true)]
async fn q10_a_hanging_bucket_costs_a_bounded_pause() {
    let simulated = eight_six().await;
    just_before(&simulated, "zeebe.backups.create", |simulated| {
        simulated.camunda().set_bucket(BucketState::Hanging);
    });
    let (error, report) = failed(backup(&simulated).await);
    assert!(error.to_string().starts_with("zeebe: "), "{error}");
    assert_resumed_within(&simulated, 5 * MINUTE);
    assert_eq!(report.outcome, RunOutcome::Failed);
}

#[tokio::test(start_paused = true)]
async fn q10_answers_that_take_forty_seconds_are_waited_for() {
    let simulated = eight_six().await;
    let slow = Fault::Delay(Duration::from_secs(40));
    simulated.inject(Rule::operation("zeebe.backups.create", slow).unwrap());
    simulated.inject(Rule::operation("zeebe.backups.status", slow).unwrap().times(2));
    simulated.inject(Rule::operation("history.backups.status", slow).unwrap().times(2));
    completed(&simulated, backup(&simulated).await);
    assert_eq!(sent(&simulated, "zeebe.backups.create").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn q11_a_failed_backup_is_told_with_the_servers_reason() {
    for version in ["8.2.29", "8.5.8", "8.8.0", "8.10.0"] {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        simulated.camunda().set_zeebe_backup_outcome(ZeebeBackupOutcome::Fail);
        let (error, _) = failed(backup(&simulated).await);
        assert!(error.to_string().contains("Failed to upload snapshot files"), "{version}: {error}");
        assert_resumed_within(&simulated, Duration::from_secs(10));
    }
}

#[tokio::test(start_paused = true)]
async fn q35_a_504_that_runs_later_is_a_ghost_and_keeps_its_id() {
    let simulated = eight_six().await;
    simulated.camunda().set_zeebe_backup_outcome(ZeebeBackupOutcome::GhostAfter504);
    let before = artifacts(&simulated);
    let (error, report) = failed(backup(&simulated).await);
    assert!(error.report().contains("504"), "what was answered is told: {}", error.report());
    assert_eq!(sent(&simulated, "zeebe.backups.create").len(), 1, "never sent again");
    assert_resumed_within(&simulated, 4 * MINUTE);
    let ghost = format!("Zeebe backup {}", report.id.unwrap());
    assert!(report.leftovers.iter().any(|leftover| leftover.what == ghost), "{:?}", report.leftovers);
    tokio::time::sleep(2 * MINUTE).await;
    simulated.camunda().set_zeebe_backup_outcome(ZeebeBackupOutcome::Complete);
    assert!(artifacts(&simulated).contains(&format!("zeebe {}", report.id.unwrap())), "the ghost has come");
    let next = plan(&connect(&simulated).await);
    assert!(next.id() > report.id);
    assert_abandonable(&simulated, &report, &before).await;
}

#[tokio::test(start_paused = true)]
async fn q35_a_late_start_within_the_grace_is_used() {
    let simulated = eight_six().await;
    simulated.inject(Rule::operation("zeebe.backups.create", Fault::StatusAfter(504)).unwrap());
    let report = completed(&simulated, backup(&simulated).await);
    assert_eq!(report.verdict, Verdict::Proven, "{report}");
    assert_eq!(sent(&simulated, "zeebe.backups.create").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn q36_what_8_1_accepts_is_no_promise() {
    for bucket in [BucketState::Missing, BucketState::NotConfigured, BucketState::FeatureOff] {
        let simulated = world("8.1.27", StoreKind::Elasticsearch8).await;
        just_before(&simulated, "zeebe.backups.create", move |simulated| {
            simulated.camunda().set_bucket(bucket);
        });
        let (error, report) = failed(backup(&simulated).await);
        assert!(error.to_string().starts_with("zeebe: "), "{bucket:?}: {error}");
        assert!(sent(&simulated, "zeebe.backups.create").len() <= 1);
        assert_resumed_within(&simulated, 3 * MINUTE);
        simulated.camunda().set_bucket(BucketState::Ok);
        tokio::time::sleep(MINUTE).await;
        assert!(
            plan(&connect(&simulated).await).id().unwrap() > report.id.unwrap(),
            "8.1 would take the same id again; we do not"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_changes_fails_the_backup_and_not_the_cluster() {
    let simulated = crate::world::tuned("8.6.0", StoreKind::Elasticsearch8, |options| {
        (options.camunda.brokers, options.camunda.replication) = (3, 3);
        options.camunda.zeebe_backup_duration = Duration::from_secs(30);
    })
    .await;
    let cluster = connect(&simulated).await;
    let run =
        cluster.start(cluster.plan_backup(limited(|limits| limits.max_resume = 5 * MINUTE)).unwrap()).await;
    until("asked", || !sent(&simulated, "zeebe.backups.create").is_empty()).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let leader = camunda_backup::BrokerId::from(0);
    simulated.camunda().kill_broker(&leader);
    tokio::time::sleep(Duration::from_secs(30)).await;
    simulated.camunda().restart_broker(&leader);
    let (error, report) = failed(run.finished().await);
    assert!(
        matches!(error.kind(), ErrorKind::Failed | ErrorKind::Unavailable | ErrorKind::Connect),
        "{error}"
    );
    assert!(!report.owing, "{report}");
    assert_running(&simulated);
    let ended = backup_as(&simulated, BackupSpec::default()).await;
    completed(&simulated, ended);
}
