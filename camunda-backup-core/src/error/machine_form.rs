//! An error as data.

use serde::Serialize;

use super::{Error, ErrorKind, Outcome};

/// The stable shape that is documented at [`Error`].
#[derive(Serialize)]
struct MachineForm<'a> {
    kind: ErrorKind,
    outcome: Outcome,
    text: String,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_said: Option<&'a str>,
    retries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    requests: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a serde_json::Value>,
    needs_operator: bool,
}

impl Serialize for Error {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let form = MachineForm {
            kind: self.kind(),
            outcome: self.outcome(),
            text: self.to_string(),
            message: self.message(),
            component: self.component().map(ToString::to_string),
            operation: self.operation(),
            subject: self.subject(),
            request: self.request(),
            status: self.status().map(|status| status.as_u16()),
            server_type: self.server_type(),
            server_said: self.server_said(),
            retries: self.retries(),
            retry_after_ms: self
                .retry_after()
                .map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
            causes: self.causes().map(ToString::to_string).collect(),
            advice: self.advice(),
            requests: self.requests(),
            details: self.details(),
            needs_operator: self.needs_operator(),
        };
        form.serialize(serializer)
    }
}
