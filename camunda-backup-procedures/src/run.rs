//! One run of a plan in a task of its own.

use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Component, Error, Result, Timestamp};
use tokio::sync::watch;
use tracing::Instrument;

use crate::backup::leftovers;
use crate::backup::planner::{Drift, differences, drift, has_records, in_words, plan_backup};
use crate::backup::preflight::{FindingCode, Severity, blockers, preflight};
use crate::backup::record_list::RecordList;
use crate::backup::spec::BackupSpec;
use crate::backup::verdict::{Condition, ConditionStatus, Verdict, advice, judge};
use crate::connection::Connection;
use crate::engine::{
    Context, Engine, Entry, EventBus, Ledger, RunEventKind, RunName, RunOutcome, Source, Stop, within_caller,
};
use crate::facts::Facts;
use crate::facts::discover::{Discovery, look_again};
use crate::journal::{Claim, RunId, RunLog};
use crate::plan::Plan;
use crate::recover::{debts, highest_id, nonce, tidy};
use crate::report::{Failure, Report};
use crate::reserved_ids::reserve;
use crate::run_handle::RunHandle;
use crate::stored_reports;

/// Starts a run in a task of its own.
pub(crate) fn start(connection: Arc<Connection>, discovery: Arc<Discovery>, plan: Plan) -> RunHandle {
    connection.mark_used(plan.id);
    let (stop, wishes) = watch::channel(None);
    let source = Source {
        cluster: Arc::from(connection.config.name.as_str()),
        backup_id: plan.id,
        run: RunName::default(),
        steps: plan.steps().iter().map(|step| step.name.clone()).collect(),
    };
    let span = within_caller(tracing::info_span!(
        target: "camunda_backup",
        "run",
        cluster = %source.cluster,
        backup_id = plan.id.value(),
        run = tracing::field::Empty,
    ));
    let run_name = Arc::clone(&source.run);
    let events = EventBus::new(source, Arc::clone(&connection.clock), connection.observer.clone());
    let (plan, read) = (Arc::new(plan), events.subscribe());
    let (ended, end) = watch::channel(None);
    let handle = RunHandle::new(plan.id, Arc::clone(&run_name), stop, read, end);
    let task = async move {
        let result = run(&connection, &discovery, plan, events, Stop::new(wishes), &run_name).await;
        ended.send_replace(Some(Arc::new(result)));
    };
    tokio::spawn(task.instrument(span));
    handle
}

async fn run(
    connection: &Connection,
    discovery: &Discovery,
    plan: Arc<Plan>,
    events: EventBus,
    stop: Stop,
    run_name: &RunName,
) -> Result<Report, Failure> {
    let result = begin(connection, discovery, plan, events.clone(), stop, run_name).await;
    if let Some(Failure { error, report: None, .. }) = result.as_ref().err() {
        events.emit(RunEventKind::Refused { why: error.to_string() });
    }
    events.drain().await;
    result
}

async fn begin(
    connection: &Connection,
    discovery: &Discovery,
    plan: Arc<Plan>,
    events: EventBus,
    stop: Stop,
    run_name: &RunName,
) -> Result<Report, Failure> {
    stop.check()?;
    let claim = connection.claim().await?;
    let run = RunId::new(connection.clock.now(), nonce(&claim));
    tracing::Span::current().record("run", run.as_str());
    run_name.get_or_init(|| Arc::from(run.as_str()));
    let result = run_claimed(connection, discovery, plan, events, stop, &claim, run).await;
    tidy(connection, &claim).await;
    if let Err(error) = claim.release().await {
        tracing::warn!(%error, "the claim could not be released in the journal; its lock ends with this process, or a minute later");
    }
    result
}

async fn run_claimed(
    connection: &Connection,
    discovery: &Discovery,
    plan: Arc<Plan>,
    events: EventBus,
    stop: Stop,
    claim: &Claim,
    run: RunId,
) -> Result<Report, Failure> {
    refuse_when_owing(connection).await?;
    let began = connection.clock.now();
    // Boxed, like the last look and the end: large, short-lived, and a run that waits should be small.
    let before = Box::pin(recheck(connection, discovery, &plan)).await?;
    stop.check()?;
    let log =
        RunLog::begin(Arc::clone(&connection.journal), &connection.config.name, run.clone(), claim.token());
    let ledger = Arc::new(Ledger::new(log, Arc::clone(&connection.clock)));
    ledger.write(Entry::Started { plan: Arc::clone(&plan) }).await?;
    if let Err(taken) = reserve(connection.journal.as_ref(), plan.id, &connection.config.name, &run).await {
        let entry = Entry::Finished { outcome: RunOutcome::Failed, error: Some(taken.to_string()) };
        // A run that has only begun owes nothing, whether or not its end is on record.
        drop(ledger.write(entry).await);
        return Err(taken.into());
    }
    events.emit_start();
    let context = Context {
        clients: Arc::clone(&discovery.clients),
        plan,
        run,
        clock: Arc::clone(&connection.clock),
        record_prefix: connection.config.record_prefix.clone(),
        record_list: RecordList::of(&before),
    };
    let engine = Engine::new(context, ledger, events, stop);
    let ended = engine.run().await;
    let after = Box::pin(afterwards(connection, discovery, &engine, &before)).await;
    let result = Box::pin(finish(engine, ended, began, before, after)).await;
    let report = result.as_ref().map_or_else(|failure| failure.report.as_deref(), Some);
    if let Some(report) = report {
        stored_reports::store(connection.journal.as_ref(), report).await;
    }
    result
}

/// How long the last look may take. What it cannot see is unproven, and nobody waits for it with exporting paused.
const LAST_LOOK: Duration = Duration::from_secs(60);

/// What can be seen when everything is over; nothing if something is still owed, because then that is what to say at once.
async fn afterwards(
    connection: &Connection,
    discovery: &Discovery,
    engine: &Engine,
    before: &Facts,
) -> Option<Facts> {
    if engine.pause_record().is_open() {
        return None;
    }
    let look = look_again(
        &connection.config,
        &connection.handles,
        &discovery.clients,
        connection.clock.as_ref(),
        before,
    );
    tokio::time::timeout(LAST_LOOK, look).await.ok()?.ok()
}

/// A run must not begin while an earlier one still owes something.
async fn refuse_when_owing(connection: &Connection) -> Result<()> {
    let owing = debts(connection).await?;
    match owing.first() {
        None => Ok(()),
        Some((run, obligation)) => Err(Error::new(
            ErrorKind::Blocked,
            format!("run {run} was not closed and still owes to {obligation}"),
        )
        .with_component(Component::Journal)
        .with_advice("run `recover()` first; it pays what is owed and says what it did")),
    }
}

/// What was planned must still be so: facts are pinned, and time has passed since they were seen.
async fn recheck(connection: &Connection, discovery: &Discovery, plan: &Plan) -> Result<Facts> {
    let clock = connection.clock.as_ref();
    let mut now =
        look_again(&connection.config, &connection.handles, &discovery.clients, clock, &discovery.facts)
            .await?;
    // A plan may be run a second time, and what came of the first may not be visible anywhere yet.
    now.journal_highest_id = highest_id(connection).await?;
    let Drift { mut changed, unseen } = drift(&plan.pinned, &now);
    if plan.cluster != connection.config.name {
        let how = format!("the plan is for {}, this is {}", plan.cluster, connection.config.name);
        changed.insert(0, (Component::Library, how));
    }
    changed.extend(unseen);
    if !plan.zeebe_only && (plan.pinned.has_records, has_records(&now)) == (Some(false), Some(true)) {
        let how = "there were no exported records, and now there are".to_owned();
        changed.push((Component::Store, how));
    }
    if let Some((component, _)) = changed.first() {
        return Err(Error::new(
            ErrorKind::Blocked,
            format!("the cluster cannot be seen to be the one that was planned with: {}", in_words(&changed)),
        )
        .with_component(component.clone())
        .with_subject(format!("backup {}", plan.id))
        .with_advice("connect and plan again; nothing was changed"));
    }
    let overrides = plan.findings.iter().filter(|f| f.severity == Severity::Overridden).map(|f| f.code);
    let spec = BackupSpec {
        id: Some(plan.id),
        overrides: overrides.collect(),
        zeebe_only: plan.zeebe_only,
        limits: plan.limits.clone(),
    };
    let findings = preflight(&now, &spec, plan.id);
    let (blockers, words) = blockers(&findings);
    let Some(first) = blockers.first() else {
        let again = plan_backup(&now, &discovery.clients, &spec, plan.id)?;
        return match differences(plan, &again) {
            differing if differing.is_empty() => Ok(now),
            differing => Err(not_the_planners(plan, &differing)),
        };
    };
    let kind =
        if first.code == FindingCode::ExportingPaused { ErrorKind::Foreign } else { ErrorKind::Blocked };
    Err(Error::new(kind, format!("since the plan was made:\n  {words}"))
        .with_component(Component::Library)
        .with_subject(format!("backup {}", plan.id))
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
        .with_subject(format!("backup {}", plan.id))
        .with_advice(
            "nothing was changed; plan again with this configuration. A stored plan is run as it was made: what shall be \
             different belongs into the spec",
        )
}

/// Judges what was done, writes down how it ended, and reports.
async fn finish(
    engine: Engine,
    ended: Result<(), Vec<Error>>,
    began: Timestamp,
    before: Facts,
    after: Option<Facts>,
) -> Result<Report, Failure> {
    let plan = engine.context.plan.as_ref().clone();
    let timeline = engine.ledger.timeline();
    let (verdict, conditions) = judge(&plan, &before, after.as_ref(), &timeline);
    let mut errors = ended.err().unwrap_or_default();
    if errors.is_empty() && verdict == Verdict::Inconsistent {
        errors.push(inconsistent(&plan, &conditions));
    }
    let outcome = write_the_end(&engine, &mut errors).await;
    let entries = timeline.iter().map(|moment| &moment.entry);
    let leftovers = if errors.is_empty() {
        Vec::new()
    } else {
        leftovers::of_run(&plan, entries, &engine.context.clients)
    };
    let pause = engine.pause_record();
    let report = Report {
        format: 1,
        run: engine.context.run.to_string(),
        cluster: plan.cluster.clone(),
        id: plan.id,
        order: plan.order,
        outcome,
        verdict,
        conditions,
        began,
        ended: engine.context.clock.now(),
        paused: pause.lasted(),
        owing: pause.is_open(),
        resumed_broker_by_broker: pause.broker_by_broker,
        findings: plan.findings.clone(),
        errors: errors.iter().map(Error::report).collect(),
        leftovers,
        plan,
        before,
        after,
        timeline,
    };
    let completed = outcome == RunOutcome::Completed;
    engine.events.emit(RunEventKind::Finished { outcome: report.ending(), completed });
    let mut errors = errors.into_iter();
    match errors.next() {
        None => Ok(report),
        Some(error) => Err(Failure { error, secondary: errors.collect(), report: Some(Box::new(report)) }),
    }
}

fn inconsistent(plan: &Plan, conditions: &[Condition]) -> Error {
    let violated = conditions.iter().filter(|condition| condition.standing == ConditionStatus::Violated);
    let words: Vec<String> = violated.map(ToString::to_string).collect();
    let message = format!("every part succeeded, and together they are INCONSISTENT: {}", words.join("; "));
    Error::new(ErrorKind::Failed, message)
        .with_component(Component::Library)
        .with_subject(format!("backup {}", plan.id))
        .with_advice(advice(conditions))
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
