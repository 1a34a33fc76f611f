//! The engine's own errors: each names the step, what it is about, and what to do.

use std::time::Duration;

use camunda_backup_core::Error;
use camunda_backup_core::error::{ErrorKind, Outcome};
use tokio::time::Instant;

use super::Engine;
use super::stages::StepPlan;

/// Puts the component, the step and what it is about on an error that does not say so itself.
pub(super) fn named(error: Error, plan: &StepPlan, engine: &Engine) -> Error {
    let error =
        if error.component().is_none() { error.with_component(plan.component.clone()) } else { error };
    if error.subject().is_none() {
        error.with_subject(format!("{} of {}", plan.name, engine.steps.subject()))
    } else {
        error
    }
}

pub(super) fn failed(why: String, advice: Option<String>) -> Error {
    let advice = advice.unwrap_or_else(|| "the id is used up; start again with a new one".to_owned());
    Error::new(ErrorKind::Failed, why).with_advice(advice)
}

pub(super) fn foreign(who: &str) -> Error {
    Error::new(ErrorKind::Foreign, who.to_owned())
        .with_advice("find out who made it; nothing of it was touched. For a used id take a higher one")
}

pub(super) fn out_of_time(plan: &StepPlan, text: &str, began: Instant) -> Error {
    let waited = began.elapsed();
    Error::new(
        ErrorKind::DeadlineExceeded,
        format!("{} was not finished when its time was over (waited {waited:.1?}): {text}", plan.name),
    )
    .with_advice(
        "the id is used up; raise the limit if the servers are just slow, and look at them otherwise",
    )
}

pub(super) fn unanswered_in_time(plan: &StepPlan) -> Error {
    let message = format!("the request of {} was not answered when its time was over", plan.name);
    Error::new(ErrorKind::DeadlineExceeded, message)
        .with_component(plan.component.clone())
        .with_outcome(Outcome::Unknown)
}

pub(super) fn late_look(plan: &StepPlan, limit: Duration) -> Error {
    let message = format!("nothing could be seen of {} within {limit:.1?}, with exporting paused", plan.name);
    Error::new(ErrorKind::Timeout, message)
        .with_component(plan.component.clone())
        .with_advice("look at the server and at the network in between; exporting was resumed, start again")
}

pub(super) fn panicked(panic: &tokio::task::JoinError) -> Error {
    // The payload is not repeated: it could hold anything.
    let what = if panic.is_panic() { "a step panicked" } else { "a step's task was ended from outside" };
    Error::new(ErrorKind::Internal, what).with_advice("this is a defect of the library; please report it")
}

pub(super) fn panicked_between_steps() -> Error {
    Error::new(ErrorKind::Internal, "the run panicked between two steps")
        .with_advice("this is a defect of the library; please report it")
}

pub(super) fn interrupted(plan: &StepPlan) -> Error {
    Error::new(ErrorKind::Internal, format!("two steps are named {}, and both wait for a word", plan.name))
        .with_advice("this is a defect of the library; please report it")
}

pub(super) fn gate_not_passed(plan: &StepPlan, why: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("{} destroys something, and {why}", plan.name))
        .with_component(plan.component.clone())
        .with_advice("nothing was sent; this is a defect of the library, or the plan was changed: plan again")
}
