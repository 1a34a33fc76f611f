//! One step: look, decide, act at most once, look again.

use std::time::Duration;

use camunda_backup_core::error::Outcome;
use camunda_backup_core::{Error, Result};
use serde_json::Value;
use tokio::time::Instant;

use super::decision::{Effect, Next, Sent};
use super::errors::{failed, foreign, late_look, unanswered_in_time};
use super::events::RunEventKind;
use super::ledger::Entry;
use super::progress::StepProgress;
use super::stages::StepPlan;
use super::steps::Step;
use super::{Engine, NO_LIMIT, Pace};
use crate::obligation::Obligation;

/// The first look at a step while exporting is paused takes at most so long; each one that fails gives the next one more.
const SHORT_LOOK: Duration = Duration::from_secs(5);
/// No look takes longer than this while exporting is paused.
const LONG_LOOK: Duration = Duration::from_secs(15);
/// How long nothing may be seen of a step while exporting is paused.
const BLIND_IN_PAUSE: Duration = Duration::from_secs(30);
/// How long a request inside the pause is waited for. What is broken off counts as unanswered, and looks decide.
/// Servers answer late, and with a failure, when their own store hangs for 30 s (Q10); their words are worth seeing.
const LONGEST_ANSWER: Duration = Duration::from_secs(45);

impl Engine {
    /// Looks, decides and acts until the goal is reached or cannot be reached any more; gives the evidence.
    pub(super) async fn drive(
        &self,
        plan: &StepPlan,
        step: &dyn Step,
        deadline: Instant,
        owes: Option<Obligation>,
        progress: &mut StepProgress,
    ) -> Result<Value> {
        let mut owes = owes;
        let (patience, times) = (step.patience(), self.steps.times());
        loop {
            self.stop.check()?;
            let (began, limit) = (Instant::now(), self.longest_look(progress, patience));
            let looked = tokio::time::timeout_at(deadline.min(began + limit), step.check()).await;
            let next = match looked {
                Err(_) if Instant::now() >= deadline => return Err(progress.out_of_time(plan)),
                Err(_) => progress.note_blind(late_look(plan, limit), began, self.blindness(patience))?,
                Ok(Ok(check)) if progress.only_looks() => progress.note_and_judge_look(check, patience),
                Ok(Ok(check)) => progress.note_and_decide(check, patience, times.stall),
                // Before anything was sent an error ends the step, unless it may pass by itself (a gateway that starts).
                Ok(Err(error)) if gives_up_on(&error, progress) => return Err(error),
                Ok(Err(error)) => progress.note_blind(error, began, self.blindness(patience))?,
            };
            match next {
                Next::Done(evidence) => return Ok(evidence),
                Next::Stop(who) => return Err(progress.because(foreign(&who))),
                Next::Fail { why, advice } => return Err(progress.because(failed(why, advice))),
                Next::Act if Instant::now() >= deadline => return Err(progress.out_of_time(plan)),
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
        if step.nature().effect == Effect::Destroy {
            self.may_destroy(plan)?;
        }
        let opens = owes.is_some();
        if let Some(owes) = &owes {
            self.events.emit(RunEventKind::Owes { what: owes.to_string() });
        }
        self.write(Entry::Intent { step: plan.name.clone(), owes }).await?;
        if opens {
            self.opening_begins();
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
        progress.is_answered(sent);
        match &answer {
            Err(error) if opens && error.outcome() == Outcome::NotSent => self.opening_is_certain(),
            _ if opens => self.opening_is_answered(),
            _ => {}
        }
        let written = self.write(Entry::Answered { step: plan.name.clone(), sent, note }).await;
        match answer {
            Err(error) if sent == Sent::Refused => Err(error),
            Err(error) => {
                progress.is_unclear(error);
                written
            }
            Ok(_) => written,
        }
    }

    /// How long the next look may take. While exporting is paused a server that accepts and never answers must not cost
    /// minutes, and one that is merely slow gets more time with each try.
    fn longest_look(&self, progress: &StepProgress, patience: Duration) -> Duration {
        if !self.is_paused() {
            // The end of the stage's time is limit enough.
            return NO_LIMIT;
        }
        let left = self.blindness(patience).saturating_sub(progress.blind_for());
        (SHORT_LOOK * (progress.blind_looks() + 1)).min(LONG_LOOK).min(left.max(SHORT_LOOK))
    }

    /// How long nothing may be seen of a step before it fails.
    fn blindness(&self, patience: Duration) -> Duration {
        if self.is_paused() { patience.min(BLIND_IN_PAUSE) } else { patience }
    }

    async fn wait(&self, plan: &StepPlan, deadline: Instant, progress: &mut StepProgress) -> Result<()> {
        let waited = progress.waited();
        if let Some(text) = progress.news() {
            let (step, amount) = (plan.name.clone(), progress.amount());
            self.events.emit(RunEventKind::Waiting { step, text, amount, waited });
        }
        let pace = if self.is_paused() { Pace::PAUSED } else { Pace::AT_WORK };
        let until = (Instant::now() + pace.interval(waited)).min(deadline);
        let mut stop = self.stop.clone();
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            () = stop.cancelled() => {}
        }
        if Instant::now() >= deadline { Err(progress.out_of_time(plan)) } else { Ok(()) }
    }
}

fn gives_up_on(error: &Error, progress: &StepProgress) -> bool {
    !progress.has_sent() && !progress.only_looks() && !error.kind().is_transient()
}
