//! The one error type: what failed, where, what is known about the request, and what to do next.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::component::Component;

/// The result of everything in this product.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as a program needs to tell cases apart.
///
/// Each kind of an answer says whether the HTTP client retries it by itself (only for requests whose
/// [`Effect`](crate::Effect) allows it). A run that fails may have any of them, because the error that stopped it keeps its
/// kind: whether the id is used up is in the report then, what to do is in [`Error::advice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value given by the caller cannot be used. Not retried; nothing was sent.
    InvalidInput,
    /// The configuration is incomplete or contradicts itself. Not retried; nothing was sent.
    Config,
    /// No connection could be made. Retried; nothing was sent.
    Connect,
    /// No complete answer within the operation's time-out. Reads and idempotent requests are retried.
    Timeout,
    /// The connection broke before a complete answer was there. Reads and idempotent requests are retried.
    Transport,
    /// The answer was longer than the cap for its operation. Not retried.
    BodyTooLarge,
    /// The answer is not what this endpoint answers. Not retried.
    Decode,
    /// Another application answered, or a proxy, or a login page. Not retried; check the configured address.
    WrongComponent,
    /// 401: credentials are missing or wrong. Not retried (one token renewal excepted).
    Unauthorized,
    /// 403: not allowed, perhaps not even there. Not retried.
    Forbidden,
    /// 404: the thing or the endpoint does not exist. Not retried.
    NotFound,
    /// 409, or a refusal that says the same: it exists already, or something else is running. Not retried.
    Conflict,
    /// 4xx otherwise: the server refused the request. Not retried.
    Refused,
    /// 429 or a back-pressure answer. Retried.
    Throttled,
    /// 502, 503, 504: the server, or what it needs, is not there at the moment. Retried by effect.
    Unavailable,
    /// Another 5xx, or a 200 that wraps one. An answer, not a hiccup: not retried.
    ServerError,
    /// The version, flavour or setup does not support this. Not retried.
    Unsupported,
    /// A preflight check found a blocker, or an earlier run still owes something. Nothing was changed.
    Blocked,
    /// Something that we did not make is in the way: a pause, an artifact, a run of somebody else. It was not touched. Parts
    /// that the run made before it was seen may exist; without a report nothing was changed.
    Foreign,
    /// Another run holds the claim on the cluster. Nothing was changed.
    Claimed,
    /// A part of the backup failed. The id is used up; start again with a new one.
    Failed,
    /// A wait ended without the result: the bound was reached, or nothing moved. The id is used up.
    DeadlineExceeded,
    /// The caller cancelled or dropped the run. The id is used up if the run had started a backup.
    Cancelled,
    /// The journal could not be written or read, or is not trustworthy.
    Journal,
    /// Something is owed, or cannot be told, that the library cannot settle by itself. The advice says what to do: the exact
    /// requests to send by hand where it is a pause that could not be ended.
    NeedsOperator,
    /// A defect of this library.
    Internal,
}

impl ErrorKind {
    /// Whether the same request may succeed a moment later without anybody doing anything.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Connect | Self::Timeout | Self::Transport | Self::Throttled | Self::Unavailable)
    }
}

/// What is known about the effect of the request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The request has certainly not reached the server (or there was none).
    NotSent,
    /// The server answered that it did not do it.
    Refused,
    /// The request may have taken effect, now or later. Look before doing anything again.
    Unknown,
}

/// An error that names component, operation and subject, keeps the server's own words, and says what to do next.
///
/// `Display` prints this error's own sentence only; the cause is in [`source`](std::error::Error::source), the
/// advice in [`Error::advice`]. [`Error::report`] prints all of it. No secret is ever part of an error.
#[derive(Clone)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    outcome: Outcome,
    message: String,
    component: Option<Component>,
    operation: Option<&'static str>,
    subject: Option<String>,
    status: Option<StatusCode>,
    server_type: Option<String>,
    server_said: Option<String>,
    advice: Option<String>,
    retries: u32,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of a kind, with a sentence that says what happened. The outcome is `NotSent` until said otherwise.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                outcome: Outcome::NotSent,
                message: message.into(),
                component: None,
                operation: None,
                subject: None,
                status: None,
                server_type: None,
                server_said: None,
                advice: None,
                retries: 0,
                retry_after: None,
                source: None,
            }),
        }
    }

    /// Replaces the kind, for clients that know better what a status means.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.inner.kind = kind;
        self
    }

    /// Sets what is known about the effect.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.inner.outcome = outcome;
        self
    }

    /// Names the component.
    #[must_use]
    pub fn with_component(mut self, component: Component) -> Self {
        self.inner.component = Some(component);
        self
    }

    /// Names the operation, such as `zeebe.backups.create`.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static str) -> Self {
        self.inner.operation = Some(operation);
        self
    }

    /// Names what it was about: a backup id, a snapshot, a repository, a broker.
    #[must_use]
    pub fn with_subject(mut self, subject: impl fmt::Display) -> Self {
        self.inner.subject = Some(subject.to_string());
        self
    }

    /// Keeps the HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.inner.status = Some(status);
        self
    }

    /// Keeps the server's machine-readable error type, such as `snapshot_missing_exception`.
    #[must_use]
    pub fn with_server_type(mut self, server_type: impl Into<String>) -> Self {
        self.inner.server_type = Some(server_type.into());
        self
    }

    /// Keeps the server's own words, shortened to one line.
    #[must_use]
    pub fn with_server_said(mut self, said: &str) -> Self {
        self.inner.server_said = Some(crate::text::one_line(said));
        self
    }

    /// Says what an operator should do next.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.inner.advice = Some(advice.into());
        self
    }

    /// Keeps the cause. It must not hold a secret or a URL with one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(Arc::from(source.into()));
        self
    }

    /// Notes how often the request was sent again before this error was given up to the caller.
    #[must_use]
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.inner.retries = retries;
        self
    }

    /// Keeps how long the server asks to wait before the request is sent again.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        self.inner.retry_after = Some(delay);
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// What is known about the effect of the request.
    pub fn outcome(&self) -> Outcome {
        self.inner.outcome
    }

    /// The component, if one was involved.
    pub fn component(&self) -> Option<&Component> {
        self.inner.component.as_ref()
    }

    /// The operation, such as `zeebe.backups.create`.
    pub fn operation(&self) -> Option<&'static str> {
        self.inner.operation
    }

    /// What it was about.
    pub fn subject(&self) -> Option<&str> {
        self.inner.subject.as_deref()
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<StatusCode> {
        self.inner.status
    }

    /// The server's machine-readable error type, if it sent one.
    pub fn server_type(&self) -> Option<&str> {
        self.inner.server_type.as_deref()
    }

    /// The server's own words on one line, if it said something.
    pub fn server_said(&self) -> Option<&str> {
        self.inner.server_said.as_deref()
    }

    /// What an operator should do next.
    pub fn advice(&self) -> Option<&str> {
        self.inner.advice.as_deref()
    }

    /// The bare sentence, without component, operation and subject.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// How often the request was sent again before giving up.
    pub fn retries(&self) -> u32 {
        self.inner.retries
    }

    /// How long the server asked to wait (`Retry-After`), if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Everything on one line each: the sentence, its causes, and what to do next. For logs and terminals.
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str("\n  because: ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        if let Some(advice) = self.advice() {
            text.push_str("\n  next: ");
            text.push_str(advice);
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.inner;
        if let Some(component) = &inner.component {
            write!(f, "{component}: ")?;
        }
        if let Some(operation) = inner.operation {
            write!(f, "{operation}")?;
            if let Some(subject) = &inner.subject {
                write!(f, " {subject}")?;
            }
            f.write_str(": ")?;
        } else if let Some(subject) = &inner.subject {
            write!(f, "{subject}: ")?;
        }
        f.write_str(&inner.message)?;
        if let Some(status) = inner.status {
            write!(f, " (HTTP {})", status.as_u16())?;
        }
        if let Some(said) = &inner.server_said {
            write!(f, ": {said}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("outcome", &self.inner.outcome)
            .field("text", &self.to_string())
            .field("server_type", &self.inner.server_type)
            .field("advice", &self.inner.advice)
            .field("retries", &self.inner.retries)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BackupId;

    #[test]
    fn display_names_component_operation_subject_status_and_words() {
        let error = Error::new(ErrorKind::Conflict, "the id is too low")
            .with_component(Component::Zeebe)
            .with_operation("zeebe.backups.create")
            .with_subject(BackupId::new(7).unwrap())
            .with_status(StatusCode::CONFLICT)
            .with_server_said("Requested backup has id 7.\n\tat io.camunda")
            .with_advice("take a higher id");
        assert_eq!(
            error.to_string(),
            "zeebe: zeebe.backups.create 7: the id is too low (HTTP 409): Requested backup has id 7."
        );
        assert!(error.report().ends_with("next: take a higher id"));
        assert_eq!(std::mem::size_of::<Error>(), std::mem::size_of::<usize>());
    }
}
