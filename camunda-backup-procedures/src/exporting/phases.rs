//! What exporting really does: the phase of every replica, where it lives.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::{BrokerId, Clock, Component, Error, PartitionId, Result};
use camunda_backup_zeebe::{ExporterPhase, ExportingStatus, PartitionStatus, PauseMode, Role, Topology};
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::connection::clients::Clients;
use crate::exporting::{Certainty, Window};
use crate::replicas::Replicas;
use crate::replicas::{replicas_of, replicas_of_members};

/// How long one answer to a look is waited for. What comes later counts as no answer: others may be paused meanwhile.
const ONE_ANSWER: Duration = Duration::from_secs(5);

/// What all replicas do together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exporting {
    /// Every replica exports.
    Everywhere,
    /// Every replica is paused in this mode.
    Paused(PauseMode),
    /// Some do this, some that: in words.
    Mixed(String),
    /// Some replica neither exports nor is paused, such as `CLOSED` after an exporter's failure: in words.
    Stopped(String),
    /// Not everything could be seen: in words, broker by broker.
    Unseen(String),
    /// There is nobody to ask: neither brokers' addresses nor a status in this version.
    NoWitness,
}

/// Asks every broker that has an address, and the cluster where its version has a status.
///
/// # Errors
/// Only from the topology, and only when nobody else can be asked: then a complete topology is the last witness (Q33).
pub(crate) async fn look(
    clients: &Clients,
    expected: &Replicas,
    clock: &dyn Clock,
) -> Result<(Exporting, Window)> {
    let mut window = Window {
        at: clock.now(),
        mode: None,
        certainty: Certainty::Believed,
        partitions: BTreeMap::new(),
        topology: topology(clients, expected).await?,
    };
    let mut unseen = Vec::new();
    let (answers, by_status) = ask_all(clients).await;
    for (broker, answer) in answers {
        match answer {
            Ok(statuses) => {
                window.partitions.insert(broker.clone(), statuses);
            }
            // A broker that is not, or no longer, part of the cluster tells nothing about its partitions.
            Err(error) if expected.contains_key(broker) || expected.is_empty() => {
                unseen.push(error.to_string());
            }
            Err(_) => {}
        }
    }
    let by_status = by_status.map(|status| match status {
        Ok(status) => from_status(&status),
        Err(error) => Exporting::Unseen(error.to_string()),
    });
    let by_replica = (!clients.partitions.is_empty())
        .then(|| from_replicas(&window.partitions, expected, &unseen, clients.dialect.follower_phases));
    window.certainty = match (&by_replica, &by_status) {
        (Some(_), _) if reaches_all_brokers(clients, expected) => by_every_broker(clients),
        (_, Some(_)) => Certainty::Status,
        _ => Certainty::Believed,
    };
    let exporting = match (by_replica, by_status) {
        (None, None) => Exporting::NoWitness,
        (Some(one), None) | (None, Some(one)) => one,
        (Some(replicas), Some(status)) if replicas == status => replicas,
        (Some(replicas), Some(status)) => differing(replicas, status),
    };
    if let Exporting::Paused(mode) = exporting {
        window.mode = Some(mode);
    }
    Ok((exporting, window))
}

/// How sure it is what exporting does when every broker was asked.
fn by_every_broker(clients: &Clients) -> Certainty {
    if clients.dialect.follower_phases { Certainty::EveryReplica } else { Certainty::EveryLeader }
}

/// What a broker says of its partitions.
pub(super) type Statuses = BTreeMap<PartitionId, PartitionStatus>;

/// What every broker with an address says, and the cluster where its version has a status. All at the same time, and each with a
/// limit: a dead broker answers late, and must not keep the others waiting.
pub(super) async fn ask_all(
    clients: &Clients,
) -> (Vec<(&BrokerId, Result<Statuses>)>, Option<Result<ExportingStatus>>) {
    let asked = clients.partitions.iter().map(|(broker, client)| async move {
        let answer = tokio::time::timeout(ONE_ANSWER, client.statuses()).await;
        (broker, answer.unwrap_or_else(|_| Err(late(&format!("broker {broker}")))))
    });
    let status = tokio::time::timeout(ONE_ANSWER, clients.exporting.status());
    let (answers, status) = tokio::join!(join_all(asked), status);
    let status = status.unwrap_or_else(|_| Err(late("the exporting status")));
    let has_none = status.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unsupported);
    (answers, (!has_none).then_some(status))
}

/// Whether exporting is seen to be paused in this mode, on some replica at least.
pub(crate) async fn is_paused(
    clients: &Clients,
    expected: &Replicas,
    mode: PauseMode,
    clock: &dyn Clock,
) -> bool {
    let Ok((exporting, window)) = look(clients, expected, clock).await else { return false };
    let paused = if mode == PauseMode::Soft { Kind::Soft } else { Kind::Hard };
    let mut phases =
        window.partitions.values().flat_map(BTreeMap::values).filter_map(|s| s.exporter_phase.as_ref());
    exporting == Exporting::Paused(mode) || phases.any(|phase| kind_of(phase) == paused)
}

/// Whether the topology shows replicas that nobody planned with, and that nobody has looked at therefore.
pub(crate) fn has_newcomers(window: &Window, expected: &Replicas) -> bool {
    window.topology.as_ref().is_some_and(|topology| are_more(&replicas_of(topology), expected))
}

/// The same, before a pause is sent: by the topology or the cluster's configuration.
///
/// # Errors
/// When neither answers. Up to 8.3 there is neither, and no broker can join.
pub(crate) async fn nobody_has_joined(
    clients: &Clients,
    window: &Window,
    expected: &Replicas,
) -> Result<bool> {
    match (&window.topology, &clients.cluster) {
        (Some(topology), _) => Ok(!are_more(&replicas_of(topology), expected)),
        (None, Some(cluster)) => Ok(!are_more(&replicas_of_members(&cluster.state().await?), expected)),
        (None, None) if clients.topology.is_some() => Err(late_topology()),
        (None, None) => Ok(true),
    }
}

fn are_more(seen: &Replicas, expected: &Replicas) -> bool {
    seen.iter()
        .any(|(broker, partitions)| expected.get(broker).is_none_or(|known| !partitions.is_subset(known)))
}

/// Whether the brokers that can be asked are all that there are. Their addresses alone do not tell: the topology or the
/// cluster's configuration says which brokers belong to the cluster, and up to 8.3 only our configuration can.
pub(crate) fn reaches_all_brokers(clients: &Clients, expected: &Replicas) -> bool {
    covers(clients, expected) && (clients.tells_members() || clients.cluster_size == Some(expected.len()))
}

/// Every replica of the expected topology sits on a broker whose address is known.
pub(crate) fn covers(clients: &Clients, expected: &Replicas) -> bool {
    !expected.is_empty() && expected.keys().all(|broker| clients.partitions.contains_key(broker))
}

fn differing(replicas: Exporting, status: Exporting) -> Exporting {
    match (replicas, status) {
        (unseen @ Exporting::Unseen(_), _) | (_, unseen @ Exporting::Unseen(_)) => unseen,
        (replicas, status) => {
            Exporting::Mixed(format!("the replicas say {replicas:?}, the cluster says {status:?}"))
        }
    }
}

/// A gateway that was started knows no partition for 5 to 7 s and claims success for whatever it is asked (Q33).
const SHORTER_THAN_A_START: Duration = Duration::from_secs(4);

/// The frame around a pause or resume that nobody but the topology can witness: complete before it, complete after it,
/// and in between less time than a gateway needs to start. Where a broker or a status can be asked, those are.
#[derive(Debug)]
pub(crate) struct Frame {
    began: Instant,
    only_witness: bool,
    complete_before: bool,
}

impl Frame {
    /// Looks before the request.
    pub(crate) async fn open(clients: &Clients, expected: &Replicas) -> Self {
        let only_witness = clients.topology.is_some() && !covers(clients, expected);
        let began = Instant::now();
        let complete_before = !only_witness || topology(clients, expected).await.is_ok();
        Self { began, only_witness, complete_before }
    }

    /// Whether a success in between can be believed, if the topology is complete now.
    pub(crate) fn is_believable(&self) -> bool {
        !self.only_witness || (self.complete_before && self.began.elapsed() < SHORTER_THAN_A_START)
    }

    /// Looks after the request, and says why a success in between cannot be believed.
    pub(crate) async fn close(self, clients: &Clients, expected: &Replicas) -> Result<()> {
        if self.only_witness {
            topology(clients, expected).await.map_err(|error| error.with_outcome(Outcome::Unknown))?;
        }
        if self.is_believable() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            "success was answered, and the gateway may have known no partition at that time",
        )
        .with_component(Component::Zeebe)
        .with_outcome(Outcome::Unknown)
        .with_advice("configure the brokers' management addresses, so that they can be asked what they do"))
    }
}

async fn topology(clients: &Clients, expected: &Replicas) -> Result<Option<Topology>> {
    let Some(client) = &clients.topology else { return Ok(None) };
    let only_witness = !covers(clients, expected);
    // What comes later than that makes nothing believable any more, and a resume may be waiting for it.
    let read = tokio::time::timeout(SHORTER_THAN_A_START, client.topology()).await;
    match read.unwrap_or_else(|_| Err(late_topology())) {
        Ok(topology) if only_witness && !topology.problems().is_empty() => {
            let problems = topology.problems().join("; ");
            Err(Error::new(ErrorKind::Unavailable, format!("the topology is not complete: {problems}"))
                .with_component(Component::Rest))
        }
        Ok(topology) => Ok(Some(topology)),
        Err(error) if only_witness => Err(error),
        Err(_) => Ok(None),
    }
}

fn late(what: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{what} did not answer within {ONE_ANSWER:?}"))
        .with_component(Component::Zeebe)
}

fn late_topology() -> Error {
    let message = format!("the topology did not come within {SHORTER_THAN_A_START:?}");
    Error::new(ErrorKind::Unavailable, message).with_component(Component::Rest)
}

pub(super) fn from_status(status: &ExportingStatus) -> Exporting {
    match status {
        ExportingStatus::Exporting => Exporting::Everywhere,
        ExportingStatus::Paused => Exporting::Paused(PauseMode::Hard),
        ExportingStatus::SoftPaused => Exporting::Paused(PauseMode::Soft),
        other => Exporting::Stopped(format!("the cluster's exporting status is {other}")),
    }
}

/// Judges every expected replica on a broker that was asked; an absent one counts as unseen, never as fine.
fn from_replicas(
    seen: &BTreeMap<BrokerId, BTreeMap<PartitionId, PartitionStatus>>,
    expected: &Replicas,
    unseen: &[String],
    follower_phases: bool,
) -> Exporting {
    let mut problems = unseen.to_vec();
    problems.extend(led_twice(seen));
    let mut phases: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut kinds = BTreeSet::new();
    let mut visible = BTreeSet::new();
    for (broker, partitions) in seen {
        let wanted = expected.get(broker).cloned().unwrap_or_default();
        for partition in wanted.iter().filter(|partition| !partitions.contains_key(partition)) {
            problems.push(format!("broker {broker} does not show partition {partition}"));
        }
        for (partition, status) in partitions {
            match &status.exporter_phase {
                Some(phase) => {
                    visible.insert(*partition);
                    kinds.insert(kind_of(phase));
                    phases.entry(phase.to_string()).or_default().push(format!("{broker}/{partition}"));
                }
                None if !follower_phases && status.role != Role::Leader => {}
                None => problems.push(format!("broker {broker} shows no phase for partition {partition}")),
            }
        }
    }
    let all: BTreeSet<PartitionId> = expected.values().flatten().copied().collect();
    let dark: Vec<String> = all.difference(&visible).map(ToString::to_string).collect();
    if !dark.is_empty() && problems.is_empty() {
        problems.push(format!("no replica shows a phase for partition {}", dark.join(", ")));
    }
    let has_other = kinds.contains(&Kind::Other);
    match (kinds.len(), kinds.into_iter().next()) {
        _ if !problems.is_empty() => Exporting::Unseen(problems.join("; ")),
        (1, Some(Kind::Exporting)) => Exporting::Everywhere,
        (1, Some(Kind::Soft)) => Exporting::Paused(PauseMode::Soft),
        (1, Some(Kind::Hard)) => Exporting::Paused(PauseMode::Hard),
        _ if has_other => Exporting::Stopped(in_words(&phases)),
        _ => Exporting::Mixed(in_words(&phases)),
    }
}

/// Two leaders of one partition are one broker at two addresses, or one that does not know yet that it lost its place.
pub(crate) fn led_twice(seen: &BTreeMap<BrokerId, BTreeMap<PartitionId, PartitionStatus>>) -> Option<String> {
    let mut leaders: BTreeMap<PartitionId, &BrokerId> = BTreeMap::new();
    for (broker, partitions) in seen {
        for (partition, _) in partitions.iter().filter(|(_, status)| status.role == Role::Leader) {
            if let Some(other) = leaders.insert(*partition, broker) {
                return Some(format!(
                    "brokers {other} and {broker} both say that they lead partition {partition}"
                ));
            }
        }
    }
    None
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Exporting,
    Soft,
    Hard,
    Other,
}

pub(super) fn kind_of(phase: &ExporterPhase) -> Kind {
    match phase {
        ExporterPhase::Exporting => Kind::Exporting,
        ExporterPhase::SoftPaused => Kind::Soft,
        ExporterPhase::Paused => Kind::Hard,
        _ => Kind::Other,
    }
}

fn in_words(phases: &BTreeMap<String, Vec<String>>) -> String {
    let words: Vec<String> =
        phases.iter().map(|(phase, replicas)| format!("{phase} on {}", replicas.join(", "))).collect();
    format!("(broker/partition) {}", words.join("; "))
}

#[cfg(test)]
mod tests;
