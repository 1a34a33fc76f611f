//! A small procedure on the simulated cluster that uses all that a run can do: it replaces an index by a copy of itself, with
//! exporting paused. Copies in a group with limits; a gate that looks and asks somebody; something that is destroyed;
//! something long that is only looked at; an undoing; a word at the end; and other processes that go on where one died.
#![allow(clippy::unwrap_used, clippy::panic)]

#[cfg(test)]
mod cases;
mod steps;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use camunda_backup_core::{Component, IndexName, Result, SnapshotName};
use camunda_backup_zeebe::PauseMode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::connection::Connection;
use crate::engine::{Moment, StepPlan, Steps};
use crate::facts::discover::Discovery;
use crate::formats::FORMAT;
use crate::journal::RunId;
use crate::leftover::Leftover;
use crate::obligation::Obligation;
use crate::plan::{Bracket, Group, Plan, Stage, Task};
use crate::procedure::{Ended, Judged, Procedure};
use crate::report::Details;
use crate::verdict::Verdict;
use steps::{TrialSteps, Want};

/// What only the plan of the trial has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialTask {
    /// The index that is replaced.
    pub index: IndexName,
    /// The copies that are made of it first.
    pub copies: Vec<SnapshotName>,
}

pub(crate) struct Trial {
    connection: Arc<Connection>,
    discovery: Arc<Discovery>,
    plan: Arc<Plan>,
    task: TrialTask,
}

impl Trial {
    pub(crate) fn new(
        connection: Arc<Connection>,
        discovery: Arc<Discovery>,
        plan: Arc<Plan>,
        task: TrialTask,
    ) -> Self {
        Self { connection, discovery, plan, task }
    }
}

#[async_trait]
impl Procedure for Trial {
    async fn recheck(&mut self) -> Result<()> {
        assert_eq!(self.plan.gateway, self.discovery.facts.gateway);
        Ok(())
    }

    async fn reserve(&self, _run: &RunId) -> Result<()> {
        Ok(())
    }

    fn steps(&self, _run: &RunId) -> Arc<dyn Steps> {
        Arc::new(TrialSteps {
            clients: Arc::clone(&self.discovery.clients),
            clock: Arc::clone(&self.connection.clock),
            task: self.task.clone(),
            replicas: self.discovery.facts.replicas(),
        })
    }

    async fn judge(&self, ended: Ended<'_>) -> Judged {
        let verdict = if ended.is_owing { Verdict::Plausible } else { Verdict::Proven };
        Judged { verdict, conditions: Vec::new(), details: Details::Trial, error: None }
    }

    fn leftovers(&self, _timeline: &[Moment]) -> Vec<Leftover> {
        Vec::new()
    }
}

/// The plan, from what was seen of the cluster.
pub(crate) fn plan(discovery: &Discovery, index: &str) -> Plan {
    let facts = &discovery.facts;
    let copies: Vec<SnapshotName> =
        (1..=3).map(|n| SnapshotName::new(format!("copy-{n}")).unwrap()).collect();
    let making = copies.iter().map(|copy| step(&format!("make-{copy}"), &Want::Copy(copy.clone())));
    let group = Group { steps: making.collect(), at_once: 2, limit: Duration::from_secs(300) };
    let mut gate = step("copies-are-whole", &Want::CopiesAreWhole);
    gate.gate = true;
    let together = |step| Stage::Together(vec![step]);
    let bracket = Bracket {
        owes: Obligation::ResumeExporting {
            gateway: facts.gateway.clone(),
            version: facts.version.clone(),
            mode: PauseMode::Soft,
            replicas: facts.replicas(),
        },
        open: step("soft-pause-exporting", &Want::Paused),
        body: vec![
            together(step("delete-index", &Want::Gone)),
            together(step("restore-index", &Want::Restored(copies[0].clone()))),
        ],
        abort: Some(step("restore-from-second-copy", &Want::Restored(copies[1].clone()))),
        close: step("resume-exporting", &Want::Paused),
    };
    Plan {
        format: FORMAT,
        cluster: facts.cluster.clone(),
        gateway: facts.gateway.clone(),
        version: facts.version.clone(),
        task: Task::Trial(TrialTask { index: index.parse().unwrap(), copies }),
        findings: Vec::new(),
        stages: vec![
            Stage::Group(group),
            together(gate),
            Stage::Bracket(Box::new(bracket)),
            together(step("all-is-well", &Want::Word)),
        ],
    }
}

fn step(name: &str, want: &Want) -> StepPlan {
    StepPlan::new(name, Component::Store, json!(want), "for the trial", Vec::new())
}
