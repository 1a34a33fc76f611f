//! What goes back: bodies, media types, errors, and the times inside.

use std::time::Duration;

use camunda_backup_core::{Response, Timestamp};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::testing::wire::dialect::{Dialect, FrameworkErrors};
use crate::testing::wire::exchange::Exchange;

/// The media type of Spring's actuator, for clients that accept anything.
const ACTUATOR_TYPE: &str = "application/vnd.spring-boot.actuator.v3+json";

/// What comes back from a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A complete answer.
    Response(Response),
    /// Nobody listens: the process is down, or there is none at this address.
    NoConnection,
    /// Nothing for this long, then that.
    Hang(Duration, Box<Answer>),
}

impl Answer {
    /// The response at the end, and after how long it comes; `None` when nobody listens.
    pub fn settle(self) -> Option<(Duration, Response)> {
        match self {
            Self::Response(response) => Some((Duration::ZERO, response)),
            Self::NoConnection => None,
            Self::Hang(delay, answer) => answer.settle().map(|(more, response)| (delay + more, response)),
        }
    }
}

/// A JSON answer.
pub(crate) fn json_answer(status: u16, body: &Value) -> Answer {
    text_answer(status, "application/json", body.to_string())
}

/// An answer of a Spring `@Endpoint`, whose media type depends on what was accepted.
pub(crate) fn actuator_answer(exchange: &Exchange, status: u16, body: &Value) -> Answer {
    let kind = if exchange.accepts_anything { ACTUATOR_TYPE } else { "application/json" };
    text_answer(status, kind, body.to_string())
}

pub(crate) fn problem_answer(status: u16, body: &Value) -> Answer {
    text_answer(status, "application/problem+json", body.to_string())
}

pub(crate) fn text_answer(status: u16, kind: &'static str, body: impl Into<Vec<u8>>) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(status, body.into());
    response.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Answer::Response(response)
}

pub(crate) fn empty_answer(status: u16) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Answer::Response(Response::new(status, Vec::new()))
}

/// `{"message":"…"}`, the form of Zeebe's own endpoints from 8.2 on.
pub(crate) fn message_answer(status: u16, message: &str) -> Answer {
    json_answer(status, &json!({ "message": message }))
}

/// The same after a while.
pub(crate) fn after(delay: Duration, answer: Answer) -> Answer {
    if delay.is_zero() { answer } else { Answer::Hang(delay, Box::new(answer)) }
}

/// `2026-11-21T02:06:34.074+00:00`, as Spring's own errors print it.
pub(crate) fn spring_time(now: Timestamp) -> String {
    now.to_string().replace('Z', "+00:00")
}

/// `2025-06-03T07:55:15.685+0000`, as the web applications print it.
pub(crate) fn offset_time(at: Timestamp) -> String {
    at.to_string().replace('Z', "+0000")
}

/// `2026-11-21T02:06:34.264146863Z`, as Zeebe prints it.
pub(crate) fn nano_time(at: Timestamp) -> String {
    at.to_string().replace('Z', "146863Z")
}

fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error")
}

/// An error that the framework reports before any endpoint is reached.
pub(crate) fn framework_error(
    dialect: &Dialect,
    now: Timestamp,
    exchange: &Exchange,
    status: u16,
    detail: Option<&str>,
) -> Answer {
    let (time, path, error) = (spring_time(now), &exchange.path, reason(status));
    match dialect.framework_errors() {
        FrameworkErrors::Plain => {
            json_answer(status, &json!({"timestamp": time, "status": status, "error": error, "path": path}))
        }
        FrameworkErrors::WithRequestId => {
            let mut body = json!({
                "timestamp": time, "path": path, "status": status, "error": error, "requestId": "10f28fbe-10"
            });
            if status == 404 {
                body["message"] = Value::Null;
            }
            json_answer(status, &body)
        }
        FrameworkErrors::Problem => {
            let mut body = json!({"type": "about:blank", "title": error, "status": status, "instance": path});
            if let Some(detail) = detail {
                body["detail"] = json!(detail);
            }
            problem_answer(status, &body)
        }
    }
}

/// A serialized Java exception: some kB of stack trace, the message behind it.
pub(crate) fn exception(class: &str, message: Option<&str>) -> Value {
    let frame = |line: u32| {
        // Frames of the application, and every third one of the JDK.
        let jdk = line % 3 == 0;
        json!({
            "classLoaderName": if jdk { Value::Null } else { json!("app") },
            "moduleName": if jdk { json!("java.base") } else { Value::Null },
            "moduleVersion": if jdk { json!("21.0.4") } else { Value::Null },
            "methodName": "lambda$onRequest$3",
            "fileName": "ExportingControlService.java",
            "lineNumber": line,
            "nativeMethod": false,
            "className": class
        })
    };
    let frames: Vec<Value> = (40..64).map(frame).collect();
    json!({
        "cause": null, "stackTrace": frames, "message": message,
        "suppressed": [], "localizedMessage": message
    })
}
