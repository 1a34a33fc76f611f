//! The steps of the trial, by real requests to the simulated store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use camunda_backup_core::{Clock, Error, ErrorKind, Result, SnapshotName};
use camunda_backup_es::{CreateSnapshot, RestoreSnapshot};
use camunda_backup_zeebe::PauseMode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::TrialTask;
use crate::connection::clients::Clients;
use crate::engine::{
    Check, Effect, Existing, Nature, OnAttempt, Payment, Progress, Step, StepPlan, Steps, Times, Trust,
};
use crate::exporting::{self, Exporting, LATEST_EFFECT};
use crate::obligation::Obligation;
use crate::replicas::Replicas;

/// What a step wants to be true.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Want {
    Copy(SnapshotName),
    CopiesAreWhole,
    Paused,
    Gone,
    Restored(SnapshotName),
    Word,
}

#[derive(Debug, Clone)]
pub(super) struct TrialSteps {
    pub(super) clients: Arc<Clients>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) task: TrialTask,
    pub(super) replicas: Replicas,
}

#[async_trait]
impl Steps for TrialSteps {
    fn subject(&self) -> String {
        "the trial".to_owned()
    }

    fn times(&self) -> Times {
        Times {
            max_bracket: Duration::from_secs(600),
            max_stage: Duration::from_secs(24 * 3600),
            max_close: Duration::from_secs(180),
            stall: Duration::from_secs(100),
            grace: Duration::from_secs(20),
        }
    }

    fn bind(&self, step: &StepPlan) -> Result<Arc<dyn Step>> {
        let want = serde_json::from_value(step.goal.clone())
            .map_err(|cause| Error::new(ErrorKind::Internal, "no step of the trial").with_source(cause))?;
        Ok(Arc::new(TrialStep { all: self.clone(), want }))
    }

    async fn pay(&self, owed: &Obligation, budget: Duration, on_attempt: OnAttempt<'_>) -> Result<Payment> {
        exporting::pay(owed, &self.clients, &self.clock, budget, on_attempt).await
    }

    fn latest_effect(&self) -> Duration {
        LATEST_EFFECT
    }
}

#[derive(Debug)]
struct TrialStep {
    all: TrialSteps,
    want: Want,
}

impl TrialStep {
    async fn copy(&self, copy: &SnapshotName) -> Result<Check> {
        let (store, repository) = self.all.clients.store()?;
        let found = store.snapshots(repository, std::slice::from_ref(copy)).await?;
        Ok(match found.first() {
            None => Check::NotStarted,
            Some(snapshot) if snapshot.is_clean_success() => Check::Reached(Value::Null),
            Some(snapshot) if snapshot.state.is_terminal() => Check::Failed(snapshot.state.to_string()),
            Some(_) => Check::Pending(Progress { running: true, ..Progress::default() }),
        })
    }

    async fn paused(&self) -> Result<Check> {
        let (exporting, _) =
            exporting::look(&self.all.clients, &self.all.replicas, self.all.clock.as_ref()).await?;
        Ok(match exporting {
            Exporting::Paused(PauseMode::Soft) => Check::Reached(Value::Null),
            Exporting::Everywhere => Check::NotStarted,
            _ => Check::Pending(Progress::default()),
        })
    }

    async fn is_there(&self) -> Result<bool> {
        let (store, _) = self.all.clients.store()?;
        let prefix = camunda_backup_core::IndexPrefix::new(self.all.task.index.as_str())?;
        let indices = store.indices(&prefix).await?;
        Ok(indices.iter().any(|index| index.name == self.all.task.index))
    }

    async fn restored(&self) -> Result<Check> {
        let (store, _) = self.all.clients.store()?;
        let progress = store.restore_progress(std::slice::from_ref(&self.all.task.index)).await?;
        let (done, all) = progress.primaries();
        Ok(if progress.is_done() {
            Check::Reached(Value::from(all))
        } else if progress.missing().next().is_some() {
            Check::NotStarted
        } else {
            Check::Pending(Progress {
                mark: format!("{done} of {all}, {} bytes", progress.recovered_bytes),
                running: true,
                ..Progress::default()
            })
        })
    }
}

#[async_trait]
impl Step for TrialStep {
    async fn check(&self) -> Result<Check> {
        match &self.want {
            Want::Copy(copy) => self.copy(copy).await,
            Want::CopiesAreWhole => {
                for copy in &self.all.task.copies {
                    let check = self.copy(copy).await?;
                    if !matches!(check, Check::Reached(_)) {
                        return Ok(Check::Failed(format!("{copy} is not whole: {check:?}")));
                    }
                }
                Ok(Check::Reached(Value::Null))
            }
            Want::Paused => self.paused().await,
            Want::Gone if self.is_there().await? => Ok(Check::NotStarted),
            Want::Restored(_) => self.restored().await,
            Want::Gone | Want::Word => Ok(Check::Reached(Value::Null)),
        }
    }

    async fn act(&self) -> Result<Value> {
        let (store, repository) = self.all.clients.store()?;
        let index = self.all.task.index.clone();
        match &self.want {
            Want::Copy(copy) => store.create_snapshot(repository, copy, &CreateSnapshot::of([index])).await?,
            Want::Paused => drop(self.all.clients.exporting.pause(PauseMode::Soft).await?),
            Want::Gone => store.delete_indices(&[index]).await?,
            Want::Restored(copy) => {
                store.restore_snapshot(repository, copy, &RestoreSnapshot::of([index])).await?;
            }
            Want::CopiesAreWhole | Want::Word => {}
        }
        Ok(Value::Null)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(20)
    }

    fn nature(&self) -> Nature {
        let (existing, trust, effect) = match self.want {
            Want::CopiesAreWhole | Want::Word => (Existing::Done, Trust::Condition, Effect::Look),
            Want::Paused => (Existing::Foreign, Trust::Condition, Effect::Make),
            Want::Gone => (Existing::Done, Trust::Artifact, Effect::Destroy),
            Want::Copy(_) | Want::Restored(_) => (Existing::Done, Trust::Artifact, Effect::Make),
        };
        Nature { existing, trust, effect }
    }

    fn asks(&self) -> Option<String> {
        let index = &self.all.task.index;
        match self.want {
            Want::CopiesAreWhole => Some(format!("may {index} be deleted? it is restored from its copy")),
            Want::Word => Some(format!("have you looked at {index}?")),
            _ => None,
        }
    }
}
