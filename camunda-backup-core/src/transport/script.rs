//! A scripted transport for tests: answers in order, and asserts that nothing is left.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use http::StatusCode;

use super::{Request, Response, Transport, TransportError, TransportErrorKind};

/// Answers requests from a list, in order, and remembers what was asked.
///
/// A request that is not the expected one, or that comes when the list is empty, is answered with a transport
/// error and noted; [`ScriptedTransport::finish`] then fails.
#[derive(Debug, Clone, Default)]
pub struct ScriptedTransport {
    state: Arc<Mutex<Script>>,
}

#[derive(Debug, Default)]
struct Script {
    expected: VecDeque<(String, Result<Response, TransportErrorKind>)>,
    asked: Vec<String>,
    bodies: Vec<String>,
    problems: Vec<String>,
}

impl ScriptedTransport {
    /// An empty script.
    pub fn new() -> Self {
        Self::default()
    }

    /// Expects a request line such as `GET /actuator/info` (path and query, as sent) and answers it.
    #[must_use]
    pub fn answer(self, request_line: &str, status: u16, body: impl Into<Vec<u8>>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.expect(request_line, Ok(Response::new(status, body.into())))
    }

    /// Expects a request line and gives no complete answer.
    #[must_use]
    pub fn fail(self, request_line: &str, kind: TransportErrorKind) -> Self {
        self.expect(request_line, Err(kind))
    }

    fn expect(self, request_line: &str, answer: Result<Response, TransportErrorKind>) -> Self {
        self.lock().expected.push_back((request_line.to_owned(), answer));
        self
    }

    /// The request lines seen so far.
    pub fn asked(&self) -> Vec<String> {
        self.lock().asked.clone()
    }

    /// The bodies of the requests seen so far, as text.
    pub fn bodies(&self) -> Vec<String> {
        self.lock().bodies.clone()
    }

    /// `Ok` when every expected request came, in order, and no other.
    pub fn finish(&self) -> Result<(), String> {
        let script = self.lock();
        if let Some(problem) = script.problems.first() {
            return Err(problem.clone());
        }
        match script.expected.front() {
            Some((line, _)) => Err(format!("never asked: {line}")),
            None => Ok(()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Script> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let line = format!("{} {}{query}", request.method, request.url.path());
        let mut script = self.lock();
        script.asked.push(line.clone());
        script.bodies.push(String::from_utf8_lossy(&request.body).into_owned());
        match script.expected.pop_front() {
            Some((expected, answer)) if expected == line => {
                answer.map_err(|kind| TransportError::new(kind, "scripted"))
            }
            other => {
                let expected = other.map_or_else(|| "nothing".to_owned(), |(line, _)| line);
                script.problems.push(format!("asked {line}, expected {expected}"));
                Err(TransportError::new(TransportErrorKind::Broken, "not in the script"))
            }
        }
    }
}
