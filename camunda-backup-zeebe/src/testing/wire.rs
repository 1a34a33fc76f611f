//! Requests taken apart and answers put together.

use std::time::Duration;

use camunda_backup_core::{Request, Response, Timestamp};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use super::Answer;
use super::dialect::{Dialect, FrameworkErrors};

/// The media type of Spring's actuator, for clients that accept anything.
const ACTUATOR_TYPE: &str = "application/vnd.spring-boot.actuator.v3+json";

/// A request as the handlers read it.
#[derive(Debug)]
pub(super) struct Exchange {
    pub method: Method,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
    pub has_credentials: bool,
    pub accepts_anything: bool,
    pub origin: String,
}

impl Exchange {
    pub(super) fn read(request: &Request) -> Self {
        let header = |name: header::HeaderName| {
            request.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let accept = header(header::ACCEPT);
        Self {
            method: request.method.clone(),
            path: request.url.path().to_owned(),
            query: request
                .url
                .query_pairs()
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
            content_type: header(header::CONTENT_TYPE),
            body: request.body.to_vec(),
            has_credentials: request.headers.contains_key(header::AUTHORIZATION),
            accepts_anything: accept.is_none_or(|accept| accept.contains("*/*")),
            origin: request.url.origin().ascii_serialization(),
        }
    }

    /// The path's segments; a trailing slash is a last, empty segment.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.path.trim_start_matches('/').split('/').collect()
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn sends_json(&self) -> bool {
        self.content_type.as_deref().is_some_and(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
        })
    }

    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A JSON answer.
pub(super) fn json_answer(status: u16, body: &Value) -> Answer {
    text_answer(status, "application/json", body.to_string())
}

/// An answer of a Spring `@Endpoint`, whose media type depends on what was accepted.
pub(super) fn actuator_answer(exchange: &Exchange, status: u16, body: &Value) -> Answer {
    let kind = if exchange.accepts_anything { ACTUATOR_TYPE } else { "application/json" };
    text_answer(status, kind, body.to_string())
}

pub(super) fn problem_answer(status: u16, body: &Value) -> Answer {
    text_answer(status, "application/problem+json", body.to_string())
}

pub(super) fn text_answer(status: u16, kind: &'static str, body: impl Into<Vec<u8>>) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(status, body.into());
    response.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Answer::Response(response)
}

pub(super) fn empty_answer(status: u16) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Answer::Response(Response::new(status, Vec::new()))
}

/// `{"message":"…"}`, the form of Zeebe's own endpoints from 8.2 on.
pub(super) fn message_answer(status: u16, message: &str) -> Answer {
    json_answer(status, &json!({ "message": message }))
}

/// The same after a while.
pub(super) fn after(delay: Duration, answer: Answer) -> Answer {
    if delay.is_zero() { answer } else { Answer::Hang(delay, Box::new(answer)) }
}

/// `2026-11-21T02:06:34.074+00:00`, as Spring's own errors print it.
pub(super) fn spring_time(now: Timestamp) -> String {
    now.to_string().replace('Z', "+00:00")
}

/// `2025-06-03T07:55:15.685+0000`, as the web applications print it.
pub(super) fn offset_time(at: Timestamp) -> String {
    at.to_string().replace('Z', "+0000")
}

/// `2026-11-21T02:06:34.264146863Z`, as Zeebe prints it.
pub(super) fn nano_time(at: Timestamp) -> String {
    at.to_string().replace('Z', "146863Z")
}

fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error")
}

/// An error that the framework reports before any endpoint is reached.
pub(super) fn framework_error(
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
pub(super) fn exception(class: &str, message: Option<&str>) -> Value {
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

/// How a number arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Is(i64),
    Missing,
    Unreadable,
}

/// The conversions of Zeebe's endpoints: integers and trimmed decimal strings; nothing else.
pub(super) fn converted_number(value: Option<&Value>) -> Number {
    match value {
        None | Some(Value::Null) => Number::Missing,
        Some(Value::Number(number)) => number.as_i64().map_or(Number::Unreadable, Number::Is),
        Some(Value::String(text)) => number_in_text(text),
        Some(_) => Number::Unreadable,
    }
}

/// The conversions of path segments: decimal, `+7`, `0x10`.
pub(super) fn number_in_text(text: &str) -> Number {
    let text = text.trim();
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.map_or(Number::Unreadable, Number::Is)
}
