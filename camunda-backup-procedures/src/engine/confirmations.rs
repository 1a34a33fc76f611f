//! Words from outside that a step waits for: a person who has looked, a platform that has done something.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Component, Error, Result};
use tokio::sync::{mpsc, oneshot};

/// One word from outside; whoever gave it waits until it is on record.
#[derive(Debug)]
pub(super) struct Confirmation {
    pub(super) by: String,
    pub(super) words: String,
    pub(super) recorded: oneshot::Sender<Result<()>>,
}

/// Takes words from outside to the steps that wait for them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Confirmations(Arc<Mutex<BTreeMap<String, mpsc::Sender<Confirmation>>>>);

impl Confirmations {
    /// Gives the word that a step waits for. Durable in the journal when it returns `Ok`.
    ///
    /// # Errors
    /// `InvalidInput` when no such step waits, `Journal` when the word could not be recorded: the step waits on.
    ///
    /// # Cancellation
    /// The word may or may not be taken.
    pub(crate) async fn confirm(&self, step: &str, by: &str, words: &str) -> Result<()> {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(step).cloned();
        let Some(waiting) = waiting else { return Err(nobody_waits(step)) };
        let (recorded, answer) = oneshot::channel();
        let word = Confirmation { by: by.to_owned(), words: words.to_owned(), recorded };
        if waiting.send(word).await.is_err() {
            return Err(nobody_waits(step));
        }
        answer.await.unwrap_or_else(|_| Err(nobody_waits(step)))
    }

    /// From now on words for this step are taken; until the returned end is dropped.
    pub(super) fn wait_for(&self, step: &str) -> mpsc::Receiver<Confirmation> {
        let (sender, receiver) = mpsc::channel(1);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(step.to_owned(), sender);
        receiver
    }
}

fn nobody_waits(step: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("no step {step:?} waits for a confirmation"))
        .with_component(Component::Library)
        .with_advice("the event that asks for it names the step; it waits no more once it was confirmed or the run stops")
}
