//! Runs a plan: a pure decision over what was done and seen, inside a small async shell.
//!
//! The rules: owe before you send; close after everything; look before acting again; never act twice; no time-out
//! around a request that changes something.

mod bracket;
mod context;
mod decision;
mod driver;
mod events;
mod ledger;
mod pace;
mod stop;

pub(crate) use bracket::PauseRecord;
pub(crate) use context::Context;
pub use decision::{Check, Progress, Sent};
pub(crate) use driver::Engine;
pub(crate) use events::EventBus;
pub use events::{Events, ProgressObserver, RunEvent, RunEventKind};
pub use ledger::{Entry, Moment, RunOutcome};
pub(crate) use ledger::{Ledger, entries};
pub(crate) use pace::Pace;
pub(crate) use stop::Stop;
pub use stop::StopReason;
