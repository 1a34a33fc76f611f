//! T1–T7: what must be true of the order of things. Only our own happened-before order counts; no clock does.

use std::collections::BTreeSet;

use camunda_backup_core::BackupId;
use camunda_backup_es::SnapshotState;
use camunda_backup_zeebe::{BackupState, ExporterPhase, ExportingStatus};

use super::pause::pause_held;
use super::{
    Case, Condition, Judgement, condition, holds, is_application, is_records, is_zeebe, not_applicable,
    unproven, violated,
};
use crate::backup::task::{BackupOrder, Goal};
use crate::engine::{Entry, Moment};
use crate::facts::{Facts, id_in_name};

pub(super) fn conditions(case: &Case<'_>) -> Vec<Condition> {
    let alone = case.task.order == BackupOrder::ZeebeOnly;
    let when_paused = |standing: fn(&Case<'_>) -> Judgement| {
        if alone {
            not_applicable("nothing has to agree with Zeebe's own checkpoint")
        } else {
            standing(case)
        }
    };
    vec![
        condition(
            "T1",
            "paused everywhere before the records, from 8.8 before every part",
            when_paused(paused_before),
        ),
        condition("T2", "up to 8.7: applications end before the pause", when_paused(applications_before)),
        condition("T3", "every snapshot ends before Zeebe is asked", when_paused(snapshots_before_zeebe)),
        condition("T4", "Zeebe ends before the resume", when_paused(zeebe_before_resume)),
        condition("T5", "the pause held on every replica", when_paused(pause_held)),
        condition("T6", "Optimize ends before the records begin", when_paused(optimize_before_records)),
        condition("T7", "no second backup, pause or resume in the window", when_paused(alone_in_window)),
    ]
}

fn ordered(what: &str, first: Option<u64>, second: Option<u64>) -> Judgement {
    match (first, second) {
        (Some(first), Some(second)) if first < second => {
            holds(format!("{what} (moments {first} and {second} of this run)"))
        }
        (Some(first), Some(second)) => {
            violated(format!("not {what} (moments {first} and {second} of this run)"))
        }
        _ => violated(format!("it was never seen that {what}")),
    }
}

fn paused_before(case: &Case<'_>) -> Judgement {
    let pause_first = case.task.order == BackupOrder::PauseFirst;
    let inside = |goal: &Goal| is_records(goal) || (pause_first && is_application(goal));
    if !case.plans(inside) {
        return not_applicable("no snapshot has to come after the pause");
    }
    let begins = case.sent(inside).into_iter().min();
    ordered(
        "confirmed paused before the first snapshot was asked for",
        case.paused().map(|(at, _)| at),
        begins,
    )
}

fn applications_before(case: &Case<'_>) -> Judgement {
    if case.task.order == BackupOrder::PauseFirst || !case.plans(is_application) {
        return not_applicable("the applications are backed up inside the pause, or there are none");
    }
    let ended = case.parts().into_iter().map(|(at, _)| at).max();
    let pause = case.sent(|goal| matches!(goal, Goal::ExportingPaused { .. })).into_iter().min();
    ordered("all applications ended before the pause was sent", ended, pause)
}

fn snapshots_before_zeebe(case: &Case<'_>) -> Judgement {
    let soft = case.task.order != BackupOrder::HardPause;
    let before = |goal: &Goal| is_application(goal) || (soft && is_records(goal));
    let ended = case.reached(before).into_iter().map(|(at, _)| at).max();
    if ended.is_none() && !case.plans(before) {
        return not_applicable("no snapshot has to come before Zeebe");
    }
    ordered("every snapshot ended before Zeebe was asked", ended, case.sent(is_zeebe).into_iter().min())
}

fn zeebe_before_resume(case: &Case<'_>) -> Judgement {
    ordered(
        "Zeebe had completed before exporting was resumed",
        case.zeebe().map(|(at, _)| at),
        paid(case.timeline),
    )
}

fn paid(timeline: &[Moment]) -> Option<u64> {
    timeline.iter().find(|moment| matches!(moment.entry, Entry::Paid { .. })).map(|moment| moment.order)
}

fn optimize_before_records(case: &Case<'_>) -> Judgement {
    let optimize = |goal: &Goal| matches!(goal, Goal::OptimizeBackedUp);
    if !case.plans(optimize) || !case.plans(is_records) {
        return not_applicable("no Optimize, or no records");
    }
    let ended = case.reached(optimize).into_iter().map(|(at, _)| at).max();
    ordered(
        "Optimize ended before the records were asked for",
        ended,
        case.sent(is_records).into_iter().min(),
    )
}

fn alone_in_window(case: &Case<'_>) -> Judgement {
    let Some(after) = case.after else { return unproven("the cluster could not be looked at afterwards") };
    let unread: BTreeSet<String> =
        case.before.unread_id_lists().into_iter().chain(after.unread_id_lists()).collect();
    if !unread.is_empty() {
        let lists: Vec<String> = unread.into_iter().collect();
        return unproven(format!("these lists of backups could not be read: {}", lists.join(", ")));
    }
    let busy = [("before", case.before), ("after", after)].into_iter().find_map(|(when, facts)| {
        let who = running_elsewhere(facts, case.task.id)?;
        Some(format!("{who} was running {when} the window"))
    });
    if let Some(busy) = busy {
        return unproven(busy);
    }
    if let Some(paused) = not_exporting(after) {
        return unproven(format!("after the resume somebody paused again: {paused}"));
    }
    let known = case.before.known_ids();
    let others: Vec<String> = after
        .known_ids()
        .into_iter()
        .filter(|id| *id != case.task.id && !known.contains(id))
        .map(|id| id.to_string())
        .collect();
    if others.is_empty() {
        holds("this run held the claim, no other backup ran or appeared, and exporting runs afterwards")
    } else {
        violated(format!("other backups appeared meanwhile: {}", others.join(", ")))
    }
}

/// A backup or snapshot of somebody else that is under way.
fn running_elsewhere(facts: &Facts, ours: BackupId) -> Option<String> {
    let zeebe = facts
        .runtime_backups
        .seen()
        .into_iter()
        .flatten()
        .find(|backup| backup.state == BackupState::InProgress && backup.id != ours.value());
    if let Some(backup) = zeebe {
        return Some(format!("Zeebe's backup {}", backup.id));
    }
    let mut snapshots = facts.snapshots.seen().into_iter().flatten();
    let (name, _) = snapshots.find(|(name, state)| {
        **state == SnapshotState::InProgress && id_in_name(name) != Some(ours.value())
    })?;
    Some(format!("snapshot {name}"))
}

fn not_exporting(facts: &Facts) -> Option<String> {
    if let Some(status) = facts.exporting.seen().filter(|status| **status != ExportingStatus::Exporting) {
        return Some(format!("the cluster's status is {status}"));
    }
    facts.partitions.iter().find_map(|(broker, probe)| {
        let phases =
            probe.seen()?.iter().filter_map(|(partition, s)| Some((partition, s.exporter_phase.as_ref()?)));
        let (partition, phase) = phases.into_iter().find(|(_, phase)| **phase != ExporterPhase::Exporting)?;
        Some(format!("partition {partition} of broker {broker} is {phase}"))
    })
}
