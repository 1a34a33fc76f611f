//! The broken wires and the broken journal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use camunda_backup::procedures::journal::{Holder, Key, Lock, LockGuard, Put};
use camunda_backup::{Journal, Request, Response, Result, Transport, TransportError};
use http::StatusCode;

use super::Mutant;
use crate::crash_matrix::fault_injection::PAUSE;

const RESUME: &str = "zeebe.exporting.resume";
const SUCCESS: &str = r#"{"body":null,"status":204,"contentType":null}"#;

/// A wire that changes what is sent or answered.
#[derive(Debug)]
pub(crate) struct Lying {
    mutant: Mutant,
    wire: Arc<dyn Transport>,
    /// Whether the library must think that exporting is paused.
    pretends_paused: AtomicBool,
}

impl Lying {
    pub(crate) fn new(mutant: Mutant, wire: Arc<dyn Transport>) -> Self {
        Self { mutant, wire, pretends_paused: AtomicBool::new(false) }
    }

    /// The answer of a server that did what it was asked.
    fn pretend(&self, paused: bool) -> Response {
        self.pretends_paused.store(paused, Ordering::SeqCst);
        Response::new(StatusCode::OK, Bytes::from_static(SUCCESS.as_bytes()))
    }

    /// Makes every broker show the phase that the library has to believe in.
    fn repaint(mut answer: Response, from: &str, to: &str) -> Response {
        answer.body = Bytes::from(String::from_utf8_lossy(&answer.body).replace(from, to));
        answer
    }
}

#[async_trait]
impl Transport for Lying {
    async fn send(&self, mut request: Request) -> Result<Response, TransportError> {
        let operation = request.operation;
        match (self.mutant, operation) {
            (Mutant::PauseDeleted, PAUSE) => return Ok(self.pretend(true)),
            (Mutant::PauseDeleted | Mutant::CloseDisabled, RESUME) => return Ok(self.pretend(false)),
            (Mutant::SoftDropped, PAUSE) => request.url.set_query(None),
            (Mutant::CloseDisabled, PAUSE) => self.pretends_paused.store(true, Ordering::SeqCst),
            _ => {}
        }
        let shows_phases = request.url.path().ends_with("/actuator/partitions");
        let answer = self.wire.send(request).await?;
        let paused = self.pretends_paused.load(Ordering::SeqCst);
        Ok(match self.mutant {
            Mutant::CloseDisabled if shows_phases && !paused => {
                Self::repaint(answer, "\"SOFT_PAUSED\"", "\"EXPORTING\"")
            }
            Mutant::PauseDeleted if shows_phases && paused => {
                Self::repaint(answer, "\"EXPORTING\"", "\"SOFT_PAUSED\"")
            }
            Mutant::EnvelopeIgnored if matches!(operation, PAUSE | RESUME) => {
                Self::repaint(answer, "\"status\":500", "\"status\":204")
            }
            _ => answer,
        })
    }
}

/// A journal that says "written" to an obligation at once and stores it before the next record only.
#[derive(Debug)]
pub(crate) struct LateIntent {
    journal: Arc<dyn Journal>,
    late: Mutex<Option<(Key, Bytes)>>,
}

impl LateIntent {
    pub(crate) fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal, late: Mutex::default() }
    }
}

#[async_trait]
impl Journal for LateIntent {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        let text = String::from_utf8_lossy(&body);
        if text.contains("\"intent\"") && text.contains("\"owes\":{") {
            *self.late.lock().unwrap() = Some((key.clone(), body));
            return Ok(Put::Written);
        }
        let late = self.late.lock().unwrap().take();
        if let Some((key, body)) = late {
            self.journal.put_new(&key, body).await?;
        }
        self.journal.put_new(key, body).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        self.journal.list(prefix).await
    }

    async fn read(&self, key: &Key) -> Result<Bytes> {
        self.journal.read(key).await
    }

    async fn lock(&self, name: &str, holder: &Holder) -> Result<Lock> {
        self.journal.lock(name, holder).await
    }

    async fn unlock(&self, guard: LockGuard) -> Result<()> {
        self.journal.unlock(guard).await
    }
}
