//! N1–N3: every deployed component has its part under the one id, and every part is whole.

use std::collections::{BTreeMap, BTreeSet};

use camunda_backup_zeebe::{BackupState, PartName, RuntimeBackup, records_snapshot_name};

use super::{Case, Judgement, holds, no_applications, unproven, violated};
use crate::backup::evidence::Parts;

/// N1. What is deployed is what was seen, and not what was planned: a step that is not in the plan is not made.
pub(super) fn every_component(case: &Case<'_>) -> Judgement {
    let (parts, records, zeebe) = (case.parts(), case.records(), case.zeebe());
    let mut missing = case.deployed_applications();
    missing.retain(|app| !parts.iter().any(|(_, part)| part.app == *app));
    if case.has_records() && records.is_none() {
        missing.push("the records".to_owned());
    }
    if zeebe.is_none() {
        missing.push("zeebe".to_owned());
    }
    let id = case.task.id.value();
    let mut others: Vec<String> = parts.iter().filter_map(|(_, part)| under_another_id(part, id)).collect();
    let wanted = records_snapshot_name(case.task.id);
    others.extend(
        records.filter(|(_, r)| r.snapshot.name != wanted.as_str()).map(|(_, r)| r.snapshot.name.clone()),
    );
    others.extend(zeebe.filter(|(_, z)| z.id != id).map(|(_, z)| format!("Zeebe's backup {}", z.id)));
    if missing.is_empty() && others.is_empty() {
        return holds(format!("all under id {id}"));
    }
    let words =
        [("missing", missing), ("under another id", others)].into_iter().filter(|(_, what)| !what.is_empty());
    violated(words.map(|(how, what)| format!("{how}: {}", what.join(", "))).collect::<Vec<_>>().join("; "))
}

fn under_another_id(part: &Parts, id: i64) -> Option<String> {
    let snapshot = part.snapshots.iter().find(|snapshot| {
        PartName::parse(&snapshot.name)
            .is_none_or(|name| name.backup_id != id.to_string() || name.app != part.app)
    });
    let said = part.application.as_ref().and_then(|said| said.id).filter(|said| *said != id);
    snapshot
        .map(|snapshot| snapshot.name.clone())
        .or_else(|| said.map(|said| format!("{}'s backup {said}", part.app)))
}

/// N2.
pub(super) fn every_partition(case: &Case<'_>) -> Judgement {
    let Some((_, backup)) = case.zeebe() else { return violated("Zeebe's backup is missing") };
    let wanted = case.before.partition_count();
    if wanted == 0 {
        return violated("it is not known how many partitions the cluster has");
    }
    match not_whole(backup, wanted) {
        Some(why) => violated(why),
        None => holds(format!("{wanted} of {wanted}")),
    }
}

fn not_whole(backup: &RuntimeBackup, wanted: u32) -> Option<String> {
    if backup.state != BackupState::Completed {
        return Some(format!("it is {}", backup.state));
    }
    let reasons = backup.partitions.iter().filter_map(|share| {
        Some(format!("partition {} says: {}", share.partition, share.failure.as_deref()?))
    });
    if let Some(reason) = backup.failure.clone().or_else(|| reasons.into_iter().next()) {
        return Some(format!("it is COMPLETED with a reason for a failure: {reason}"));
    }
    let open = backup.partitions.iter().find(|share| share.state != BackupState::Completed);
    if let Some(share) = open {
        return Some(format!("partition {} is {}", share.partition, share.state));
    }
    let shares: Vec<u32> = backup.partitions.iter().map(|share| share.partition.0).collect();
    (shares != (1..=wanted).collect::<Vec<_>>())
        .then(|| format!("it holds the partitions {shares:?}, and the cluster has {wanted}"))
}

/// N3.
pub(super) fn every_part(case: &Case<'_>) -> Judgement {
    let parts = case.parts();
    if parts.is_empty() {
        return no_applications(case);
    }
    if let Some(bad) = parts.iter().find_map(|(_, part)| not_clean(part)) {
        return violated(bad);
    }
    let by_word_only: Vec<&str> =
        parts.iter().filter(|(_, p)| p.snapshots.is_empty()).map(|(_, p)| p.app.as_str()).collect();
    if !by_word_only.is_empty() {
        return unproven(format!("only the application's word for {}", by_word_only.join(", ")));
    }
    let count: usize = parts.iter().map(|(_, p)| p.snapshots.len()).sum();
    let mut words = vec![format!("{count} parts of {} applications in the store", parts.len())];
    words.extend(parts.iter().filter_map(|(_, p)| p.disagreement.clone()));
    holds(words.join("; "))
}

fn not_clean(part: &Parts) -> Option<String> {
    if let Some(bad) = part.snapshots.iter().find(|snapshot| !snapshot.is_clean_success()) {
        return Some(format!(
            "snapshot {} is {}, and {} of its {} shards failed",
            bad.name, bad.state, bad.shards.failed, bad.shards.total
        ));
    }
    let names: Vec<PartName> =
        part.snapshots.iter().filter_map(|snapshot| PartName::parse(&snapshot.name)).collect();
    let mut numbers: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for name in &names {
        numbers.entry(name.of).or_default().insert(name.part);
    }
    let whole = |(of, numbers): (&u32, &BTreeSet<u32>)| {
        numbers.iter().copied().eq(1..=*of) && names.len() == *of as usize
    };
    let is_whole = names.len() == part.snapshots.len() && numbers.len() <= 1 && numbers.iter().all(whole);
    (!is_whole).then(|| {
        let shown: Vec<String> = names.iter().map(|name| format!("{} of {}", name.part, name.of)).collect();
        format!("the parts of {} are not each there once: {}", part.app, shown.join(", "))
    })
}
