//! N1–N12.

use camunda_backup_core::PartitionId;
use camunda_backup_es::{IndexStats, SnapshotInfo, SnapshotState};
use camunda_backup_zeebe::{BackupState, ClusterChange, PartitionBackup};

use super::{HOLDS, NOT_APPLICABLE, Row, Run, UNPROVEN, VIOLATED, failed, id, seen};
use crate::backup::evidence::Evidence;
use crate::backup::spec::BackupSpec;
use crate::facts::Probe;
use crate::plan::{Group, Stage};

fn share(run: &mut Run, partition: u32) -> &mut PartitionBackup {
    run.zeebe().partitions.iter_mut().find(|share| share.partition == PartitionId(partition)).unwrap()
}

fn part<'a>(run: &'a mut Run, app: &str, number: usize) -> &'a mut SnapshotInfo {
    &mut run.parts(app).snapshots[number - 1]
}

/// A snapshot id of the form that brokers use.
fn snapshot_id(processed: i64, exported: i64) -> Option<String> {
    Some(format!("5-1-{processed}-{exported}-0-abc"))
}

fn positions(run: &mut Run, step: &str, of: &[(i64, i64)]) {
    *run.evidence(step) = Evidence::Positions(of.iter().copied().collect());
}

/// The step taken out of the plan, as somebody would who has no time for it.
fn unplan(run: &mut Run, step: &str) {
    run.plan.stages.iter_mut().for_each(|stage| take_out(stage, step));
    run.forget(step);
}

fn take_out(stage: &mut Stage, step: &str) {
    match stage {
        Stage::Together(steps) | Stage::Group(Group { steps, .. }) => {
            steps.retain(|planned| planned.name != step)
        }
        Stage::Bracket(bracket) => bracket.body.iter_mut().for_each(|stage| take_out(stage, step)),
    }
}

const COMPONENTS: &[Row] = &[
    ("N1", HOLDS, "all under id ", |_| {}),
    ("N1", VIOLATED, "missing: operate", |run| run.forget("back-up-operate")),
    ("N1", VIOLATED, "missing: tasklist", |run| run.forget("back-up-tasklist")),
    ("N1", VIOLATED, "missing: optimize", |run| run.forget("back-up-optimize")),
    ("N1", VIOLATED, "missing: the records", |run| run.forget("snapshot-records")),
    ("N1", VIOLATED, "missing: zeebe", |run| run.forget("back-up-zeebe")),
    ("N1", VIOLATED, "missing: operate, zeebe", |run| {
        run.forget("back-up-operate");
        run.forget("back-up-zeebe");
    }),
    // What is deployed decides, and not what was planned.
    ("N1", VIOLATED, "missing: operate", |run| unplan(run, "back-up-operate")),
    ("N1", VIOLATED, "missing: optimize", |run| unplan(run, "back-up-optimize")),
    ("N1", VIOLATED, "missing: the records", |run| unplan(run, "snapshot-records")),
    ("N1", VIOLATED, "under another id: camunda_operate_7_8.6.0_part_1_of_6", |run| {
        part(run, "operate", 1).name = "camunda_operate_7_8.6.0_part_1_of_6".to_owned();
    }),
    ("N1", VIOLATED, "under another id: camunda_tasklist_", |run| {
        let of_tasklist = part(run, "tasklist", 1).name.clone();
        part(run, "operate", 1).name = of_tasklist;
    }),
    ("N1", VIOLATED, "under another id: no part", |run| part(run, "operate", 1).name = "no part".to_owned()),
    ("N1", VIOLATED, "under another id: tasklist's backup 7", |run| {
        run.parts("tasklist").application.as_mut().unwrap().id = Some(7);
    }),
    ("N1", VIOLATED, "under another id: camunda_zeebe_records_backup_7", |run| {
        run.records().snapshot.name = "camunda_zeebe_records_backup_7".to_owned();
    }),
    ("N1", VIOLATED, "under another id: Zeebe's backup 7", |run| run.zeebe().id = 7),
    ("N1", VIOLATED, "missing: optimize; under another id: Zeebe's backup 7", |run| {
        run.forget("back-up-optimize");
        run.zeebe().id = 7;
    }),
];

const PARTITIONS: &[Row] = &[
    ("N2", HOLDS, "2 of 2", |_| {}),
    ("N2", VIOLATED, "missing", |run| run.forget("back-up-zeebe")),
    ("N2", VIOLATED, "it is INCOMPLETE", |run| run.zeebe().state = BackupState::Incomplete),
    ("N2", VIOLATED, "partition 2 is FAILED", |run| share(run, 2).state = BackupState::Failed),
    ("N2", VIOLATED, "partition 1 is IN_PROGRESS", |run| share(run, 1).state = BackupState::InProgress),
    ("N2", VIOLATED, "partition 1 says: lost", |run| share(run, 1).failure = Some("lost".to_owned())),
    ("N2", VIOLATED, "for a failure: lost", |run| run.zeebe().failure = Some("lost".to_owned())),
    ("N2", VIOLATED, "holds the partitions [1], and the cluster has 2", |run| {
        drop(run.zeebe().partitions.pop())
    }),
    ("N2", VIOLATED, "holds the partitions [2], and the cluster has 2", |run| {
        drop(run.zeebe().partitions.remove(0))
    }),
    ("N2", VIOLATED, "holds the partitions [], and", |run| run.zeebe().partitions.clear()),
    ("N2", VIOLATED, "holds the partitions [1, 2, 3], and the cluster has 2", |run| {
        let mut one_more = share(run, 2).clone();
        one_more.partition = PartitionId(3);
        run.zeebe().partitions.push(one_more);
    }),
    ("N2", VIOLATED, "holds the partitions [1, 1], and the cluster has 2", |run| {
        share(run, 2).partition = PartitionId(1);
    }),
    ("N2", VIOLATED, "the cluster has 3", |run| seen(&mut run.before.topology).partitions_count = 3),
    ("N2", VIOLATED, "not known how many", |run| {
        seen(&mut run.before.topology).partitions_count = 0;
        run.zeebe().partitions.clear();
    }),
];

const PARTS: &[Row] = &[
    ("N3", HOLDS, "14 parts of 3 applications in the store", |_| {}),
    ("N3", HOLDS, "the two differ", |run| {
        run.parts("operate").disagreement = Some("the two differ".to_owned())
    }),
    ("N3", VIOLATED, "the applications' parts are missing", |run| {
        for app in ["operate", "tasklist", "optimize"] {
            run.forget(&format!("back-up-{app}"));
        }
    }),
    ("N3", VIOLATED, "the applications' parts are missing", |run| {
        for app in ["operate", "tasklist", "optimize"] {
            unplan(run, &format!("back-up-{app}"));
        }
    }),
    ("N3", UNPROVEN, "only the application's word for tasklist", |run| {
        run.parts("tasklist").snapshots.clear()
    }),
    // Another's word does not hide what is seen.
    ("N3", VIOLATED, "is PARTIAL", |run| {
        run.parts("tasklist").snapshots.clear();
        part(run, "operate", 1).state = SnapshotState::Partial;
    }),
    ("N3", VIOLATED, "is PARTIAL", |run| part(run, "operate", 3).state = SnapshotState::Partial),
    ("N3", VIOLATED, "is FAILED", |run| part(run, "optimize", 2).state = SnapshotState::Failed),
    ("N3", VIOLATED, "1 of its", |run| part(run, "tasklist", 6).shards.failed = 1),
    ("N3", VIOLATED, "shards failed", |run| part(run, "tasklist", 6).shards.successful -= 1),
    ("N3", VIOLATED, "the parts of operate are not each there once", |run| {
        drop(run.parts("operate").snapshots.pop())
    }),
    ("N3", VIOLATED, "the parts of operate are not each there once", |run| {
        drop(run.parts("operate").snapshots.remove(0))
    }),
    ("N3", VIOLATED, "the parts of optimize are not each there once: 1 of 2, 2 of 2, 2 of 2", |run| {
        let again = part(run, "optimize", 2).clone();
        run.parts("optimize").snapshots.push(again);
    }),
    ("N3", VIOLATED, "the parts of optimize are not each there once: 1 of 2, 2 of 3", |run| {
        let renamed = part(run, "optimize", 2).name.replace("_of_2", "_of_3");
        part(run, "optimize", 2).name = renamed;
    }),
    ("N3", VIOLATED, "the parts of optimize are not each there once", |run| {
        part(run, "optimize", 1).name = "x".to_owned()
    }),
];

const INDICES: &[Row] = &[
    ("N4", HOLDS, " indices", |_| {}),
    ("N4", VIOLATED, "is in two parts", |run| {
        let index = part(run, "operate", 1).indices.first().cloned().unwrap();
        part(run, "operate", 2).indices.insert(index);
        // So that it stays a clean snapshot.
        part(run, "operate", 2).shards.total += 1;
        part(run, "operate", 2).shards.successful += 1;
    }),
    ("N4", VIOLATED, "is in two parts", |run| {
        let index = part(run, "operate", 1).indices.first().cloned().unwrap();
        part(run, "tasklist", 1).indices.insert(index);
        part(run, "tasklist", 1).shards.total += 1;
        part(run, "tasklist", 1).shards.successful += 1;
    }),
    ("N4", UNPROVEN, "", |run| run.before.app_indices = failed()),
    ("N4", UNPROVEN, "", |run| seen(&mut run.before.app_indices).clear()),
    ("N4", UNPROVEN, "operate-", |run| {
        let index = part(run, "operate", 1).indices.pop_first().unwrap();
        assert!(index.starts_with("operate-"), "{index}");
    }),
    ("N4", UNPROVEN, "operate-new-8.6.0_", |run| {
        let mut new = seen(&mut run.before.app_indices)[0].clone();
        new.name = "operate-new-8.6.0_".parse().unwrap();
        seen(&mut run.before.app_indices).push(new);
    }),
];

fn one_more_index(run: &mut Run) -> IndexStats {
    let mut new = seen(&mut run.before.record_indices)[0].clone();
    new.name = "zeebe-record_new_8.6.0_2026-06-03".parse().unwrap();
    new
}

const RECORDS: &[Row] = &[
    ("N5", HOLDS, " indices", |_| {}),
    ("N5", VIOLATED, "missing", |run| run.forget("snapshot-records")),
    ("N5", VIOLATED, "PARTIAL", |run| run.records().snapshot.state = SnapshotState::Partial),
    ("N5", VIOLATED, "", |run| run.records().snapshot.shards.failed = 1),
    ("N5", VIOLATED, "missing: ", |run| drop(run.records().snapshot.indices.pop_first())),
    ("N5", UNPROVEN, "could not be listed", |run| run.before.record_indices = failed()),
    ("N5", UNPROVEN, "zeebe-record_new", |run| {
        let new = one_more_index(run);
        seen(&mut run.before.record_indices).push(new);
    }),
    ("N9", HOLDS, "partition 1: R=", |_| {}),
    ("N9", UNPROVEN, "R=1 E=", |run| positions(run, "read-record-positions", &[(1, 1), (2, 1_000_000)])),
    ("N9", UNPROVEN, "no record, E=", |run| positions(run, "read-record-positions", &[])),
    ("N9", UNPROVEN, "could not be read", |run| {
        *run.evidence("read-record-positions") = Evidence::Nothing;
        *run.evidence("read-record-positions-again") = Evidence::Nothing;
    }),
    ("N9", VIOLATED, "Zeebe's backup is missing", |run| run.forget("back-up-zeebe")),
    ("N10", HOLDS, "partition 2: R=", |_| {}),
    ("N10", VIOLATED, "partition 2: R=1000000 is past the checkpoint C=", |run| {
        positions(run, "read-record-positions-again", &[(1, 1), (2, 1_000_000)]);
    }),
    ("N10", VIOLATED, "is past the checkpoint", |run| {
        let checkpoint = share(run, 1).checkpoint_position.unwrap();
        positions(run, "read-record-positions-again", &[(1, checkpoint + 1)]);
    }),
    ("N10", HOLDS, "R=", |run| {
        let checkpoint = share(run, 1).checkpoint_position.unwrap();
        positions(run, "read-record-positions-again", &[(1, checkpoint)]);
    }),
    ("N10", UNPROVEN, "shows no checkpoint", |run| share(run, 1).checkpoint_position = None),
    ("N10", UNPROVEN, "after the snapshot", |run| {
        *run.evidence("read-record-positions-again") = Evidence::Nothing
    }),
    ("N10", VIOLATED, "Zeebe's backup is missing", |run| run.forget("back-up-zeebe")),
    ("N11", UNPROVEN, "not needed", |_| {}),
];

const VERSIONS: &[Row] = &[
    ("N6", HOLDS, "8.6.0", |_| {}),
    ("N6", VIOLATED, "the gateway is 8.6.0; the parts of operate: 8.6.7", |run| {
        run.parts("operate").version = Some("8.6.7".to_owned());
    }),
    ("N6", VIOLATED, "part 2 of optimize: 8.6.7", |run| {
        let renamed = part(run, "optimize", 2).name.replace("8.6.0", "8.6.7");
        part(run, "optimize", 2).name = renamed;
    }),
    ("N6", VIOLATED, "partition 2: 8.6.7", |run| share(run, 2).broker_version = Some("8.6.7".to_owned())),
    ("N6", HOLDS, "8.6.0", |run| share(run, 2).broker_version = Some("8.6.0".to_owned())),
    ("N6", UNPROVEN, "no part tells its version", |run| {
        for app in ["operate", "tasklist", "optimize"] {
            (run.parts(app).version, run.parts(app).snapshots) = (None, Vec::new());
        }
        run.zeebe().partitions.iter_mut().for_each(|share| share.broker_version = None);
    }),
];

const SNAPSHOTS: &[Row] = &[
    ("N7", HOLDS, "partition 2: P=", |_| {}),
    ("N7", HOLDS, "partition 1: P=8 C=9", |run| {
        (share(run, 1).snapshot_id, share(run, 1).checkpoint_position) = (snapshot_id(8, 8), Some(9));
    }),
    ("N7", VIOLATED, "partition 1: P=9 C=9", |run| {
        (share(run, 1).snapshot_id, share(run, 1).checkpoint_position) = (snapshot_id(9, 8), Some(9));
    }),
    ("N7", VIOLATED, "partition 2: P=10 C=9", |run| {
        (share(run, 2).snapshot_id, share(run, 2).checkpoint_position) = (snapshot_id(10, 8), Some(9));
    }),
    ("N7", UNPROVEN, "partition 2 shows no checkpoint position", |run| {
        share(run, 2).checkpoint_position = None
    }),
    ("N7", UNPROVEN, "snapshot id 5-x of partition 1 is not understood", |run| {
        share(run, 1).snapshot_id = Some("5-x".to_owned());
    }),
    ("N7", UNPROVEN, "only 1 of 2 partitions", |run| drop(run.zeebe().partitions.pop())),
    ("N7", VIOLATED, "missing", |run| run.forget("back-up-zeebe")),
    // Without a snapshot the log must begin at its beginning.
    ("N7", UNPROVEN, "names no snapshot of partition 1, and its brokers have ", |run| {
        share(run, 1).snapshot_id = None
    }),
    ("N7", HOLDS, "partition 1: no snapshot, the whole log", |run| {
        share(run, 1).snapshot_id = None;
        run.before.partitions.clear();
    }),
    ("N7", UNPROVEN, "a log that has been cut", |run| {
        (share(run, 1).snapshot_id, share(run, 1).first_log_position) = (None, Some(2));
        run.before.partitions.clear();
    }),
    ("N7", HOLDS, "the whole log", |run| {
        (share(run, 1).snapshot_id, share(run, 1).first_log_position) = (None, Some(1));
        run.before.partitions.clear();
    }),
    ("N8", HOLDS, "partition 1: E=", |_| {}),
    ("N8", HOLDS, "partition 1: E=9 C=9", |run| {
        (share(run, 1).snapshot_id, share(run, 1).checkpoint_position) = (snapshot_id(8, 9), Some(9));
    }),
    ("N8", VIOLATED, "partition 1: E=10 C=9", |run| {
        (share(run, 1).snapshot_id, share(run, 1).checkpoint_position) = (snapshot_id(8, 10), Some(9));
    }),
    ("N8", UNPROVEN, "partition 1 shows no checkpoint position", |run| {
        share(run, 1).checkpoint_position = None
    }),
    ("N8", VIOLATED, "missing", |run| run.forget("back-up-zeebe")),
];

const CHANGES: &[Row] = &[
    ("N12", HOLDS, "as before", |_| {}),
    ("N12", UNPROVEN, "could not be looked at afterwards", |run| run.after = None),
    ("N12", VIOLATED, "version was 8.6.0, is 8.6.7", |run| run.after().version = "8.6.7".parse().unwrap()),
    ("N12", VIOLATED, "the gateway was", |run| run.after().gateway = "http://other".to_owned()),
    ("N12", VIOLATED, "brokers or replicas changed", |run| {
        drop(seen(&mut run.after().topology).brokers[0].partitions.pop())
    }),
    ("N12", VIOLATED, "brokers or replicas changed", |run| {
        seen(&mut run.after().topology).partitions_count = 3
    }),
    ("N12", VIOLATED, "", |run| run.after().store = Probe::Absent),
    ("N12", VIOLATED, "the repository", |run| {
        let mut repository = seen(&mut run.after().repository).clone().unwrap();
        repository.name = "other".to_owned();
        run.after().repository = Probe::Seen(Some(repository));
    }),
    ("N12", UNPROVEN, "the topology cannot be read", |run| run.after().topology = failed()),
    ("N12", UNPROVEN, "the repository cannot be read", |run| run.after().repository = failed()),
    ("N12", UNPROVEN, "changes could not be read", |run| run.after().cluster_state = failed()),
    ("N12", UNPROVEN, "changes could not be read", |run| run.before.cluster_state = failed()),
    ("N12", UNPROVEN, "pending", |run| {
        let last = change();
        seen(&mut run.after().cluster_state).pending_change = Some(last);
    }),
    ("N12", VIOLATED, "a cluster change was made meanwhile", |run| {
        let last = change();
        seen(&mut run.after().cluster_state).last_change = Some(last);
    }),
];

fn change() -> ClusterChange {
    serde_json::from_value(serde_json::json!({
        "id": "4711", "status": "COMPLETED", "started_at": null, "completed_at": null, "operations_pending": 0,
    }))
    .unwrap()
}

#[tokio::test(start_paused = true)]
async fn n1_to_n6_and_n9_to_n11() {
    let run = Run::of("8.6.0").await;
    for rows in [COMPONENTS, PARTITIONS, PARTS, INDICES, RECORDS, VERSIONS] {
        run.assert_rows(rows);
    }
}

#[tokio::test(start_paused = true)]
async fn n7_n8_and_n12() {
    let run = Run::of("8.6.0").await;
    run.assert_rows(SNAPSHOTS);
    run.assert_rows(CHANGES);
}

/// From 8.8 on one application, and no importer but Optimize's.
#[tokio::test(start_paused = true)]
async fn the_components_of_8_8() {
    Run::of("8.8.0").await.assert_rows(&[
        ("N1", VIOLATED, "missing: webapps", |run| unplan(run, "back-up-webapps")),
        ("N1", VIOLATED, "missing: optimize", |run| run.forget("back-up-optimize")),
        ("N3", VIOLATED, "is PARTIAL", |run| part(run, "webapps", 7).state = SnapshotState::Partial),
        ("N11", UNPROVEN, "not needed", |_| {}),
    ]);
    let without_optimize =
        Run::with("8.8.0", |options| options.camunda.optimize = false, BackupSpec::default());
    without_optimize.await.assert_rows(&[("N11", NOT_APPLICABLE, "nothing imports", |_| {})]);
}

/// The newest 8.10 makes every pause and resume a cluster change of its own.
#[tokio::test(start_paused = true)]
async fn n12_where_a_pause_is_a_change() {
    Run::of("8.10.0").await.assert_rows(&[
        ("N12", HOLDS, "every pause is a change here", |run| {
            let last = change();
            seen(&mut run.after().cluster_state).last_change = Some(last);
        }),
        ("N12", VIOLATED, "version was", |run| run.after().version = "8.10.7".parse().unwrap()),
    ]);
}

/// Nothing is read after the snapshot of a hard pause: nothing is exported any more.
#[tokio::test(start_paused = true)]
async fn n10_of_a_hard_pause() {
    Run::of("8.4.6").await.assert_rows(&[
        ("N10", HOLDS, "R=", |_| {}),
        ("N10", VIOLATED, "is past the checkpoint", |run| {
            positions(run, "read-record-positions", &[(1, 1_000_000), (2, 1_000_000)]);
        }),
    ]);
}

#[tokio::test(start_paused = true)]
async fn zeebe_alone_is_whole_by_itself() {
    let spec = BackupSpec { id: Some(id(1_900_000_000)), zeebe_only: true, ..BackupSpec::default() };
    let run = Run::with("8.6.0", |_| {}, spec).await;
    run.assert_rows(&[
        ("N1", HOLDS, "all under id 1900000000", |_| {}),
        ("N1", VIOLATED, "missing: zeebe", |run| run.forget("back-up-zeebe")),
        ("N2", VIOLATED, "partition 1 is FAILED", |run| share(run, 1).state = BackupState::Failed),
        ("N3", NOT_APPLICABLE, "no applications", |_| {}),
        ("N4", NOT_APPLICABLE, "", |_| {}),
        ("N5", NOT_APPLICABLE, "only Zeebe's part", |_| {}),
        ("N9", NOT_APPLICABLE, "only Zeebe's part", |_| {}),
        ("N10", NOT_APPLICABLE, "only Zeebe's part", |_| {}),
        ("N11", NOT_APPLICABLE, "nothing imports", |_| {}),
        // Asked for alone and not: then everything else is missing.
        ("N1", VIOLATED, "missing: operate, tasklist, optimize, the records", |run| {
            run.task().zeebe_only = false
        }),
        ("N3", VIOLATED, "the applications' parts are missing", |run| run.task().zeebe_only = false),
    ]);
}

/// Without records: an exporter of an unknown kind could write them somewhere else.
#[tokio::test(start_paused = true)]
async fn that_there_are_no_records_has_to_be_seen() {
    let tune = |options: &mut crate::testing::SimulationOptions| {
        (options.camunda.record_exporter, options.camunda.optimize) = (false, false);
    };
    let without = Run::with("8.8.0", tune, BackupSpec::default()).await;
    for number in ["N5", "N9", "N10"] {
        without.assert_rows(&[
            (number, NOT_APPLICABLE, "no record exporter", |_| {}),
            (number, UNPROVEN, "which exporters there are", |run| run.before.exporters = failed()),
        ]);
    }
}
