//! Answers that were misread.

use std::time::Duration;

use camunda_backup::es::testing::SnapshotFault;
use camunda_backup::testing::{Fault, Rule, StoreKind};
use camunda_backup::zeebe::testing::ZeebeBackupOutcome;
use camunda_backup::{BackupSpec, ErrorKind, Verdict};

use crate::world::{
    artifacts, assert_abandonable, assert_resumed_within, assert_running, backup, backup_as, completed,
    connect, eight_six, failed, just_before, limited, longest_pause, plan, sent, world,
};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn d01_an_envelope_500_to_the_pause_is_no_success() {
    let simulated = eight_six().await;
    simulated.inject(Rule::operation("zeebe.exporting.pause", Fault::Envelope500).unwrap());
    let before = artifacts(&simulated);
    let (error, report) = failed(backup(&simulated).await);
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.report().contains("simulated failure"), "the server's words are kept: {}", error.report());
    assert_eq!(sent(&simulated, "zeebe.backups.create").len(), 0);
    assert_eq!(sent(&simulated, "store.snapshots.create").len(), 0);
    assert_running(&simulated);
    simulated.heal();
    assert_abandonable(&simulated, &report, &before).await;
}

#[tokio::test(start_paused = true)]
async fn d01_an_envelope_500_to_the_resume_is_asked_again() {
    let simulated = eight_six().await;
    simulated.inject(Rule::operation("zeebe.exporting.resume", Fault::Envelope500).unwrap().times(3));
    let report = completed(&simulated, backup(&simulated).await);
    assert!(report.backup().unwrap().resumed_broker_by_broker, "the second way was taken");
    assert_eq!(report.verdict, Verdict::Proven, "{report}");
}

#[tokio::test(start_paused = true)]
async fn d03_after_the_pause_only_resumes_are_sent() {
    let simulated = eight_six().await;
    completed(&simulated, backup(&simulated).await);
    let lines: Vec<String> = simulated
        .requests()
        .into_iter()
        .filter(|request| request.line.contains("/exporting") && request.line.starts_with("POST"))
        .map(|request| request.line)
        .collect();
    let base = "POST http://zeebe.sim:9600/actuator/exporting";
    assert_eq!(lines, [format!("{base}/pause?soft=true"), format!("{base}/resume")]);
}

#[tokio::test(start_paused = true)]
async fn d06_a_failed_zeebe_backup_ends_the_wait_at_once() {
    let simulated = eight_six().await;
    simulated.camunda().set_zeebe_backup_outcome(ZeebeBackupOutcome::Fail);
    let before = artifacts(&simulated);
    let (error, report) = failed(backup(&simulated).await);
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(
        error.to_string().starts_with("zeebe: ") && error.to_string().contains("Failed to upload"),
        "{error}"
    );
    assert!(error.to_string().contains(&report.id.unwrap().to_string()), "{error}");
    assert_resumed_within(&simulated, Duration::from_secs(10));
    assert_abandonable(&simulated, &report, &before).await;
}

#[tokio::test(start_paused = true)]
async fn d06_a_failed_part_or_records_snapshot_ends_the_wait_at_once() {
    for (name, step) in [("tasklist", "back-up-tasklist"), ("zeebe_records", "snapshot-records")] {
        let simulated = eight_six().await;
        simulated.store().fail_snapshots_matching(name, SnapshotFault::Failed);
        let before = artifacts(&simulated);
        let (error, report) = failed(backup(&simulated).await);
        assert_eq!(error.kind(), ErrorKind::Failed);
        assert!(error.to_string().contains("FAILED") && error.to_string().contains(step), "{error}");
        assert_running(&simulated);
        assert!(longest_pause(&simulated) < Duration::from_secs(10));
        assert_abandonable(&simulated, &report, &before).await;
    }
}

#[tokio::test(start_paused = true)]
async fn d07_the_end_of_patience_is_a_failure() {
    for outside in [true, false] {
        let simulated = eight_six().await;
        let name = if outside { "operate" } else { "zeebe_records" };
        simulated.store().fail_snapshots_matching(name, SnapshotFault::NeverEnds);
        let spec = limited(|limits| (limits.max_part, limits.max_pause) = (MINUTE, MINUTE));
        let (error, report) = failed(backup_as(&simulated, spec).await);
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{error}");
        assert!(error.advice().unwrap().contains("raise the limit"), "{}", error.report());
        assert_eq!(report.verdict, Verdict::Inconsistent);
        assert_running(&simulated);
        assert!(longest_pause(&simulated) < MINUTE + Duration::from_secs(5));
    }
}

#[tokio::test(start_paused = true)]
async fn d09_a_partial_snapshot_fails_on_every_store() {
    for store in StoreKind::ALL {
        for name in ["operate", "zeebe_records"] {
            let simulated = world("8.6.0", store).await;
            simulated.store().fail_snapshots_matching(name, SnapshotFault::Partial);
            let before = artifacts(&simulated);
            let (error, report) = failed(backup(&simulated).await);
            assert_eq!(error.kind(), ErrorKind::Failed, "{store:?}: {error}");
            assert!(error.to_string().contains("PARTIAL"), "{store:?}: {error}");
            assert_running(&simulated);
            assert_abandonable(&simulated, &report, &before).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn d16_a_word_that_nobody_knows_is_never_success() {
    for name in ["operate", "zeebe_records"] {
        let simulated = eight_six().await;
        let word = "CONSOLIDATING".to_owned();
        simulated.store().fail_snapshots_matching(name, SnapshotFault::UnknownState(word));
        let (error, report) = failed(backup(&simulated).await);
        assert_eq!(error.kind(), ErrorKind::Failed, "{error}");
        assert!(error.to_string().contains("CONSOLIDATING"), "the word is kept: {error}");
        assert_running(&simulated);
        assert!(longest_pause(&simulated) < 2 * MINUTE, "{:?}", report.paused);
    }
}

#[tokio::test(start_paused = true)]
async fn d21_what_is_not_visible_right_after_the_post_is_waited_for() {
    let simulated = eight_six().await;
    completed(&simulated, backup(&simulated).await);
    let post = sent(&simulated, "zeebe.backups.create")[0].number;
    let polls = sent(&simulated, "zeebe.backups.status").iter().filter(|poll| poll.number > post).count();
    assert!(polls > 2, "the first answers were 404 and INCOMPLETE, {polls} looks");
}

#[tokio::test(start_paused = true)]
async fn d32_a_refused_duplicate_is_neither_ours_nor_deleted() {
    for (operation, name) in [("history.backups.create", "operate"), ("optimize.backups.create", "optimize")]
    {
        let simulated = eight_six().await;
        let cluster = connect(&simulated).await;
        let plan = plan(&cluster);
        let foreign = format!("camunda_{name}_{}_8.6.0_part_1_of_1", plan.id().unwrap());
        let somebodys = foreign.clone();
        just_before(&simulated, operation, move |simulated| {
            for app in ["operate", "tasklist", "optimize"] {
                crate::world::snapshot(
                    simulated,
                    &somebodys.replace(name_of(&somebodys), app),
                    serde_json::Value::Null,
                );
            }
        });
        let id = plan.id().unwrap();
        let (error, report) = failed(cluster.run(plan).await);
        assert!(matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Foreign), "{error}");
        assert_running(&simulated);
        let listed = report.leftovers.iter().any(|leftover| leftover.what.contains(&format!("{name}_{id}")));
        assert!(!listed, "not ours: {:?}", report.leftovers);
        simulated.heal();
        connect(&simulated).await.abandon(id).await.unwrap();
        assert!(artifacts(&simulated).contains(&foreign), "somebody else's part survives");
    }
}

fn name_of(part: &str) -> &str {
    part.split('_').nth(1).unwrap()
}

#[tokio::test(start_paused = true)]
async fn d15_no_repository_is_ever_picked() {
    let simulated = eight_six().await;
    simulated.store().register_repository("another", false);
    let cluster = crate::world::connect_with(&simulated, |config| config.repository = None).await.unwrap();
    let error = cluster.plan_backup(BackupSpec::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Blocked);
    assert!(error.to_string().contains("store-not-configured"), "{error}");
    assert!(!error.to_string().contains("another"));
}
