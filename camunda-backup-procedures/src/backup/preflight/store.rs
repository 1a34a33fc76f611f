//! Findings about the search store.

use std::collections::BTreeSet;

use camunda_backup_es::{HealthStatus, IndexStats, SnapshotState};
use camunda_backup_zeebe::ExporterStatus;

use crate::backup::dead_records::seen_far_behind;
use crate::facts::{Facts, Probe, id_in_name};
use crate::finding::{Finding, FindingCode};

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    if matches!(facts.store, Probe::Absent) {
        return no_store(facts).into_iter().collect();
    }
    let mut findings = Vec::new();
    findings.extend(unreachable("the store", &facts.store));
    findings.extend(repository(facts));
    findings.extend(running_snapshots(facts));
    findings.extend(indices(facts));
    findings.extend(disks(facts));
    findings
}

fn no_store(facts: &Facts) -> Option<Finding> {
    let needed = !facts.apps.is_empty() || facts.optimize;
    let seen = "no search store and repository are configured";
    needed.then(|| {
        Finding::blocker(FindingCode::StoreNotConfigured, "store", seen)
            .because("the exported records and the second witness of every part are there")
            .advise("set `store` and `repository`, or ask for `zeebe_only`")
    })
}

fn unreachable<T>(what: &str, probe: &Probe<T>) -> Option<Finding> {
    let Probe::Failed { why, advice, .. } = probe else { return None };
    Some(
        Finding::blocker(FindingCode::ComponentUnreachable, "store", format!("{what} cannot be read: {why}"))
            .because("nothing that an application says about its backup can be checked")
            .advise(advice.clone().unwrap_or_else(|| "check the store's address and health".to_owned())),
    )
}

fn repository(facts: &Facts) -> Vec<Finding> {
    let repository = match &facts.repository {
        Probe::Seen(Some(repository)) => repository,
        Probe::Seen(None) => return vec![missing_repository()],
        other => return unreachable("the repository", other).into_iter().collect(),
    };
    if repository.readonly {
        let seen = format!("repository {} is registered as readonly", repository.name);
        return vec![
            Finding::blocker(FindingCode::RepositoryReadonly, "store", seen)
                .because("no snapshot can be written")
                .advise("register it on the writing cluster without `readonly`"),
        ];
    }
    let unverified = facts.verified.failure().map(|why| {
        Finding::blocker(FindingCode::RepositoryUnverified, "store", why)
            .because("a node that cannot write to the repository makes every snapshot fail or partial")
            .advise(unverified_advice(&facts.verified, repository.name.as_str()))
    });
    unverified.into_iter().chain(unreachable("the list of snapshots", &facts.snapshots)).collect()
}

/// A refused request says nothing about the nodes: what is missing is the right to ask them.
fn unverified_advice<T>(verified: &Probe<T>, repository: &str) -> String {
    match verified {
        Probe::Failed { advice: Some(advice), answered: false, .. } => {
            format!("{advice}; override this only when you know that every node can write there")
        }
        _ => format!("POST /_snapshot/{repository}/_verify and give every node access"),
    }
}

fn missing_repository() -> Finding {
    Finding::blocker(FindingCode::RepositoryMissing, "store", "the configured repository is not registered")
        .because("the applications answer 200 or 400 and write nothing")
        .advise(
            "register the repository that the applications are configured with: curl -X PUT \
             \"$STORE/_snapshot/$REPOSITORY\" -H 'Content-Type: application/json' -d \
             '{\"type\":\"s3\",\"settings\":{\"bucket\":\"…\",\"base_path\":\"…\"}}'",
        )
}

fn running_snapshots(facts: &Facts) -> Vec<Finding> {
    let states = facts.snapshots.seen().into_iter().flatten();
    let running = states.filter(|(_, state)| **state == SnapshotState::InProgress);
    running
        .map(|(name, _)| {
            let id = id_in_name(name);
            let ours = id.filter(|_| facts.is_our_last(id)).map(super::of_our_last).unwrap_or_default();
            let seen = format!("snapshot {name} is running in the repository{ours}");
            Finding::blocker(FindingCode::SnapshotRunning, "store", seen)
                .because("snapshots of one repository wait for each other, so the pause would be long")
                .advise("wait until it has ended")
        })
        .collect()
}

fn indices(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let red = |probe: &Probe<Vec<IndexStats>>| -> Vec<String> {
        let indices = probe.seen().into_iter().flatten();
        indices.filter(|i| i.health == Some(HealthStatus::Red)).map(|i| i.name.to_string()).collect()
    };
    for name in red(&facts.record_indices).into_iter().chain(red(&facts.app_indices)) {
        findings.push(
            Finding::blocker(FindingCode::IndexRed, "store", format!("index {name} is red"))
                .because("a part with a red index is never made, and the application says nothing")
                .advise("repair or delete the index"),
        );
    }
    let without = |probe: &Probe<Vec<IndexStats>>| probe.seen().is_some_and(Vec::is_empty);
    if without(&facts.record_indices) {
        findings.push(no_records(facts));
    }
    if without(&facts.app_indices) && !facts.apps.is_empty() {
        let seen = "there are no indices under the applications' prefixes";
        findings.push(
            Finding::warning(FindingCode::PrefixWithoutIndices, "store", seen)
                .because("the union of the parts cannot be compared with the live indices")
                .advise("set `app_prefixes` to the prefixes that the applications are configured with"),
        );
    }
    findings.extend(records_behind(facts));
    findings.extend(of_others(facts));
    findings.extend(unknown(facts));
    findings.extend(unreachable("the record indices", &facts.record_indices));
    findings.extend(unreachable("the applications' indices", &facts.app_indices));
    findings
}

/// A warning: an idle cluster whose workers poll looks the same.
fn records_behind(facts: &Facts) -> Option<Finding> {
    let behind = seen_far_behind(facts);
    (!behind.is_empty()).then(|| {
        Finding::warning(FindingCode::RecordsBehind, "store", behind.join("; "))
            .because(
                "either the exporter writes under another prefix, or for long nothing has happened that is exported, and the verdict is \
                 not PROVEN then",
            )
            .advise(format!(
                "compare the exporter's index.prefix (ZEEBE_BROKER_EXPORTERS_ELASTICSEARCH_ARGS_INDEX_PREFIX) with `record_prefix`, which is \
                 {}; start a process instance if they are the same",
                facts.record_prefix
            ))
    })
}

/// Left alone, and named: an index that is ours after all would be missing.
fn of_others(facts: &Facts) -> Option<Finding> {
    let foreign = &facts.foreign_indices;
    (!foreign.is_empty()).then(|| {
        let seen = format!("{} begin like ours and are taken for another cluster's", some_of(foreign));
        Finding::warning(FindingCode::IndicesOfOthers, "store", seen)
            .because("they are neither saved nor looked at")
            .advise(
                "set `app_prefixes` and `record_prefix` to what this cluster is configured with if they are its own",
            )
    })
}

fn unknown(facts: &Facts) -> Option<Finding> {
    let unknown = &facts.unknown_indices;
    (!unknown.is_empty()).then(|| {
        let seen =
            format!("{} are below the records' prefix and not named like exported records", some_of(unknown));
        Finding::warning(FindingCode::IndicesOfOthers, "store", seen)
            .because("they are not saved, so the verdict cannot be PROVEN")
            .advise("delete them if nobody needs them, or give them another name")
    })
}

/// The first names of many.
fn some_of(names: &BTreeSet<String>) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Up to 8.7 every web application reads the records, so there must be some; later only Optimize does.
fn no_records(facts: &Facts) -> Finding {
    let seen = format!("there are no indices under the record prefix {}", facts.record_prefix);
    // With nothing but Zeebe to back up, a prefix that matches nothing would silently make it a backup of Zeebe alone.
    let alone = facts.apps.is_empty() && !facts.optimize && may_export_records(facts);
    let needed = alone || facts.optimize || (facts.version.line() < (8, 8) && !facts.apps.is_empty());
    let finding = if needed {
        Finding::blocker(FindingCode::PrefixWithoutIndices, "store", seen).because(
            "records are exported and imported, so either the prefix is wrong or nothing is exported",
        )
    } else {
        Finding::warning(FindingCode::PrefixWithoutIndices, "store", seen)
            .because("without exported records there is no records snapshot")
    };
    finding.advise("set `record_prefix` to the prefix of the exporter (index.prefix)")
}

/// Whether an exporter may write records into the store: one is enabled that is not Camunda's own, or they cannot be listed.
fn may_export_records(facts: &Facts) -> bool {
    facts.exporters.seen().is_none_or(|exporters| {
        let mut enabled = exporters.iter().filter(|exporter| exporter.status == ExporterStatus::Enabled);
        enabled.any(|exporter| !exporter.id.to_string().to_lowercase().contains("camunda"))
    })
}

fn disks(facts: &Facts) -> Vec<Finding> {
    let disk = match &facts.disk {
        Probe::Seen(disk) => disk,
        Probe::Failed { why, advice, .. } => return vec![disks_unreadable(why, advice.as_deref())],
        Probe::Absent => return Vec::new(),
    };
    let over = disk.over_flood_stage.iter().map(|node| {
        let seen = format!("node {node} is over its flood stage");
        Finding::blocker(FindingCode::StoreDiskFull, "store", seen)
            .because("its indices are read-only and backups fail without saying why")
            .advise("free disk space on the node first")
    });
    let perhaps = disk.perhaps_over_flood_stage.iter().map(|node| {
        let seen = format!("node {node} is over the flood stage, and the store does not tell what it holds");
        Finding::warning(FindingCode::StoreDiskFull, "store", seen)
            .because("backups fail without saying why if indices of Camunda are on it; a frozen node is full on purpose")
            .advise("free disk space on the node if it is a data node; allow this user to read GET /_nodes")
    });
    over.chain(perhaps).collect()
}

fn disks_unreadable(why: &str, advice: Option<&str>) -> Finding {
    Finding::warning(FindingCode::StoreDiskFull, "store", format!("its disks cannot be read: {why}"))
        .because("on a node over its flood stage backups fail without saying why")
        .advise(advice.unwrap_or("allow this user to read GET /_cat/allocation and GET /_cluster/settings"))
}
