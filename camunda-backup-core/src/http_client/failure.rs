//! From an answer or a transport error to an [`Error`]: the kind, what is known about the effect, and the advice.

use std::time::Duration;

use http::{StatusCode, header};
use url::Url;

use super::advice::{self, Seen};
use super::html::looks_like_html;
use super::redact::Redactor;
use super::{Call, server_message};
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
    let kind = kind_of(status, call.effect, response);
    let message = match kind {
        _ if status.is_redirection() => redirected(asked, response),
        ErrorKind::Forbidden if !asked.with_credentials => {
            "not allowed, and no credentials are configured".to_owned()
        }
        _ => sentence(kind).to_owned(),
    };
    let error = Error::new(kind, message).with_status(status).with_outcome(outcome_of(status, call.effect));
    let error = match retry_after(response) {
        Some(delay) => error.with_retry_after(delay),
        None => error,
    };
    let is_page = looks_like_html(response);
    located(server_message::onto(error, response, &asked.secrets), asked, call, is_page)
}

/// The error for an exchange without a complete answer.
pub(super) fn from_transport(asked: &Asked<'_>, call: &Call, source: TransportError) -> Error {
    let after_sending = outcome_after_sending(call.effect);
    let (kind, outcome) = match source.kind {
        TransportErrorKind::Connect => (ErrorKind::Connect, Outcome::NotSent),
        TransportErrorKind::Unsendable => (ErrorKind::Config, Outcome::NotSent),
        TransportErrorKind::Timeout => (ErrorKind::Timeout, after_sending),
        TransportErrorKind::Broken => (ErrorKind::Transport, after_sending),
        TransportErrorKind::BodyTooLarge => (ErrorKind::BodyTooLarge, after_sending),
    };
    let Some(reason) = source.reason.clone() else {
        let error = Error::new(kind, sentence(kind)).with_outcome(outcome).with_source(source);
        return located(error, asked, call, false);
    };
    let message = format!("{}: {}", sentence(kind), reason.what);
    let error = Error::new(kind, message).with_outcome(outcome).with_source(source);
    let advice = reason.advice + advice::look_first(outcome);
    located(error, asked, call, false).with_advice(advice)
}

/// What is known about the effect of a request that has left and was not answered usefully.
pub(super) fn outcome_after_sending(effect: Effect) -> Outcome {
    match effect {
        Effect::Read => Outcome::Refused,
        Effect::Idempotent | Effect::Once => Outcome::Unknown,
    }
}

/// The error for a 2xx answer that is an HTML page. None of our endpoints sends one.
pub(super) fn from_page(asked: &Asked<'_>, call: &Call, page: &Response) -> Error {
    let message = "an HTML page came back: a login form, a proxy or another application";
    let error = Error::new(ErrorKind::WrongComponent, message)
        .with_status(page.status)
        .with_outcome(outcome_after_sending(call.effect));
    located(server_message::onto(error, page, &asked.secrets), asked, call, true)
}

/// The error for a 2xx answer that is not the JSON that was expected. serde's words may quote the answer at length, so
/// they are cut.
pub(super) fn undecodable(
    asked: &Asked<'_>,
    effect: Effect,
    response: &Response,
    source: &serde_json::Error,
) -> Error {
    let cause = Undecodable(crate::text::one_line(&asked.secrets.removed(&source.to_string())));
    let (kind, outcome) = (ErrorKind::Decode, outcome_after_sending(effect));
    let error = Error::new(kind, sentence(kind))
        .with_component(asked.component.clone())
        .with_status(response.status)
        .with_outcome(outcome)
        .with_source(cause);
    let advice = advice::next(asked, &Seen { error: &error, effect, is_page: false });
    error.with_advice(advice)
}

/// The error for a 2xx answer of a token endpoint that holds no token. Nothing of the answer is repeated.
pub(super) fn without_token(asked: &Asked<'_>, call: &Call, response: &Response) -> Error {
    let error = Error::new(ErrorKind::Decode, "the answer is not JSON with a usable access_token");
    located(error.with_status(response.status), asked, call, false)
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Undecodable(String);

/// Puts component, operation, subject, request and advice on an error.
fn located(error: Error, asked: &Asked<'_>, call: &Call, is_page: bool) -> Error {
    let advice = match error.status().map(|status| status.as_u16()) {
        Some(407) => advice::FOR_PROXY_CREDENTIALS.to_owned(),
        _ => advice::next(asked, &Seen { error: &error, effect: call.effect, is_page }),
    };
    let request = format!("{} {}{}", call.method, asked.base, call.path_and_query());
    let error = error
        .with_component(asked.component.clone())
        .with_operation(call.operation)
        .with_request(request)
        .with_advice(advice);
    match &call.subject {
        Some(subject) => error.with_subject(subject),
        None => error,
    }
}

fn kind_of(status: StatusCode, effect: Effect, response: &Response) -> ErrorKind {
    match status.as_u16() {
        300..=399 => ErrorKind::WrongComponent,
        401 | 407 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        // A proxy's word for "I have waited long enough".
        408 => ErrorKind::Timeout,
        409 => ErrorKind::Conflict,
        429 if server_message::says_permanent(response) => ErrorKind::Refused,
        429 => ErrorKind::Throttled,
        // For a read it is the same whether our own time is up first or that of a proxy in between.
        504 if effect == Effect::Read => ErrorKind::Timeout,
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
            let read = failure(Effect::Read, status, &[], "");
            assert_eq!(read.outcome(), O::Refused, "{status}");
            assert!(!read.report().contains("took effect"), "{}", read.report());
        }
    }

    fn unanswered(effect: Effect, source: TransportError) -> Error {
        from_transport(&asked(&Component::Zeebe), &Call::post("test.post", effect, "/x"), source)
    }

    /// A GET cannot have taken effect, so no error of one says that this is not known.
    #[test]
    fn only_a_request_that_changes_something_may_have_taken_effect() {
        use TransportErrorKind as T;
        for kind in [T::Timeout, T::Broken, T::BodyTooLarge] {
            let read = unanswered(Effect::Read, TransportError::new(kind, "x"));
            assert_eq!(read.outcome(), Outcome::Refused, "{kind:?}");
            assert!(!read.report().contains("took effect"), "{}", read.report());
            let once = unanswered(Effect::Once, TransportError::new(kind, "x"));
            assert_eq!(once.outcome(), Outcome::Unknown, "{kind:?}");
            assert!(once.report().contains("took effect"), "{}", once.report());
        }
        let page = Response::new(StatusCode::OK, &b"<html>"[..]);
        let (component, call) = (Component::Zeebe, |effect| Call::post("test.post", effect, "/x"));
        assert_eq!(from_page(&asked(&component), &call(Effect::Read), &page).outcome(), Outcome::Refused);
        assert_eq!(from_page(&asked(&component), &call(Effect::Once), &page).outcome(), Outcome::Unknown);
    }

    #[test]
    fn what_the_transport_has_understood_is_said_and_its_advice_is_given() {
        let source =
            TransportError::new(TransportErrorKind::Connect, "raw").because("the port is closed", "open it");
        let error = unanswered(Effect::Once, source);
        assert_eq!(error.message(), "no connection could be made: the port is closed");
        assert_eq!(error.advice(), Some("open it"));
        assert!(error.report().contains("raw"), "{}", error.report());
        let source = TransportError::new(TransportErrorKind::Broken, "raw").because("cut", "open it");
        assert!(
            unanswered(Effect::Once, source).advice().is_some_and(|advice| advice.contains("took effect"))
        );
    }

    /// Whose clock strikes first is chance.
    #[test]
    fn a_read_that_is_too_slow_is_one_kind_of_failure_wherever_its_time_ends() {
        let ours = unanswered(Effect::Read, TransportError::new(TransportErrorKind::Timeout, "x"));
        for status in [408, 504] {
            assert_eq!(failure(Effect::Read, status, &[], "").kind(), ours.kind(), "{status}");
        }
        assert_eq!(failure(Effect::Idempotent, 504, &[], "").kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn a_refusal_for_ever_is_not_a_request_for_patience() {
        let breaker = |durability: &str| {
            let body =
                format!(r#"{{"error":{{"type":"circuit_breaking_exception","durability":"{durability}"}}}}"#);
            failure(Effect::Read, 429, &[], &body).kind()
        };
        assert_eq!(breaker("PERMANENT"), ErrorKind::Refused);
        assert_eq!(breaker("TRANSIENT"), ErrorKind::Throttled);
        assert_eq!(failure(Effect::Read, 429, &[], "slow down").kind(), ErrorKind::Throttled);
    }

    #[test]
    fn the_request_is_named_without_credentials() {
        assert_eq!(failure(Effect::Once, 500, &[], "").request(), Some("POST http://zeebe:9600/prefix/x"));
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
