//! N1–N12: what must be true of the parts themselves.

use std::collections::{BTreeMap, BTreeSet};

use camunda_backup_es::SnapshotInfo;
use camunda_backup_zeebe::{ExporterStatus, PartName};

use super::components::{every_component, every_part, every_partition};
use super::positions::{exported_before, no_future, no_hole, processed_before};
use super::{
    Case, Condition, Judgement, condition, holds, is_records, no_applications, not_applicable, unproven,
    violated,
};
use crate::backup::index_names::{Owner, is_record, owner, prefix_of_another_cluster};
use crate::backup::planner::{drift, in_words};
use crate::backup::task::BackupOrder;
use crate::facts::Facts;

pub(super) fn conditions(case: &Case<'_>) -> Vec<Condition> {
    vec![
        condition("N1", "every deployed component has a part under the one id", every_component(case)),
        condition("N2", "Zeebe: every partition completed", every_partition(case)),
        condition("N3", "applications: every part once, successful, no failed shard", every_part(case)),
        condition("N4", "the parts' indices are disjoint and hold every live index", indices_covered(case)),
        condition("N5", "the records snapshot holds every record index", records_covered(case)),
        condition("N6", "one version over all parts and partitions", one_version(case)),
        condition("N7", "snapshot processed before the checkpoint (P < C)", processed_before(case)),
        condition("N8", "snapshot exported not past the checkpoint (E ≤ C)", exported_before(case)),
        condition("N9", "no hole: the records reach the stored exporter position (R ≥ E)", no_hole(case)),
        condition("N10", "no future: no record past the checkpoint (R ≤ C)", no_future(case)),
        condition("N11", "importers not ahead of the records (I ≤ R)", importers(case)),
        condition("N12", "no upgrade, scaling or change during the window", no_change(case)),
    ]
}

fn indices_covered(case: &Case<'_>) -> Judgement {
    if let Some(reason) = exported_and_not_backed_up(case) {
        return unproven(reason);
    }
    let parts = case.parts();
    if parts.is_empty() {
        return no_applications(case);
    }
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for index in parts.iter().flat_map(|(_, p)| &p.snapshots).flat_map(|snapshot| &snapshot.indices) {
        if !seen.insert(index) {
            return violated(format!("index {index} is in two parts"));
        }
    }
    if seen.is_empty() {
        return unproven("the store was not asked");
    }
    let Some(live) = case.before.app_indices.seen() else {
        return unproven("the live indices could not be listed");
    };
    if let Some((_, records)) = case.records() {
        if let Some(index) = records.snapshot.indices.iter().find(|index| seen.contains(index.as_str())) {
            return violated(format!("index {index} is in a part and in the records, at two moments"));
        }
    }
    let combined = case.before.version.line() >= (8, 8);
    let apps: BTreeSet<&str> = parts.iter().map(|(_, p)| p.app.as_str()).collect();
    let (mut open, mut others, mut compared) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for name in live.iter().map(|index| index.name.as_str()) {
        if seen.contains(name) {
            compared.extend(app_of(case, combined, name));
        } else if let Some(prefix) = prefix_of_another_cluster(&case.before.app_prefixes, name, &seen) {
            others.insert(prefix);
        } else {
            open.push(match owner(&case.before.app_prefixes, combined, name) {
                Owner::App(app) if apps.contains(app) => name.to_owned(),
                Owner::App(app) => format!("{name} (of {app}, which has no part)"),
                _ => format!("{name} (whose it is cannot be told from its prefix)"),
            });
        }
    }
    let not_compared: Vec<&str> = apps.into_iter().filter(|app| !compared.contains(app)).collect();
    if !open.is_empty() {
        return unproven(format!("live indices in no part: {}", open.join(", ")));
    }
    if !not_compared.is_empty() {
        return unproven(format!(
            "no live index under the configured prefixes is in a part of {}, so nothing can be compared",
            not_compared.join(", ")
        ));
    }
    let others: Vec<String> =
        others.into_iter().map(|prefix| format!("; left out as another cluster's: {prefix}-*")).collect();
    holds(format!("{} indices{}", seen.len(), others.concat()))
}

/// From 8.8 on an exporter writes the web applications' indices; without them in the plan nobody backs those up.
fn exported_and_not_backed_up(case: &Case<'_>) -> Option<String> {
    let exporters = case.before.camunda_exporters();
    (!case.is_alone() && !exporters.is_empty() && case.before.apps.is_empty()).then(|| {
        format!("{} writes what no application in this configuration backs up", exporters.join(", "))
    })
}

/// The application to which an index that is in a part belongs: by its prefix, or, where that does not tell, by the part.
fn app_of<'a>(case: &'a Case<'_>, combined: bool, index: &str) -> Option<&'a str> {
    match owner(&case.before.app_prefixes, combined, index) {
        Owner::App(app) => Some(app),
        _ => case.parts().into_iter().map(|(_, parts)| parts).find_map(|parts| {
            let holds_it = |snapshot: &SnapshotInfo| snapshot.indices.contains(index);
            parts.snapshots.iter().any(holds_it).then_some(parts.app.as_str())
        }),
    }
}

/// That there are no records has to be seen, too: under another prefix they would be missing without a word.
pub(super) fn without_records(case: &Case<'_>) -> Judgement {
    if case.task.zeebe_only || case.before.rdbms {
        return not_applicable("only Zeebe's part was asked for");
    }
    let Some(exporters) = case.before.exporters.seen() else {
        return unproven("no record index was found, and which exporters there are is not to be seen");
    };
    // What an exporter writes cannot be seen, and its id is a free word; only Camunda's own is known by it.
    let own = case.before.camunda_exporters();
    let enabled = exporters.iter().filter(|exporter| exporter.status == ExporterStatus::Enabled);
    let others: Vec<String> =
        enabled.map(|exporter| exporter.id.to_string()).filter(|id| !own.contains(id)).collect();
    if !others.is_empty() {
        return unproven(format!(
            "no record index was found, and there is an exporter: {}",
            others.join(", ")
        ));
    }
    if !own.is_empty() && case.before.apps.is_empty() {
        return unproven(format!(
            "{} writes what no application in this configuration backs up",
            own.join(", ")
        ));
    }
    not_applicable("no record exporter")
}

fn records_covered(case: &Case<'_>) -> Judgement {
    if !case.plans(is_records) {
        return without_records(case);
    }
    let Some((_, records)) = case.records() else { return violated("the records snapshot is missing") };
    if !records.snapshot.is_clean_success() {
        return violated(format!("the snapshot is {}", records.snapshot.state));
    }
    let not_in_it = |names: Vec<String>| -> Vec<String> {
        names.into_iter().filter(|name| !records.snapshot.indices.contains(name)).collect()
    };
    let strange = records.snapshot.indices.iter().find(|index| !is_record(&case.before.record_prefix, index));
    if let Some(index) = strange {
        return violated(format!("{index} is in it, and is not one of the records"));
    }
    let missing = not_in_it(records.wanted.iter().cloned().collect());
    if !missing.is_empty() {
        return violated(format!("missing: {}", missing.join(", ")));
    }
    let Some(live) = case.before.record_indices.seen() else {
        return unproven("the record indices could not be listed before");
    };
    let unknown: Vec<&str> = case.before.unknown_indices.iter().map(String::as_str).collect();
    if !unknown.is_empty() {
        return unproven(format!("not named like records, and not in it: {}", unknown.join(", ")));
    }
    let gone = not_in_it(live.iter().map(|index| index.name.to_string()).collect());
    if gone.is_empty() {
        holds(format!("{} indices", records.snapshot.indices.len()))
    } else {
        unproven(format!("there before, and gone when the snapshot was asked for: {}", gone.join(", ")))
    }
}

fn one_version(case: &Case<'_>) -> Judgement {
    let gateway = case.plan.version.to_string().to_ascii_lowercase();
    let mut versions: BTreeMap<String, String> = BTreeMap::new();
    for (_, parts) in case.parts() {
        if let Some(version) = &parts.version {
            versions.insert(format!("the parts of {}", parts.app), version.to_ascii_lowercase());
        }
        let names = parts.snapshots.iter().filter_map(|snapshot| PartName::parse(&snapshot.name));
        versions.extend(names.map(|name| (format!("part {} of {}", name.part, parts.app), name.version)));
    }
    for partition in case.zeebe().into_iter().flat_map(|(_, backup)| &backup.partitions) {
        if let Some(version) = &partition.broker_version {
            versions.insert(format!("partition {}", partition.partition), version.to_ascii_lowercase());
        }
    }
    let other: Vec<String> =
        versions.iter().filter(|(_, v)| **v != gateway).map(|(what, v)| format!("{what}: {v}")).collect();
    match (versions.is_empty(), other.is_empty()) {
        (true, _) => unproven("no part tells its version"),
        (_, true) => holds(gateway),
        (_, false) => violated(format!("the gateway is {gateway}; {}", other.join(", "))),
    }
}

/// Importers exist up to 8.7, and in Optimize always. Their positions are inside the parts; T2 and T6 stand for this.
fn importers(case: &Case<'_>) -> Judgement {
    let importing = case.task.order != BackupOrder::PauseFirst || case.before.optimize;
    if case.parts().is_empty() || !importing {
        return not_applicable("nothing imports from the records");
    }
    unproven("import positions are not read, and not needed: the order of the snapshots (T2, T6) implies it")
}

fn no_change(case: &Case<'_>) -> Judgement {
    let Some(after) = case.after else { return unproven("the cluster could not be looked at afterwards") };
    let drift = drift(case.plan, case.task, after);
    if !drift.changed.is_empty() {
        return violated(in_words(&drift.changed));
    }
    if !drift.unseen.is_empty() {
        return unproven(in_words(&drift.unseen));
    }
    let last = |facts: &Facts| {
        facts
            .cluster_state
            .seen()
            .and_then(|state| state.last_change.as_ref().map(|change| change.id.clone()))
    };
    let failed = |facts: &Facts| facts.cluster_state.failure().map(str::to_owned);
    if let Some(why) = failed(case.before).or_else(|| failed(after)) {
        return unproven(format!("the cluster's changes could not be read: {why}"));
    }
    let pending = after.cluster_state.seen().is_some_and(|state| state.pending_change.is_some());
    // The newest 8.10 makes every pause and resume a cluster change of its own.
    let moves_itself = case.task.rest;
    if pending {
        unproven("a cluster change is pending now")
    } else if last(case.before) != last(after) && !moves_itself {
        violated("a cluster change was made meanwhile")
    } else if moves_itself {
        holds(
            "version and topology are as before; every pause is a change here, so the last one tells nothing",
        )
    } else {
        holds("version, topology and last change are as before")
    }
}
