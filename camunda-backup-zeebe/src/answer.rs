//! Reading what servers send: fields may be missing, of another type, or unknown; only what makes an answer the
//! answer of its endpoint is required.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A value that is read from a server's JSON by hand.
pub(crate) trait FromAnswer: Sized {
    /// Reads it; the error says in a few words what is missing.
    fn from_answer(json: &Value) -> Result<Self, String>;
}

/// Lets [`HttpClient::decode`](camunda_backup_core::HttpClient::decode) read a [`FromAnswer`], so that its errors name
/// component, operation and address.
pub(crate) struct Answer<T>(pub(crate) T);

impl<'de, T: FromAnswer> Deserialize<'de> for Answer<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(deserializer)?;
        T::from_answer(&json).map(Answer).map_err(D::Error::custom)
    }
}

impl<T: FromAnswer> FromAnswer for Vec<T> {
    fn from_answer(json: &Value) -> Result<Self, String> {
        json.as_array().ok_or("not an array")?.iter().map(T::from_answer).collect()
    }
}

/// A text that is there and not empty.
pub(crate) fn text(json: &Value, key: &str) -> Option<String> {
    json.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// An integer, written as a number or as text.
pub(crate) fn integer(json: &Value, key: &str) -> Option<i64> {
    match json.get(key)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A count or a partition's number.
pub(crate) fn number(json: &Value, key: &str) -> Option<u32> {
    integer(json, key).and_then(|value| u32::try_from(value).ok())
}

/// An id that some versions write as a number and others as text (`0`, `"0"`, `"zone_0"`, `"-1"`).
pub(crate) fn id(json: &Value, key: &str) -> Option<String> {
    match json.get(key)? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// The entries of an array; none when there is no array.
pub(crate) fn entries<'a>(json: &'a Value, key: &str) -> &'a [Value] {
    json.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
pub(crate) fn read<T: FromAnswer>(json: &str) -> T {
    serde_json::from_str::<Answer<T>>(json).unwrap().0
}

/// Arbitrary JSON, with the given keys among the members so that decoders get past their first look.
#[cfg(test)]
pub(crate) fn any_json(keys: &'static [&'static str]) -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..4_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        proptest::sample::select(vec!["COMPLETED", "DOES_NOT_EXIST", "LEADER", "x", "", "7"])
            .prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        let key = prop_oneof![4 => proptest::sample::select(keys.to_vec()).prop_map(str::to_owned), 1 => "[a-z0-9]{1,4}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn d16_numbers_and_ids_are_read_in_every_spelling() {
        let json =
            json!({"a": 7, "b": " 7 ", "c": 1.5, "d": "zone_0", "e": null, "f": [7], "g": -1, "h": 1e30});
        assert_eq!(
            ["a", "b", "c", "d", "e", "f", "h"].map(|key| integer(&json, key)),
            [Some(7), Some(7), None, None, None, None, None]
        );
        assert_eq!(
            ["a", "d", "e", "g", "x"].map(|key| id(&json, key)),
            [Some("7".into()), Some("zone_0".into()), None, Some("-1".into()), None]
        );
        assert_eq!(number(&json, "g"), None);
        assert!(entries(&json, "a").is_empty());
    }
}
