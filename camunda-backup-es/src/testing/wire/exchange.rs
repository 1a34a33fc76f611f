//! One request, taken apart the way a server does: decoded path segments, parameters that must be known, a JSON body.

use std::collections::BTreeMap;
use std::time::Duration;

use camunda_backup_core::Request;
use http::{Method, header};
use serde_json::Value;

use crate::testing::wire::answer::Failure;
use crate::testing::wire::dialect::Dialect;

/// Parameters that every handler of every server accepts.
const COMMON: [&str; 5] = ["pretty", "human", "error_trace", "filter_path", "format"];

/// A request as the handlers see it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    /// The path as sent, still encoded; servers repeat it in messages.
    pub(crate) path: String,
    /// The path with the query, as the "no handler" message repeats it.
    pub(crate) uri: String,
    /// Decoded path segments.
    pub(crate) segments: Vec<String>,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) content_type: Option<String>,
    pub(crate) accept: Option<String>,
    /// Bytes of all headers, as they go over the wire.
    pub(crate) header_bytes: usize,
    body: Vec<u8>,
}

impl Exchange {
    pub(crate) fn new(request: &Request) -> Self {
        let path = request.url.path().to_owned();
        let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let header = |name| {
            let value = request.headers.get(name).map(http::HeaderValue::to_str);
            value.and_then(Result::ok).map(str::to_owned)
        };
        Self {
            method: request.method.clone(),
            uri: format!("{path}{query}"),
            segments: path.split('/').filter(|part| !part.is_empty()).map(decoded).collect(),
            params: request.url.query_pairs().into_owned().collect(),
            content_type: header(header::CONTENT_TYPE),
            accept: header(header::ACCEPT),
            header_bytes: request
                .headers
                .iter()
                .map(|(name, value)| name.as_str().len() + value.len() + 4)
                .sum(),
            body: request.body.to_vec(),
            path,
        }
    }

    pub(crate) fn has_body(&self) -> bool {
        !self.body.is_empty()
    }

    /// Refuses parameters outside `known`, in the server's words.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Failure> {
        let allowed = |name: &str| known.contains(&name) || COMMON.contains(&name);
        let mut unknown: Vec<&str> = self.params.keys().map(String::as_str).collect();
        unknown.retain(|name| !allowed(name));
        if unknown.is_empty() {
            return Ok(());
        }
        let described: Vec<String> = unknown
            .iter()
            .map(|name| {
                let near: Vec<&&str> = known.iter().filter(|known| similarity(name, known) > 0.5).collect();
                match near.as_slice() {
                    [] => format!("[{name}]"),
                    [one] => format!("[{name}] -> did you mean [{one}]?"),
                    many => {
                        let list: Vec<String> = many.iter().map(|known| (**known).to_owned()).collect();
                        format!("[{name}] -> did you mean any of [{}]?", list.join(", "))
                    }
                }
            })
            .collect();
        let s = if unknown.len() == 1 { "" } else { "s" };
        Err(Failure::illegal_argument(format!(
            "request [{}] contains unrecognized parameter{s}: {}",
            self.path,
            described.join(", ")
        )))
    }

    /// The parameters `known`, and the time-outs for the elected master that this server knows.
    pub(crate) fn only_with_master_timeout(&self, dialect: &Dialect, known: &[&str]) -> Result<(), Failure> {
        let mut all = known.to_vec();
        all.push("master_timeout");
        if dialect.cluster_manager_timeout {
            all.push("cluster_manager_timeout");
        }
        self.only(&all)?;
        for name in ["master_timeout", "cluster_manager_timeout"] {
            self.duration(name)?;
        }
        Ok(())
    }

    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str)
    }

    /// A boolean parameter; an empty value is `true`.
    pub(crate) fn flag(&self, name: &str, default: bool) -> Result<bool, Failure> {
        match self.param(name) {
            None => Ok(default),
            Some("true" | "") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(Failure::illegal_argument(format!(
                "Failed to parse value [{other}] as only [true] or [false] are allowed."
            ))),
        }
    }

    /// A duration parameter such as `30s`; a number without a unit is refused.
    pub(crate) fn duration(&self, name: &str) -> Result<Option<Duration>, Failure> {
        let Some(text) = self.param(name) else { return Ok(None) };
        let bad = || {
            Failure::illegal_argument(format!(
                "failed to parse setting [{name}] with value [{text}] as a time value: unit is missing or unrecognized"
            ))
        };
        if matches!(text, "-1" | "0") {
            return Ok(Some(Duration::ZERO));
        }
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| bad())?;
        let millis = match unit.trim() {
            "ms" => number,
            "s" => number.saturating_mul(1000),
            "m" => number.saturating_mul(60_000),
            "h" => number.saturating_mul(3_600_000),
            "d" => number.saturating_mul(86_400_000),
            "micros" | "nanos" => 0,
            _ => return Err(bad()),
        };
        Ok(Some(Duration::from_millis(millis)))
    }

    /// The body as JSON; `None` when there is none.
    pub(crate) fn json(&self, dialect: &Dialect) -> Result<Option<Value>, Failure> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        serde_json::from_slice(&self.body).map(Some).map_err(|error| malformed(dialect, &error))
    }

    /// The lines of the body that are not empty.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        std::str::from_utf8(&self.body).unwrap_or_default().lines().filter(|line| !line.trim().is_empty())
    }

    /// The body as a JSON object; empty when there is no body.
    pub(crate) fn object(&self, dialect: &Dialect) -> Result<serde_json::Map<String, Value>, Failure> {
        match self.json(dialect)? {
            None => Ok(serde_json::Map::new()),
            Some(Value::Object(map)) => Ok(map),
            Some(_) => Err(Failure::of(400, "parse_exception", "Failed to derive xcontent")),
        }
    }
}

fn malformed(dialect: &Dialect, error: &serde_json::Error) -> Failure {
    let end_of_input = error.is_eof();
    let (line, column) = (error.line(), error.column() + usize::from(end_of_input));
    let words = "Unexpected end-of-input within/between Object entries";
    if dialect.modern_elasticsearch {
        let reason = if end_of_input { "Unexpected end of file" } else { "Unexpected character" };
        let outer = if end_of_input { "x_content_e_o_f_exception" } else { "x_content_parse_exception" };
        let inner = if end_of_input { "json_e_o_f_exception" } else { "json_parse_exception" };
        return Failure::of(400, outer, format!("[{line}:{column}] {reason}")).caused_by(inner, words);
    }
    Failure::of(400, if end_of_input { "json_e_o_f_exception" } else { "json_parse_exception" }, words)
}

/// Percent-decoding of one path segment; what is no escape stays.
fn decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        if let (b'%', Some(byte)) = (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            bytes.push(byte);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// 1 for equal words, 0 for nothing in common: the measure behind "did you mean".
fn similarity(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut row: Vec<u32> = (0..).take(b.len() + 1).collect();
    for (i, x) in (1u32..).zip(&a) {
        let mut diagonal = row[0];
        row[0] = i;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + u32::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    let longest = u32::try_from(a.len().max(b.len())).unwrap_or(u32::MAX).max(1);
    1.0 - f64::from(row[b.len()]) / f64::from(longest)
}
