//! From an answer or a transport error to an [`Error`]: one tolerant reader for every error body that Camunda,
//! Elasticsearch, OpenSearch and what stands in front of them send.

use http::StatusCode;
use serde_json::Value;

use super::Call;
use crate::component::Component;
use crate::error::{Error, ErrorKind, Outcome};
use crate::transport::{Effect, Response, TransportError, TransportErrorKind};

/// The error for an answer whose status is not 2xx.
pub(super) fn from_response(component: &Component, call: &Call, response: &Response) -> Error {
    let status = response.status;
    let kind = kind_of(status, response);
    let error =
        Error::new(kind, sentence(kind)).with_status(status).with_outcome(outcome_of(status, call.effect));
    let error = words_into(error, &response.body);
    located(error, component, call)
}

/// The error for an exchange without a complete answer.
pub(super) fn from_transport(component: &Component, call: &Call, source: TransportError) -> Error {
    let (kind, outcome) = match source.kind {
        TransportErrorKind::Connect => (ErrorKind::Connect, Outcome::NotSent),
        TransportErrorKind::Unsendable => (ErrorKind::Config, Outcome::NotSent),
        TransportErrorKind::Timeout => (ErrorKind::Timeout, Outcome::Unknown),
        TransportErrorKind::Broken => (ErrorKind::Transport, Outcome::Unknown),
        TransportErrorKind::BodyTooLarge => (ErrorKind::BodyTooLarge, Outcome::Unknown),
    };
    located(Error::new(kind, sentence(kind)).with_outcome(outcome).with_source(source), component, call)
}

/// Puts component, operation and subject on an error.
pub(super) fn located(error: Error, component: &Component, call: &Call) -> Error {
    let error = error.with_component(component.clone()).with_operation(call.operation);
    match &call.subject {
        Some(subject) => error.with_subject(subject),
        None => error,
    }
}

fn kind_of(status: StatusCode, response: &Response) -> ErrorKind {
    match status.as_u16() {
        300..=399 => ErrorKind::WrongComponent,
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        429 => ErrorKind::Throttled,
        502..=504 => ErrorKind::Unavailable,
        400..=499 => ErrorKind::Refused,
        _ if looks_like_html(response) => ErrorKind::WrongComponent,
        _ => ErrorKind::ServerError,
    }
}

/// 4xx says that nothing was done. 5xx says nothing of the kind: a gateway's 504 may be executed half a minute later.
fn outcome_of(status: StatusCode, effect: Effect) -> Outcome {
    match (effect, status.as_u16()) {
        (Effect::Read, _) | (_, 300..=499) => Outcome::Refused,
        _ => Outcome::Unknown,
    }
}

fn sentence(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Connect => "no connection could be made",
        ErrorKind::Timeout => "no complete answer arrived in time",
        ErrorKind::Transport => "the connection broke before the answer was complete",
        ErrorKind::BodyTooLarge => "the answer is longer than is accepted for this operation",
        ErrorKind::Config => "the request cannot be sent as configured",
        ErrorKind::WrongComponent => "something else than the expected application answered",
        ErrorKind::Unauthorized => "the credentials are missing or not accepted",
        ErrorKind::Forbidden => "not allowed with these credentials",
        ErrorKind::NotFound => "not found",
        ErrorKind::Conflict => "refused because of a conflict",
        ErrorKind::Throttled => "the server asks to come back later",
        ErrorKind::Unavailable => "the server, or something behind it, is not available",
        ErrorKind::ServerError => "the server failed",
        _ => "the server refused the request",
    }
}

/// Whether an answer is an HTML page: a login form, a proxy's error page, another application's front end.
pub(super) fn looks_like_html(response: &Response) -> bool {
    let typed = response
        .headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("text/html"));
    let start: Vec<u8> = response.body.iter().copied().filter(|b| !b.is_ascii_whitespace()).take(9).collect();
    typed
        || start.to_ascii_lowercase().starts_with(b"<!doctype")
        || start.to_ascii_lowercase().starts_with(b"<html")
}

fn words_into(error: Error, body: &[u8]) -> Error {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        let text = String::from_utf8_lossy(&body[..body.len().min(4096)]);
        return if text.trim().is_empty() { error } else { error.with_server_said(&text) };
    };
    let error = match value.pointer("/error/type").and_then(Value::as_str) {
        Some(server_type) => error.with_server_type(server_type),
        None => error,
    };
    match server_words(&value) {
        Some(words) => error.with_server_said(words),
        None => error,
    }
}

/// The sentence in an error body: the first non-empty string of `message`, Optimize's `errorMessage` and
/// `detailedMessage`, problem+json's `detail` and `title`, `error.reason`, `error.root_cause[0].reason`, the
/// `failure` of Zeebe 8.1, a plain `error`, or the body itself when it is a string.
pub fn server_words(body: &Value) -> Option<&str> {
    const POINTERS: [&str; 9] = [
        "/message",
        "/errorMessage",
        "/detailedMessage",
        "/detail",
        "/title",
        "/error/reason",
        "/error/root_cause/0/reason",
        "/failure",
        "/error",
    ];
    let candidates = POINTERS.iter().filter_map(|pointer| body.pointer(pointer)).chain(Some(body));
    candidates.filter_map(Value::as_str).find(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_the_words_in_every_error_body_seen() {
        for (body, words) in [
            (json!({"message": "A backupId must be provided"}), Some("A backupId must be provided")),
            (json!({"message": null, "error": "Not Found", "status": 404}), Some("Not Found")),
            (json!({"type": "about:blank", "title": "Bad Request", "detail": "Missing"}), Some("Missing")),
            (json!({"error": {"type": "x", "reason": "[r:s] is missing"}}), Some("[r:s] is missing")),
            (json!({"error": {"type": "x", "reason": null, "root_cause": []}}), None),
            (json!({"error": "no handler found for uri [/a]"}), Some("no handler found for uri [/a]")),
            (json!({"id": 5, "failure": "timed out"}), Some("timed out")),
            (json!({"errorCode": "e", "errorMessage": "taken", "detailedMessage": "d"}), Some("taken")),
            (json!("just text"), Some("just text")),
            (json!({}), None),
        ] {
            assert_eq!(server_words(&body), words, "{body}");
        }
    }
}
