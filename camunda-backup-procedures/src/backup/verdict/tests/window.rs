//! T1–T4, T6 and T7.

use camunda_backup_es::SnapshotState;
use camunda_backup_zeebe::{BackupState, ExporterPhase, ExportingStatus};

use super::{HOLDS, NOT_APPLICABLE, Row, Run, UNPROVEN, VIOLATED, failed, id, seen};
use crate::backup::spec::BackupSpec;
use crate::engine::Entry;

fn pay_at(run: &mut Run, order: u64) {
    for moment in &mut run.timeline {
        if matches!(moment.entry, Entry::Paid { .. }) {
            moment.order = order;
        }
    }
}

/// (B): applications, then the pause, then the records, then Zeebe.
const WEBAPPS_FIRST: &[Row] = &[
    ("T1", HOLDS, "confirmed paused before the first snapshot was asked for", |_| {}),
    ("T1", VIOLATED, "not confirmed paused before", |run| run.sent_at("snapshot-records", 0)),
    ("T1", VIOLATED, "not confirmed paused before", |run| run.reached_at("soft-pause-exporting", 10_000)),
    ("T1", VIOLATED, "it was never seen that", |run| run.forget("soft-pause-exporting")),
    ("T2", HOLDS, "all applications ended before the pause was sent", |_| {}),
    ("T2", VIOLATED, "not all applications ended", |run| run.reached_at("back-up-operate", 10_000)),
    ("T2", VIOLATED, "not all applications ended", |run| run.reached_at("back-up-optimize", 10_000)),
    ("T2", VIOLATED, "not all applications ended", |run| run.sent_at("soft-pause-exporting", 0)),
    ("T3", HOLDS, "every snapshot ended before Zeebe was asked", |_| {}),
    ("T3", VIOLATED, "not every snapshot ended", |run| run.reached_at("snapshot-records", 10_000)),
    ("T3", VIOLATED, "not every snapshot ended", |run| run.reached_at("back-up-tasklist", 10_000)),
    ("T3", VIOLATED, "not every snapshot ended", |run| run.sent_at("back-up-zeebe", 0)),
    ("T4", HOLDS, "Zeebe had completed before exporting was resumed", |_| {}),
    ("T4", VIOLATED, "not Zeebe had completed", |run| run.reached_at("back-up-zeebe", 10_000)),
    ("T4", VIOLATED, "not Zeebe had completed", |run| pay_at(run, 0)),
    ("T4", VIOLATED, "it was never seen that", |run| {
        run.timeline.retain(|moment| !matches!(moment.entry, Entry::Paid { .. }));
    }),
    ("T4", VIOLATED, "it was never seen that", |run| run.forget("back-up-zeebe")),
    ("T6", HOLDS, "Optimize ended before the records were asked for", |_| {}),
    ("T6", VIOLATED, "not Optimize ended", |run| run.reached_at("back-up-optimize", 10_000)),
    ("T6", VIOLATED, "not Optimize ended", |run| run.sent_at("snapshot-records", 0)),
    ("T6", VIOLATED, "it was never seen that", |run| run.forget("back-up-optimize")),
];

/// T7: nobody else.
const ALONE: &[Row] = &[
    ("T7", HOLDS, "held the claim", |_| {}),
    ("T7", UNPROVEN, "could not be looked at afterwards", |run| run.after = None),
    ("T7", UNPROVEN, "could not be read: zeebe", |run| run.before.runtime_backups = failed()),
    ("T7", UNPROVEN, "could not be read: zeebe", |run| run.after().runtime_backups = failed()),
    ("T7", UNPROVEN, "could not be read: operate", |run| {
        run.after().snapshots = failed();
        run.after().history_backups.insert("operate".to_owned(), failed());
    }),
    // What an application has made is in the store too.
    ("T7", HOLDS, "held the claim", |run| {
        run.after().history_backups.insert("operate".to_owned(), failed());
    }),
    ("T7", VIOLATED, "other backups appeared meanwhile: 7", |run| {
        let mut other = seen(&mut run.after().runtime_backups)[0].clone();
        other.id = 7;
        seen(&mut run.after().runtime_backups).push(other);
    }),
    ("T7", VIOLATED, "other backups appeared meanwhile: 7", |run| {
        let name = "camunda_zeebe_records_backup_7".to_owned();
        seen(&mut run.after().snapshots).insert(name, SnapshotState::Success);
    }),
    ("T7", HOLDS, "held the claim", |run| {
        // It was there before.
        for facts in [&mut run.before, run.after.as_mut().unwrap()] {
            let name = "camunda_zeebe_records_backup_7".to_owned();
            seen(&mut facts.snapshots).insert(name, SnapshotState::Success);
        }
    }),
    ("T7", UNPROVEN, "snapshot nightly was running before the window", |run| {
        seen(&mut run.before.snapshots).insert("nightly".to_owned(), SnapshotState::InProgress);
    }),
    ("T7", UNPROVEN, "snapshot nightly was running after the window", |run| {
        seen(&mut run.after().snapshots).insert("nightly".to_owned(), SnapshotState::InProgress);
    }),
    ("T7", UNPROVEN, "Zeebe's backup 7 was running before the window", |run| {
        let mut other = seen(&mut run.after().runtime_backups)[0].clone();
        (other.id, other.state) = (7, BackupState::InProgress);
        seen(&mut run.before.runtime_backups).push(other.clone());
        seen(&mut run.after().runtime_backups).push(other);
    }),
    ("T7", HOLDS, "held the claim", |run| {
        // Ours, by a list that is behind.
        seen(&mut run.after().runtime_backups)[0].state = BackupState::InProgress;
        let name = format!("camunda_zeebe_records_backup_{}", run.task().id);
        seen(&mut run.after().snapshots).insert(name, SnapshotState::InProgress);
    }),
    ("T7", UNPROVEN, "somebody paused again: partition 1 of broker 0 is PAUSED", |run| {
        let replicas = seen(run.after().partitions.get_mut(&0_u32.into()).unwrap());
        replicas.values_mut().next().unwrap().exporter_phase = Some(ExporterPhase::Paused);
    }),
    ("T7", UNPROVEN, "somebody paused again: the cluster's status is PAUSED", |run| {
        run.after().exporting = crate::facts::Probe::Seen(ExportingStatus::Paused);
    }),
];

#[tokio::test(start_paused = true)]
async fn t1_to_t4_and_t6_with_the_applications_first() {
    Run::of("8.6.0").await.assert_rows(WEBAPPS_FIRST);
}

#[tokio::test(start_paused = true)]
async fn t7_alone_in_the_window() {
    Run::of("8.6.0").await.assert_rows(ALONE);
}

/// (C): everything inside the pause.
#[tokio::test(start_paused = true)]
async fn the_order_of_8_8() {
    Run::of("8.8.0").await.assert_rows(&[
        ("T1", HOLDS, "confirmed paused", |_| {}),
        ("T1", VIOLATED, "not confirmed paused before", |run| run.sent_at("back-up-webapps", 0)),
        ("T1", VIOLATED, "not confirmed paused before", |run| run.sent_at("back-up-optimize", 0)),
        ("T1", VIOLATED, "not confirmed paused before", |run| run.sent_at("snapshot-records", 0)),
        ("T2", NOT_APPLICABLE, "inside the pause", |_| {}),
        ("T3", VIOLATED, "not every snapshot ended", |run| run.reached_at("back-up-webapps", 10_000)),
        ("T6", VIOLATED, "not Optimize ended", |run| run.reached_at("back-up-optimize", 10_000)),
    ]);
}

/// (A): records and Zeebe at the same time.
#[tokio::test(start_paused = true)]
async fn the_order_of_a_hard_pause() {
    Run::of("8.4.6").await.assert_rows(&[
        ("T1", VIOLATED, "not confirmed paused before", |run| run.sent_at("snapshot-records", 0)),
        ("T2", VIOLATED, "not all applications ended", |run| run.reached_at("back-up-tasklist", 10_000)),
        ("T3", HOLDS, "every snapshot ended", |run| run.reached_at("snapshot-records", 10_000)),
        ("T3", VIOLATED, "not every snapshot ended", |run| run.reached_at("back-up-operate", 10_000)),
    ]);
}

#[tokio::test(start_paused = true)]
async fn zeebe_alone_has_no_window_and_is_alone_all_the_same() {
    let spec = BackupSpec { id: Some(id(1_900_000_000)), zeebe_only: true, ..BackupSpec::default() };
    let run = Run::with("8.6.0", |_| {}, spec).await;
    for number in ["T1", "T2", "T3", "T4", "T5", "T6", "T7"] {
        run.assert_rows(&[(number, NOT_APPLICABLE, "Zeebe's own checkpoint", |_| {})]);
    }
}
