//! Finds the sentence and the error type in whatever a server, a proxy or a cloud sent instead of what was asked for.

use serde_json::Value;

use super::html::{self, looks_like_html};
use super::redact::Redactor;
use crate::error::Error;
use crate::transport::Response;

/// Where error bodies keep their sentence, the best first. Case does not matter, and arrays are looked into.
const PLACES: [&[&str]; 16] = [
    &["message"],
    // Optimize.
    &["errorMessage"],
    &["detailedMessage"],
    // problem+json.
    &["detail"],
    &["title"],
    // Elasticsearch and OpenSearch.
    &["error", "reason"],
    &["error", "root_cause", "reason"],
    // Google's and Azure's gateways.
    &["error", "message"],
    &["errors", "message"],
    &["errors", "detail"],
    &["errors"],
    // Apigee.
    &["fault", "faultstring"],
    // Zeebe 8.1.
    &["failure"],
    // Identity providers.
    &["error_description"],
    &["error"],
    &["reason"],
];

/// The sentence in an error body: the first text that is not empty among `message` (and `Message`), Optimize's
/// `errorMessage` and `detailedMessage`, problem+json's `detail` and `title`, `error.reason`,
/// `error.root_cause[0].reason`, `error.message`, `errors[0].message`, Apigee's `fault.faultstring`, the `failure` of
/// Zeebe 8.1, the `error_description` of an identity provider, a plain `error` or `reason`, or the body itself when it
/// is a string.
pub fn server_message(body: &Value) -> Option<&str> {
    PLACES.iter().chain([&[].as_slice()]).find_map(|place| text_at(body, place))
}

fn text_at<'a>(value: &'a Value, place: &[&str]) -> Option<&'a str> {
    match (value, place) {
        (Value::String(text), []) => Some(text.as_str()).filter(|text| !text.trim().is_empty()),
        (Value::Array(items), _) => items.iter().find_map(|item| text_at(item, place)),
        (Value::Object(fields), [name, rest @ ..]) => {
            let mut named = fields.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
            named.find_map(|(_, value)| text_at(value, rest))
        }
        _ => None,
    }
}

/// Puts the sentence and the machine-readable type of an error answer on `error`, without the secrets we sent.
pub(super) fn onto(error: Error, response: &Response, secrets: &Redactor) -> Error {
    let Ok(value) = serde_json::from_slice::<Value>(&response.body) else {
        let text = plain_text(response);
        return if text.trim().is_empty() { error } else { error.with_server_said(&secrets.removed(&text)) };
    };
    let error = match value.pointer("/error/type").and_then(Value::as_str) {
        Some(server_type) => error.with_server_type(crate::text::one_line(&secrets.removed(server_type))),
        None => error,
    };
    match server_message(&value) {
        Some(words) => error.with_server_said(&secrets.removed(words)),
        None => error,
    }
}

/// Whether the server says that it will refuse the same request for ever: a circuit breaker's 429 that is no overload.
pub(super) fn says_permanent(response: &Response) -> bool {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    text_at(&body, &["error", "durability"]).is_some_and(|text| text.eq_ignore_ascii_case("PERMANENT"))
}

/// The name of an HTML page, the `Message` of an XML document, or the beginning of the text.
fn plain_text(response: &Response) -> String {
    if looks_like_html(response) {
        return html::named(response);
    }
    let text = html::beginning(response);
    if text.trim_start().starts_with('<') {
        return html::element(&text, "message").unwrap_or(text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn finds_the_sentence_in_every_error_body_seen() {
        for (body, words) in [
            (json!({"message": "A backupId must be provided"}), Some("A backupId must be provided")),
            (json!({"message": null, "error": "Not Found", "status": 404}), Some("Not Found")),
            (json!({"message": " ", "error": "Forbidden", "path": "/actuator/backups"}), Some("Forbidden")),
            (
                json!({"Message": "User: anonymous is not authorized"}),
                Some("User: anonymous is not authorized"),
            ),
            (json!({"type": "about:blank", "title": "Bad Request", "detail": "Missing"}), Some("Missing")),
            (json!({"type": "about:blank", "title": "Bad Request", "detail": null}), Some("Bad Request")),
            (json!({"error": {"type": "x", "reason": "[r:s] is missing"}}), Some("[r:s] is missing")),
            (json!({"error": {"type": "x", "reason": null, "root_cause": []}}), None),
            (json!({"error": {"root_cause": [{"reason": "deep"}], "reason": ""}}), Some("deep")),
            (json!({"error": {"code": 403, "message": "denied", "status": "X"}}), Some("denied")),
            (json!({"errors": [{"code": "UNAUTHORIZED", "message": "no token"}]}), Some("no token")),
            (json!({"errors": ["first", "second"]}), Some("first")),
            (json!([{"message": "in a list"}]), Some("in a list")),
            (json!({"fault": {"faultstring": "Invalid ApiKey"}}), Some("Invalid ApiKey")),
            (json!({"error": "no handler found for uri [/a]"}), Some("no handler found for uri [/a]")),
            (json!({"id": 5, "failure": "timed out"}), Some("timed out")),
            (json!({"errorCode": "e", "errorMessage": "taken", "detailedMessage": "d"}), Some("taken")),
            (json!({"errorCode": "e", "errorMessage": null, "detailedMessage": "d"}), Some("d")),
            (json!({"error": "invalid_client", "error_description": "wrong"}), Some("wrong")),
            (json!({"status": "FAILURE", "reason": "Unauthorized"}), Some("Unauthorized")),
            (json!("just text"), Some("just text")),
            (json!({}), None),
        ] {
            assert_eq!(server_message(&body), words, "{body}");
        }
    }

    #[test]
    fn text_pages_and_documents_are_read_too() {
        for (body, words) in [
            ("RBAC: access denied", "RBAC: access denied"),
            ("default backend - 404", "default backend - 404"),
            ("<html><head><title>503 Busy</title></head></html>", "an HTML page titled \"503 Busy\""),
            (
                "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
                "Access Denied",
            ),
        ] {
            assert_eq!(plain_text(&Response::new(http::StatusCode::OK, body.as_bytes())), words);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_make_an_error_of_bounded_size(body in proptest::collection::vec(any::<u8>(), 0..6000)) {
            let response = Response::new(http::StatusCode::BAD_GATEWAY, body);
            let error = Error::new(crate::ErrorKind::Unavailable, "x");
            let said = onto(error, &response, &Redactor::new([]));
            prop_assert!(said.to_string().chars().count() < crate::text::MAX_SERVER_TEXT + 100);
        }
    }
}
