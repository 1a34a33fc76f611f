//! Findings about brokers, topology, exporting and versions.

use std::collections::BTreeMap;

use camunda_backup_core::PartitionId;
use camunda_backup_zeebe::{ExporterPhase, ExporterStatus, ExportingStatus, PartitionStatus, Role};

use crate::facts::{Facts, Probe};
use crate::finding::{Finding, FindingCode};

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut findings = topology(facts);
    findings.extend(members(facts));
    findings.extend(exporting(facts));
    findings.extend(pending_change(facts));
    findings.extend(exporters(facts));
    findings.extend(versions(facts));
    findings.extend(addresses(facts));
    findings
}

fn topology(facts: &Facts) -> Vec<Finding> {
    const WHY: &str =
        "pause and resume need every replica, and only a complete topology makes an empty answer believable";
    match &facts.topology {
        Probe::Seen(topology) => {
            let problems = topology.problems();
            let finding = || {
                Finding::blocker(FindingCode::TopologyIncomplete, "zeebe", problems.join("; "))
                    .because(WHY)
                    .advise("wait until every partition has one healthy leader and all its replicas, then try again")
            };
            (!problems.is_empty()).then(finding).into_iter().collect()
        }
        Probe::Failed { why, advice, .. } => vec![
            Finding::blocker(
                FindingCode::TopologyUnknown,
                "zeebe",
                format!("the topology cannot be read: {why}"),
            )
            .because(WHY)
            .advise(advice.clone().unwrap_or_else(|| "check the REST and broker addresses".to_owned())),
        ],
        Probe::Absent => vec![topology_unknown(facts)],
    }
}

/// From 8.6 on the gateway itself refuses to pause or resume while it does not know every replica, so its success can be
/// believed and the configured replicas will do. Before, a gateway that has just started knows none and answers success
/// (Q33), and nothing would tell that exporting stayed paused.
fn topology_unknown(facts: &Facts) -> Finding {
    const ADVICE: &str = "configure `rest` (CAMUNDA_REST_URL; 8.5+), or better the management address of every broker in \
                          `brokers` (CAMUNDA_BROKER_URLS)";
    let configured = facts.configured_replicas();
    let replicas: usize = configured.values().map(std::collections::BTreeSet::len).sum();
    if facts.version.line() < (8, 6) || replicas == 0 {
        let seen = "there is no address to read the topology from";
        return Finding::blocker(FindingCode::TopologyUnknown, "zeebe", seen)
            .because("pause and resume need every replica, and only a complete topology makes their success believable")
            .advise(ADVICE);
    }
    let seen = format!(
        "there is no address to read the topology from; {replicas} replicas on {} brokers are configured",
        configured.len()
    );
    Finding::warning(FindingCode::TopologyUnknown, "zeebe", seen)
        .because(
            "who leads and who is alive cannot be seen; that the gateway accepts pause and resume has to do",
        )
        .advise(ADVICE)
}

/// Up to 8.3 a topology is made of what the brokers with an address say, and nobody tells whether there are others.
fn members(facts: &Facts) -> Option<Finding> {
    let told = facts.version.line() >= (8, 4) || facts.partitions.is_empty();
    let addresses = facts.partitions.len();
    match facts.cluster_size {
        _ if told => None,
        Some(size) if size == addresses => None,
        Some(size) => Some(
            Finding::blocker(
                FindingCode::TopologyIncomplete,
                "zeebe",
                format!("{addresses} brokers have an address, and the cluster has {size}"),
            )
            .because("a broker that is not looked at may stay paused")
            .advise("configure the management address of every broker in `brokers` (CAMUNDA_BROKER_URLS)"),
        ),
        None => Some(
            Finding::warning(
                FindingCode::ExportingUnknown,
                "zeebe",
                format!(
                    "{addresses} brokers have an address; up to 8.3 nothing tells whether there are more"
                ),
            )
            .because("a broker that is not looked at may not pause, so the verdict cannot be PROVEN")
            .advise("set `cluster-size` (CAMUNDA_CLUSTER_SIZE) to the number of brokers"),
        ),
    }
}

fn exporting(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut readable = false;
    if let Some(status) = facts.exporting.seen() {
        readable = true;
        let seen = format!("the cluster's exporting status is {status}");
        match status {
            ExportingStatus::Exporting => {}
            ExportingStatus::Paused | ExportingStatus::SoftPaused => findings.push(paused("zeebe", seen)),
            _ => findings.push(stopped("zeebe", seen)),
        }
    }
    for (broker, probe) in &facts.partitions {
        let name = format!("broker {broker}");
        match probe {
            Probe::Seen(partitions) if partitions.is_empty() => findings.push(
                Finding::blocker(FindingCode::TopologyIncomplete, name, "the broker shows no partition")
                    .because("an empty answer is not evidence that nothing is paused")
                    .advise("wait until the broker has joined its partitions"),
            ),
            Probe::Seen(partitions) => {
                readable = true;
                findings.extend(not_exporting(&name, partitions));
            }
            Probe::Failed { why, advice, .. } => findings.push(
                Finding::blocker(FindingCode::ComponentUnreachable, name, why.clone())
                    .because("what its partitions export cannot be seen, and a pause would be refused")
                    .advise(
                        advice
                            .clone()
                            .unwrap_or_else(|| "start the broker or correct its address".to_owned()),
                    ),
            ),
            Probe::Absent => {}
        }
    }
    findings.extend(unseen(facts, readable));
    findings
}

/// What can only be believed, because nobody can be asked.
fn unseen(facts: &Facts, readable: bool) -> Option<Finding> {
    let (seen, what) = if readable {
        let replicas = facts.replicas();
        let dark = replicas.keys().filter(|broker| !facts.partitions.contains_key(broker));
        let dark: Vec<String> = dark.map(ToString::to_string).collect();
        if facts.partitions.is_empty() || dark.is_empty() {
            return None;
        }
        let seen = format!("no address is configured for broker {}", dark.join(", "));
        (seen, "whether it pauses and resumes")
    } else {
        let seen = match facts.exporting.failure() {
            Some(why) => format!("the exporting status cannot be read: {why}"),
            None => "no broker address is configured".to_owned(),
        };
        (seen, "whether the pause holds")
    };
    Some(
        Finding::warning(FindingCode::ExportingUnknown, "zeebe", seen)
            .because(&format!("{what} can only be believed, so the verdict cannot be PROVEN"))
            .advise("configure the management address of every broker in `brokers` (CAMUNDA_BROKER_URLS)"),
    )
}

/// Followers of 8.1 and 8.2 show no phase; a leader always does.
fn not_exporting(broker: &str, partitions: &BTreeMap<PartitionId, PartitionStatus>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (partition, status) in partitions {
        match &status.exporter_phase {
            Some(ExporterPhase::Exporting) => {}
            Some(phase @ (ExporterPhase::Paused | ExporterPhase::SoftPaused)) => {
                findings.push(paused(broker, format!("partition {partition} is {phase}")));
            }
            Some(phase) => findings.push(stopped(broker, format!("partition {partition} is {phase}"))),
            None if status.role == Role::Leader => findings.push(
                Finding::blocker(
                    FindingCode::TopologyIncomplete,
                    broker,
                    format!("the leader of partition {partition} shows no exporter phase"),
                )
                .because("an unknown phase is not evidence that nothing is paused")
                .advise("wait until the partition is active"),
            ),
            None => {}
        }
    }
    findings
}

fn paused(component: &str, seen: String) -> Finding {
    Finding::blocker(FindingCode::ExportingPaused, component, seen)
        .because("a pause that was there before is somebody else's; pausing over it can corrupt the broker's state")
        .advise(
            "find out who paused it; if nobody did, run `recover()` with the journal of that run, or POST \
             /actuator/exporting/resume; then connect again",
        )
}

/// Nobody has paused it, and a pause would do nothing there.
fn stopped(component: &str, seen: String) -> Finding {
    Finding::blocker(FindingCode::ExportingStopped, component, seen)
        .because("it neither exports nor is paused: no exporter is configured, or one has failed for good; what it should export is missing")
        .advise(
            "look for the exporter's error in the broker's log and restart the broker when it is cured; without exporters ask for \
             `zeebe_only` and override this",
        )
}

fn pending_change(facts: &Facts) -> Option<Finding> {
    if let Some(why) = facts.cluster_state.failure() {
        let seen = format!("whether a cluster change is pending cannot be read: {why}");
        return Some(
            Finding::warning(FindingCode::ChangePending, "zeebe", seen)
                .because("that nothing joined or left in the window cannot be shown then")
                .advise("check that the gateway answers GET /actuator/cluster"),
        );
    }
    let change = facts.cluster_state.seen()?.pending_change.as_ref()?;
    let seen = format!("cluster change {} is pending ({})", change.id, change.status);
    Some(
        Finding::blocker(FindingCode::ChangePending, "zeebe", seen)
            .because("replicas that join while exporting is paused export all the same")
            .advise("wait until `GET /actuator/cluster` shows no pendingChange"),
    )
}

fn exporters(facts: &Facts) -> Vec<Finding> {
    if let Some(why) = facts.exporters.failure() {
        return vec![
            Finding::warning(
                FindingCode::ExporterNotEnabled,
                "zeebe",
                format!("the exporters cannot be read: {why}"),
            )
            .because("whether all of them are enabled cannot be shown then")
            .advise("check that the gateway answers GET /actuator/exporters"),
        ];
    }
    let not_enabled = facts
        .exporters
        .seen()
        .into_iter()
        .flatten()
        .filter(|exporter| exporter.status != ExporterStatus::Enabled);
    not_enabled
        .map(|exporter| {
            let seen = format!("exporter {} is {}", exporter.id, exporter.status);
            Finding::warning(FindingCode::ExporterNotEnabled, "zeebe", seen)
                .because("what it should export is not in the backup, and the log grows")
                .advise("enable it, or ignore this if it is disabled on purpose (a lost region)")
        })
        .collect()
}

fn versions(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (component, probe) in &facts.versions {
        match probe {
            Probe::Seen(Some(version)) if *version != facts.version => findings.push(
                Finding::blocker(
                    FindingCode::VersionsDiffer,
                    component,
                    format!("runs {version}, the gateway runs {}", facts.version),
                )
                .because("a backup restores only with exactly the versions that made it")
                .advise("finish the update first"),
            ),
            Probe::Failed { why, advice, .. } => {
                findings.push(Finding::unreachable(component, why, advice.as_deref()));
            }
            _ => {}
        }
    }
    findings
}

/// Operate and Tasklist became one application with one backup in 8.8; an address of the other kind is never asked, and
/// its part would be missing without a word.
fn addresses(facts: &Facts) -> Option<Finding> {
    let combined = facts.version.line() >= (8, 8);
    let named = |app: &&str| facts.versions.contains_key(*app);
    let others: &[&str] = if combined { &["operate", "tasklist"] } else { &["webapps"] };
    let unused: Vec<&str> = others.iter().copied().filter(named).collect();
    if unused.is_empty() || !facts.apps.is_empty() {
        return None;
    }
    let (wanted, setting) = if combined {
        ("webapps", "`webapps` (CAMUNDA_WEBAPPS_URL)")
    } else {
        ("operate and tasklist", "`operate` and `tasklist` (CAMUNDA_OPERATE_URL, CAMUNDA_TASKLIST_URL)")
    };
    let seen = format!("{} has an address, and {} has {wanted} instead", unused.join(" and "), facts.version);
    Some(
        Finding::blocker(FindingCode::AddressMissing, wanted, seen)
            .because("the part of the web applications would be missing from the backup")
            .advise(format!("configure {setting}")),
    )
}
