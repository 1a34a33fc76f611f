//! What counts as the same answer.

use std::collections::BTreeSet;

use camunda_backup_core::Response;
use serde_json::Value;

use super::Recorded;

/// How an answer differs from the recorded one.
pub(super) fn problems(recorded: &Recorded, expected: Option<&Value>, response: &Response) -> Vec<String> {
    let mut found = Vec::new();
    let status = response.status.as_u16();
    if recorded.status.is_some_and(|wanted| wanted != status) {
        found.push(format!("status {status} not {:?}", recorded.status));
    }
    let content_type = response.headers.get("content-type").map(|value| value.to_str().unwrap());
    if recorded.content_type.is_some() && content_type != recorded.content_type.as_deref() {
        found.push(format!("content type {content_type:?} not {:?}", recorded.content_type));
    }
    if let Some(expected) = expected {
        match serde_json::from_slice::<Value>(&response.body) {
            Ok(actual) => differences("", expected, &actual, &mut found),
            Err(error) => found.push(format!("no JSON: {error}")),
        }
    }
    found
}

/// Words that must be equal; other texts need only be texts.
const EXACT: [&str; 16] = [
    "type",
    "reason",
    "error",
    "state",
    "status",
    "stage",
    "snapshot",
    "index",
    "repository",
    "version",
    "result",
    "resource.id",
    "name",
    "id",
    "alias",
    "health",
];

fn differences(path: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    let key = path.rsplit('/').next().unwrap_or_default();
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            let dynamic = key == "nodes";
            let keys = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<BTreeSet<_>>();
            if dynamic {
                if let (Some(a), Some(b)) = (expected.values().next(), actual.values().next()) {
                    differences(&format!("{path}/*"), a, b, found);
                }
                return;
            }
            let (wanted, given) = (keys(expected), keys(actual));
            for missing in wanted.difference(&given) {
                found.push(format!("{path}/{missing} is missing"));
            }
            for extra in given.difference(&wanted) {
                found.push(format!("{path}/{extra} is too much: {}", actual[extra]));
            }
            for (key, value) in expected {
                if let Some(given) = actual.get(key) {
                    differences(&format!("{path}/{key}"), value, given, found);
                }
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            if expected.len() != actual.len() {
                found.push(format!("{path} has {} entries, not {}", actual.len(), expected.len()));
            }
            let (expected, actual) = (sorted(expected), sorted(actual));
            for (place, (expected, actual)) in expected.iter().zip(&actual).enumerate() {
                differences(&format!("{path}/{place}"), expected, actual, found);
            }
        }
        (Value::String(expected), Value::String(actual)) => {
            let (expected, actual) = (masked(expected), masked(actual));
            // Long sentences may end early: hints and addresses of manuals are left out.
            let (a, b) = (expected.trim_end_matches([';', ']']), actual.trim_end_matches([';', ']']));
            let long = a.len().min(b.len()) > 40;
            let file = a.contains("snap-") && b.contains("snap-");
            let same = a == b || file || (long && (a.starts_with(b) || b.starts_with(a)));
            if EXACT.contains(&key) && !same {
                found.push(format!("{path} is {actual:?}, not {expected:?}"));
            }
        }
        (Value::Number(expected), Value::Number(actual)) => {
            let exact = ["total", "failed", "successful", "remaining", "count", "status", "version_id"];
            if expected.is_f64() != actual.is_f64()
                || (exact.contains(&key) && !path.contains("/files/") && expected != actual)
            {
                found.push(format!("{path} is {actual}, not {expected}"));
            }
        }
        (Value::Bool(expected), Value::Bool(actual)) if expected == actual => {}
        (Value::Null, Value::Null) => {}
        _ => found.push(format!("{path} is {actual}, not {expected}")),
    }
}

/// Servers give lists in any order.
fn sorted(list: &[Value]) -> Vec<&Value> {
    let name = |value: &Value| {
        let named =
            ["snapshot", "index", "name", "id", "alias", "shard_id"].iter().find_map(|key| value.get(key));
        named.unwrap_or(value).to_string()
    };
    let mut list: Vec<&Value> = list.iter().collect();
    list.sort_by_key(|value| name(value));
    list
}

/// Texts without what differs from run to run.
fn masked(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for letter in text.chars().chain(['\0']) {
        if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_') {
            word.push(letter);
            continue;
        }
        let uuid = word.len() == 22 && word.chars().any(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        // How many shards are open depends on what was done off the record.
        let count = out.ends_with("currently has [");
        out.push_str(if uuid {
            "<uuid>"
        } else if count {
            "#"
        } else {
            &word
        });
        word.clear();
        out.push(letter);
    }
    out.trim_end_matches('\0').to_owned()
}
