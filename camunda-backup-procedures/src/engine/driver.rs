//! Runs the stages of a plan, one after the other; the steps of a group at the same time.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Error, Result};
use futures_util::future::BoxFuture;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument;

use super::bracket::BracketRecord;
use super::confirmations::{Confirmation, Confirmations};
use super::decision::Trust;
use super::errors::{gate_not_passed, interrupted, named, out_of_time, panicked};
use super::events::RunEventKind;
use super::ledger::Entry;
use super::past::{Past, PastStep};
use super::progress::StepProgress;
use super::stages::{Group, Stage, StepPlan};
use super::steps::{Reentry, Step, Steps};
use super::stop::StopReason;
use super::{EventBus, Ledger, Stop, deadline_in};
use crate::obligation::Obligation;

/// The shell around the decision: everything that a run shares between its steps.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) steps: Arc<dyn Steps>,
    pub(crate) stages: Arc<Vec<Stage>>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) events: EventBus,
    pub(crate) stop: Stop,
    pub(super) shared: Arc<Shared>,
    /// The bracket that the step is in, by its place among those of this process.
    pub(super) bracket: Option<usize>,
}

/// What all clones of an engine have in common.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// What becomes of the run when this process dies.
    reentry: Reentry,
    /// What earlier processes have done in this run.
    pub(super) past: Past,
    pub(super) brackets: Mutex<Vec<BracketRecord>>,
    /// The gates that this process has passed.
    gates: Mutex<BTreeSet<String>>,
    confirmations: Confirmations,
}

impl Engine {
    pub(crate) fn new(
        steps: Arc<dyn Steps>,
        stages: Arc<Vec<Stage>>,
        ledger: Arc<Ledger>,
        events: EventBus,
        stop: Stop,
    ) -> Self {
        Self { steps, stages, ledger, events, stop, shared: Arc::default(), bracket: None }
    }

    /// Goes on with what earlier processes have begun, hears the given confirmations, and leaves a record that others can go
    /// on from if it is to be continued.
    #[must_use]
    pub(crate) fn continuing(mut self, reentry: Reentry, past: Past, confirmations: Confirmations) -> Self {
        self.shared = Arc::new(Shared { reentry, past, confirmations, ..Shared::default() });
        self
    }

    /// Runs all stages. The first error ends the run after what is open was closed; the others are beside it.
    pub(crate) async fn run(&self) -> Result<(), Vec<Error>> {
        for stage in self.stages.iter() {
            self.stage(stage, None).await?;
        }
        Ok(())
    }

    /// Runs one stage, which may hold others; within the time of the bracket around it, if there is one.
    pub(super) fn stage<'a>(
        &'a self,
        stage: &'a Stage,
        within: Option<Instant>,
    ) -> BoxFuture<'a, Result<(), Vec<Error>>> {
        Box::pin(async move {
            let end = || within.unwrap_or_else(|| deadline_in(self.steps.times().max_stage));
            match stage {
                Stage::Together(steps) => self.together(steps, 0, end(), None).await,
                Stage::Group(Group { steps, at_once, limit }) => {
                    self.together(steps, *at_once, deadline_in(*limit).min(end()), None).await
                }
                Stage::Bracket(bracket) => self.bracket(bracket, within).await,
            }
        })
    }

    /// Runs the steps of a group at the same time, at most `at_once` of them. When one fails the others stop at their next
    /// safe point.
    ///
    /// Each step has a task of its own, so a panic in one is an error here and nothing is left unclosed.
    pub(super) async fn together(
        &self,
        group: &[StepPlan],
        at_once: usize,
        deadline: Instant,
        owes: Option<&Obligation>,
    ) -> Result<(), Vec<Error>> {
        let (sibling_failed, siblings) = watch::channel(None);
        let places = Arc::new(Semaphore::new(if at_once == 0 { group.len() } else { at_once }));
        let mut tasks = JoinSet::new();
        for step in group {
            let engine = Self { stop: self.stop.with_group(siblings.clone()), ..self.clone() };
            let (step, owes, places) = (step.clone(), owes.cloned(), Arc::clone(&places));
            let span =
                within_caller(tracing::info_span!(target: "camunda_backup", "step", step = %step.name));
            let task = async move {
                // It is never closed, and whoever got no place in time finds its time over.
                let _place = tokio::time::timeout_at(deadline, places.acquire()).await;
                engine.step(&step, deadline, owes).await
            };
            tasks.spawn(task.instrument(span));
        }
        let mut errors = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            let result = ended.unwrap_or_else(|panic| Err(panicked(&panic)));
            if let Err(error) = result {
                let echo = error.kind() == ErrorKind::Cancelled && !errors.is_empty();
                if !echo {
                    errors.push(error);
                }
                sibling_failed.send_replace(Some(StopReason::SiblingFailed));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    async fn step(&self, plan: &StepPlan, deadline: Instant, owes: Option<Obligation>) -> Result<()> {
        let began = Instant::now();
        let step = self.steps.bind(plan)?;
        let past = self.shared.past.step(&plan.name);
        if past.reached && step.nature().trust == Trust::Artifact && !plan.gate {
            self.events.emit(RunEventKind::Reached { step: plan.name.clone(), took: began.elapsed() });
            return Ok(());
        }
        let mut progress = StepProgress::new(began, &past, step.nature());
        let result = match self.confirmed(plan, step.as_ref(), deadline, &past).await {
            Ok(()) => self.drive(plan, step.as_ref(), deadline, owes, &mut progress).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(evidence) => {
                let entry = Entry::Reached { step: plan.name.clone(), evidence };
                self.write(entry).await.map_err(|error| named(error, plan, self))?;
                if plan.gate {
                    self.shared
                        .gates
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(plan.name.clone());
                }
                self.events.emit(RunEventKind::Reached { step: plan.name.clone(), took: began.elapsed() });
                Ok(())
            }
            Err(error) => {
                let error = named(error, plan, self);
                self.events
                    .emit(RunEventKind::StepFailed { step: plan.name.clone(), why: error.to_string() });
                let entry = Entry::StepFailed { step: plan.name.clone(), why: error.to_string() };
                if let Err(unwritten) = self.note(entry).await {
                    tracing::warn!(error = %unwritten, "the failure of a step could not be written down");
                }
                Err(error)
            }
        }
    }

    /// Waits for the word from outside, if the step asks for one. It is on record before anything is done on the strength
    /// of it; a gate asks again in every process.
    async fn confirmed(
        &self,
        plan: &StepPlan,
        step: &dyn Step,
        deadline: Instant,
        past: &PastStep,
    ) -> Result<()> {
        let Some(text) = step.asks().filter(|_| plan.gate || !past.confirmed) else { return Ok(()) };
        let mut words = self.shared.confirmations.wait_for(&plan.name);
        self.events.emit(RunEventKind::Asks { step: plan.name.clone(), text: text.clone() });
        let mut wish_to_stop = self.stop.clone();
        loop {
            self.stop.check()?;
            let word = tokio::select! {
                word = words.recv() => word,
                () = wish_to_stop.cancelled() => continue,
                () = tokio::time::sleep_until(deadline) => return Err(out_of_time(plan, &text, Instant::now())),
            };
            let Some(Confirmation { by, words, recorded }) = word else { return Err(interrupted(plan)) };
            let written = self.write(Entry::Confirmed { step: plan.name.clone(), by, words }).await;
            let is_on_record = written.is_ok();
            // Whoever gave the word may have gone.
            let _ = recorded.send(written);
            if is_on_record {
                return Ok(());
            }
        }
    }

    /// Nothing is destroyed before this very process has passed every gate that the plan has before it; a plan without one
    /// destroys nothing.
    pub(super) fn may_destroy(&self, plan: &StepPlan) -> Result<()> {
        let planned = self.stages.iter().flat_map(Stage::steps);
        let before: Vec<&StepPlan> =
            planned.take_while(|step| step.name != plan.name).filter(|step| step.gate).collect();
        let passed = self.shared.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = before.iter().find(|gate| !passed.contains(&gate.name));
        match (missing, before.is_empty()) {
            (None, false) => Ok(()),
            (Some(gate), _) => Err(gate_not_passed(plan, &format!("{} was not passed", gate.name))),
            (None, true) => Err(gate_not_passed(plan, "the plan has no gate before it")),
        }
    }

    /// Whether another process may go on with this run.
    pub(super) fn can_be_continued(&self) -> bool {
        self.shared.reentry == Reentry::Continue
    }

    /// Whether anything is owed at this moment.
    pub(super) fn is_paused(&self) -> bool {
        self.pause_record().is_open
    }

    /// Writes an entry that the run depends on.
    pub(super) async fn write(&self, entry: Entry) -> Result<()> {
        if self.is_paused() {
            self.ledger.write_in_pause(entry).await
        } else {
            self.ledger.write(entry).await
        }
    }

    /// Writes an entry that nothing depends on.
    async fn note(&self, entry: Entry) -> Result<()> {
        if self.is_paused() { self.ledger.note_in_pause(entry).await } else { self.ledger.write(entry).await }
    }
}

/// A span of ours, or the one that we are in where the caller's log leaves ours out: a task must not lose it.
pub(crate) fn within_caller(span: tracing::Span) -> tracing::Span {
    if span.is_disabled() { tracing::Span::current() } else { span }
}
