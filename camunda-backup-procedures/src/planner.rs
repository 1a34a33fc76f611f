//! From facts and a spec to a plan. Pure: no clock, no network, the same input gives the same plan.

mod backup;
mod requests;

use std::collections::BTreeMap;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Error, Result};

use crate::clients::Clients;
use crate::facts::Facts;
use crate::plan::{BackupOrder, Pinned, Plan};
use crate::preflight::{Severity, preflight};
use crate::spec::BackupSpec;

/// The plan of a backup, or every blocker at once.
///
/// # Errors
/// `Blocked` lists all blockers, each with the component, what was seen, why it matters and what to do.
pub(crate) fn plan_backup(facts: &Facts, clients: &Clients, spec: &BackupSpec) -> Result<Plan> {
    let id = match spec.id {
        Some(id) => id,
        None => choose_id(facts)?,
    };
    let findings = preflight(facts, spec, id);
    let blockers: Vec<String> =
        findings.iter().filter(|f| f.severity == Severity::Blocker).map(ToString::to_string).collect();
    if !blockers.is_empty() {
        let message = format!("{} of the checks before the backup found a blocker", blockers.len());
        return Err(Error::new(ErrorKind::Blocked, format!("{message}:\n  {}", blockers.join("\n  ")))
            .with_subject(format!("backup {id} of cluster {}", facts.cluster))
            .with_advice(
                "nothing was changed; each line says what to do, or override it by name in the spec",
            ));
    }
    let mut plan = Plan {
        format: 1,
        cluster: facts.cluster.clone(),
        id,
        order: order_of(facts, clients, spec),
        pinned: pinned(facts),
        rest: facts.rest,
        findings,
        stages: Vec::new(),
        limits: spec.limits.clone(),
    };
    plan.stages = backup::stages(facts, clients, &plan)?;
    Ok(plan)
}

/// Now, in seconds, unless something higher is known; in milliseconds once ids of that size exist, because a
/// ten-digit id after a thirteen-digit one is refused for ever.
fn choose_id(facts: &Facts) -> Result<BackupId> {
    const FIRST_MILLISECOND_ID: i64 = 1_000_000_000_000;
    let highest = facts.highest_id();
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
        version: facts.version.clone(),
        replicas: facts.replicas(),
        partitions: facts.partition_count(),
        store: facts.store.seen().cloned(),
        repository: repository.map(|repository| (repository.name.clone(), repository.uuid.clone())),
    }
}

/// What differs between what was pinned and what is so now; empty when nothing does.
pub(crate) fn drift(then: &Pinned, now: &Facts) -> Vec<String> {
    let now = pinned(now);
    let mut differences = BTreeMap::new();
    if then.version != now.version {
        differences.insert("version", format!("was {}, is {}", then.version, now.version));
    }
    if then.replicas != now.replicas || then.partitions != now.partitions {
        differences.insert("topology", "brokers or replicas changed".to_owned());
    }
    if then.store != now.store {
        differences.insert("store", "another store answers".to_owned());
    }
    // The uuid appears with the first snapshot; only a different one is another repository.
    let same_repository = match (&then.repository, &now.repository) {
        (Some((a, Some(uuid))), Some((b, Some(other)))) => a == b && uuid == other,
        (Some((a, _)), Some((b, _))) => a == b,
        (None, None) => true,
        _ => false,
    };
    if !same_repository {
        differences.insert("repository", "is not the one that was planned with".to_owned());
    }
    differences.into_iter().map(|(what, how)| format!("{what} {how}")).collect()
}
