//! The bracket: from the moment something is owed until it was seen to be done.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Component, Error};
use tokio::time::Instant;

use super::events::RunEventKind;
use super::ledger::Entry;
use super::{Engine, deadline_in};
use crate::exporting::Window;
use crate::exporting::{self, Attempt, LATEST_EFFECT, Payment};
use crate::obligation::Obligation;
use crate::plan::Bracket;

/// How long exporting was, or may have been, paused in this run.
#[derive(Debug, Clone, Default)]
pub(crate) struct PauseRecord {
    /// When the first byte of the pause may have left.
    began: Option<Instant>,
    /// When it was given up to see it, if it was not seen: it may still come true.
    unconfirmed: Option<Instant>,
    /// When every replica was seen exporting again.
    ended: Option<Instant>,
    /// What was seen then.
    pub(crate) running_again: Option<Window>,
    /// Whether brokers had to be resumed one by one.
    pub(crate) broker_by_broker: bool,
}

impl PauseRecord {
    /// The paused time; until now if it has not ended.
    pub(crate) fn lasted(&self) -> Option<Duration> {
        let began = self.began?;
        Some(self.ended.unwrap_or_else(Instant::now).duration_since(began))
    }

    /// Whether a pause was sent and has not been seen to be over.
    pub(crate) fn is_open(&self) -> bool {
        self.began.is_some() && self.ended.is_none()
    }
}

impl Engine {
    /// Runs `open … body`, then `close`, whatever came before. Only when `open` has sent nothing is nothing closed.
    pub(super) async fn bracket(&self, bracket: &Bracket) -> Result<(), Vec<Error>> {
        let deadline = deadline_in(self.context.plan.limits.max_pause);
        let inside = self.inside(bracket, deadline).await;
        if self.pause_record().began.is_none() {
            return inside;
        }
        let closed = self.close(&bracket.owes).await;
        match (inside, closed) {
            (Ok(()), Ok(())) => Ok(()),
            (Ok(()), Err(close)) => Err(vec![close]),
            (Err(errors), Ok(())) => Err(errors),
            (Err(mut errors), Err(close)) => {
                errors.push(close);
                Err(errors)
            }
        }
    }

    async fn inside(&self, bracket: &Bracket, deadline: Instant) -> Result<(), Vec<Error>> {
        self.together(std::slice::from_ref(&bracket.open), deadline, Some(&bracket.owes)).await?;
        self.pause_is_certain();
        for group in &bracket.body {
            self.together(group, deadline, None).await?;
        }
        Ok(())
    }

    /// Pays what is owed. Not cancellable, with a budget of its own, and never dependent on the journal. Every attempt that does
    /// not succeed is an event.
    async fn close(&self, owed: &Obligation) -> Result<(), Error> {
        let with_debt =
            |error: Error| error.with_subject(format!("backup {} owes to {owed}", self.context.plan.id));
        let Payment { window, mut attempts, broker_by_broker } = self.pay(owed).await.map_err(with_debt)?;
        self.pause_ends(window, broker_by_broker);
        // A pause that was never seen may come true after it was resumed; then it is resumed once more.
        if let Some(given_up) = self.pause_record().unconfirmed {
            tokio::time::sleep_until(given_up + LATEST_EFFECT).await;
            let again = self.pay(owed).await.map_err(|error| {
                self.pause_may_go_on();
                with_debt(error)
            })?;
            attempts += again.attempts;
        }
        let paused = self.pause_record().lasted().unwrap_or_default();
        self.events.emit(RunEventKind::Paid { paused });
        let written = self.ledger.write(Entry::Paid { obligation: owed.clone(), attempts }).await;
        self.ledger.write_postponed().await;
        written.map_err(|error| {
            Error::new(ErrorKind::Journal, "exporting runs again, and that could not be written down")
                .with_source(error)
                .with_component(Component::Journal)
                .with_subject(format!("backup {}", self.context.plan.id))
                .with_advice("repair the journal, then run `recover()`: it will look, find exporting running and note it")
        })
    }

    async fn pay(&self, owed: &Obligation) -> Result<Payment, Error> {
        let told = |attempt: Attempt<'_>| {
            let Attempt { number, seen, waited } = attempt;
            self.events.emit(RunEventKind::Closing { attempt: number, text: seen.to_owned(), waited });
        };
        let budget = self.context.plan.limits.max_resume;
        exporting::pay(owed, &self.context.clients, &self.context.clock, budget, &told).await
    }

    /// The pause of this run so far.
    pub(crate) fn pause_record(&self) -> PauseRecord {
        self.pause_now().clone()
    }

    pub(super) fn pause_begins(&self) {
        let mut pause = self.pause_now();
        (pause.began, pause.unconfirmed) = (Some(Instant::now()), Some(Instant::now()));
    }

    /// The answer has come, or will not come any more.
    pub(super) fn pause_is_answered(&self) {
        self.pause_now().unconfirmed = Some(Instant::now());
    }

    /// It was seen, or it never left.
    pub(super) fn pause_is_certain(&self) {
        self.pause_now().unconfirmed = None;
    }

    fn pause_may_go_on(&self) {
        self.pause_now().ended = None;
    }

    fn pause_ends(&self, running_again: Window, broker_by_broker: bool) {
        let mut pause = self.pause_now();
        pause.ended = Some(Instant::now());
        pause.running_again = Some(running_again);
        pause.broker_by_broker = broker_by_broker;
    }

    fn pause_now(&self) -> MutexGuard<'_, PauseRecord> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
