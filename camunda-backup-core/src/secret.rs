//! Values that must never be seen: no `Display`, a `Debug` without the value, no `Serialize`.

use std::fmt;
use std::sync::Arc;

use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// A password, token, key or API key.
///
/// It can be read from a configuration but never written: there is no `Serialize`, no `Display`, and `Debug` prints
/// `Secret(…)`. The value is reached by [`Secret::expose`] only, so every use can be found by name.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a secret value.
    pub fn new(value: impl AsRef<str>) -> Self {
        Self(Arc::from(value.as_ref()))
    }

    /// The value itself. Never log, print or store what this returns.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

/// By hand, because serde's own messages repeat the value: `invalid type: integer 12345, expected a string`.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOnly)
    }
}

struct TextOnly;

impl TextOnly {
    fn refused<E: serde::de::Error>() -> E {
        E::invalid_type(Unexpected::Other("something else"), &Self)
    }
}

impl<'de> Visitor<'de> for TextOnly {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret as a string (in YAML, put numbers in quotes)")
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Secret, E> {
        Ok(Secret::new(value))
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Secret, E> {
        Err(Self::refused())
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Secret, E> {
        Err(Self::refused())
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Secret, E> {
        Err(Self::refused())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Secret, E> {
        Err(Self::refused())
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Secret, E> {
        Err(Self::refused())
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, _: A) -> Result<Secret, A::Error> {
        Err(A::Error::custom("a secret must be a string, not a list"))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, _: A) -> Result<Secret, A::Error> {
        Err(A::Error::custom("a secret must be a string, not a map"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_from_text_and_never_repeated_in_a_message() {
        assert_eq!(serde_json::from_str::<Secret>("\"hunter2\"").unwrap(), Secret::new("hunter2"));
        for bad in ["4711", "-4711", "4711.5", "true", "[\"4711\"]", "{\"4711\":4711}", "null"] {
            let message = serde_json::from_str::<Secret>(bad).unwrap_err().to_string();
            assert!(!message.contains("4711"), "{message}");
        }
    }
}
