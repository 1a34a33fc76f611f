//! The transport that keeps what was answered.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use camunda_backup_core::{Component, Request, Response, Transport, TransportError};

use super::observed::Block;
use super::shape::Shape;
use super::words::Words;

/// Passes every request on and keeps operation, status and shape of its answer.
#[derive(Clone)]
pub(super) struct Tape {
    inner: Arc<dyn Transport>,
    words: Words,
    heard: Arc<Mutex<Vec<Exchange>>>,
}

/// One answer, as far as it is compared.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    /// Operation, method, and status or what went wrong.
    pub(super) head: String,
    pub(super) shape: Shape,
}

impl Tape {
    pub(super) fn new(inner: Arc<dyn Transport>, words: Words) -> Self {
        Self { inner, words, heard: Arc::default() }
    }

    pub(super) fn words(&self) -> &Words {
        &self.words
    }

    /// What was heard since the last call.
    pub(super) fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.heard())
    }

    fn heard(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for Tape {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let asked = format!("{} {}", request.operation, request.method);
        // Elsewhere a field may happen to have the repository's name.
        let words = if request.component == Component::Store { self.words.clone() } else { Words::new("") };
        let answer = self.inner.send(request).await;
        let exchange = match &answer {
            Ok(response) => Exchange {
                head: format!("{asked} {}", response.status.as_u16()),
                shape: Shape::of(&response.body, &words),
            },
            Err(error) => Exchange { head: format!("{asked} {:?}", error.kind), shape: Shape::default() },
        };
        self.heard().push(exchange);
        answer
    }
}

/// Exchanges as blocks: what was asked again and answered alike is there once. `occasion` stands in front of each.
pub(super) fn blocks(exchanges: Vec<Exchange>, occasion: &str) -> Vec<Block> {
    let mut merged: Vec<Exchange> = Vec::new();
    for exchange in exchanges {
        match merged.iter_mut().find(|known| known.head == exchange.head) {
            Some(known) => known.shape.merge(exchange.shape),
            None => merged.push(exchange),
        }
    }
    let block = |exchange: Exchange| Block {
        head: format!("{occasion}{}", exchange.head),
        paths: exchange.shape.lines(),
    };
    merged.into_iter().map(block).collect()
}
