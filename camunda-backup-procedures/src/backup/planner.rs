//! From facts, a spec and an id to a plan. Pure: no clock, no network, the same input gives the same plan.

mod requests;
mod runbook;
mod same;

pub(crate) use same::differences;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Component, Error, Result};

use crate::backup::preflight::{blockers, preflight};
use crate::backup::spec::BackupSpec;
use crate::backup::task::{BackupOrder, BackupTask, Pinned};
use crate::connection::clients::Clients;
use crate::facts::Facts;
use crate::formats::FORMAT;
use crate::plan::{Plan, Task};
use crate::replicas::Replicas;

/// The plan of a backup, or every blocker at once.
///
/// # Errors
/// `Blocked` lists all blockers, each with the component, what was seen, why it matters and what to do.
pub(crate) fn plan_backup(facts: &Facts, clients: &Clients, spec: &BackupSpec, id: BackupId) -> Result<Plan> {
    let findings = preflight(facts, spec, id);
    let (blockers, words) = blockers(&findings);
    if !blockers.is_empty() {
        let message = format!("{} of the checks before the backup found a blocker", blockers.len());
        return Err(Error::new(ErrorKind::Blocked, format!("{message}:\n  {words}"))
            .with_subject(format!("backup {id} of cluster {}", facts.cluster))
            .with_details(crate::finding::details(&blockers))
            .with_advice(
                "nothing was changed; each line says what to do; most can be overridden by name in the spec",
            ));
    }
    let task = BackupTask {
        id,
        order: order_of(facts, clients, spec),
        pinned: pinned(facts),
        rest: facts.rest,
        zeebe_only: spec.zeebe_only,
        limits: spec.limits.clone(),
    };
    Ok(Plan {
        format: FORMAT,
        cluster: facts.cluster.clone(),
        gateway: facts.gateway.clone(),
        version: facts.version.clone(),
        stages: runbook::stages(facts, clients, &task)?,
        task: Task::Backup(Box::new(task)),
        findings,
    })
}

/// Now, in seconds, unless something higher is known; in milliseconds once ids of that size exist, because a
/// ten-digit id after a thirteen-digit one is refused for ever.
pub(crate) fn choose_id(facts: &Facts, used: Option<BackupId>) -> Result<BackupId> {
    const FIRST_MILLISECOND_ID: i64 = 1_000_000_000_000;
    let highest = facts.highest_id().max(used);
    let in_millis = highest.is_some_and(|id| id.value() >= FIRST_MILLISECOND_ID);
    let now = if in_millis { facts.at.millis() } else { facts.at.seconds() };
    let now = BackupId::new(i64::try_from(now).unwrap_or(i64::MAX))?;
    match highest {
        Some(highest) if highest >= now => highest.next().ok_or_else(|| {
            Error::new(ErrorKind::Blocked, "the highest possible backup id is used")
                .with_advice("give the backup store a new base path")
        }),
        _ => Ok(now),
    }
}

fn order_of(facts: &Facts, clients: &Clients, spec: &BackupSpec) -> BackupOrder {
    let nothing_to_agree_with =
        facts.apps.is_empty() && !facts.optimize && facts.record_indices.seen().is_none_or(Vec::is_empty);
    if spec.zeebe_only || facts.rdbms || nothing_to_agree_with {
        BackupOrder::ZeebeOnly
    } else if clients.dialect.pause_first() {
        BackupOrder::PauseFirst
    } else if clients.dialect.soft_pause {
        BackupOrder::WebappsFirst
    } else {
        BackupOrder::HardPause
    }
}

fn pinned(facts: &Facts) -> Pinned {
    let repository = facts.repository.seen().and_then(Option::as_ref);
    Pinned {
        replicas: facts.replicas(),
        partitions: facts.partition_count(),
        store: facts.store.seen().cloned(),
        has_records: has_records(facts),
        repository: repository.map(|repository| (repository.name.clone(), repository.uuid.clone())),
    }
}

/// Whether there are exported records; unknown if they could not be listed.
pub(crate) fn has_records(facts: &Facts) -> Option<bool> {
    facts.record_indices.seen().map(|indices| !indices.is_empty())
}

/// What differs between what was pinned and what is so now.
#[derive(Debug, Default)]
pub(crate) struct Drift {
    /// What has changed, with the component.
    pub(crate) changed: Vec<(Component, String)>,
    /// What could not be looked at: no proof of a change, and none against it.
    pub(crate) unseen: Vec<(Component, String)>,
}

pub(crate) fn drift(plan: &Plan, task: &BackupTask, facts: &Facts) -> Drift {
    let (then, now) = (&task.pinned, pinned(facts));
    let mut drift = Drift::default();
    let mut changed = |component, how: String| drift.changed.push((component, how));
    if plan.version != facts.version {
        changed(Component::Zeebe, format!("version was {}, is {}", plan.version, facts.version));
    }
    if plan.gateway != facts.gateway {
        changed(Component::Zeebe, format!("the gateway was {}, is {}", plan.gateway, facts.gateway));
    }
    if facts.store.failure().is_none() && then.store != now.store {
        changed(Component::Store, "another store answers".to_owned());
    }
    if let Some(why) = facts.store.failure() {
        drift.unseen.push((Component::Store, format!("the store cannot be read: {why}")));
    }
    match facts.topology.failure() {
        Some(why) => drift.unseen.push((Component::Zeebe, format!("the topology cannot be read: {why}"))),
        None if then.replicas == now.replicas && then.partitions == now.partitions => {}
        None => match facts.cluster_state.failure() {
            // The configuration lists brokers that the topology does not.
            Some(why) if then.partitions == now.partitions && is_part_of(&now.replicas, &then.replicas) => {
                let how = format!("the cluster's configuration cannot be read: {why}");
                drift.unseen.push((Component::Zeebe, how));
            }
            _ => changed(Component::Zeebe, "brokers or replicas changed".to_owned()),
        },
    }
    match facts.repository.failure() {
        Some(why) => drift.unseen.push((Component::Store, format!("the repository cannot be read: {why}"))),
        None if !is_same(then.repository.as_ref(), now.repository.as_ref()) => {
            changed(Component::Store, "the repository is not the one that was planned with".to_owned());
        }
        None => {}
    }
    drift
}

fn is_part_of(some: &Replicas, all: &Replicas) -> bool {
    some.iter().all(|(broker, partitions)| all.get(broker) == Some(partitions))
}

/// The uuid appears with the first snapshot; only a different one is another repository.
fn is_same(then: Option<&(String, Option<String>)>, now: Option<&(String, Option<String>)>) -> bool {
    match (then, now) {
        (Some((a, Some(uuid))), Some((b, Some(other)))) => a == b && uuid == other,
        (Some((a, _)), Some((b, _))) => a == b,
        (None, None) => true,
        _ => false,
    }
}

/// The differences as one text, separated by semicolons.
pub(crate) fn in_words(differences: &[(Component, String)]) -> String {
    differences.iter().map(|(_, how)| how.as_str()).collect::<Vec<_>>().join("; ")
}
