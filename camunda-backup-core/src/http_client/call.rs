//! What an endpoint's builder produces: a request without address and credentials. Pure, so it can be tested and printed.

use std::fmt;
use std::fmt::Write as _;

use bytes::Bytes;
use http::Method;
use serde::Serialize;

use crate::error::{Error, ErrorKind};
use crate::transport::{Effect, Timeouts};

/// One request as the endpoint's builder knows it: relative path, query, JSON body, effect and limits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The operation's stable name, such as `zeebe.backups.create`.
    pub operation: &'static str,
    /// What sending it twice would do.
    pub effect: Effect,
    /// The HTTP method.
    pub method: Method,
    /// The path below the endpoint's base URL, percent-encoded, with a leading `/`.
    pub path: String,
    /// The query string without `?`, percent-encoded; empty for none.
    pub query: String,
    /// The JSON body; `None` for no body.
    pub body: Option<Bytes>,
    /// What the call is about (a backup id, a snapshot name), for errors.
    pub subject: Option<String>,
    /// Time limits.
    pub timeouts: Timeouts,
    /// The longest answer that is accepted, in bytes.
    pub max_body: usize,
    /// How often the client may send it again by itself. The effect decides whether it may at all.
    pub max_retries: u32,
}

impl Call {
    fn new(operation: &'static str, effect: Effect, method: Method, path: impl Into<String>) -> Self {
        Self {
            operation,
            effect,
            method,
            path: path.into(),
            query: String::new(),
            body: None,
            subject: None,
            timeouts: Timeouts::DEFAULT,
            max_body: super::DEFAULT_MAX_BODY,
            max_retries: 3,
        }
    }

    /// A GET that changes nothing.
    pub fn get(operation: &'static str, path: impl Into<String>) -> Self {
        Self::new(operation, Effect::Read, Method::GET, path)
    }

    /// A POST; the effect is the endpoint's to know.
    pub fn post(operation: &'static str, effect: Effect, path: impl Into<String>) -> Self {
        Self::new(operation, effect, Method::POST, path)
    }

    /// A PUT; the effect is the endpoint's to know.
    pub fn put(operation: &'static str, effect: Effect, path: impl Into<String>) -> Self {
        Self::new(operation, effect, Method::PUT, path)
    }

    /// A DELETE of a named thing; deleting it again leads to the same state.
    pub fn delete(operation: &'static str, path: impl Into<String>) -> Self {
        Self::new(operation, Effect::Idempotent, Method::DELETE, path)
    }

    /// Adds `name=value` to the query, percent-encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        let separator = if self.query.is_empty() { "" } else { "&" };
        // Writing into a String cannot fail.
        let _ = write!(self.query, "{separator}{}={}", path_segment(name), path_segment(&value.to_string()));
        self
    }

    /// Sets a JSON body.
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(body).map_err(|source| {
            Error::new(ErrorKind::Internal, "the request body cannot be written as JSON")
                .with_operation(self.operation)
                .with_source(source)
        })?;
        self.body = Some(Bytes::from(bytes));
        Ok(self)
    }

    /// Names what the call is about, for errors.
    #[must_use]
    pub fn subject(mut self, subject: impl fmt::Display) -> Self {
        self.subject = Some(subject.to_string());
        self
    }

    /// Sets the time limits.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets the longest answer that is accepted.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Sets how often the client may send it again by itself.
    #[must_use]
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Path and query as they appear on the request line, without the endpoint's prefix.
    pub fn path_and_query(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

/// The request line as plans and advice print it: `POST /actuator/exporting/pause?soft=true {"a":1}`.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path_and_query())?;
        match &self.body {
            Some(body) if !body.is_empty() => write!(f, " {}", String::from_utf8_lossy(body)),
            _ => Ok(()),
        }
    }
}

/// Percent-encodes one path segment or query part: everything but unreserved characters, `,` and `*`.
///
/// `*` stays because Camunda's prefix lists (`/actuator/backupRuntime/17567*`) and read-only index patterns use it.
pub fn path_segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b',' | b'*' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_a_request_line() {
        let call = Call::post("zeebe.exporting.pause", Effect::Idempotent, "/actuator/exporting/pause")
            .query("soft", true)
            .json(&serde_json::json!({}))
            .unwrap();
        assert_eq!(call.to_string(), "POST /actuator/exporting/pause?soft=true {}");
        assert_eq!(path_segment("a b/ü?"), "a%20b%2F%C3%BC%3F");
    }
}
