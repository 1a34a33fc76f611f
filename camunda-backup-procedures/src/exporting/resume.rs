//! Resuming exporting until every replica was seen exporting: the `close` of the bracket, and what `recover()` does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::{BrokerId, Clock, Component, Error, PartitionId, Result};
use camunda_backup_zeebe::{ClusterState, PartitionStatus};
use futures_util::future::join_all;
use tokio::time::Instant;

use super::phases::{Exporting, Frame, covers, has_newcomers, look, sees_everybody};
use crate::connection::clients::Clients;
use crate::engine::Pace;
use crate::exporting::{Certainty, Window};
use crate::facts::replicas_of_members;
use crate::obligation::Replicas;

/// How resuming ended well.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Resumption {
    /// What was seen at the end.
    pub(crate) window: Window,
    /// How often the resume was sent.
    pub(crate) attempts: u32,
    /// Whether brokers had to be resumed one by one.
    pub(crate) broker_by_broker: bool,
}

/// A gateway that answers at once is left to do it alone; while it hesitates, each broker is resumed by itself too.
const HESITATION: Duration = Duration::from_secs(2);
/// How long after its sender gave up a pause may still take effect: longer than a gateway waits for a broker. Until then exporting that was seen running proves nothing.
pub(crate) const LATEST_EFFECT: Duration = Duration::from_secs(60);
/// How long one look may take: a broker that does not answer must not keep the next attempt waiting.
const LOOK: Duration = Duration::from_secs(30);
/// A gateway that was started knows all partitions after 5 to 7 s (Q33).
const LONGER_THAN_A_START: Duration = Duration::from_secs(10);
/// However small the budget is, one attempt is made in earnest.
const AT_LEAST: Duration = Duration::from_secs(10);

/// Sends the resume and looks, again and again, until every replica in `expected` was seen exporting.
///
/// # Guarantees
/// A success answer is never believed on its own: right after its start a gateway that knows no partition yet answers
/// success and does nothing (Q33). When the gateway refuses or hesitates because a broker is down, each reachable broker
/// is resumed by itself (Q5). Exporting that is not paused is not harmed by a resume.
///
/// # Errors
/// `NeedsOperator` when `budget` (at least 10 s) is over, with the exact requests to send by hand.
///
/// # Cancellation
/// Stopping in the middle leaves the obligation as it was. A resume may be sent any number of times.
pub(crate) async fn resume_exporting(
    clients: &Clients,
    expected: &Replicas,
    clock: &dyn Clock,
    budget: Duration,
) -> Result<Resumption> {
    let began = Instant::now();
    let mut tried = Tried {
        attempts: 0,
        broker_by_broker: false,
        refusal: None,
        first_accepted: None,
        seen: "nobody was asked".to_owned(),
    };
    let trying = async {
        loop {
            if let Some(window) = tried.once_more(clients, expected, clock).await {
                return window;
            }
            tokio::time::sleep(Pace::AT_WORK.interval(began.elapsed())).await;
        }
    };
    match tokio::time::timeout(budget.max(AT_LEAST), trying).await {
        Ok(window) => {
            Ok(Resumption { window, attempts: tried.attempts, broker_by_broker: tried.broker_by_broker })
        }
        Err(_) => Err(needs_operator(clients, tried)),
    }
}

/// What a broker says of its partitions.
type Statuses = BTreeMap<PartitionId, PartitionStatus>;

/// What came of the attempts so far.
struct Tried {
    attempts: u32,
    broker_by_broker: bool,
    refusal: Option<Error>,
    /// When the gateway first accepted, without an answer from it that was no success since.
    first_accepted: Option<Instant>,
    seen: String,
}

impl Tried {
    /// One attempt; what was seen if every replica exports.
    async fn once_more(
        &mut self,
        clients: &Clients,
        expected: &Replicas,
        clock: &dyn Clock,
    ) -> Option<Window> {
        self.attempts += 1;
        let frame = Frame::open(clients, expected).await;
        self.refusal = self.resume(clients, expected).await.err();
        let accepted = self.refusal.is_none();
        if !accepted {
            self.first_accepted = None;
        }
        let remaining =
            if self.attempts > 1 { still_configured(clients, expected).await } else { expected.clone() };
        let expected = &remaining;
        let looked = tokio::time::timeout(LOOK, look(clients, expected, clock)).await;
        match looked.unwrap_or_else(|_| Err(unanswered_look())) {
            // Up to 8.2 followers show no phase, and newcomers were not asked: seeing is not enough then.
            Ok((Exporting::Everywhere, window))
                if window.certainty > Certainty::Believed
                    && (accepted
                        || (clients.dialect.follower_phases && !has_newcomers(&window, expected))) =>
            {
                return Some(window);
            }
            // Somebody cannot be asked, and the answer has to vouch for him. The look itself has failed if the
            // topology is not complete.
            Ok((Exporting::Everywhere | Exporting::NoWitness, window))
                if accepted && frame.is_believable() && self.is_old_news(clients) =>
            {
                return Some(window);
            }
            Ok((Exporting::Unseen(why) | Exporting::Mixed(why), _)) => self.seen = why,
            Ok((Exporting::Paused(mode), _)) => {
                self.seen = format!("every replica is still paused ({mode:?})");
            }
            Ok((Exporting::Everywhere | Exporting::NoWitness, _)) => {
                "not every broker can be asked, and the gateway's answer cannot be believed"
                    .clone_into(&mut self.seen);
            }
            Err(error) => self.seen = error.to_string(),
        }
        None
    }

    /// Up to 8.5 a gateway that has just started accepts what it can do nothing about (Q33), and without the topology nobody
    /// tells that it has. Then it has to accept twice, with more time in between than a start takes.
    fn is_old_news(&mut self, clients: &Clients) -> bool {
        let refuses_when_blind = clients.dialect.line >= (8, 6);
        let first = *self.first_accepted.get_or_insert_with(Instant::now);
        refuses_when_blind || clients.topology.is_some() || first.elapsed() >= LONGER_THAN_A_START
    }

    /// Resumes by the gateway, and each broker by itself where that is needed. An error means that somebody may not have
    /// been reached.
    async fn resume(&mut self, clients: &Clients, expected: &Replicas) -> Result<()> {
        if !clients.dialect.follower_phases && covers(clients, expected) {
            return self.resume_unseen_followers(clients, expected).await;
        }
        let mut gateway = Box::pin(clients.exporting.resume());
        let prompt = tokio::time::timeout(HESITATION, &mut gateway).await;
        if matches!(prompt, Ok(Ok(()))) {
            return Ok(());
        }
        tracing::warn!(
            attempts = self.attempts,
            "resume was not accepted at once; resuming each reachable broker"
        );
        self.broker_by_broker |= resume_each_broker(clients).await.iter().any(|(_, answer)| answer.is_ok());
        match prompt {
            Ok(answer) => answer,
            Err(_) => gateway.await,
        }
    }

    /// Followers of 8.1 and 8.2 do not show that they are resumed, and a gateway that has just started may not know them
    /// (Q33): each broker has to say it of itself.
    async fn resume_unseen_followers(&mut self, clients: &Clients, expected: &Replicas) -> Result<()> {
        // Where each broker says it of itself, the gateway's word is not waited for.
        let patience = if sees_everybody(clients, expected) { HESITATION } else { LOOK };
        let gateway = tokio::time::timeout(patience, clients.exporting.resume());
        let (gateway, brokers) = tokio::join!(gateway, resume_each_broker(clients));
        let gateway = gateway.unwrap_or_else(|_| Err(unanswered_look()));
        self.broker_by_broker |= gateway.is_err() && brokers.iter().any(|(_, answer)| answer.is_ok());
        for (broker, answer) in brokers {
            let Some(wanted) = expected.get(&broker) else { continue };
            let answered: BTreeSet<PartitionId> = answer?.into_keys().collect();
            if !wanted.is_subset(&answered) {
                // A broker that is starting answers success and has no partition yet.
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    "the broker did not resume all its partitions",
                )
                .with_component(Component::Broker(broker)));
            }
        }
        // Whoever has no address here can only be reached by the gateway.
        if sees_everybody(clients, expected) { Ok(()) } else { gateway }
    }
}

async fn resume_each_broker(clients: &Clients) -> Vec<(BrokerId, Result<Statuses>)> {
    let resumed = clients.partitions.iter().map(|(broker, client)| async move {
        let answer = client.resume_exporting().await;
        if let Err(error) = &answer {
            tracing::warn!(%broker, %error, "this broker could not be resumed by itself");
        }
        (broker.clone(), answer)
    });
    join_all(resumed).await
}

fn unanswered_look() -> Error {
    Error::new(ErrorKind::Unavailable, format!("what exporting does was not answered within {LOOK:?}"))
        .with_component(Component::Zeebe)
}

/// Who has left the cluster for good since the pause owes nothing any more. Only the cluster's own configuration (8.4+)
/// can say so: it lists dead brokers too, and must not be in the middle of a change.
async fn still_configured(clients: &Clients, expected: &Replicas) -> Replicas {
    let Some(cluster) = &clients.cluster else { return expected.clone() };
    let Ok(Ok(state)) = tokio::time::timeout(LOOK, cluster.state()).await else { return expected.clone() };
    remaining(expected, &state).unwrap_or_else(|| expected.clone())
}

/// `None` if the configuration is changing, or is one of somebody else.
fn remaining(expected: &Replicas, state: &ClusterState) -> Option<Replicas> {
    let configured = replicas_of_members(state);
    if state.pending_change.is_some() || !expected.keys().any(|broker| configured.contains_key(broker)) {
        return None;
    }
    let mut remaining = expected.clone();
    remaining.retain(|broker, partitions| {
        partitions.retain(|partition| configured.get(broker).is_some_and(|held| held.contains(partition)));
        !partitions.is_empty()
    });
    if remaining != *expected {
        tracing::warn!(?expected, ?remaining, "brokers or replicas have left the cluster since the pause");
    }
    Some(remaining)
}

/// The corrupt marker file of a soft pause under a hard one: the broker never starts, and resuming fails (Q6).
const MARKER_CURE: &str = "if a broker does not start and its log says `No enum constant …ExporterPhase.PAUSEDAUSED`: \
     stop it, delete the `.exporterPaused` files below its data directory, start it, and resume again";

fn needs_operator(clients: &Clients, tried: Tried) -> Error {
    let mut lines = vec![clients.exporting.http().curl(&clients.exporting.resume_call())];
    for partitions in clients.partitions.values() {
        lines.push(format!(
            "{} # if the first is refused",
            partitions.http().curl(&partitions.resume_exporting_call())
        ));
    }
    let error = Error::new(
        ErrorKind::NeedsOperator,
        format!("exporting could not be seen running again: {}", tried.seen),
    )
    .with_component(Component::Zeebe)
    .with_operation("zeebe.exporting.resume")
    .with_outcome(Outcome::Unknown)
    .with_advice(format!(
        "exporting may still be paused and the brokers' disks fill up. Start the missing brokers, then run \
             `recover()`, or send by hand:\n    {}\n    {MARKER_CURE}",
        lines.join("\n    ")
    ))
    .with_requests(lines);
    match tried.refusal {
        Some(refusal) => error.with_source(refusal),
        None => error,
    }
}
