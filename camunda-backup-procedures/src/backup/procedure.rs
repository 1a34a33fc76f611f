//! The backup as a procedure: what is looked at before it, its steps, and how it is judged.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Component, Error, Result};

use super::context::Context;
use super::leftovers::{self, OurIndices};
use super::planner::{Drift, differences, drift, has_records, in_words, plan_backup};
use super::preflight::{blockers, preflight};
use super::record_list::RecordList;
use super::spec::{BackupSpec, Limits};
use super::steps;
use super::task::BackupTask;
use super::verdict::{advice, judge};
use crate::connection::Connection;
use crate::connection::clients::Clients;
use crate::engine::{Entry, Moment, OnAttempt, Payment, Step, StepPlan, Steps, Times};
use crate::exporting::{self, LATEST_EFFECT};
use crate::facts::Facts;
use crate::facts::discover::{Discovery, dialect_for, look_again};
use crate::finding::{FindingCode, Severity, details};
use crate::journal::RunId;
use crate::leftover::{Abandoned, Leftover};
use crate::obligation::Obligation;
use crate::plan::Plan;
use crate::procedure::{Ended, Judged, Procedure};
use crate::report::{BackupDetails, Details};
use crate::reserved_ids::reserve;
use crate::run_record::highest_id;
use crate::verdict::{Condition, ConditionStatus, Verdict};

/// A backup that is about to run.
pub(crate) struct Backup {
    connection: Arc<Connection>,
    discovery: Arc<Discovery>,
    plan: Arc<Plan>,
    task: Arc<BackupTask>,
    /// What was seen just before.
    before: Option<Facts>,
}

impl Backup {
    pub(crate) fn new(
        connection: Arc<Connection>,
        discovery: Arc<Discovery>,
        plan: Arc<Plan>,
        task: BackupTask,
    ) -> Self {
        Self { connection, discovery, plan, task: Arc::new(task), before: None }
    }
}

#[async_trait]
impl Procedure for Backup {
    async fn recheck(&mut self) -> Result<()> {
        let facts = recheck(&self.connection, &self.discovery, &self.plan, &self.task).await?;
        self.before = Some(facts);
        Ok(())
    }

    async fn reserve(&self, run: &RunId) -> Result<()> {
        reserve(self.connection.journal.as_ref(), self.task.id, &self.connection.config.name, run).await
    }

    fn steps(&self, run: &RunId) -> Arc<dyn Steps> {
        Arc::new(BackupSteps(Context {
            clients: Arc::clone(&self.discovery.clients),
            cluster: Arc::from(self.connection.config.name.as_str()),
            task: Arc::clone(&self.task),
            run: run.clone(),
            clock: Arc::clone(&self.connection.clock),
            record_prefix: self.connection.config.record_prefix.clone(),
            record_list: self.before.as_ref().map(RecordList::of).unwrap_or_default(),
        }))
    }

    async fn judge(&self, ended: Ended<'_>) -> Judged {
        let before = self.before.as_ref().unwrap_or(&self.discovery.facts).clone();
        // When something is still owed, that is what to say at once.
        let after = if ended.is_owing {
            None
        } else {
            Box::pin(afterwards(&self.connection, &self.discovery, &before)).await
        };
        let (verdict, conditions) = judge(&self.plan, &before, after.as_ref(), ended.timeline);
        let inconsistent = verdict == Verdict::Inconsistent;
        Judged {
            error: inconsistent.then(|| inconsistent_parts(&self.plan, &conditions)),
            verdict,
            conditions,
            details: Details::Backup(Box::new(BackupDetails {
                before,
                after,
                resumed_broker_by_broker: ended.by_detour,
            })),
        }
    }

    fn leftovers(&self, timeline: &[Moment]) -> Vec<Leftover> {
        let entries = timeline.iter().map(|moment| &moment.entry);
        leftovers::of_run(&self.plan, entries, &self.discovery.clients)
    }
}

/// The steps of a backup, for the engine.
#[derive(Debug)]
struct BackupSteps(Context);

#[async_trait]
impl Steps for BackupSteps {
    fn subject(&self) -> String {
        format!("backup {}", self.0.task.id)
    }

    fn times(&self) -> Times {
        let Limits { max_pause, stall, grace, max_part, max_resume } = self.0.task.limits.clone();
        Times { max_bracket: max_pause, max_stage: max_part, max_close: max_resume, stall, grace }
    }

    fn bind(&self, step: &StepPlan) -> Result<Arc<dyn Step>> {
        steps::bind(step, &self.0)
    }

    async fn pay(&self, owed: &Obligation, budget: Duration, on_attempt: OnAttempt<'_>) -> Result<Payment> {
        let Context { clients, clock, .. } = &self.0;
        exporting::pay(owed, clients, clock, budget, on_attempt).await
    }

    fn latest_effect(&self) -> Duration {
        LATEST_EFFECT
    }
}

/// What a dead run left behind, by its own record.
pub(crate) fn leftovers_of(
    connection: &Connection,
    plan: &Plan,
    task: &BackupTask,
    entries: &[Entry],
) -> Result<Vec<Leftover>> {
    if leftovers::has_completed(entries) {
        return Ok(Vec::new());
    }
    let clients = clients_of(connection, plan, task)?;
    Ok(leftovers::of_run(plan, entries.iter(), &clients))
}

/// Deletes what a run left behind.
pub(crate) async fn abandon(
    connection: &Connection,
    plan: &Plan,
    task: &BackupTask,
    entries: &[Entry],
) -> Result<Abandoned> {
    let clients = clients_of(connection, plan, task)?;
    leftovers::abandon(plan, task, entries, OurIndices::of(&connection.config), &clients).await
}

/// Clients for a plan of the past, without looking at anything.
fn clients_of(connection: &Connection, plan: &Plan, task: &BackupTask) -> Result<Clients> {
    let dialect = dialect_for(&connection.config, &plan.version)?;
    let store = task.pinned.store.clone().zip(connection.config.repository.clone());
    Clients::new(&connection.handles, dialect, store)
}

/// How long the last look may take. What it cannot see is unproven, and nobody waits for it with exporting paused.
const LAST_LOOK: Duration = Duration::from_secs(60);

/// What can be seen when everything is over.
async fn afterwards(connection: &Connection, discovery: &Discovery, before: &Facts) -> Option<Facts> {
    let look = look_again(
        &connection.config,
        &connection.handles,
        &discovery.clients,
        connection.clock.as_ref(),
        before,
    );
    tokio::time::timeout(LAST_LOOK, look).await.ok()?.ok()
}

/// What was planned must still be so: facts are pinned, and time has passed since they were seen.
async fn recheck(
    connection: &Connection,
    discovery: &Discovery,
    plan: &Plan,
    task: &BackupTask,
) -> Result<Facts> {
    let clock = connection.clock.as_ref();
    let mut now =
        look_again(&connection.config, &connection.handles, &discovery.clients, clock, &discovery.facts)
            .await?;
    // A plan may be run a second time, and what came of the first may not be visible anywhere yet.
    now.journal_highest_id = highest_id(connection.journal.as_ref(), &connection.config.name).await?;
    let Drift { mut changed, unseen } = drift(plan, task, &now);
    if plan.cluster != connection.config.name {
        let how = format!("the plan is for {}, this is {}", plan.cluster, connection.config.name);
        changed.insert(0, (Component::Library, how));
    }
    changed.extend(unseen);
    if !task.zeebe_only && (task.pinned.has_records, has_records(&now)) == (Some(false), Some(true)) {
        let how = "there were no exported records, and now there are".to_owned();
        changed.push((Component::Store, how));
    }
    if let Some((component, _)) = changed.first() {
        return Err(Error::new(
            ErrorKind::Blocked,
            format!("the cluster cannot be seen to be the one that was planned with: {}", in_words(&changed)),
        )
        .with_component(component.clone())
        .with_subject(&plan.task)
        .with_advice("connect and plan again; nothing was changed"));
    }
    let overrides = plan.findings.iter().filter(|f| f.severity == Severity::Overridden).map(|f| f.code);
    let spec = BackupSpec {
        id: Some(task.id),
        overrides: overrides.collect(),
        zeebe_only: task.zeebe_only,
        limits: task.limits.clone(),
    };
    let findings = preflight(&now, &spec, task.id);
    let (blockers, words) = blockers(&findings);
    let Some(first) = blockers.first() else {
        let again = plan_backup(&now, &discovery.clients, &spec, task.id)?;
        return match differences(plan, &again) {
            differing if differing.is_empty() => Ok(now),
            differing => Err(not_the_planners(plan, &differing)),
        };
    };
    let kind =
        if first.code == FindingCode::ExportingPaused { ErrorKind::Foreign } else { ErrorKind::Blocked };
    Err(Error::new(kind, format!("since the plan was made:\n  {words}"))
        .with_component(Component::Library)
        .with_subject(&plan.task)
        .with_details(details(&blockers))
        .with_advice("nothing was changed; each line says what to do"))
}

/// A plan is data that somebody may have changed, and the verdict rests on it: only what the planner itself makes is run.
fn not_the_planners(plan: &Plan, differing: &[String]) -> Error {
    const SHOWN: usize = 3;
    let mut words = differing.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    if differing.len() > SHOWN {
        words = format!("{words}; and {} more", differing.len() - SHOWN);
    }
    Error::new(ErrorKind::Blocked, format!("the plan is not what is planned for this cluster now: {words}"))
        .with_component(Component::Library)
        .with_subject(&plan.task)
        .with_advice(
            "nothing was changed; plan again with this configuration. A stored plan is run as it was made: what shall be \
             different belongs into the spec",
        )
}

fn inconsistent_parts(plan: &Plan, conditions: &[Condition]) -> Error {
    let violated = conditions.iter().filter(|condition| condition.standing == ConditionStatus::Violated);
    let words: Vec<String> = violated.map(ToString::to_string).collect();
    let message = format!("every part succeeded, and together they are INCONSISTENT: {}", words.join("; "));
    Error::new(ErrorKind::Failed, message)
        .with_component(Component::Library)
        .with_subject(&plan.task)
        .with_advice(advice(conditions))
}
