//! N7–N10: how the positions in Zeebe's snapshots, in the records and of the checkpoint stand to one another.

use std::collections::BTreeMap;

use camunda_backup_core::PartitionId;

use super::necessary::without_records;
use super::{Case, Judgement, holds, is_records, unproven, violated};
use crate::backup::dead_records::{far_behind, no_evidence, seen_far_behind, stand_still};
use crate::backup::evidence::Evidence;
use crate::backup::task::{BackupOrder, Goal};

pub(super) fn processed_before(case: &Case<'_>) -> Judgement {
    positions(
        case,
        "P",
        camunda_backup_zeebe::PartitionBackup::snapshot_processed_position,
        |position, checkpoint| position < checkpoint,
    )
}

pub(super) fn exported_before(case: &Case<'_>) -> Judgement {
    positions(
        case,
        "E",
        camunda_backup_zeebe::PartitionBackup::snapshot_exported_position,
        |position, checkpoint| position <= checkpoint,
    )
}

fn positions(
    case: &Case<'_>,
    letter: &str,
    position_of: impl Fn(&camunda_backup_zeebe::PartitionBackup) -> Option<i64>,
    fine: impl Fn(i64, i64) -> bool,
) -> Judgement {
    let Some((_, backup)) = case.zeebe() else { return violated("Zeebe's backup is missing") };
    let mut words = Vec::new();
    let wanted = case.before.partition_count();
    let shown = backup.partitions.len();
    if shown == 0 || shown < wanted as usize {
        return unproven(format!("only {shown} of {wanted} partitions show anything"));
    }
    for p in &backup.partitions {
        match (position_of(p), p.checkpoint_position, &p.snapshot_id) {
            (Some(position), Some(checkpoint), _) if fine(position, checkpoint) => {
                words.push(format!("partition {}: {letter}={position} C={checkpoint}", p.partition));
            }
            (Some(position), Some(checkpoint), _) => {
                return violated(format!("partition {}: {letter}={position} C={checkpoint}", p.partition));
            }
            // No snapshot at all is legal while the log begins at its beginning.
            (None, Some(_), None) => match snapshot_of(case, p) {
                Some(id) => {
                    return unproven(format!(
                        "the backup names no snapshot of partition {}, and its brokers have {id}",
                        p.partition
                    ));
                }
                None => words.push(format!("partition {}: no snapshot, the whole log", p.partition)),
            },
            (_, None, _) => {
                return unproven(format!("partition {} shows no checkpoint position", p.partition));
            }
            (None, _, Some(id)) => {
                return unproven(format!("snapshot id {id} of partition {} is not understood", p.partition));
            }
        }
    }
    holds(words.join("; "))
}

/// A sign that the partition has snapshots, so that its log may no longer begin at the beginning.
fn snapshot_of(case: &Case<'_>, share: &camunda_backup_zeebe::PartitionBackup) -> Option<String> {
    if share.first_log_position.is_some_and(|first| first > 1) {
        return Some("a log that has been cut".to_owned());
    }
    let seen = case.before.partitions.values().filter_map(|probe| probe.seen()?.get(&share.partition));
    seen.filter_map(|status| status.snapshot_id.clone()).find(|id| !id.is_empty())
}

/// The records' highest positions: at the beginning of the window, and after the records snapshot.
fn record_positions<'a>(case: &'a Case<'_>) -> Vec<&'a BTreeMap<i64, i64>> {
    let reached = case.reached(|goal| matches!(goal, Goal::RecordPositionsRead));
    reached
        .into_iter()
        .filter_map(|(_, e)| if let Evidence::Positions(p) = e { Some(p) } else { None })
        .collect()
}

pub(super) fn no_hole(case: &Case<'_>) -> Judgement {
    if !case.plans(is_records) {
        return without_records(case);
    }
    match dead_records(case) {
        Some(why) => unproven(why),
        None => compare_records(case, true),
    }
}

pub(super) fn no_future(case: &Case<'_>) -> Judgement {
    if !case.plans(is_records) {
        return without_records(case);
    }
    compare_records(case, false)
}

/// At the beginning of the window the records hold at least R; after their snapshot they hold at most R.
fn compare_records(case: &Case<'_>, hole: bool) -> Judgement {
    let read = record_positions(case);
    let Some((_, backup)) = case.zeebe() else { return violated("Zeebe's backup is missing") };
    let chosen = if hole { read.first() } else { read.last() };
    let Some(records) = chosen else { return unproven("the record positions could not be read") };
    let enough = hole || read.len() > 1 || case.task.order == BackupOrder::HardPause;
    if !enough {
        return unproven("the record positions could not be read after the snapshot");
    }
    let mut short = Vec::new();
    for p in &backup.partitions {
        let r = records.get(&i64::from(p.partition.0)).copied();
        let (e, c) = (p.snapshot_exported_position(), p.checkpoint_position);
        match (hole, r, e, c) {
            (true, Some(r), Some(e), _) if r < e => {
                short.push(format!("partition {}: R={r} E={e}", p.partition));
            }
            (true, None, Some(e), _) if e > 0 => {
                short.push(format!("partition {}: no record, E={e}", p.partition));
            }
            (false, Some(r), _, Some(c)) if r > c => {
                return violated(format!("partition {}: R={r} is past the checkpoint C={c}", p.partition));
            }
            (false, Some(_), _, None) => {
                return unproven(format!("partition {} shows no checkpoint", p.partition));
            }
            _ => {}
        }
    }
    if backup.partitions.is_empty() {
        unproven("Zeebe's backup shows no partition")
    } else if short.is_empty() {
        let words = backup.partitions.iter().map(|p| position_in_words(p.partition, records));
        holds(words.collect::<Vec<_>>().join("; "))
    } else {
        // The exporter's position counts filtered records too, so less is no proof of a hole.
        unproven(format!("{}; the window conditions decide", short.join("; ")))
    }
}

/// Why the records are no evidence, if they are dead: nobody writes them any more, as far as can be seen.
pub(super) fn dead_records(case: &Case<'_>) -> Option<String> {
    if !case.plans(is_records) {
        return None;
    }
    let read = record_positions(case);
    // Before the pause nothing was refreshed: that counts only where nothing better is known.
    let mut signs = match (case.zeebe(), read.first()) {
        (Some((_, backup)), Some(records)) => {
            let stored = backup.partitions.iter();
            far_behind(records, stored.filter_map(|p| Some((p.partition, p.snapshot_exported_position()?))))
        }
        _ => seen_far_behind(case.before),
    };
    signs.extend(case.after.into_iter().flat_map(|after| stand_still(case.before, after)));
    no_evidence(&signs, &case.before.record_prefix)
}

fn position_in_words(partition: PartitionId, records: &BTreeMap<i64, i64>) -> String {
    match records.get(&i64::from(partition.0)) {
        Some(r) => format!("partition {partition}: R={r}"),
        None => format!("partition {partition}: no record"),
    }
}
