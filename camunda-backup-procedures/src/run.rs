//! One run of a plan in a task of its own: it begins, or goes on where earlier processes of it died.

use std::sync::Arc;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Component, Error, Result};
use tokio::sync::watch;
use tracing::Instrument;

use crate::connection::Connection;
use crate::engine::{
    Confirmations, Engine, Entry, EventBus, Ledger, Past, RunEventKind, RunName, RunOutcome, Source, Stop,
    within_caller,
};
use crate::facts::discover::Discovery;
use crate::formats::FORMAT;
use crate::journal::{Claim, RunId, RunLog};
use crate::plan::Plan;
use crate::procedure::{Ended, Procedure};
use crate::procedures::procedure_of;
use crate::recover::{Unfinished, nonce, tidy, unfinished};
use crate::report::{Failure, Report};
use crate::run_handle::RunHandle;
use crate::run_record;
use crate::stored_reports;

/// Starts a run in a task of its own; one that another process began goes on under its name.
pub(crate) fn start(
    connection: Arc<Connection>,
    discovery: Arc<Discovery>,
    plan: Plan,
    begun: Option<RunId>,
) -> RunHandle {
    if let Some(id) = plan.id() {
        connection.mark_used(id);
    }
    let (stop, wishes) = watch::channel(None);
    let source = Source {
        cluster: Arc::from(connection.config.name.as_str()),
        backup_id: plan.id(),
        run: RunName::default(),
        steps: plan.steps().iter().map(|step| step.name.clone()).collect(),
    };
    let span = within_caller(tracing::info_span!(
        target: "camunda_backup",
        "run",
        cluster = %source.cluster,
        backup_id = plan.id().map(BackupId::value),
        run = tracing::field::Empty,
    ));
    let run_name = Arc::clone(&source.run);
    let events = EventBus::new(source, Arc::clone(&connection.clock), connection.observer.clone());
    let (plan, read) = (Arc::new(plan), events.subscribe());
    let (ended, end) = watch::channel(None);
    let words = Confirmations::default();
    let handle = RunHandle::new(plan.id(), Arc::clone(&run_name), stop, read, end, words.clone());
    let outside = Outside { events, stop: Stop::new(wishes), words, run_name };
    let procedure = procedure_of(Arc::clone(&connection), discovery, Arc::clone(&plan));
    let run = Run { connection, plan, procedure, begun };
    let task = async move {
        let result = run.until_it_ends(outside).await;
        ended.send_replace(Some(Arc::new(result)));
    };
    tokio::spawn(task.instrument(span));
    handle
}

/// How a run and those who started it reach each other.
struct Outside {
    events: EventBus,
    stop: Stop,
    words: Confirmations,
    run_name: RunName,
}

/// What is run, and for whom.
struct Run {
    connection: Arc<Connection>,
    plan: Arc<Plan>,
    procedure: Box<dyn Procedure>,
    /// The run that this one goes on with.
    begun: Option<RunId>,
}

impl Run {
    async fn until_it_ends(self, outside: Outside) -> Result<Report, Failure> {
        let events = outside.events.clone();
        let result = self.behind_a_claim(outside).await;
        if let Some(Failure { error, report: None, .. }) = result.as_ref().err() {
            events.emit(RunEventKind::Refused { why: error.to_string() });
        }
        events.drain().await;
        result
    }

    async fn behind_a_claim(mut self, outside: Outside) -> Result<Report, Failure> {
        outside.stop.check()?;
        let connection = Arc::clone(&self.connection);
        let claim = connection.claim().await?;
        let run = self.begun.clone().unwrap_or_else(|| RunId::new(connection.clock.now(), nonce(&claim)));
        tracing::Span::current().record("run", run.as_str());
        outside.run_name.get_or_init(|| Arc::from(run.as_str()));
        let result = self.claimed(outside, &claim, run).await;
        tidy(&connection, &claim).await;
        if let Err(error) = claim.release().await {
            tracing::warn!(%error, "the claim could not be released in the journal; its lock ends with this process, or a minute later");
        }
        result
    }

    async fn claimed(&mut self, outside: Outside, claim: &Claim, run: RunId) -> Result<Report, Failure> {
        let Outside { events, stop, words, .. } = outside;
        refuse_when_another_is_unfinished(&self.connection, self.begun.as_ref()).await?;
        // Boxed, like the end: large, short-lived, and a run that waits should be small.
        Box::pin(self.procedure.recheck()).await?;
        stop.check()?;
        let (ledger, past) = self.ledger(claim, &run).await?;
        events.emit_start();
        let (steps, stages) = (self.procedure.steps(&run), Arc::new(self.plan.stages.clone()));
        let engine = Engine::new(steps, stages, ledger, events, stop).continuing(
            self.plan.task.reentry(),
            past,
            words,
        );
        let ended = engine.run().await;
        let result = Box::pin(self.finish(&engine, &run, ended)).await;
        let report = result.as_ref().map_or_else(|failure| failure.report.as_deref(), Some);
        if let Some(report) = report {
            stored_reports::store(self.connection.journal.as_ref(), report).await;
        }
        result
    }

    /// The run's log, and what earlier processes have done in it. When it returns the plan is on record.
    async fn ledger(&self, claim: &Claim, run: &RunId) -> Result<(Arc<Ledger>, Past)> {
        let Connection { journal, clock, config, .. } = self.connection.as_ref();
        if self.begun.is_some() {
            let resumed =
                RunLog::resume(Arc::clone(journal), &config.name, run.clone(), claim.token(), clock.now());
            let (log, history) = resumed.await?;
            // Behind the fence, so it is the last word; what cannot be read could be what was done last.
            let entries = run_record::entries(&history)?;
            run_record::refuse_when_damaged(&history)?;
            run_record::refuse_when_ended(&history, &entries)?;
            let past = Past::of(&entries);
            let moments = run_record::moments(&history, entries);
            return Ok((Arc::new(Ledger::new(log, Arc::clone(clock)).after(moments)), past));
        }
        let log = RunLog::begin(Arc::clone(journal), &config.name, run.clone(), claim.token());
        let ledger = Arc::new(Ledger::new(log, Arc::clone(clock)));
        ledger.write(Entry::Started { plan: Arc::new(self.plan.to_value()?) }).await?;
        if let Err(taken) = self.procedure.reserve(run).await {
            let entry = Entry::Finished { outcome: RunOutcome::Failed, error: Some(taken.to_string()) };
            // A run that has only begun owes nothing, whether or not its end is on record.
            drop(ledger.write(entry).await);
            return Err(taken);
        }
        Ok((ledger, Past::default()))
    }

    /// Judges what was done, writes down how it ended, and reports.
    async fn finish(
        &self,
        engine: &Engine,
        run: &RunId,
        ended: Result<(), Vec<Error>>,
    ) -> Result<Report, Failure> {
        let (timeline, pause) = (engine.ledger.timeline(), engine.pause_record());
        let ended_so = Ended { timeline: &timeline, is_owing: pause.is_open, by_detour: pause.by_detour };
        let judged = self.procedure.judge(ended_so).await;
        let mut errors = ended.err().unwrap_or_default();
        errors.extend(judged.error.filter(|_| errors.is_empty()));
        let outcome = write_the_end(engine, &mut errors).await;
        let leftovers = if errors.is_empty() { Vec::new() } else { self.procedure.leftovers(&timeline) };
        let report = Report {
            format: FORMAT,
            run: run.to_string(),
            cluster: self.plan.cluster.clone(),
            id: self.plan.id(),
            outcome,
            verdict: judged.verdict,
            conditions: judged.conditions,
            began: run.started(),
            ended: self.connection.clock.now(),
            paused: pause.lasted,
            owing: pause.is_open,
            findings: self.plan.findings.clone(),
            errors: errors.iter().map(Error::report).collect(),
            leftovers,
            plan: self.plan.as_ref().clone(),
            details: judged.details,
            timeline,
        };
        let completed = outcome == RunOutcome::Completed;
        engine.events.emit(RunEventKind::Finished { outcome: report.ending(), completed });
        let mut errors = errors.into_iter();
        match errors.next() {
            None => Ok(report),
            Some(error) => {
                Err(Failure { error, secondary: errors.collect(), report: Some(Box::new(report)) })
            }
        }
    }
}

/// A run must not begin or go on while another still owes something; and one that is to be continued keeps others out, in
/// every process that shares the journal.
async fn refuse_when_another_is_unfinished(connection: &Connection, begun: Option<&RunId>) -> Result<()> {
    let Unfinished { owing, open } = unfinished(connection).await?;
    let is_another = |run: &RunId| Some(run) != begun;
    if let Some((run, obligation)) = owing.iter().find(|(run, _)| is_another(run)) {
        let message = format!("run {run} was not closed and still owes to {obligation}");
        return Err(Error::new(ErrorKind::Blocked, message)
            .with_component(Component::Journal)
            .with_advice("run `recover()` first; it pays what is owed and says what it did"));
    }
    let Some(run) = open.iter().find(|run| is_another(run)) else { return Ok(()) };
    Err(Error::new(ErrorKind::Blocked, format!("run {run} has not ended and is to be continued"))
        .with_component(Component::Journal)
        .with_advice(
            "go on with it (`Cluster::continue_run`), or give it up (`Cluster::give_up_run`), before another one begins",
        ))
}

/// How the run ended, as it stands in the journal: a backup whose end could not be written down is not called complete.
async fn write_the_end(engine: &Engine, errors: &mut Vec<Error>) -> RunOutcome {
    let outcome = match errors.first().map(Error::kind) {
        None => RunOutcome::Completed,
        Some(ErrorKind::Cancelled) => RunOutcome::Cancelled,
        Some(_) => RunOutcome::Failed,
    };
    let entry = Entry::Finished { outcome, error: errors.first().map(ToString::to_string) };
    let Err(unwritten) = engine.ledger.write(entry).await else { return outcome };
    let error = Some(unwritten.to_string());
    errors.push(unwritten);
    if outcome != RunOutcome::Completed {
        return outcome;
    }
    // It may be on record all the same, and the report is about to say otherwise.
    let corrected = engine.ledger.write(Entry::Finished { outcome: RunOutcome::Failed, error }).await;
    tracing::warn!(?corrected, "the end of a run could not be written down at once");
    RunOutcome::Failed
}
