//! T5: the pause held on every replica, and the exported positions stood still.

use std::collections::BTreeSet;

use camunda_backup_core::PartitionId;
use camunda_backup_zeebe::{ExporterPhase, PauseMode};

use super::{Case, Judgement, holds, unproven, violated};
use crate::exporting::{Certainty, Window, led_twice};

pub(super) fn pause_held(case: &Case<'_>) -> Judgement {
    let (Some((_, first)), Some((at, last))) = (case.paused(), case.held()) else {
        return violated("the pause was not confirmed at the beginning and at the end of the window");
    };
    if case.zeebe().is_none_or(|(zeebe, _)| zeebe > at) {
        return violated("the last look at the pause was before Zeebe had completed");
    }
    let Some(mode) = first.mode.filter(|mode| last.mode == Some(*mode)) else {
        return violated("the mode of the pause changed");
    };
    if let Some(other) = other_phase(first, mode).or_else(|| other_phase(last, mode)) {
        return violated(other);
    }
    if let Some(moved) = moved_on(first, last) {
        return violated(moved);
    }
    let unclear = unclear(case, first, last);
    if unclear.is_empty() { by_certainty(first, last) } else { unproven(unclear.join("; ")) }
}

/// A replica that shows that it was not paused in this mode.
fn other_phase(window: &Window, mode: PauseMode) -> Option<String> {
    let wanted = if mode == PauseMode::Soft { ExporterPhase::SoftPaused } else { ExporterPhase::Paused };
    let replicas = window.partitions.iter().flat_map(|(broker, partitions)| {
        partitions.iter().map(move |(partition, status)| (broker, partition, status))
    });
    replicas
        .filter_map(|(broker, partition, status)| Some((broker, partition, status.exporter_phase.as_ref()?)))
        .find_map(|(broker, partition, phase)| {
            (*phase != wanted)
                .then(|| format!("partition {partition} of broker {broker} was {phase}, not {wanted}"))
        })
}

/// An exporter that acknowledged something inside the window.
fn moved_on(first: &Window, last: &Window) -> Option<String> {
    let after = last.exported_positions();
    first.exported_positions().into_iter().find_map(|(partition, from)| {
        let to = *after.get(&partition)?;
        (to > from).then(|| format!("partition {partition}: the exported position moved from {from} to {to}"))
    })
}

/// What keeps the two looks from being a proof, without being a proof of the opposite.
fn unclear(case: &Case<'_>, first: &Window, last: &Window) -> Vec<String> {
    let mut unclear = Vec::new();
    for window in [first, last] {
        unclear.extend(led_twice(&window.partitions));
    }
    if first.leaders() != last.leaders() {
        unclear.push("a partition changed its leader inside the window".to_owned());
    }
    let after = last.exported_positions();
    for (partition, from) in first.exported_positions() {
        if let Some(to) = after.get(&partition).filter(|to| **to < from) {
            unclear.push(format!(
                "partition {partition}: the exported position went back from {from} to {to}; its broker or exporter was \
                 restarted inside the window"
            ));
        }
    }
    // Without the brokers' addresses there is no position at all, and that is said by the certainty.
    if first.certainty.min(last.certainty) >= Certainty::EveryLeader {
        unclear.extend(without_position(case, first, "beginning"));
        unclear.extend(without_position(case, last, "end"));
    }
    if first.certainty.min(last.certainty) == Certainty::EveryReplica {
        unclear.extend([first, last].into_iter().find_map(|window| without_phase(case, window)));
    }
    unclear
}

fn without_position(case: &Case<'_>, window: &Window, when: &str) -> Option<String> {
    let shown = window.exported_positions();
    let missing: Vec<String> = partitions(case)
        .into_iter()
        .filter(|partition| !shown.contains_key(partition))
        .map(|partition| partition.to_string())
        .collect();
    (!missing.is_empty()).then(|| {
        format!(
            "at the {when} of the window no leader showed the exported position of partition {} (a restarted broker has \
             not opened its exporters for a while)",
            missing.join(", ")
        )
    })
}

fn without_phase(case: &Case<'_>, window: &Window) -> Option<String> {
    case.task.pinned.replicas.iter().find_map(|(broker, partitions)| {
        let shown = window.partitions.get(broker);
        let has_phase = |partition: &PartitionId| {
            shown.and_then(|shown| shown.get(partition)).is_some_and(|status| status.exporter_phase.is_some())
        };
        let missing = partitions.iter().find(|partition| !has_phase(partition))?;
        Some(format!("broker {broker} did not show what it did with partition {missing}"))
    })
}

fn partitions(case: &Case<'_>) -> BTreeSet<PartitionId> {
    (1..=case.task.pinned.partitions).map(PartitionId).collect()
}

fn by_certainty(first: &Window, last: &Window) -> Judgement {
    let positions = first
        .exported_positions()
        .into_iter()
        .map(|(partition, position)| format!("partition {partition} at {position}"))
        .collect::<Vec<_>>()
        .join(", ");
    match first.certainty.min(last.certainty) {
        Certainty::EveryLeader => holds(format!(
            "on every leader, twice, and no partition changed its leader; followers of this version show no phase; \
             exported positions stood still ({positions})"
        )),
        Certainty::EveryReplica => {
            holds(format!("on every replica, twice; exported positions stood still ({positions})"))
        }
        Certainty::Status => unproven("by the cluster's status only; configure the brokers' addresses"),
        Certainty::Believed if !last.partitions.is_empty() => unproven(
            "on the brokers that have an address; configure every broker, and `cluster-size` up to 8.3",
        ),
        Certainty::Believed if last.topology.is_none() => {
            unproven("by the gateway's answer only; configure the brokers' addresses")
        }
        Certainty::Believed => {
            unproven("by the answer and a complete topology only; configure the brokers' addresses")
        }
    }
}
