//! What goes back: bodies, the error envelope and its exceptions, and the headers of each family.

use std::time::Duration;

use camunda_backup_core::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::testing::wire::dialect::Dialect;

/// A finished handler's answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Body,
    /// A real server would not answer before this simulated time.
    pub(crate) not_before: Option<Duration>,
    /// Extra header: legacy templates warn.
    pub(crate) warning: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Body {
    Json(Value),
    Text(String),
    /// The headers of JSON without the JSON.
    JsonHead,
}

impl Reply {
    pub(crate) fn ok(body: Value) -> Self {
        Self::with_status(200, body)
    }

    pub(crate) fn with_status(status: u16, body: Value) -> Self {
        Self { status, body: Body::Json(body), not_before: None, warning: None }
    }

    pub(crate) fn acknowledged() -> Self {
        Self::ok(json!({"acknowledged": true}))
    }

    pub(crate) fn acknowledged_with_shards() -> Self {
        Self::ok(json!({"acknowledged": true, "shards_acknowledged": true}))
    }

    pub(crate) fn not_before(mut self, time: Option<Duration>) -> Self {
        self.not_before = time;
        self
    }
}

/// A refusal. The envelope is the usual one; the others are the places where servers leave it.
#[derive(Debug)]
pub(crate) enum Failure {
    Envelope {
        status: u16,
        cause: Box<Cause>,
        not_before: Option<Duration>,
    },
    /// `error` is a plain string; the "no handler" answer has no `status`.
    Plain {
        status: u16,
        error: String,
        with_status: bool,
        allow: Option<&'static str>,
    },
    /// A body without `error`.
    Bare {
        status: u16,
        body: Value,
    },
}

/// One link of an error's chain.
#[derive(Debug)]
pub(crate) struct Cause {
    kind: &'static str,
    reason: Option<String>,
    extra: Map<String, Value>,
    caused_by: Option<Box<Cause>>,
    /// What the envelope's `root_cause` shows.
    root: Root,
}

#[derive(Debug, Clone, PartialEq)]
enum Root {
    Outer,
    Inner,
    Given(Value),
}

impl Cause {
    fn new(kind: &'static str, reason: Option<String>) -> Self {
        Self { kind, reason, extra: Map::new(), caused_by: None, root: Root::Outer }
    }

    fn own(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("type".into(), self.kind.into());
        map.insert("reason".into(), self.reason.clone().map_or(Value::Null, Value::String));
        map.extend(self.extra.clone());
        map
    }

    fn chain(&self) -> Map<String, Value> {
        let mut map = self.own();
        if let Some(inner) = &self.caused_by {
            map.insert("caused_by".into(), Value::Object(inner.chain()));
        }
        map
    }
}

impl Failure {
    pub(crate) fn of(status: u16, kind: &'static str, reason: impl Into<String>) -> Self {
        let cause = Box::new(Cause::new(kind, Some(reason.into())));
        Self::Envelope { status, cause, not_before: None }
    }

    /// `reason` is null.
    pub(crate) fn wordless(status: u16, kind: &'static str) -> Self {
        Self::Envelope { status, cause: Box::new(Cause::new(kind, None)), not_before: None }
    }

    pub(crate) fn illegal_argument(reason: impl Into<String>) -> Self {
        Self::of(400, "illegal_argument_exception", reason)
    }

    pub(crate) fn validation(what: impl std::fmt::Display) -> Self {
        let reason = format!("Validation Failed: 1: {what};");
        Self::of(400, "action_request_validation_exception", reason)
    }

    pub(crate) fn repository_missing(name: &str) -> Self {
        Self::of(404, "repository_missing_exception", format!("[{name}] missing"))
    }

    pub(crate) fn snapshot_missing(repository: &str, name: &str) -> Self {
        Self::of(404, "snapshot_missing_exception", format!("[{repository}:{name}] is missing"))
    }

    pub(crate) fn index_missing(name: &str) -> Self {
        Self::of(404, "index_not_found_exception", format!("no such index [{name}]"))
            .with("resource.type", "index_or_alias")
            .with("resource.id", name)
            .with("index_uuid", "_na_")
            .with("index", name)
    }

    pub(crate) fn wildcards_refused() -> Self {
        Self::illegal_argument("Wildcard expressions or all indices are not allowed")
    }

    pub(crate) fn not_acceptable(content_type: &str) -> Self {
        Self::Plain {
            status: 406,
            error: format!("Content-Type header [{content_type}] is not supported"),
            with_status: true,
            allow: None,
        }
    }

    pub(crate) fn no_handler(uri: &str, method: &http::Method) -> Self {
        Self::Plain {
            status: 400,
            error: format!("no handler found for uri [{uri}] and method [{method}]"),
            with_status: false,
            allow: None,
        }
    }

    pub(crate) fn wrong_method(uri: &str, method: &http::Method, allowed: &'static str) -> Self {
        Self::Plain {
            status: 405,
            error: format!(
                "Incorrect HTTP method for uri [{uri}] and method [{method}], allowed: [{allowed}]"
            ),
            with_status: true,
            allow: Some(allowed),
        }
    }

    /// One more key beside `type`.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        if let Self::Envelope { cause, .. } = &mut self {
            cause.extra.insert(key.into(), value.into());
        }
        self
    }

    /// An inner cause; `root_cause` keeps showing the outer one.
    pub(crate) fn caused_by(mut self, kind: &'static str, reason: impl Into<String>) -> Self {
        if let Self::Envelope { cause, .. } = &mut self {
            cause.caused_by = Some(Box::new(Cause::new(kind, Some(reason.into()))));
        }
        self
    }

    /// An inner cause that is also what `root_cause` shows.
    pub(crate) fn rooted_in(self, kind: &'static str, reason: impl Into<String>) -> Self {
        let mut failure = self.caused_by(kind, reason);
        if let Self::Envelope { cause, .. } = &mut failure {
            cause.root = Root::Inner;
        }
        failure
    }

    /// `root_cause` is this list.
    pub(crate) fn with_root(mut self, list: Value) -> Self {
        if let Self::Envelope { cause, .. } = &mut self {
            cause.root = Root::Given(list);
        }
        self
    }

    pub(crate) fn not_before(mut self, time: Option<Duration>) -> Self {
        if let Self::Envelope { not_before, .. } = &mut self {
            *not_before = time;
        }
        self
    }

    /// `type: reason` or the plain text, for callers that do not speak HTTP.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Envelope { cause, .. } => {
                format!("{}: {}", cause.kind, cause.reason.as_deref().unwrap_or("null"))
            }
            Self::Plain { error, .. } => error.clone(),
            Self::Bare { body, .. } => body.to_string(),
        }
    }

    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Envelope { status, .. } | Self::Plain { status, .. } | Self::Bare { status, .. } => *status,
        }
    }

    fn exception_header(&self) -> Option<String> {
        let Self::Envelope { status: 500 | 503, cause, .. } = self else { return None };
        let words = cause.kind.split('_').map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
        });
        Some(words.flatten().collect())
    }

    fn into_reply(self) -> (Reply, Option<&'static str>) {
        match self {
            Self::Envelope { status, cause, not_before } => {
                let inner = cause.caused_by.as_ref().filter(|_| cause.root == Root::Inner);
                let root = inner.map_or_else(|| cause.own(), |inner| inner.own());
                let mut error = cause.chain();
                let root = if let Root::Given(list) = &cause.root { list.clone() } else { json!([root]) };
                error.insert("root_cause".into(), root);
                let body = json!({"error": error, "status": status});
                (Reply::with_status(status, body).not_before(not_before), None)
            }
            Self::Plain { status, error, with_status, allow } => {
                let mut body = Map::new();
                body.insert("error".into(), error.into());
                if with_status {
                    body.insert("status".into(), status.into());
                }
                (Reply::with_status(status, Value::Object(body)), allow)
            }
            Self::Bare { status, body } => (Reply::with_status(status, body), None),
        }
    }
}

/// Puts the answer of a handler on the wire: status, the headers of this family, the body.
pub(crate) fn respond(
    dialect: &Dialect,
    result: Result<Reply, Failure>,
    content_type: Option<&str>,
) -> (Response, Option<Duration>) {
    let exception = result.as_ref().err().and_then(Failure::exception_header);
    let (reply, allow) = match result {
        Ok(reply) => (reply, None),
        Err(failure) => failure.into_reply(),
    };
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json_type = content_type.filter(|_| reply.status < 400).unwrap_or(dialect.json_content_type);
    let (content_type, bytes) = match reply.body {
        Body::Json(value) => (json_type, value.to_string().into_bytes()),
        Body::Text(text) => ("text/plain; charset=UTF-8", text.into_bytes()),
        Body::JsonHead => (json_type, Vec::new()),
    };
    let mut response = Response::new(status, bytes);
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers.insert(HeaderName::from_static(name), value);
        }
    };
    put(header::CONTENT_TYPE.as_str(), content_type);
    if let Some((name, value)) = &dialect.product_header {
        put(name, value);
    }
    if let Some(exception) = exception.filter(|_| dialect.exception_header) {
        put("x-elastic-app-exception", &exception);
    }
    if let Some(allow) = allow {
        put("allow", &allow.replace(", ", ","));
    }
    if let Some(warning) = reply.warning {
        put("warning", &warning);
    }
    (response, reply.not_before)
}
