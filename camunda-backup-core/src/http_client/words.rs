//! What a server said, found in whatever it sent, and made fit to be shown.

use std::borrow::Cow;

use http::header;
use serde_json::Value;

use crate::error::Error;
use crate::secret::Secret;
use crate::transport::Response;

/// The sentence in an error body: the first non-empty string of `message`, Optimize's `errorMessage` and
/// `detailedMessage`, problem+json's `detail` and `title`, `error.reason`, `error.root_cause[0].reason`, the
/// `failure` of Zeebe 8.1, the `error_description` of an identity provider, a plain `error`, or the body itself when
/// it is a string.
pub fn server_words(body: &Value) -> Option<&str> {
    const POINTERS: [&str; 10] = [
        "/message",
        "/errorMessage",
        "/detailedMessage",
        "/detail",
        "/title",
        "/error/reason",
        "/error/root_cause/0/reason",
        "/failure",
        "/error_description",
        "/error",
    ];
    let candidates = POINTERS.iter().filter_map(|pointer| body.pointer(pointer)).chain(Some(body));
    candidates.filter_map(Value::as_str).find(|text| !text.trim().is_empty())
}

/// Puts the words and the machine-readable type of an error answer on `error`, without the secrets we sent.
pub(super) fn onto(error: Error, response: &Response, secrets: &Redactor) -> Error {
    let Ok(value) = serde_json::from_slice::<Value>(&response.body) else {
        let text = plain_text(response);
        return if text.trim().is_empty() { error } else { error.with_server_said(&secrets.removed(&text)) };
    };
    let error = match value.pointer("/error/type").and_then(Value::as_str) {
        Some(server_type) => error.with_server_type(crate::text::one_line(&secrets.removed(server_type))),
        None => error,
    };
    match server_words(&value) {
        Some(words) => error.with_server_said(&secrets.removed(words)),
        None => error,
    }
}

/// Whether an answer is an HTML page: a login form, a proxy's error page, another application's front end.
pub(super) fn looks_like_html(response: &Response) -> bool {
    let typed = response
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("text/html"));
    let start: Vec<u8> = response.body.iter().copied().filter(|b| !b.is_ascii_whitespace()).take(9).collect();
    let start = start.to_ascii_lowercase();
    typed || start.starts_with(b"<!doctype") || start.starts_with(b"<html")
}

/// The title of an HTML page, or the beginning of the text.
fn plain_text(response: &Response) -> String {
    let beginning = &response.body[..response.body.len().min(4096)];
    let text = String::from_utf8_lossy(beginning);
    if !looks_like_html(response) {
        return text.into_owned();
    }
    let title = text
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"))
        .map(|(title, _)| title.trim())
        .filter(|title| !title.is_empty());
    title.map_or_else(|| "an HTML page".to_owned(), |title| format!("an HTML page titled {title:?}"))
}

/// Takes our own credentials out of what a server says: debugging proxies repeat the headers they were sent.
pub(super) struct Redactor {
    secrets: Vec<Secret>,
}

impl Redactor {
    /// Shorter ones are no secrets, and removing them would garble every message.
    const SHORTEST: usize = 4;

    pub(super) fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let mut secrets: Vec<Secret> =
            secrets.into_iter().filter(|secret| secret.expose().len() >= Self::SHORTEST).collect();
        // The longest first: one may be a part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        Self { secrets }
    }

    /// `text` with every secret replaced by `…`.
    pub(super) fn removed<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.secrets.iter().fold(Cow::Borrowed(text), |text, secret| {
            if text.contains(secret.expose()) {
                Cow::Owned(text.replace(secret.expose(), "…"))
            } else {
                text
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn finds_the_words_in_every_error_body_seen() {
        for (body, words) in [
            (json!({"message": "A backupId must be provided"}), Some("A backupId must be provided")),
            (json!({"message": null, "error": "Not Found", "status": 404}), Some("Not Found")),
            (json!({"type": "about:blank", "title": "Bad Request", "detail": "Missing"}), Some("Missing")),
            (json!({"error": {"type": "x", "reason": "[r:s] is missing"}}), Some("[r:s] is missing")),
            (json!({"error": {"type": "x", "reason": null, "root_cause": []}}), None),
            (json!({"error": "no handler found for uri [/a]"}), Some("no handler found for uri [/a]")),
            (json!({"id": 5, "failure": "timed out"}), Some("timed out")),
            (json!({"errorCode": "e", "errorMessage": "taken", "detailedMessage": "d"}), Some("taken")),
            (json!({"error": "invalid_client", "error_description": "wrong"}), Some("wrong")),
            (json!("just text"), Some("just text")),
            (json!({}), None),
        ] {
            assert_eq!(server_words(&body), words, "{body}");
        }
    }

    #[test]
    fn an_html_page_is_named_by_its_title() {
        let page = Response::new(http::StatusCode::OK, &b"\n<!DOCTYPE html><title> Sign in </title>"[..]);
        assert!(looks_like_html(&page));
        assert_eq!(plain_text(&page), "an HTML page titled \"Sign in\"");
    }

    #[test]
    fn secrets_are_taken_out_longest_first() {
        let redactor = Redactor::new(["hunter2", "hunter2-long", "e"].map(Secret::new));
        assert_eq!(redactor.removed("hunter2-long and hunter2 here"), "… and … here");
    }

    proptest! {
        #[test]
        fn any_bytes_make_an_error_of_bounded_size(body in proptest::collection::vec(any::<u8>(), 0..6000)) {
            let response = Response::new(http::StatusCode::BAD_GATEWAY, body);
            let error = Error::new(crate::ErrorKind::Unavailable, "x");
            let said = onto(error, &response, &Redactor::new([]));
            prop_assert!(said.to_string().chars().count() < 400);
        }
    }
}
