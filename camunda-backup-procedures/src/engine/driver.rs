//! Drives the steps of a plan, one stage after the other; the steps of a group at the same time.

use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::{Error, Result};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument;

use super::decision::{Next, Seen, Sent, decide};
use super::events::{Amount, RunEventKind};
use super::ledger::Entry;
use super::stop::StopReason;
use super::{Check, Context, EventBus, Ledger, Pace, Stop, deadline_in};
use crate::backup::evidence::Evidence;
use crate::backup::steps::{self, Step};
use crate::obligation::Obligation;
use crate::plan::{Stage, StepPlan};

/// The shell around the decision: everything that a run shares between its steps.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) context: Context,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) events: EventBus,
    pub(crate) stop: Stop,
    pub(super) pause: Arc<std::sync::Mutex<super::PauseRecord>>,
}

impl Engine {
    pub(crate) fn new(context: Context, ledger: Arc<Ledger>, events: EventBus, stop: Stop) -> Self {
        Self { context, ledger, events, stop, pause: Arc::default() }
    }

    /// Runs all stages. The first error ends the run after what is open was closed; the others are beside it.
    pub(crate) async fn run(&self) -> Result<(), Vec<Error>> {
        for stage in &self.context.plan.stages {
            match stage {
                Stage::Together(group) => {
                    let deadline = deadline_in(self.context.plan.limits.max_part);
                    self.together(group, deadline, None).await?;
                }
                Stage::Bracket(bracket) => self.bracket(bracket).await?,
            }
        }
        Ok(())
    }

    /// Runs the steps of a group at the same time. When one fails the others stop at their next safe point.
    ///
    /// Each step has a task of its own, so a panic in one is an error here and nothing is left unclosed.
    pub(super) async fn together(
        &self,
        group: &[StepPlan],
        deadline: Instant,
        owes: Option<&Obligation>,
    ) -> Result<(), Vec<Error>> {
        let (sibling_failed, siblings) = watch::channel(None);
        let mut tasks = JoinSet::new();
        for step in group {
            let engine = Self { stop: self.stop.with_group(siblings.clone()), ..self.clone() };
            let (step, owes) = (step.clone(), owes.cloned());
            let span =
                within_caller(tracing::info_span!(target: "camunda_backup", "step", step = %step.name));
            tasks.spawn(async move { engine.step(&step, deadline, owes).await }.instrument(span));
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
        let step = steps::bind(plan, &self.context)?;
        let mut progress = StepProgress::new(began);
        let result = self.drive(plan, step.as_ref(), deadline, owes, &mut progress).await;
        match result {
            Ok(evidence) => {
                let entry = Entry::Reached { step: plan.name.clone(), evidence: Box::new(evidence) };
                self.write(entry).await.map_err(|error| named(error, plan, self))?;
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

    async fn drive(
        &self,
        plan: &StepPlan,
        step: &dyn Step,
        deadline: Instant,
        owes: Option<Obligation>,
        progress: &mut StepProgress,
    ) -> Result<Evidence> {
        let mut owes = owes;
        let patience = step.patience(&self.context.plan.limits);
        loop {
            self.stop.check()?;
            let (began, limit) = (Instant::now(), self.longest_look(progress, patience));
            let looked = tokio::time::timeout_at(deadline.min(began + limit), step.check()).await;
            let next = match looked {
                Err(_) if Instant::now() >= deadline => return Err(out_of_time(plan, progress)),
                Err(_) => progress.note_blind(late_look(plan, limit), began, self.blindness(patience))?,
                Ok(Ok(check)) if step.only_looks() => progress.note_and_judge_look(check, patience),
                Ok(Ok(check)) => progress.note_and_decide(check, patience, &self.context),
                // Before anything was sent an error ends the step, unless it may pass by itself (a gateway that starts).
                Ok(Err(error)) if gives_up_on(&error, step, progress) => return Err(error),
                Ok(Err(error)) => progress.note_blind(error, began, self.blindness(patience))?,
            };
            match next {
                Next::Done(evidence) => return Ok(evidence),
                Next::Stop(who) => return Err(because(foreign(&who), progress)),
                Next::Fail { why, advice } => return Err(because(failed(why, advice), progress)),
                Next::Act if Instant::now() >= deadline => return Err(out_of_time(plan, progress)),
                Next::Act => self.act(plan, step, deadline, owes.take(), progress).await?,
                Next::Wait => self.wait(plan, deadline, progress).await?,
            }
        }
    }

    /// Writes the intent, then sends the one request of the step. When the time is over before the answer came, what
    /// became of it is as unknown as after a transport's time-out.
    async fn act(
        &self,
        plan: &StepPlan,
        step: &dyn Step,
        deadline: Instant,
        owes: Option<Obligation>,
        progress: &mut StepProgress,
    ) -> Result<()> {
        let opens = owes.is_some();
        if let Some(owes) = &owes {
            self.events.emit(RunEventKind::Owes { what: owes.to_string() });
        }
        self.write(Entry::Intent { step: plan.name.clone(), owes }).await?;
        if opens {
            self.pause_begins();
        }
        self.events.emit(RunEventKind::Sending { step: plan.name.clone() });
        progress.acted_at(Instant::now());
        // How long a pause that comes late must be reckoned with begins when its own time is over, so that one is waited for.
        let is_inside = self.is_paused() && !opens;
        let deadline = if is_inside { deadline.min(Instant::now() + LONGEST_ANSWER) } else { deadline };
        let answer = tokio::time::timeout_at(deadline, step.act()).await;
        let answer = answer.unwrap_or_else(|_| Err(unanswered_in_time(plan)));
        let (sent, note) = match &answer {
            Ok(note) => (Sent::Accepted, note.clone()),
            Err(error) if error.outcome() == Outcome::Unknown => (Sent::Unknown, error.to_string().into()),
            Err(error) => (Sent::Refused, error.to_string().into()),
        };
        progress.sent = sent;
        match &answer {
            Err(error) if opens && error.outcome() == Outcome::NotSent => self.pause_is_certain(),
            _ if opens => self.pause_is_answered(),
            _ => {}
        }
        let written = self.write(Entry::Answered { step: plan.name.clone(), sent, note }).await;
        match answer {
            Err(error) if sent == Sent::Refused => Err(error),
            Err(error) => {
                progress.unclear = Some(error);
                written
            }
            Ok(_) => written,
        }
    }

    /// How long the next look may take. While exporting is paused a server that accepts and never answers must not cost
    /// minutes, and one that is merely slow gets more time with each try.
    fn longest_look(&self, progress: &StepProgress, patience: Duration) -> Duration {
        if !self.is_paused() {
            return NO_LIMIT;
        }
        let left = self.blindness(patience).saturating_sub(progress.blind_for());
        (SHORT_LOOK * (progress.blind_looks + 1)).min(LONG_LOOK).min(left.max(SHORT_LOOK))
    }

    /// How long nothing may be seen of a step before it fails.
    fn blindness(&self, patience: Duration) -> Duration {
        if self.is_paused() { patience.min(BLIND_IN_PAUSE) } else { patience }
    }

    fn is_paused(&self) -> bool {
        self.pause_record().is_open()
    }

    /// Writes an entry that the run depends on.
    async fn write(&self, entry: Entry) -> Result<()> {
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

    async fn wait(&self, plan: &StepPlan, deadline: Instant, progress: &mut StepProgress) -> Result<()> {
        let waited = progress.began.elapsed();
        if let Some(text) = progress.news() {
            let (step, amount) = (plan.name.clone(), progress.amount);
            self.events.emit(RunEventKind::Waiting { step, text, amount, waited });
        }
        let pace = if self.pause_record().is_open() { Pace::PAUSED } else { Pace::AT_WORK };
        let until = (Instant::now() + pace.interval(waited)).min(deadline);
        let mut stop = self.stop.clone();
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            () = stop.cancelled() => {}
        }
        if Instant::now() >= deadline { Err(out_of_time(plan, progress)) } else { Ok(()) }
    }
}

/// The first look at a step while exporting is paused takes at most so long; each one that fails gives the next one more.
const SHORT_LOOK: Duration = Duration::from_secs(5);
/// No look takes longer than this while exporting is paused.
const LONG_LOOK: Duration = Duration::from_secs(15);
/// How long nothing may be seen of a step while exporting is paused.
const BLIND_IN_PAUSE: Duration = Duration::from_secs(30);
/// How long a request inside the pause is waited for. What is broken off counts as unanswered, and looks decide.
/// Servers answer late, and with a failure, when their own store hangs for 30 s (Q10); their words are worth seeing.
const LONGEST_ANSWER: Duration = Duration::from_secs(45);
/// Where the end of the stage's time is limit enough.
const NO_LIMIT: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

/// How often the same news is told again, as a sign of life.
const TELL_AGAIN: Duration = Duration::from_secs(5);

/// What one step has done and seen so far.
pub(super) struct StepProgress {
    began: Instant,
    moved: Instant,
    mark: String,
    text: String,
    amount: Option<Amount>,
    told: Option<(Instant, String)>,
    sent: Sent,
    was_visible: bool,
    blind_since: Option<Instant>,
    blind_looks: u32,
    unclear: Option<Error>,
}

impl StepProgress {
    fn new(now: Instant) -> Self {
        let (mark, text) = (String::new(), String::new());
        let (sent, was_visible) = (Sent::Nothing, false);
        let (amount, told, blind_since, unclear) = (None, None, None, None);
        let blind_looks = 0;
        Self {
            began: now,
            moved: now,
            mark,
            text,
            amount,
            told,
            sent,
            was_visible,
            blind_since,
            blind_looks,
            unclear,
        }
    }

    fn acted_at(&mut self, now: Instant) {
        self.began = now;
        self.moved = now;
    }

    /// How far it is, if nobody was told yet or a while ago: looks are more frequent than news.
    fn news(&mut self) -> Option<String> {
        let old = |(at, text): &(Instant, String)| *text != self.text || at.elapsed() >= TELL_AGAIN;
        self.told.as_ref().is_none_or(old).then(|| {
            self.told = Some((Instant::now(), self.text.clone()));
            self.text.clone()
        })
    }

    fn note_and_decide(&mut self, check: Check, patience: Duration, context: &Context) -> Next {
        self.sees_again();
        match &check {
            Check::Pending(progress) => {
                self.was_visible |= self.sent != Sent::Nothing;
                self.text.clone_from(&progress.text);
                self.amount = progress.amount;
                self.note_mark(&progress.mark);
            }
            Check::NotStarted => "not visible yet".clone_into(&mut self.text),
            _ => {}
        }
        let seen = Seen {
            sent: self.sent,
            was_visible: self.was_visible,
            still_for: self.moved.elapsed(),
            stall: context.plan.limits.stall,
            grace: patience,
        };
        decide(&seen, check)
    }

    /// A step that only looks has nothing to send: it is judged by what it sees, with patience for what is unclear.
    fn note_and_judge_look(&mut self, check: Check, patience: Duration) -> Next {
        self.sees_again();
        match check {
            Check::Reached(evidence) | Check::PartlySeen(evidence) | Check::Unreadable(evidence) => {
                Next::Done(evidence)
            }
            Check::Failed(why) => Next::Fail { why, advice: None },
            Check::Foreign(who) => Next::Stop(who),
            _ if self.moved.elapsed() >= patience => {
                Next::Fail { why: "it could not be confirmed".to_owned(), advice: None }
            }
            _ => Next::Wait,
        }
    }

    /// A look that failed is no news, good or bad; not being able to look for too long is an error.
    fn note_blind(&mut self, error: Error, looked: Instant, patience: Duration) -> Result<Next> {
        self.text = format!("cannot look: {error}");
        self.blind_since.get_or_insert(looked);
        self.blind_looks += 1;
        if self.blind_for() < patience {
            return Ok(Next::Wait);
        }
        Err(match self.unclear.take() {
            Some(cause) if error.server_said().is_none() => error.with_server_said(&cause.to_string()),
            _ => error,
        })
    }

    fn blind_for(&self) -> Duration {
        self.blind_since.map(|since| since.elapsed()).unwrap_or_default()
    }

    fn sees_again(&mut self) {
        (self.blind_since, self.blind_looks) = (None, 0);
    }

    fn note_mark(&mut self, mark: &str) {
        if self.mark != mark {
            mark.clone_into(&mut self.mark);
            self.moved = Instant::now();
        }
    }
}

/// A span of ours, or the one that we are in where the caller's log leaves ours out: a task must not lose it.
pub(crate) fn within_caller(span: tracing::Span) -> tracing::Span {
    if span.is_disabled() { tracing::Span::current() } else { span }
}

fn gives_up_on(error: &Error, step: &dyn Step, progress: &StepProgress) -> bool {
    progress.sent == Sent::Nothing && !step.only_looks() && !error.kind().is_transient()
}

/// Puts the step, the id and what is owed on an error that does not say so itself.
fn named(error: Error, plan: &StepPlan, engine: &Engine) -> Error {
    let id = engine.context.plan.id;
    let error =
        if error.component().is_none() { error.with_component(plan.component.clone()) } else { error };
    if error.subject().is_none() {
        error.with_subject(format!("{} of backup {id}", plan.name))
    } else {
        error
    }
}

fn failed(why: String, advice: Option<String>) -> Error {
    let advice = advice.unwrap_or_else(|| "the id is used up; start again with a new one".to_owned());
    Error::new(ErrorKind::Failed, why).with_advice(advice)
}

fn foreign(who: &str) -> Error {
    Error::new(ErrorKind::Foreign, who.to_owned())
        .with_advice("find out who made it; nothing of it was touched. For a used id take a higher one")
}

/// Keeps the answer to our own request that left it open what happened: it is the cause, and has the server's words.
fn because(error: Error, progress: &mut StepProgress) -> Error {
    match progress.unclear.take() {
        Some(cause) => error.with_source(cause),
        None => error,
    }
}

fn out_of_time(plan: &StepPlan, progress: &StepProgress) -> Error {
    let waited: Duration = progress.began.elapsed();
    let text = if progress.text.is_empty() { "it had not begun" } else { &progress.text };
    let error = Error::new(
        ErrorKind::DeadlineExceeded,
        format!("{} was not finished when its time was over (waited {waited:.1?}): {text}", plan.name),
    )
    .with_advice(
        "the id is used up; raise the limit if the servers are just slow, and look at them otherwise",
    );
    match &progress.unclear {
        Some(cause) => error.with_server_said(&cause.to_string()),
        None => error,
    }
}

fn unanswered_in_time(plan: &StepPlan) -> Error {
    let message = format!("the request of {} was not answered when its time was over", plan.name);
    Error::new(ErrorKind::DeadlineExceeded, message)
        .with_component(plan.component.clone())
        .with_outcome(Outcome::Unknown)
}

fn late_look(plan: &StepPlan, limit: Duration) -> Error {
    let message = format!("nothing could be seen of {} within {limit:.1?}, with exporting paused", plan.name);
    Error::new(ErrorKind::Timeout, message)
        .with_component(plan.component.clone())
        .with_advice("look at the server and at the network in between; exporting was resumed, start again")
}

fn panicked(panic: &tokio::task::JoinError) -> Error {
    // The payload is not repeated: it could hold anything.
    let what = if panic.is_panic() { "a step panicked" } else { "a step's task was ended from outside" };
    Error::new(ErrorKind::Internal, what).with_advice("this is a defect of the library; please report it")
}
