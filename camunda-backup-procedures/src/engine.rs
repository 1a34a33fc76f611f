//! Runs a plan: a pure decision over what was done and seen, inside a small async shell. It knows no procedure: what a step
//! means, and how a debt is paid, is told by its `Steps`.
//!
//! The rules: owe before you send; close after everything; look before acting again; never act twice; a request that
//! changes something is broken off by nothing but the end of its time, and counts as unanswered then; nothing is destroyed
//! before every gate was passed by this very process.

mod bracket;
mod confirmations;
mod decision;
mod drive;
mod driver;
mod errors;
mod event_bus;
mod event_feed;
mod events;
mod ledger;
mod pace;
mod past;
mod progress;
mod stages;
mod steps;
mod stop;
#[cfg(test)]
mod trial;

use std::time::Duration;

use tokio::time::Instant;

pub(crate) use confirmations::Confirmations;
pub use decision::Sent;
pub(crate) use decision::{Check, Effect, Nature, Progress};
#[cfg(test)]
pub(crate) use decision::{Existing, Trust};
pub(crate) use driver::{Engine, within_caller};
pub(crate) use event_bus::{EventBus, RunName, Source};
pub use event_feed::Events;
pub use events::{Amount, ProgressObserver, RunEvent, RunEventKind, StepPosition, Unit};
pub use ledger::{Entry, Moment, RunOutcome};
pub(crate) use ledger::{Ledger, entries};
pub(crate) use pace::Pace;
pub(crate) use past::Past;
pub use stages::{Bracket, Group, Stage, StepPlan};
pub(crate) use steps::{Attempt, OnAttempt, Payment, Reentry, Step, Steps, Times};
pub(crate) use stop::{Stop, StopReason};

/// As long as a clock can show; nothing takes longer.
const NO_LIMIT: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

/// The end of a time that begins now; never, if it is so long that no clock could show it.
pub(crate) fn deadline_in(limit: Duration) -> Instant {
    Instant::now() + limit.min(NO_LIMIT)
}
