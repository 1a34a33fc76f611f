//! The bracket: from the moment something is owed until it was seen to be done. Brackets may hold others.

use std::panic::AssertUnwindSafe;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Component, Error};
use futures_util::FutureExt as _;
use serde_json::Value;
use tokio::time::Instant;

use super::decision::Sent;
use super::errors::panicked_between_steps;
use super::events::RunEventKind;
use super::ledger::Entry;
use super::stages::{Bracket, StepPlan};
use super::steps::{Attempt, Payment};
use super::{Engine, Stop, deadline_in};
use crate::obligation::Obligation;

/// How long undoing may take before closing begins: something is owed all the while.
const LONGEST_ABORT: Duration = Duration::from_secs(30);

/// How long something was, or may have been, owed in one bracket.
#[derive(Debug, Clone, Default)]
pub(super) struct BracketRecord {
    /// When the first byte of the opening may have left.
    began: Option<Instant>,
    /// When it was given up to see it, if it was not seen: it may still come true.
    unconfirmed: Option<Instant>,
    /// When it was seen to be paid.
    ended: Option<Instant>,
    by_detour: bool,
}

/// How long exporting was, or may have been, paused in this process, over all brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PauseRecord {
    /// From the first opening to the last closing; until now if one is still open.
    pub(crate) lasted: Option<Duration>,
    /// Whether an opening was sent and has not been seen to be over.
    pub(crate) is_open: bool,
    /// Whether the usual way of closing failed and another one had to be taken.
    pub(crate) by_detour: bool,
}

impl Engine {
    /// Runs `open … body`, then `close`, whatever came before. Only when `open` has sent nothing is nothing closed.
    pub(super) async fn bracket(&self, bracket: &Bracket, within: Option<Instant>) -> Result<(), Vec<Error>> {
        if self.can_be_continued() && self.shared.past.step(&bracket.close.name).reached {
            return Ok(());
        }
        let deadline = deadline_in(self.steps.times().max_bracket);
        let deadline = within.map_or(deadline, |end| end.min(deadline));
        let engine = self.in_a_new_bracket();
        if self.shared.past.step(&bracket.open.name).sent != Sent::Nothing {
            // A process that died has opened it, and it was not closed since.
            engine.opening_begins();
        }
        // A step has a task of its own; what panics around the steps must not keep the bracket open either.
        let inside = AssertUnwindSafe(engine.inside(bracket, deadline)).catch_unwind().await;
        let mut result = inside.unwrap_or_else(|_| Err(vec![panicked_between_steps()]));
        if !engine.record(|record| record.began.is_some()) {
            return result;
        }
        if let (Err(errors), Some(abort)) = (&mut result, &bracket.abort) {
            let undone = AssertUnwindSafe(engine.abort(abort)).catch_unwind().await;
            let undone = undone.unwrap_or_else(|_| Err(vec![panicked_between_steps()]));
            errors.extend(undone.err().into_iter().flatten());
        }
        if let Err(error) = engine.close(&bracket.owes).await {
            let mut errors = result.err().unwrap_or_default();
            errors.push(error);
            return Err(errors);
        }
        if result.is_ok() && self.can_be_continued() {
            // Whoever continues the run does not open it again.
            let entry = Entry::Reached { step: bracket.close.name.clone(), evidence: Value::Null };
            self.write(entry).await.map_err(|error| vec![error])?;
        }
        result
    }

    async fn inside(&self, bracket: &Bracket, deadline: Instant) -> Result<(), Vec<Error>> {
        self.together(std::slice::from_ref(&bracket.open), 0, deadline, Some(&bracket.owes)).await?;
        self.opening_is_certain();
        for stage in &bracket.body {
            self.stage(stage, Some(deadline)).await?;
        }
        Ok(())
    }

    /// Undoes what the body of a bracket has begun. Like closing it is not stopped by a wish to stop.
    async fn abort(&self, abort: &StepPlan) -> Result<(), Vec<Error>> {
        let engine = Self { stop: Stop::never(), ..self.clone() };
        let limit = self.steps.times().grace.min(LONGEST_ABORT);
        engine.together(std::slice::from_ref(abort), 0, deadline_in(limit), None).await
    }

    /// Pays what is owed. Not cancellable, with a budget of its own, and never dependent on the journal. Every attempt that does
    /// not succeed is an event.
    async fn close(&self, owed: &Obligation) -> Result<(), Error> {
        let subject = |error: Error| error.with_subject(format!("{} owes to {owed}", self.steps.subject()));
        let paid = self.pay(owed).await.map_err(subject)?;
        self.is_paid(paid);
        let again = self.close_again_if_late(owed).await.map_err(|error| {
            self.may_be_owed_again();
            subject(error)
        });
        let attempts = paid.attempts + again?;
        let paused = self.pause_record().lasted.unwrap_or_default();
        self.events.emit(RunEventKind::Paid { paused });
        let written = self.ledger.write(Entry::Paid { obligation: owed.clone(), attempts }).await;
        self.ledger.write_postponed().await;
        written.map_err(|error| {
            Error::new(ErrorKind::Journal, "exporting runs again, and that could not be written down")
                .with_source(error)
                .with_component(Component::Journal)
                .with_subject(self.steps.subject())
                .with_advice("repair the journal, then run `recover()`: it will look, find exporting running and note it")
        })
    }

    /// An opening that was never seen may come true after it was closed; then it is closed once more.
    async fn close_again_if_late(&self, owed: &Obligation) -> Result<u32, Error> {
        let Some(given_up) = self.record(|record| record.unconfirmed) else { return Ok(0) };
        tokio::time::sleep_until(given_up + self.steps.latest_effect()).await;
        Ok(self.pay(owed).await?.attempts)
    }

    async fn pay(&self, owed: &Obligation) -> Result<Payment, Error> {
        let told = |attempt: Attempt<'_>| {
            let Attempt { number, seen, waited } = attempt;
            self.events.emit(RunEventKind::Closing { attempt: number, text: seen.to_owned(), waited });
        };
        self.steps.pay(owed, self.steps.times().max_close, &told).await
    }

    /// What was owed in this process so far.
    pub(crate) fn pause_record(&self) -> PauseRecord {
        let records = self.records();
        let began = records.iter().filter_map(|record| record.began).min();
        let is_open = records.iter().any(|record| record.began.is_some() && record.ended.is_none());
        let ended = records.iter().filter_map(|record| record.ended).max();
        let end = ended.filter(|_| !is_open).unwrap_or_else(Instant::now);
        PauseRecord {
            lasted: began.map(|began| end.duration_since(began)),
            is_open,
            by_detour: records.iter().any(|record| record.by_detour),
        }
    }

    fn in_a_new_bracket(&self) -> Self {
        let mut records = self.records();
        records.push(BracketRecord::default());
        Self { bracket: Some(records.len() - 1), ..self.clone() }
    }

    pub(super) fn opening_begins(&self) {
        let now = Some(Instant::now());
        self.change(|record| (record.began, record.unconfirmed) = (now, now));
    }

    /// The answer has come, or will not come any more.
    pub(super) fn opening_is_answered(&self) {
        self.change(|record| record.unconfirmed = Some(Instant::now()));
    }

    /// It was seen, or it never left.
    pub(super) fn opening_is_certain(&self) {
        self.change(|record| record.unconfirmed = None);
    }

    fn may_be_owed_again(&self) {
        self.change(|record| record.ended = None);
    }

    fn is_paid(&self, paid: Payment) {
        self.change(|record| {
            record.ended = Some(Instant::now());
            record.by_detour = paid.by_detour;
        });
    }

    fn change(&self, change: impl FnOnce(&mut BracketRecord)) {
        let mut records = self.records();
        if let Some(record) = self.bracket.and_then(|place| records.get_mut(place)) {
            change(record);
        }
    }

    fn record<T: Default>(&self, read: impl FnOnce(&BracketRecord) -> T) -> T {
        self.bracket.and_then(|place| self.records().get(place).map(read)).unwrap_or_default()
    }

    fn records(&self) -> MutexGuard<'_, Vec<BracketRecord>> {
        self.shared.brackets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
