//! Paying what is owed: exporting is resumed until every replica was seen exporting. The one place where that is done, by the
//! bracket of a run when it closes and by `recover`.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::{BrokerId, Clock, Component, Error, PartitionId, Result};
use camunda_backup_zeebe::ClusterState;
use futures_util::future::join_all;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};

use super::phases::{Exporting, Frame, Statuses, covers, has_newcomers, look, reaches_all_brokers};
use super::window::Certainty;
use crate::connection::clients::Clients;
use crate::engine::{Attempt, OnAttempt, Pace, Payment, deadline_in};
use crate::obligation::Obligation;
use crate::replicas::{Replicas, replicas_of_members};

/// A gateway that answers within this time resumes all brokers alone. After it each broker is also resumed at its own address.
const HESITATION: Duration = Duration::from_secs(2);
/// How long the gateway's answer is waited for. With a broker down it refuses after 15 s (Q10).
const GATEWAY: Duration = Duration::from_secs(20);
/// How long one broker may take to resume its own partitions: the others are not kept waiting for it.
const BROKER: Duration = Duration::from_secs(10);
/// How long the cluster's configuration may take: without it nobody counts as having left.
const CONFIGURATION: Duration = Duration::from_secs(5);
/// Longer than the sum of all that an attempt waits for. An attempt that takes longer hangs at a place that has no limit of its own.
const ATTEMPT: Duration = Duration::from_secs(75);
/// How long after its sender gave up a pause may still take effect: longer than a gateway waits for a broker. Until then
/// exporting that was seen running proves nothing.
pub(crate) const LATEST_EFFECT: Duration = Duration::from_secs(60);
/// A gateway that was started knows all partitions after 5 to 7 s (Q33).
const LONGER_THAN_A_START: Duration = Duration::from_secs(10);
/// However small the budget is, one attempt is made in earnest.
const AT_LEAST: Duration = Duration::from_secs(10);

/// Sends the resume and looks, again and again, until every replica that is owed to was seen exporting.
///
/// # Guarantees
/// A success answer is never believed on its own: right after its start a gateway that knows no partition yet answers
/// success and does nothing (Q33). When the gateway refuses or hesitates because a broker is down, each reachable broker
/// is resumed by itself (Q5). Exporting that is not paused is not harmed by a resume.
///
/// Each attempt has a task and a time limit of its own: one that panics, hangs or is ended from outside is a failed attempt,
/// and the next one follows. A broker that does not answer is waited for within its own limit, and delays no other broker.
///
/// # Errors
/// `NeedsOperator` when `budget` (at least 10 s) is over, with the exact requests to send by hand.
///
/// # Cancellation
/// Stopping in the middle leaves the obligation as it was. A resume may be sent any number of times.
pub(crate) async fn pay(
    obligation: &Obligation,
    clients: &Arc<Clients>,
    clock: &Arc<dyn Clock>,
    budget: Duration,
    on_attempt: OnAttempt<'_>,
) -> Result<Payment> {
    let Obligation::ResumeExporting { replicas, .. } = obligation;
    let began = Instant::now();
    let deadline = deadline_in(budget.max(AT_LEAST));
    let mut past = Past::default();
    let mut refusal = None;
    let mut number = 0;
    loop {
        number += 1;
        let attempted = supervised(clients, replicas, clock, past, deadline).await;
        past = Past { attempts: number, ..attempted.past };
        if attempted.is_done {
            return Ok(Payment { attempts: number, by_detour: past.broker_by_broker });
        }
        let waited = began.elapsed();
        let told = Attempt { number, seen: &attempted.seen, waited };
        // A listener's defect must not end the paying.
        if std::panic::catch_unwind(AssertUnwindSafe(|| on_attempt(told))).is_err() {
            tracing::error!("the observer of the attempts to resume exporting has panicked");
        }
        refusal = attempted.refusal.or(refusal);
        let next = Instant::now() + Pace::AT_WORK.interval(waited);
        if next >= deadline {
            return Err(needs_operator(clients, &attempted.seen, refusal));
        }
        tokio::time::sleep_until(next).await;
    }
}

/// What the attempts before have left behind.
#[derive(Debug, Clone, Copy, Default)]
struct Past {
    attempts: u32,
    broker_by_broker: bool,
    /// When the gateway first accepted, without an answer from it that was no success since.
    first_accepted: Option<Instant>,
}

/// What came of one attempt.
struct Attempted {
    past: Past,
    /// Whether every replica exports.
    is_done: bool,
    /// Why the gateway or a broker did not resume.
    refusal: Option<Error>,
    /// What was seen otherwise, in words.
    seen: String,
}

/// One attempt in a task of its own, which ends with this future.
async fn supervised(
    clients: &Arc<Clients>,
    expected: &Replicas,
    clock: &Arc<dyn Clock>,
    past: Past,
    deadline: Instant,
) -> Attempted {
    let mut task = JoinSet::new();
    let (clients, expected, clock) = (Arc::clone(clients), expected.clone(), Arc::clone(clock));
    task.spawn(async move { attempt(&clients, &expected, clock.as_ref(), past).await });
    let limit = deadline.min(Instant::now() + ATTEMPT);
    let seen = match timeout_at(limit, task.join_next()).await {
        Ok(Some(Ok(attempted))) => return attempted,
        Ok(Some(Err(error))) => ended_from_outside(&error).to_owned(),
        Ok(None) => "the attempt did not run".to_owned(),
        Err(_) => "the attempt did not end in its time".to_owned(),
    };
    tracing::error!(seen, "an attempt to resume exporting broke off; the next one follows");
    Attempted { past: Past { first_accepted: None, ..past }, is_done: false, refusal: None, seen }
}

/// The payload is not repeated: it could hold anything.
fn ended_from_outside(error: &JoinError) -> &'static str {
    if error.is_panic() { "the attempt panicked" } else { "the attempt was ended from outside" }
}

async fn attempt(clients: &Clients, expected: &Replicas, clock: &dyn Clock, past: Past) -> Attempted {
    let frame = Frame::open(clients, expected).await;
    let mut attempted = Attempted { past, is_done: false, refusal: None, seen: String::new() };
    let remaining =
        if past.attempts > 0 { still_configured(clients, expected).await } else { expected.clone() };
    if !clients.dialect.follower_phases && covers(clients, expected) {
        let resumed = resume_unseen_followers(clients, expected, &mut attempted.past).await;
        attempted.look(clients, &remaining, clock, resumed, &frame).await;
        return attempted;
    }
    let mut gateway = Box::pin(timeout(GATEWAY, clients.exporting.resume()));
    let prompt = timeout(HESITATION, &mut gateway).await;
    if let Ok(Ok(Ok(()))) = prompt {
        attempted.look(clients, &remaining, clock, Ok(()), &frame).await;
        return attempted;
    }
    tracing::warn!("resume was not accepted at once; resuming each reachable broker");
    let each = resume_each_broker(clients).await;
    attempted.past.broker_by_broker |= each.iter().any(|(_, answer)| answer.is_ok());
    if let Ok(answer) = prompt {
        let answer = answer.unwrap_or_else(|_| Err(unanswered("the resume", GATEWAY)));
        attempted.look(clients, &remaining, clock, answer, &frame).await;
        return attempted;
    }
    // What the brokers show may decide while the gateway still hangs.
    let hangs = Err(unanswered("the resume", HESITATION));
    attempted.look(clients, &remaining, clock, hangs, &frame).await;
    if !attempted.is_done {
        let answer = gateway.await.unwrap_or_else(|_| Err(unanswered("the resume", GATEWAY)));
        attempted.look(clients, &remaining, clock, answer, &frame).await;
    }
    attempted
}

impl Attempted {
    /// Looks what exporting does now, and judges it by what the resume was answered.
    async fn look(
        &mut self,
        clients: &Clients,
        expected: &Replicas,
        clock: &dyn Clock,
        resumed: Result<()>,
        frame: &Frame,
    ) {
        let accepted = resumed.is_ok();
        self.refusal = resumed.err();
        if !accepted {
            self.past.first_accepted = None;
        }
        match look(clients, expected, clock).await {
            // Up to 8.2 followers show no phase, and newcomers were not asked: seeing is not enough then.
            Ok((Exporting::Everywhere, window))
                if window.certainty > Certainty::Believed
                    && (accepted
                        || (clients.dialect.follower_phases && !has_newcomers(&window, expected))) =>
            {
                self.is_done = true;
            }
            // A broker cannot be asked, so the gateway's answer has to count for it. The look itself has failed if
            // the topology is not complete.
            Ok((Exporting::Everywhere | Exporting::NoWitness, _))
                if accepted && frame.is_believable() && self.past.is_old_news(clients) =>
            {
                self.is_done = true;
            }
            Ok((Exporting::Unseen(why) | Exporting::Mixed(why) | Exporting::Stopped(why), _)) => {
                self.seen = why;
            }
            Ok((Exporting::Paused(mode), _)) => {
                self.seen = format!("every replica is still paused ({mode:?})");
            }
            Ok((Exporting::Everywhere | Exporting::NoWitness, _)) => {
                "not every broker can be asked, and the gateway's answer cannot be believed"
                    .clone_into(&mut self.seen);
            }
            Err(error) => self.seen = error.to_string(),
        }
    }
}

impl Past {
    /// Up to 8.5 a gateway that has just started accepts what it can do nothing about (Q33), and without the topology nobody
    /// tells that it has. Then it has to accept twice, with more time in between than a start takes.
    fn is_old_news(&mut self, clients: &Clients) -> bool {
        let refuses_when_blind = clients.dialect.line >= (8, 6);
        let first = *self.first_accepted.get_or_insert_with(Instant::now);
        refuses_when_blind || clients.topology.is_some() || first.elapsed() >= LONGER_THAN_A_START
    }
}

/// Followers of 8.1 and 8.2 do not show that they are resumed, and a gateway that has just started may not know them
/// (Q33): each broker has to say it of itself.
async fn resume_unseen_followers(clients: &Clients, expected: &Replicas, past: &mut Past) -> Result<()> {
    // Where each broker says it of itself, the gateway's word is not waited for.
    let patience = if reaches_all_brokers(clients, expected) { HESITATION } else { GATEWAY };
    let gateway = timeout(patience, clients.exporting.resume());
    let (gateway, brokers) = tokio::join!(gateway, resume_each_broker(clients));
    let gateway = gateway.unwrap_or_else(|_| Err(unanswered("the resume", patience)));
    past.broker_by_broker |= gateway.is_err() && brokers.iter().any(|(_, answer)| answer.is_ok());
    for (broker, answer) in brokers {
        let Some(wanted) = expected.get(&broker) else { continue };
        let answered: BTreeSet<PartitionId> = answer?.into_keys().collect();
        if !wanted.is_subset(&answered) {
            // A broker that is starting answers success and has no partition yet.
            return Err(Error::new(ErrorKind::Unavailable, "the broker did not resume all its partitions")
                .with_component(Component::Broker(broker)));
        }
    }
    // A broker without an address here can only be reached through the gateway.
    if reaches_all_brokers(clients, expected) { Ok(()) } else { gateway }
}

async fn resume_each_broker(clients: &Clients) -> Vec<(BrokerId, Result<Statuses>)> {
    let resumed = clients.partitions.iter().map(|(broker, client)| async move {
        let answer = timeout(BROKER, client.resume_exporting()).await;
        let answer = answer.unwrap_or_else(|_| Err(unanswered("its own resume", BROKER)));
        if let Err(error) = &answer {
            tracing::warn!(%broker, %error, "this broker could not be resumed at its own address");
        }
        (broker.clone(), answer)
    });
    join_all(resumed).await
}

fn unanswered(what: &str, limit: Duration) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{what} was not answered within {limit:?}"))
        .with_component(Component::Zeebe)
        .with_outcome(Outcome::Unknown)
}

/// Who has left the cluster for good since the pause owes nothing any more. Only the cluster's own configuration (8.4+)
/// can say so: it lists dead brokers too, and must not be in the middle of a change.
async fn still_configured(clients: &Clients, expected: &Replicas) -> Replicas {
    let Some(cluster) = &clients.cluster else { return expected.clone() };
    let Ok(Ok(state)) = timeout(CONFIGURATION, cluster.state()).await else { return expected.clone() };
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

fn needs_operator(clients: &Clients, seen: &str, refusal: Option<Error>) -> Error {
    let mut lines = vec![clients.exporting.http().curl(&clients.exporting.resume_call())];
    for partitions in clients.partitions.values() {
        lines.push(format!(
            "{} # if the first is refused",
            partitions.http().curl(&partitions.resume_exporting_call())
        ));
    }
    let error = Error::new(
        ErrorKind::NeedsOperator,
        format!("exporting could not be seen running again: {seen}"),
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
    match refusal {
        Some(refusal) => error.with_source(refusal),
        None => error,
    }
}
