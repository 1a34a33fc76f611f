//! A strict checker for the part of JSON Schema (2020-12) that `docs/*.schema.json` uses. A keyword that it does not know is an
//! error, so that no rule of a schema is passed over.

use std::collections::BTreeSet;

use serde_json::Value;

/// What one schema made of some documents.
pub(crate) struct Checker {
    schema: Value,
    /// The properties that were seen, as paths within the schema.
    seen: BTreeSet<String>,
}

impl Checker {
    pub(crate) fn new(schema: Value) -> Self {
        Self { schema, seen: BTreeSet::new() }
    }

    /// What is wrong with a document, with its place; nothing when it fits the form of this name.
    pub(crate) fn check(&mut self, form: &str, document: &Value) -> Result<(), String> {
        self.fits(&format!("/$defs/{form}"), document, "")
    }

    /// The properties of the schema that no document had.
    pub(crate) fn unseen(&self) -> Vec<String> {
        let mut all = BTreeSet::new();
        properties("", &self.schema, &mut all);
        all.difference(&self.seen).cloned().collect()
    }

    fn at(&self, pointer: &str) -> Value {
        let found = self.schema.pointer(pointer);
        found.unwrap_or_else(|| panic!("the schema has no {pointer}")).clone()
    }

    fn fits(&mut self, pointer: &str, value: &Value, place: &str) -> Result<(), String> {
        let rules = self.at(pointer);
        let wrong = |what: String| Err(format!("{}: {what}", if place.is_empty() { "/" } else { place }));
        for (keyword, rule) in rules.as_object().unwrap() {
            let here = format!("{pointer}/{}", keyword.replace('~', "~0").replace('/', "~1"));
            match keyword.as_str() {
                "$schema" | "$id" | "$defs" | "title" | "description" | "required" => {}
                "$ref" => self.fits(rule.as_str().unwrap().strip_prefix('#').unwrap(), value, place)?,
                "type" => {
                    let types = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                    if !types.iter().any(|name| is_of(name.as_str().unwrap(), value)) {
                        return wrong(format!("{value} is not of type {rule}"));
                    }
                }
                "const" if rule == value => {}
                "enum" if rule.as_array().unwrap().contains(value) => {}
                "const" | "enum" => return wrong(format!("{value} is none of {rule}")),
                "format" => {
                    assert_eq!(rule, "date-time");
                    if value.as_str().is_some_and(|text| !is_moment(text)) {
                        return wrong(format!("{value} is no RFC 3339 time in UTC"));
                    }
                }
                "items" => {
                    for (number, entry) in value.as_array().into_iter().flatten().enumerate() {
                        self.fits(&here, entry, &format!("{place}/{number}"))?;
                    }
                }
                "properties" => self.members(&here, value, place)?,
                "additionalProperties" => {
                    let known = rules.get("properties").and_then(Value::as_object);
                    let others = value.as_object().into_iter().flatten();
                    for (name, member) in
                        others.filter(|(name, _)| known.is_none_or(|known| !known.contains_key(*name)))
                    {
                        if rule == &Value::Bool(false) {
                            return wrong(format!("there is no property {name:?}"));
                        }
                        self.fits(&here, member, &format!("{place}/{name}"))?;
                    }
                }
                "oneOf" => self.one_of(&here, rule.as_array().unwrap().len(), value, place)?,
                other => panic!("the checker does not know {other:?}"),
            }
        }
        let required = rules.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.map(|name| name.as_str().unwrap()) {
            if value.as_object().is_some_and(|members| !members.contains_key(name)) {
                return wrong(format!("{name:?} is missing"));
            }
        }
        Ok(())
    }

    fn members(&mut self, pointer: &str, value: &Value, place: &str) -> Result<(), String> {
        let names: Vec<String> = self.at(pointer).as_object().unwrap().keys().cloned().collect();
        for name in names {
            if let Some(member) = value.get(&name) {
                let here = format!("{pointer}/{name}");
                self.fits(&here, member, &format!("{place}/{name}"))?;
                self.seen.insert(here);
            }
        }
        Ok(())
    }

    /// What the forms that do not fit have seen does not count.
    fn one_of(&mut self, pointer: &str, forms: usize, value: &Value, place: &str) -> Result<(), String> {
        let before = self.seen.clone();
        let (mut fitting, mut problems) = (Vec::new(), Vec::new());
        for form in 0..forms {
            self.seen.clone_from(&before);
            match self.fits(&format!("{pointer}/{form}"), value, place) {
                Ok(()) => fitting.push(self.seen.clone()),
                Err(problem) => problems.push(problem),
            }
        }
        self.seen = before;
        match <[_; 1]>::try_from(fitting) {
            Ok([seen]) => {
                self.seen = seen;
                Ok(())
            }
            Err(fitting) => {
                let fits = fitting.len();
                Err(format!("{place}: {fits} of {forms} forms fit {value}: {}", problems.join(" | ")))
            }
        }
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other:?}"),
    }
}

/// `2025-06-03T07:53:41.123Z`: the one form that is written.
fn is_moment(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00.000Z"
}

fn properties(pointer: &str, schema: &Value, into: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            let here = format!("{pointer}/{name}");
            if pointer.ends_with("/properties") {
                into.insert(here.clone());
            }
            properties(&here, member, into);
        }),
        Value::Array(members) => members
            .iter()
            .enumerate()
            .for_each(|(place, member)| properties(&format!("{pointer}/{place}"), member, into)),
        _ => {}
    }
}
