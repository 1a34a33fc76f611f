//! What one step has done and seen so far, and what follows from the next look.

use std::time::Duration;

use camunda_backup_core::{Error, Result};
use tokio::time::Instant;

use super::decision::{Check, Effect, Existing, Nature, Next, Seen, Sent, Trust, decide};
use super::errors::out_of_time;
use super::events::Amount;
use super::past::PastStep;
use super::stages::StepPlan;

/// How often the same news is told again, as a sign of life.
const TELL_AGAIN: Duration = Duration::from_secs(5);

/// What one step has done and seen so far.
#[derive(Debug)]
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
    nature: Nature,
    /// Whether what was sent was sent by a process before this one.
    by_another_process: bool,
}

impl StepProgress {
    /// A condition that another process had reached, or had asked for, is looked at as if nobody had; what it finds is its
    /// own. A thing that it had asked for is not asked for lightly again.
    pub(super) fn new(now: Instant, past: &PastStep, nature: Nature) -> Self {
        let is_ours = past.sent != Sent::Nothing;
        let (sent, nature) = match nature.trust {
            Trust::Artifact => (past.sent, nature),
            Trust::Condition if is_ours => (Sent::Nothing, Nature { existing: Existing::Done, ..nature }),
            Trust::Condition => (Sent::Nothing, nature),
        };
        Self {
            began: now,
            moved: now,
            mark: String::new(),
            text: String::new(),
            amount: None,
            told: None,
            sent,
            was_visible: false,
            blind_since: None,
            blind_looks: 0,
            unclear: None,
            nature,
            by_another_process: sent != Sent::Nothing,
        }
    }

    pub(super) fn only_looks(&self) -> bool {
        self.nature.effect == Effect::Look
    }

    pub(super) fn has_sent(&self) -> bool {
        self.sent != Sent::Nothing
    }

    pub(super) fn amount(&self) -> Option<Amount> {
        self.amount
    }

    pub(super) fn waited(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn blind_looks(&self) -> u32 {
        self.blind_looks
    }

    pub(super) fn is_answered(&mut self, sent: Sent) {
        self.sent = sent;
    }

    /// Keeps the answer that left it open what happened: it is the cause of what comes of it, and has the server's words.
    pub(super) fn is_unclear(&mut self, answer: Error) {
        self.unclear = Some(answer);
    }

    pub(super) fn because(&mut self, error: Error) -> Error {
        match self.unclear.take() {
            Some(cause) => error.with_source(cause),
            None => error,
        }
    }

    pub(super) fn out_of_time(&self, plan: &StepPlan) -> Error {
        let text = if self.text.is_empty() { "it had not begun" } else { &self.text };
        let error = out_of_time(plan, text, self.began);
        match &self.unclear {
            Some(cause) => error.with_server_said(&cause.to_string()),
            None => error,
        }
    }

    pub(super) fn acted_at(&mut self, now: Instant) {
        self.began = now;
        self.moved = now;
        self.by_another_process = false;
    }

    /// How far it is, if nobody was told yet or a while ago: looks are more frequent than news.
    pub(super) fn news(&mut self) -> Option<String> {
        let old = |(at, text): &(Instant, String)| *text != self.text || at.elapsed() >= TELL_AGAIN;
        self.told.as_ref().is_none_or(old).then(|| {
            self.told = Some((Instant::now(), self.text.clone()));
            self.text.clone()
        })
    }

    pub(super) fn note_and_decide(&mut self, check: Check, patience: Duration, stall: Duration) -> Next {
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
            by_another_process: self.by_another_process,
            existing: self.nature.existing,
            was_visible: self.was_visible,
            still_for: self.moved.elapsed(),
            stall,
            grace: patience,
        };
        decide(&seen, check)
    }

    /// A step that only looks has nothing to send: it is judged by what it sees, with patience for what is unclear.
    pub(super) fn note_and_judge_look(&mut self, check: Check, patience: Duration) -> Next {
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
    pub(super) fn note_blind(&mut self, error: Error, looked: Instant, patience: Duration) -> Result<Next> {
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

    pub(super) fn blind_for(&self) -> Duration {
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
