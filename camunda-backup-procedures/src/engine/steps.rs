//! What the engine has to be told about the steps that it runs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use camunda_backup_core::Result;
use serde_json::Value;

use super::decision::{Check, Nature};
use super::stages::StepPlan;
use crate::obligation::Obligation;

/// The steps of a run: what they mean, how long they may take, and how what they owe is paid.
#[async_trait]
pub(crate) trait Steps: fmt::Debug + Send + Sync {
    /// What it is about, in words for errors: `backup 17`.
    fn subject(&self) -> String;

    /// Its time limits.
    fn times(&self) -> Times;

    /// The step for an entry of the plan.
    fn bind(&self, step: &StepPlan) -> Result<Arc<dyn Step>>;

    /// Pays what is owed, and sees it paid. It must need no journal, and may be tried any number of times.
    async fn pay(&self, owed: &Obligation, budget: Duration, on_attempt: OnAttempt<'_>) -> Result<Payment>;

    /// How long after its sender gave up the opening of a bracket may still take effect.
    fn latest_effect(&self) -> Duration;
}

/// What becomes of a run whose process died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Reentry {
    /// Its conditions are gone with its process: it is closed and abandoned.
    #[default]
    Abandon,
    /// Another process goes on with it, days later if need be.
    Continue,
}

/// An attempt to pay that did not succeed, while others follow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    /// Its number, from 1.
    pub(crate) number: u32,
    /// What was seen, in words.
    pub(crate) seen: &'a str,
    /// How long it has been tried by now.
    pub(crate) waited: Duration,
}

/// Is told every attempt that did not succeed.
pub(crate) type OnAttempt<'a> = &'a (dyn Fn(Attempt<'_>) + Send + Sync);

/// How an obligation was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Payment {
    /// How often it took.
    pub(crate) attempts: u32,
    /// Whether the usual way failed and another one had to be taken.
    pub(crate) by_detour: bool,
}

/// The time limits of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// When closing a bracket begins at the latest, from before its opening is sent.
    pub(crate) max_bracket: Duration,
    /// How long a stage outside of brackets may take.
    pub(crate) max_stage: Duration,
    /// How long closing is tried.
    pub(crate) max_close: Duration,
    /// How long a step that is running may show no movement.
    pub(crate) stall: Duration,
    /// How long a step may be invisible or incomplete while nothing is running.
    pub(crate) grace: Duration,
}

/// One step, as the engine sees it.
#[async_trait]
pub(crate) trait Step: fmt::Debug + Send + Sync {
    /// Looks whether the goal is reached. Reads only; may be repeated and dropped at will.
    async fn check(&self) -> Result<Check>;

    /// Sends the one request toward the goal and returns what the answer says, for the journal.
    async fn act(&self) -> Result<Value>;

    /// How long the goal may be invisible or incomplete while nothing is running anywhere.
    fn patience(&self) -> Duration;

    /// What kind of goal it is.
    fn nature(&self) -> Nature {
        Nature::default()
    }

    /// What has to be confirmed from outside before the step begins, in words for whoever confirms it.
    fn asks(&self) -> Option<String> {
        None
    }
}
