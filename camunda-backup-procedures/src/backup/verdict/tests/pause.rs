//! T5.

use camunda_backup_core::{BrokerId, PartitionId};
use camunda_backup_zeebe::{ExporterPhase, PartitionStatus, PauseMode, Role};

use super::{HOLDS, Row, Run, UNPROVEN, VIOLATED};
use crate::exporting::{Certainty, Window};

fn status(window: &mut Window, broker: u32, partition: u32) -> &mut PartitionStatus {
    let partitions = window.partitions.get_mut(&BrokerId::from(broker)).unwrap();
    partitions.get_mut(&PartitionId(partition)).unwrap()
}

/// The broker that leads a partition in a window.
fn leader(window: &mut Window, partition: u32) -> &mut PartitionStatus {
    let of = |status: &PartitionStatus| status.role == Role::Leader;
    let mut all = window.partitions.values_mut().filter_map(|of| of.get_mut(&PartitionId(partition)));
    all.find(|status| of(status)).unwrap()
}

fn follower(window: &mut Window, partition: u32) -> &mut PartitionStatus {
    let mut all = window.partitions.values_mut().filter_map(|of| of.get_mut(&PartitionId(partition)));
    all.find(|status| status.role == Role::Follower).unwrap()
}

fn move_position(status: &mut PartitionStatus, by: i64) {
    *status.exported_position.as_mut().unwrap() += by;
}

fn without_positions(window: &mut Window) {
    for status in window.partitions.values_mut().flat_map(|partitions| partitions.values_mut()) {
        status.exported_position = None;
    }
}

const ROWS: &[Row] = &[
    ("T5", HOLDS, "on every replica, twice; exported positions stood still (partition 1 at ", |_| {}),
    ("T5", VIOLATED, "not confirmed at the beginning and at the end", |run| {
        run.forget("soft-pause-exporting")
    }),
    ("T5", VIOLATED, "not confirmed at the beginning and at the end", |run| run.forget("confirm-pause-held")),
    ("T5", VIOLATED, "before Zeebe had completed", |run| run.forget("back-up-zeebe")),
    ("T5", VIOLATED, "before Zeebe had completed", |run| run.reached_at("back-up-zeebe", 10_000)),
    ("T5", VIOLATED, "the mode", |run| run.held().mode = Some(PauseMode::Hard)),
    ("T5", VIOLATED, "the mode", |run| run.held().mode = None),
    ("T5", VIOLATED, "the mode", |run| (run.paused().mode, run.held().mode) = (None, None)),
    ("T5", VIOLATED, "was EXPORTING, not SOFT_PAUSED", |run| {
        leader(run.held(), 1).exporter_phase = Some(ExporterPhase::Exporting);
    }),
    ("T5", VIOLATED, "partition 2 of broker", |run| {
        follower(run.paused(), 2).exporter_phase = Some(ExporterPhase::Exporting);
    }),
    ("T5", VIOLATED, "was PAUSED, not SOFT_PAUSED", |run| {
        follower(run.held(), 1).exporter_phase = Some(ExporterPhase::Paused);
    }),
    ("T5", VIOLATED, "partition 1: the exported position moved from", |run| {
        move_position(leader(run.held(), 1), 1)
    }),
    ("T5", VIOLATED, "partition 2: the exported position moved from", |run| {
        move_position(leader(run.held(), 2), 1)
    }),
    // A follower is told later what its leader has exported.
    ("T5", HOLDS, "stood still", |run| move_position(follower(run.held(), 1), 1)),
    ("T5", UNPROVEN, "went back from", |run| move_position(leader(run.held(), 1), -1)),
    // Q45: not known is no movement, at either end, and on both.
    (
        "T5",
        UNPROVEN,
        "at the end of the window no leader showed the exported position of partition 1 ",
        |run| {
            leader(run.held(), 1).exported_position = Some(-1);
        },
    ),
    (
        "T5",
        UNPROVEN,
        "at the beginning of the window no leader showed the exported position of partition 2 ",
        |run| {
            leader(run.paused(), 2).exported_position = Some(-1);
        },
    ),
    ("T5", UNPROVEN, "no leader showed the exported position of partition 1, 2 ", |run| {
        without_positions(run.paused());
        without_positions(run.held());
    }),
    ("T5", UNPROVEN, "no leader showed", |run| {
        // A follower's position is no witness for its leader's.
        leader(run.held(), 1).exported_position = None;
        follower(run.held(), 1).exported_position = Some(1);
    }),
    ("T5", UNPROVEN, "changed its leader", |run| {
        let held = run.held();
        let position = leader(held, 1).exported_position;
        for broker in 0..2 {
            let status = status(held, broker, 1);
            status.role = if status.role == Role::Leader { Role::Follower } else { Role::Leader };
            status.exported_position = position;
        }
    }),
    ("T5", UNPROVEN, "both say that they lead partition 1", |run| {
        let position = leader(run.held(), 1).exported_position;
        let second = follower(run.held(), 1);
        (second.role, second.exported_position) = (Role::Leader, position);
    }),
    ("T5", UNPROVEN, "both say that they lead partition 2", |run| {
        let position = leader(run.paused(), 2).exported_position;
        let second = follower(run.paused(), 2);
        (second.role, second.exported_position) = (Role::Leader, position);
    }),
    ("T5", UNPROVEN, "did not show what it did with partition 1", |run| {
        follower(run.held(), 1).exporter_phase = None;
    }),
    ("T5", UNPROVEN, "did not show what it did with partition", |run| {
        run.paused()
            .partitions
            .get_mut(&BrokerId::from(1_u32))
            .unwrap()
            .retain(|_, s| s.role == Role::Leader);
    }),
    ("T5", UNPROVEN, "the cluster's status only", |run| run.held().certainty = Certainty::Status),
    ("T5", UNPROVEN, "the cluster's status only", |run| run.paused().certainty = Certainty::Status),
    ("T5", UNPROVEN, "on the brokers that have an address", |run| run.held().certainty = Certainty::Believed),
    ("T5", UNPROVEN, "a complete topology only", |run| {
        run.held().certainty = Certainty::Believed;
        run.held().partitions.clear();
        run.paused().partitions.clear();
    }),
    ("T5", UNPROVEN, "the gateway's answer only", |run| {
        let held = run.held();
        (held.certainty, held.topology) = (Certainty::Believed, None);
        held.partitions.clear();
        run.paused().partitions.clear();
    }),
];

#[tokio::test(start_paused = true)]
async fn t5_the_pause_held() {
    Run::of("8.6.0").await.assert_rows(ROWS);
}

/// Followers of 8.1 show neither phase nor position.
#[tokio::test(start_paused = true)]
async fn t5_rests_on_the_leaders_where_followers_show_nothing() {
    Run::of("8.1.27").await.assert_rows(&[
        ("T5", HOLDS, "on every leader, twice", |_| {}),
        ("T5", VIOLATED, "was SOFT_PAUSED, not PAUSED", |run| {
            leader(run.held(), 1).exporter_phase = Some(ExporterPhase::SoftPaused);
        }),
        ("T5", VIOLATED, "moved from", |run| move_position(leader(run.held(), 1), 33)),
        ("T5", UNPROVEN, "no leader showed the exported position", |run| {
            leader(run.held(), 2).exported_position = None;
        }),
    ]);
}
