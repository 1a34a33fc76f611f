//! What is kept of an answer: which fields it has and of which types, never what is in them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::words::Words;

/// Paths of a JSON document with the types seen there, such as `snapshots[].state: string`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shape(BTreeMap<String, BTreeSet<&'static str>>);

impl Shape {
    /// The shape of a body; what is no JSON is one text.
    pub(super) fn of(body: &[u8], words: &Words) -> Self {
        let mut shape = Self::default();
        match serde_json::from_slice(body) {
            Ok(json) => shape.add("", &json, words),
            Err(_) if body.is_empty() => {}
            Err(_) => shape.put("", "no JSON"),
        }
        shape
    }

    /// Adds what another answer of the same kind has.
    pub(super) fn merge(&mut self, other: Self) {
        for (path, types) in other.0 {
            self.0.entry(path).or_default().extend(types);
        }
    }

    /// One line for each path.
    pub(super) fn lines(&self) -> Vec<String> {
        let line = |(path, types): (&String, &BTreeSet<&'static str>)| {
            let types: Vec<&str> = types.iter().copied().collect();
            format!("{path}: {}", types.join(" or "))
        };
        self.0.iter().map(line).collect()
    }

    fn add(&mut self, path: &str, json: &Value, words: &Words) {
        match json {
            Value::Null => self.put(path, "null"),
            Value::Bool(_) => self.put(path, "boolean"),
            Value::Number(_) => self.put(path, "number"),
            Value::String(_) => self.put(path, "string"),
            Value::Array(entries) => {
                self.put(path, "array");
                for entry in entries {
                    self.add(&format!("{path}[]"), entry, words);
                }
            }
            Value::Object(fields) => {
                self.put(path, "object");
                for (key, value) in fields {
                    let path = format!("{path}.{}", words.key(key));
                    if Words::is_content(key) {
                        self.put(&path, "contents");
                    } else {
                        self.add(&path, value, words);
                    }
                }
            }
        }
    }

    fn put(&mut self, path: &str, kind: &'static str) {
        let path = if path.is_empty() { "." } else { path };
        self.0.entry(path.to_owned()).or_default().insert(kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(body: &str) -> Vec<String> {
        Shape::of(body.as_bytes(), &Words::new("backups")).lines()
    }

    #[test]
    fn paths_have_types_and_no_values() {
        let body = r#"{"a":[{"b":1},{"b":null,"c":"x"}],"1":{"d":true,"mappings":{"e":1}}}"#;
        let expected = [
            ".: object",
            ".a: array",
            ".a[]: object",
            ".a[].b: null or number",
            ".a[].c: string",
            ".{number}: object",
            ".{number}.d: boolean",
            ".{number}.mappings: contents",
        ];
        assert_eq!(lines(body), expected);
    }

    #[test]
    fn what_is_no_json_is_said_to_be_none() {
        assert_eq!(lines("<html>"), [".: no JSON"]);
        assert!(lines("").is_empty());
    }
}
