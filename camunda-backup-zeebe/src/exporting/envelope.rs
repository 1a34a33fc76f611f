//! The 200 that wraps the real answer: `{"body":…,"status":204,"contentType":null}`.

use camunda_backup_core::http_client::server_message;
use camunda_backup_core::text::one_line;
use serde_json::Value;

/// Why an answer is no success.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// A sentence of ours.
    pub(super) message: String,
    /// The server's words, shortened from up to 22 kB of serialised exception; servers also send none.
    pub(super) words: Option<String>,
}

/// `Ok` for an envelope with a status of 200 … 299.
pub(super) fn open(bytes: &[u8]) -> Result<(), Failure> {
    let json: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let words = || words(&json).map(one_line);
    match json.get("status").and_then(Value::as_i64) {
        Some(200..=299) => Ok(()),
        Some(status) => Err(Failure {
            message: format!("the server failed with status {status} inside a success"),
            words: words(),
        }),
        None => {
            let message = "the answer is neither a 204 nor a success with a status inside".to_owned();
            Err(Failure { message, words: words() })
        }
    }
}

/// The inner body is an exception with a `message` behind its stack trace, or in 8.10 a plain text.
fn words(json: &Value) -> Option<&str> {
    let inner = json.get("body").unwrap_or(json);
    server_message(inner)
        .or_else(|| inner.get("cause").and_then(server_message))
        .or_else(|| server_message(json))
}
