//! Resuming exporting until every replica was seen exporting: the `close` of the bracket, and what `recover()` does.

use std::time::Duration;

use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::{Clock, Component, Error, Result};

use super::phases::{Exporting, Frame, Replicas, look};
use crate::clients::Clients;
use crate::evidence::Window;

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

/// Sends the resume and looks, again and again, until every replica in `expected` was seen exporting.
///
/// # Guarantees
/// A success answer is never believed on its own: right after its start a gateway that knows no partition yet answers
/// success and does nothing (Q33). When the gateway refuses because a broker is down, each reachable broker is resumed
/// by itself (Q5). Exporting that is not paused is not harmed by a resume.
///
/// # Errors
/// `NeedsOperator` after `budget`, with the exact requests to send by hand.
///
/// # Cancellation
/// Stopping in the middle leaves the obligation as it was.
pub(crate) async fn resume_exporting(
    clients: &Clients,
    expected: &Replicas,
    clock: &dyn Clock,
    budget: Duration,
) -> Result<Resumption> {
    let began = tokio::time::Instant::now();
    let mut attempts = 0;
    let mut broker_by_broker = false;
    loop {
        attempts += 1;
        let frame = Frame::open(clients, expected).await;
        let answer = clients.exporting.resume().await;
        if let Err(refusal) = &answer {
            tracing::warn!(error = %refusal, attempts, "resume was not accepted; resuming each reachable broker");
            broker_by_broker |= resume_each_broker(clients).await;
        }
        let looked = look(clients, expected, clock).await;
        match &looked {
            Ok((Exporting::Everywhere, window)) => {
                return Ok(Resumption { window: window.clone(), attempts, broker_by_broker });
            }
            // The look itself has failed if the topology is not complete.
            Ok((Exporting::NoWitness, window)) if answer.is_ok() && frame.is_believable() => {
                return Ok(Resumption { window: window.clone(), attempts, broker_by_broker });
            }
            _ => {}
        }
        if began.elapsed() >= budget {
            return Err(needs_operator(clients, answer.err(), looked.map(|(exporting, _)| exporting)));
        }
        tokio::time::sleep(super::super::engine::interval(began.elapsed() * 4)).await;
    }
}

async fn resume_each_broker(clients: &Clients) -> bool {
    let mut any = false;
    for (broker, client) in &clients.partitions {
        match client.resume_exporting().await {
            Ok(_) => any = true,
            Err(error) => tracing::warn!(%broker, %error, "this broker could not be resumed by itself"),
        }
    }
    any
}

/// The corrupt marker file of a soft pause under a hard one: the broker never starts, and resuming fails (Q6).
const MARKER_CURE: &str = "if a broker does not start and its log says `No enum constant …ExporterPhase.PAUSEDAUSED`: \
     stop it, delete the `.exporterPaused` files below its data directory, start it, and resume again";

fn needs_operator(clients: &Clients, answer: Option<Error>, looked: Result<Exporting>) -> Error {
    let seen = match looked {
        Ok(Exporting::Unseen(why) | Exporting::Mixed(why)) => why,
        Ok(Exporting::Paused(mode)) => format!("every replica is still paused ({mode:?})"),
        Ok(other) => format!("{other:?}"),
        Err(error) => error.to_string(),
    };
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
    ));
    match answer {
        Some(refusal) => error.with_source(refusal),
        None => error,
    }
}
