//! The one error type: what failed, where, what is known about the request, and what to do next.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::component::Component;

mod kind;
mod machine_form;

pub use kind::{ErrorKind, Outcome};

/// The result of everything in this product.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error that names component, operation and subject, keeps the server's own words, and says what to do next.
///
/// `Display` prints this error's own sentence only; the cause is in [`source`](std::error::Error::source), the
/// advice in [`Error::advice`]. [`Error::report`] prints all of it. No secret is ever part of an error.
///
/// # As JSON
/// It serialises as one object. `kind`, `outcome`, `text` (what `Display` prints), `message`, `retries` and
/// `needs_operator` are always there; `component`, `operation`, `subject`, `request`, `status` (a number),
/// `server_type`, `server_said`, `retry_after_ms`, `advice`, `causes` (texts), `requests` and `details` (what the text
/// lists, as data, such as the blockers of a preflight) only when there is something in them. Fields may be added, none changes its meaning.
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
    request: Option<String>,
    requests: Vec<String>,
    details: Option<serde_json::Value>,
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
                request: None,
                requests: Vec::new(),
                details: None,
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

    /// Replaces the sentence, for clients that know better what a status means.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.inner.message = message.into();
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

    /// Keeps the request that failed, as `POST http://zeebe:9600/actuator/backups`: no credentials, no body.
    #[must_use]
    pub fn with_request(mut self, request: impl Into<String>) -> Self {
        self.inner.request = Some(request.into());
        self
    }

    /// Keeps the requests that an operator may have to send by hand, each a complete `curl` line without a secret.
    #[must_use]
    pub fn with_requests(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.inner.requests = lines.into_iter().collect();
        self
    }

    /// Keeps as data what the text lists. It must not hold a secret.
    #[must_use]
    pub fn with_details(mut self, details: serde_json::Value) -> Self {
        self.inner.details = Some(details);
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

    /// The request that failed, as `POST http://zeebe:9600/actuator/backups`, if it was one request.
    pub fn request(&self) -> Option<&str> {
        self.inner.request.as_deref()
    }

    /// The `curl` lines that the advice names, for programs; empty when it names none. `$AUTH` stands for credentials.
    pub fn requests(&self) -> &[String] {
        &self.inner.requests
    }

    /// What the text lists, as data; `None` when it lists nothing.
    pub fn details(&self) -> Option<&serde_json::Value> {
        self.inner.details.as_ref()
    }

    /// Whether nothing gets better until a person acts: the library cannot settle it by itself.
    pub fn needs_operator(&self) -> bool {
        self.inner.kind == ErrorKind::NeedsOperator
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
        for cause in self.causes() {
            text.push_str("\n  because: ");
            text.push_str(&cause.to_string());
        }
        if let Some(advice) = self.advice() {
            text.push_str("\n  next: ");
            text.push_str(advice);
        }
        text
    }

    fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        std::iter::successors(self.source(), |cause| (**cause).source())
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

    #[test]
    fn the_json_of_an_error_has_its_documented_fields_and_no_empty_ones() {
        let bare = serde_json::to_value(Error::new(ErrorKind::BodyTooLarge, "too long")).unwrap();
        let expected = serde_json::json!({
            "kind": "body-too-large", "outcome": "not-sent", "text": "too long", "message": "too long",
            "retries": 0, "needs_operator": false,
        });
        assert_eq!(bare, expected);
        let full = Error::new(ErrorKind::NeedsOperator, "still paused")
            .with_outcome(Outcome::Unknown)
            .with_component(Component::Zeebe)
            .with_operation("zeebe.exporting.resume")
            .with_subject(7)
            .with_request("POST http://zeebe:9600/actuator/exporting/resume")
            .with_status(StatusCode::GATEWAY_TIMEOUT)
            .with_server_type("t")
            .with_server_said("late")
            .with_retries(2)
            .with_retry_after(Duration::from_secs(3))
            .with_source(Error::new(ErrorKind::Timeout, "inner"))
            .with_advice("resume it")
            .with_details(serde_json::json!({"findings": []}))
            .with_requests(["curl -X POST 'http://zeebe:9600/actuator/exporting/resume'".to_owned()]);
        assert!(full.needs_operator());
        let expected = serde_json::json!({
            "kind": "needs-operator", "outcome": "unknown", "message": "still paused",
            "text": "zeebe: zeebe.exporting.resume 7: still paused (HTTP 504): late",
            "component": "zeebe", "operation": "zeebe.exporting.resume", "subject": "7",
            "request": "POST http://zeebe:9600/actuator/exporting/resume",
            "status": 504, "server_type": "t", "server_said": "late", "retries": 2, "retry_after_ms": 3000,
            "causes": ["inner"], "details": {"findings": []}, "advice": "resume it", "needs_operator": true,
            "requests": ["curl -X POST 'http://zeebe:9600/actuator/exporting/resume'"],
        });
        assert_eq!(serde_json::to_value(full).unwrap(), expected);
    }

    #[test]
    fn kinds_and_outcomes_print_as_they_serialise() {
        assert_eq!(ErrorKind::WrongComponent.to_string(), "wrong-component");
        assert_eq!(serde_json::to_string(&ErrorKind::WrongComponent).unwrap(), r#""wrong-component""#);
        assert_eq!(serde_json::from_str::<Outcome>(r#""not-sent""#).unwrap(), Outcome::NotSent);
        assert_eq!(Outcome::NotSent.to_string(), "not-sent");
    }
}
