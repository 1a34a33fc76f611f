//! One request, taken apart the way a server does.

use camunda_backup_core::Request;
use http::{Method, header};
use serde_json::Value;

/// A request as the handlers read it.
#[derive(Debug)]
pub(crate) struct Exchange {
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
    pub(crate) fn read(request: &Request) -> Self {
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
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.path.trim_start_matches('/').split('/').collect()
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn sends_json(&self) -> bool {
        self.content_type.as_deref().is_some_and(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
        })
    }

    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// How a number arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    Is(i64),
    Missing,
    Unreadable,
}

/// The conversions of Zeebe's endpoints: integers and trimmed decimal strings; nothing else.
pub(crate) fn converted_number(value: Option<&Value>) -> Number {
    match value {
        None | Some(Value::Null) => Number::Missing,
        Some(Value::Number(number)) => number.as_i64().map_or(Number::Unreadable, Number::Is),
        Some(Value::String(text)) => number_in_text(text),
        Some(_) => Number::Unreadable,
    }
}

/// The conversions of path segments: decimal, `+7`, `0x10`.
pub(crate) fn number_in_text(text: &str) -> Number {
    let text = text.trim();
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.map_or(Number::Unreadable, Number::Is)
}
