//! The steps: each one a goal that is checked by reading and acted upon by at most one request.

mod elsewhere;
mod exporting;
mod history;
mod parts;
mod records;
mod standstill;
mod zeebe;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Error, Result};
use serde_json::Value;

use crate::backup::context::Context;
use crate::backup::evidence::Evidence;
use crate::backup::spec::Limits;
use crate::backup::task::Goal;
use crate::engine::{self, Effect, Nature, StepPlan};

/// What a look shows, with a backup's evidence.
pub(super) type Check = engine::Check<Evidence>;
/// How far a pending goal is, with a backup's evidence.
pub(super) type Progress = engine::Progress<Evidence>;

/// One step.
#[async_trait]
trait Step: fmt::Debug + Send + Sync {
    /// Looks whether the goal is reached. Reads only; may be repeated and dropped at will.
    async fn check(&self) -> Result<Check>;

    /// Sends the one request toward the goal and returns what the answer says, for the journal.
    async fn act(&self) -> Result<Value>;

    /// How long a goal may be invisible or incomplete while nothing runs anywhere.
    fn patience(&self, limits: &Limits) -> Duration {
        limits.grace
    }

    /// Whether the step only looks.
    fn only_looks(&self) -> bool {
        false
    }
}

/// A step as the engine sees it: its evidence is data.
#[derive(Debug)]
struct Bound {
    step: Box<dyn Step>,
    limits: Limits,
}

#[async_trait]
impl engine::Step for Bound {
    async fn check(&self) -> Result<engine::Check> {
        self.step.check().await?.try_map(|evidence| evidence.to_value())
    }

    async fn act(&self) -> Result<Value> {
        self.step.act().await
    }

    fn patience(&self) -> Duration {
        self.step.patience(&self.limits)
    }

    fn nature(&self) -> Nature {
        let effect = if self.step.only_looks() { Effect::Look } else { Effect::Make };
        Nature { effect, ..Nature::default() }
    }
}

/// The step for a plan's entry.
pub(crate) fn bind(plan: &StepPlan, context: &Context) -> Result<Arc<dyn engine::Step>> {
    let goal = plan.goal().ok_or_else(|| unknown_goal(plan))?;
    Ok(Arc::new(Bound { step: step_for(&goal, context.clone())?, limits: context.task.limits.clone() }))
}

fn unknown_goal(plan: &StepPlan) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{} has a goal that this version does not know", plan.name))
        .with_component(plan.component.clone())
        .with_advice("plan again with this version; nothing was sent for it")
}

fn step_for(goal: &Goal, context: Context) -> Result<Box<dyn Step>> {
    Ok(match goal {
        Goal::ExportingPaused { mode } => Box::new(exporting::Pause::new(context, *mode)),
        Goal::PauseHeld { mode } => Box::new(exporting::Hold { context, mode: *mode }),
        Goal::ExportingResumed => Box::new(exporting::Running { context }),
        Goal::HistoryBackedUp { app } => {
            let client = context.clients.history_of(app)?.clone();
            Box::new(history::History::new(context, history::Source::App(client)))
        }
        Goal::OptimizeBackedUp => {
            let client = context.clients.optimize.clone().ok_or_else(history::no_optimize)?;
            Box::new(history::History::new(context, history::Source::Optimize(client)))
        }
        Goal::RecordsSnapshotted { snapshot } => Box::new(records::Records::new(context, snapshot.clone())),
        Goal::RecordPositionsRead => Box::new(records::Positions { context }),
        Goal::ZeebeBackedUp => Box::new(zeebe::Zeebe { context }),
    })
}
