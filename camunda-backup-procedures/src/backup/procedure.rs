//! The backup as the engine sees it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use camunda_backup_core::Result;

use super::context::Context;
use super::spec::Limits;
use super::steps;
use crate::engine::{OnAttempt, Payment, Procedure, Reentry, Step, StepPlan, Times};
use crate::exporting::{self, LATEST_EFFECT};
use crate::obligation::Obligation;

/// A backup: its conditions are gone with its process, so a dead one is closed and abandoned.
#[derive(Debug)]
pub(crate) struct Backup {
    pub(crate) context: Context,
}

#[async_trait]
impl Procedure for Backup {
    fn subject(&self) -> String {
        format!("backup {}", self.context.plan.id)
    }

    fn reentry(&self) -> Reentry {
        Reentry::Abandon
    }

    fn times(&self) -> Times {
        let Limits { max_pause, stall, grace, max_part, max_resume } = self.context.plan.limits.clone();
        Times { max_bracket: max_pause, max_stage: max_part, max_close: max_resume, stall, grace }
    }

    fn bind(&self, step: &StepPlan) -> Result<Arc<dyn Step>> {
        steps::bind(step, &self.context)
    }

    async fn pay(&self, owed: &Obligation, budget: Duration, on_attempt: OnAttempt<'_>) -> Result<Payment> {
        let Context { clients, clock, .. } = &self.context;
        let paid = exporting::pay(owed, clients, clock, budget, on_attempt).await?;
        Ok(Payment { attempts: paid.attempts, by_detour: paid.broker_by_broker })
    }

    fn latest_effect(&self) -> Duration {
        LATEST_EFFECT
    }
}
