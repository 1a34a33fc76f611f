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
use camunda_backup_core::Result;
use serde_json::Value;

use crate::backup::spec::Limits;
use crate::engine::{Check, Context};
use crate::plan::{Goal, StepPlan};

/// One step.
#[async_trait]
pub(crate) trait Step: fmt::Debug + Send + Sync {
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

/// The step for a plan's entry.
pub(crate) fn bind(plan: &StepPlan, context: &Context) -> Result<Arc<dyn Step>> {
    let context = context.clone();
    Ok(match &plan.goal {
        Goal::ExportingPaused { mode } => Arc::new(exporting::Pause::new(context, *mode)),
        Goal::PauseHeld { mode } => Arc::new(exporting::Hold { context, mode: *mode }),
        Goal::ExportingResumed => Arc::new(exporting::Running { context }),
        Goal::HistoryBackedUp { app } => {
            let client = context.clients.history_of(app)?.clone();
            Arc::new(history::History::new(context, history::Source::App(client)))
        }
        Goal::OptimizeBackedUp => {
            let client = context.clients.optimize.clone().ok_or_else(history::no_optimize)?;
            Arc::new(history::History::new(context, history::Source::Optimize(client)))
        }
        Goal::RecordsSnapshotted { snapshot } => Arc::new(records::Records::new(context, snapshot.clone())),
        Goal::RecordPositionsRead => Arc::new(records::Positions { context }),
        Goal::ZeebeBackedUp => Arc::new(zeebe::Zeebe { context }),
    })
}
