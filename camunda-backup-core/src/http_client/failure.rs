//! From an answer or a transport error to an [`Error`]: the kind, what is known about the effect, and the advice.

use std::time::Duration;

use http::{StatusCode, header};
use url::Url;

use super::words::{self, Redactor, looks_like_html};
use super::{Call, advice};
use crate::component::Component;
use crate::error::{Error, ErrorKind, Outcome};
use crate::transport::{Effect, Response, TransportError, TransportErrorKind};

/// Whom was asked, for the errors' texts.
pub(super) struct Asked<'a> {
    pub(super) component: &'a Component,
    /// The base URL, without credentials.
    pub(super) base: &'a str,
    pub(super) with_credentials: bool,
    pub(super) secrets: Redactor,
}

/// The error for an answer whose status is not 2xx.
pub(super) fn from_response(asked: &Asked<'_>, call: &Call, response: &Response) -> Error {
    let status = response.status;
    let kind = kind_of(status, response);
    let message =
        if status.is_redirection() { redirected(asked, response) } else { sentence(kind).to_owned() };
    let error = Error::new(kind, message).with_status(status).with_outcome(outcome_of(status, call.effect));
    let error = match retry_after(response) {
        Some(delay) => error.with_retry_after(delay),
        None => error,
    };
    located(words::onto(error, response, &asked.secrets), asked, call)
}

/// The error for an exchange without a complete answer.
pub(super) fn from_transport(asked: &Asked<'_>, call: &Call, source: TransportError) -> Error {
    let (kind, outcome) = match source.kind {
        TransportErrorKind::Connect => (ErrorKind::Connect, Outcome::NotSent),
        TransportErrorKind::Unsendable => (ErrorKind::Config, Outcome::NotSent),
        TransportErrorKind::Timeout => (ErrorKind::Timeout, Outcome::Unknown),
        TransportErrorKind::Broken => (ErrorKind::Transport, Outcome::Unknown),
        TransportErrorKind::BodyTooLarge => (ErrorKind::BodyTooLarge, Outcome::Unknown),
    };
    located(Error::new(kind, sentence(kind)).with_outcome(outcome).with_source(source), asked, call)
}

/// The error for a 2xx answer that is an HTML page. None of our endpoints sends one.
pub(super) fn from_page(asked: &Asked<'_>, call: &Call, page: &Response) -> Error {
    let message = "an HTML page came back: a login form, a proxy or another application";
    let error = Error::new(ErrorKind::WrongComponent, message)
        .with_status(page.status)
        .with_outcome(Outcome::Unknown);
    located(words::onto(error, page, &asked.secrets), asked, call)
}

/// The error for a 2xx answer that is not the JSON that was expected. serde's words may quote the answer at length, so
/// they are cut.
pub(super) fn undecodable(asked: &Asked<'_>, response: &Response, source: &serde_json::Error) -> Error {
    let cause = Undecodable(crate::text::one_line(&asked.secrets.removed(&source.to_string())));
    let kind = ErrorKind::Decode;
    Error::new(kind, sentence(kind))
        .with_component(asked.component.clone())
        .with_status(response.status)
        .with_outcome(Outcome::Unknown)
        .with_source(cause)
        .with_advice(advice::next(kind, asked, Outcome::Unknown))
}

/// The error for a 2xx answer of a token endpoint that holds no token. Nothing of the answer is repeated.
pub(super) fn without_token(asked: &Asked<'_>, call: &Call, response: &Response) -> Error {
    let error = Error::new(ErrorKind::Decode, "the answer is not JSON with a usable access_token");
    located(error.with_status(response.status), asked, call)
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Undecodable(String);

/// Puts component, operation, subject and advice on an error.
fn located(error: Error, asked: &Asked<'_>, call: &Call) -> Error {
    let advice = match error.status().map(|status| status.as_u16()) {
        Some(407) => advice::FOR_PROXY_CREDENTIALS.to_owned(),
        _ => advice::next(error.kind(), asked, error.outcome()),
    };
    let error =
        error.with_component(asked.component.clone()).with_operation(call.operation).with_advice(advice);
    match &call.subject {
        Some(subject) => error.with_subject(subject),
        None => error,
    }
}

fn kind_of(status: StatusCode, response: &Response) -> ErrorKind {
    match status.as_u16() {
        300..=399 => ErrorKind::WrongComponent,
        401 | 407 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        // A proxy's word for "I have waited long enough".
        408 => ErrorKind::Timeout,
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
        (Effect::Read, _) => Outcome::Refused,
        (_, 408) => Outcome::Unknown,
        (_, 300..=499) => Outcome::Refused,
        _ => Outcome::Unknown,
    }
}

/// Host and port only: the rest of a redirect's target may hold a session or a token.
fn redirected(asked: &Asked<'_>, response: &Response) -> String {
    let target = response
        .headers
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|location| Url::parse(asked.base).ok()?.join(location).ok());
    let place = match target.as_ref().and_then(|url| url.host_str().map(|host| (host, url.port()))) {
        Some((host, Some(port))) => format!("{host}:{port}"),
        Some((host, None)) => host.to_owned(),
        None => "an unknown place".to_owned(),
    };
    let place = asked.secrets.removed(&place);
    format!("a redirect to {place} came back; it was not followed and no credentials were sent there")
}

/// `Retry-After` in seconds. The form with a date needs a wall clock that agrees with the server's, so it is ignored.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

fn sentence(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Connect => "no connection could be made",
        ErrorKind::Timeout => "no complete answer arrived in time",
        ErrorKind::Transport => "the connection broke before the answer was complete",
        ErrorKind::BodyTooLarge => "the answer is longer than is accepted for this operation",
        ErrorKind::Decode => "the answer is not what this endpoint sends",
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

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(component: &Component) -> Asked<'_> {
        Asked {
            component,
            base: "http://zeebe:9600/prefix",
            with_credentials: true,
            secrets: Redactor::new([crate::Secret::new("hunter2")]),
        }
    }

    fn failure(effect: Effect, status: u16, headers: &[(&'static str, &str)], body: &str) -> Error {
        let mut response = Response::new(StatusCode::from_u16(status).unwrap(), body.as_bytes().to_vec());
        for (name, value) in headers {
            response.headers.insert(*name, value.parse().unwrap());
        }
        from_response(&asked(&Component::Zeebe), &Call::post("test.post", effect, "/x"), &response)
    }

    #[test]
    fn every_status_has_a_kind_an_outcome_and_advice() {
        use {ErrorKind as K, Outcome as O};
        for (status, kind, outcome) in [
            (304, K::WrongComponent, O::Refused),
            (400, K::Refused, O::Refused),
            (401, K::Unauthorized, O::Refused),
            (403, K::Forbidden, O::Refused),
            (404, K::NotFound, O::Refused),
            (407, K::Unauthorized, O::Refused),
            (408, K::Timeout, O::Unknown),
            (409, K::Conflict, O::Refused),
            (413, K::Refused, O::Refused),
            (429, K::Throttled, O::Refused),
            (500, K::ServerError, O::Unknown),
            (501, K::ServerError, O::Unknown),
            (502, K::Unavailable, O::Unknown),
            (503, K::Unavailable, O::Unknown),
            (504, K::Unavailable, O::Unknown),
            (599, K::ServerError, O::Unknown),
        ] {
            let error = failure(Effect::Once, status, &[], "");
            assert_eq!((error.kind(), error.outcome()), (kind, outcome), "{status}");
            assert!(error.advice().is_some_and(|advice| advice.len() > 20), "{status}");
            assert_eq!(failure(Effect::Read, status, &[], "").outcome(), O::Refused, "{status}");
        }
    }

    #[test]
    fn a_redirect_names_host_and_port_and_nothing_else() {
        for (location, place) in [
            ("https://sso.example:8443/login?token=hunter2", "sso.example:8443"),
            ("https://u:hunter2@sso.example/", "sso.example"),
            ("/login?state=1", "zeebe:9600"),
            ("https://hunter2.example/", "….example"),
            ("http://[", "an unknown place"),
        ] {
            let error = failure(Effect::Once, 302, &[("location", location)], "");
            assert_eq!(error.kind(), ErrorKind::WrongComponent);
            assert!(error.message().contains(&format!("a redirect to {place} came back")), "{error}");
            assert!(!error.report().contains("hunter2") && !error.report().contains("state=1"), "{error}");
        }
    }

    #[test]
    fn a_server_that_repeats_our_secret_is_not_repeated() {
        let error = failure(Effect::Read, 400, &[], r#"{"error":{"type":"hunter2","reason":"bad hunter2"}}"#);
        assert_eq!(error.server_said(), Some("bad …"));
        assert_eq!(error.server_type(), Some("…"));
    }

    #[test]
    fn retry_after_is_kept_in_seconds() {
        let delay = |value| failure(Effect::Read, 503, &[("retry-after", value)], "").retry_after();
        assert_eq!(delay("7"), Some(Duration::from_secs(7)));
        assert_eq!(delay("Wed, 21 Oct 2015 07:28:00 GMT"), None);
    }

    #[test]
    fn a_500_with_html_is_not_our_application() {
        assert_eq!(failure(Effect::Read, 500, &[], "<html>").kind(), ErrorKind::WrongComponent);
    }
}
