//! Reading fields that servers leave out, set to null, or write once as a number and once as a string.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// A field that may be null: then its default.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A number, a string of digits, or null.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(|_| D::Error::custom("not a number")),
        value => value.as_u64().map(Some).ok_or_else(|| D::Error::custom("not a number")),
    }
}

/// The keys of a map whose values do not matter.
#[derive(Debug, Default)]
pub(crate) struct Keys(pub(crate) BTreeSet<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeysOnly;

        impl<'de> Visitor<'de> for KeysOnly {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = BTreeSet::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.insert(key);
                }
                Ok(Keys(keys))
            }
        }

        deserializer.deserialize_map(KeysOnly)
    }
}

/// A scalar as text: strings as they are, numbers and booleans printed, null and containers as JSON.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Decodes JSON that is already in memory.
pub(crate) fn from_slice<T: DeserializeOwned>(body: &[u8]) -> camunda_backup_core::Result<T> {
    // serde quotes what it did not expect, at any length.
    let shortened = |error: serde_json::Error| camunda_backup_core::text::one_line(&error.to_string());
    serde_json::from_slice(body).map_err(|error| not_an_answer(body).with_source(shortened(error)))
}

fn not_an_answer(body: &[u8]) -> camunda_backup_core::Error {
    use camunda_backup_core::{Error, ErrorKind, Outcome};
    let html = body.iter().copied().find(|byte| !byte.is_ascii_whitespace()) == Some(b'<');
    let error = if html {
        Error::new(ErrorKind::WrongComponent, "a web page came back instead of the search store's answer")
    } else {
        Error::new(ErrorKind::Decode, "the answer is not what the search store sends")
    };
    error.with_outcome(Outcome::Unknown)
}
