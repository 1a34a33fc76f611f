//! Reading settings from any self-describing format so that nothing is dropped in silence: a key that is not known is an error
//! with its name and the nearest known one, and every key may be written in `kebab-case` or `snake_case`.

mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::{Deserialize, Deserializer, Serializer, forward_to_deserialize_any};
use serde_json::{Map, Value};

use whole::{Key, Whole};

/// A deserializer for a struct of settings: hand it to what `#[serde(remote = "Self")]` derives.
///
/// What it reads is read whole first, so the format must be self-describing (JSON, YAML, TOML and the like).
#[derive(Debug)]
pub struct Strict<D>(pub D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let given = self.0.deserialize_map(Given)?;
        let mut settings = Vec::with_capacity(given.len());
        let mut seen = BTreeSet::new();
        for (key, value) in given {
            let known = fields.iter().find(|field| same(field, &key)).ok_or_else(|| unknown(&key, fields));
            let known = *known.map_err(D::Error::custom)?;
            if !seen.insert(known) {
                return Err(D::Error::custom(format!("setting `{known}` is given twice")));
            }
            settings.push((known, value));
        }
        settings.reverse();
        let mut value = None;
        let access = Settings { settings: &mut settings, value: &mut value };
        visitor.visit_map(access).map_err(D::Error::custom)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn same(field: &str, key: &str) -> bool {
    let plain = |text: &str| text.trim().replace('_', "-");
    plain(field) == plain(key)
}

fn unknown(key: &str, known: &[&str]) -> String {
    let shown = crate::text::one_line(key);
    let nearest = known.iter().min_by_key(|field| distance(field, &key.replace('_', "-")));
    let all = known.join(", ");
    match nearest.filter(|field| distance(field, &key.replace('_', "-")) <= 1 + field.len() / 3) {
        Some(nearest) => format!("there is no setting `{shown}`; did you mean `{nearest}`?"),
        None => format!("there is no setting `{shown}`; there are: {all}"),
    }
}

/// How many letters differ (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

struct Given;

impl<'de> Visitor<'de> for Given {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("settings with names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut given = Vec::new();
        while let Some((Key(key), Whole(value))) = map.next_entry()? {
            given.push((key, value));
        }
        Ok(given)
    }
}

struct Settings<'a> {
    settings: &'a mut Vec<(&'static str, Value)>,
    value: &'a mut Option<(&'static str, Value)>,
}

impl<'de> MapAccess<'de> for Settings<'_> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        let Some((key, value)) = self.settings.pop() else { return Ok(None) };
        *self.value = Some((key, value));
        let key: StrDeserializer<'_, serde_json::Error> = key.into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Self::Error> {
        let (key, value) = self.value.take().unwrap_or(("", Value::Null));
        seed.deserialize(value).map_err(|error| Self::Error::custom(format!("{key}: {error}")))
    }
}

/// Reads a map of settings by name; an error tells the name.
///
/// # Errors
/// A name or a value that cannot be used, a name that is given twice.
pub fn by_name<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    K: FromStr<Err = crate::Error> + Ord,
    V: DeserializeOwned,
    D: Deserializer<'de>,
{
    let Whole(value) = Whole::deserialize(deserializer)?;
    let Value::Object(entries) = value else {
        return Err(D::Error::custom("write a map, a line `name: value` for each"));
    };
    let entries = entries.into_iter().map(|(name, value)| {
        let key = name.parse().map_err(|error: crate::Error| D::Error::custom(format!("{name}: {error}")))?;
        let value = V::deserialize(value).map_err(|error| D::Error::custom(format!("{name}: {error}")))?;
        Ok((key, value))
    });
    entries.collect()
}

/// Reads a list of settings; an error tells the place, counted from 1.
///
/// # Errors
/// A value that cannot be used.
pub fn in_order<'de, V: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<V>, D::Error> {
    let Whole(value) = Whole::deserialize(deserializer)?;
    let Value::Array(entries) = value else {
        return Err(D::Error::custom("write a list, a line `- value` for each"));
    };
    let entries = entries.into_iter().enumerate().map(|(place, value)| {
        V::deserialize(value).map_err(|error| D::Error::custom(format!("entry {}: {error}", place + 1)))
    });
    entries.collect()
}

/// Any value, read whole: nothing is lost when a key is there twice.
pub(crate) fn anything<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Whole::deserialize(deserializer).map(|Whole(value)| value)
}

/// Reads a duration: `"90s"`, `"5m"`, `"1h30m"`, `"250ms"`, or `{secs, nanos}`.
///
/// # Errors
/// Says what a duration looks like.
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    struct AnyForm;

    impl<'de> Visitor<'de> for AnyForm {
        type Value = Duration;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a duration such as \"90s\", \"5m\" or \"1h30m\"")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Duration, E> {
            parse_duration(text).map_err(E::custom)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Duration, A::Error> {
            let mut fields = Map::new();
            while let Some((key, value)) = map.next_entry::<String, Value>()? {
                if !matches!(key.as_str(), "secs" | "nanos") {
                    return Err(A::Error::custom(unknown(&key, &["secs", "nanos"])));
                }
                fields.insert(key, value);
            }
            fields.entry("nanos").or_insert_with(|| Value::from(0));
            Duration::deserialize(Value::Object(fields)).map_err(A::Error::custom)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Duration, A::Error> {
            let secs: u64 = seq.next_element()?.unwrap_or_default();
            let nanos: u32 = seq.next_element()?.unwrap_or_default();
            Ok(Duration::from_secs(secs) + Duration::from_nanos(u64::from(nanos)))
        }
    }

    deserializer.deserialize_any(AnyForm)
}

/// Writes a duration as people do: `15m`, `1h30m`, `1s500ms`; what is finer than milliseconds is cut off.
///
/// # Errors
/// None of its own.
pub fn write_duration<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let mut rest = duration.as_millis();
    let mut parts = Vec::new();
    for (unit, millis) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        let (whole, left) = (rest / millis, rest % millis);
        if whole > 0 {
            parts.push(format!("{whole}{unit}"));
        }
        rest = left;
    }
    if parts.is_empty() { serializer.serialize_str("0s") } else { serializer.serialize_str(&parts.concat()) }
}

/// Parses what people write: whole numbers with `d`, `h`, `m`, `s` or `ms`, one after the other, such as `1h30m`.
///
/// # Errors
/// Says what a duration looks like; a number without a unit is refused, because nobody can tell which was meant.
pub fn parse_duration(text: &str) -> crate::Result<Duration> {
    let bad = || {
        let shown = crate::text::one_line(text);
        let message = format!("{shown:?} is not a duration");
        crate::Error::new(crate::ErrorKind::InvalidInput, message)
            .with_subject("write it with units, such as 90s, 5m or 1h30m")
    };
    let (mut rest, mut total) = (text.trim(), Duration::ZERO);
    if rest.is_empty() {
        return Err(bad());
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().map_err(|_| bad())?;
        rest = rest[digits..].trim_start();
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let millis = match &rest[..letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(bad()),
        };
        let part = number.checked_mul(millis).map(Duration::from_millis).ok_or_else(bad)?;
        total = total.checked_add(part).ok_or_else(bad)?;
        rest = rest[letters..].trim_start();
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(remote = "Self", rename_all = "kebab-case", default)]
    struct Example {
        max_pause: Duration,
        name: String,
    }

    impl Default for Example {
        fn default() -> Self {
            Self { max_pause: Duration::ZERO, name: "n".to_owned() }
        }
    }

    impl<'de> Deserialize<'de> for Example {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Self::deserialize(Strict(deserializer))
        }
    }

    fn read(json: &str) -> Result<Example, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn both_cases_are_read_and_nothing_else() {
        for key in ["max-pause", "max_pause"] {
            let read = read(&format!(r#"{{"{key}": {{"secs": 5, "nanos": 0}}}}"#)).unwrap();
            assert_eq!(read.max_pause, Duration::from_secs(5));
        }
        let unknown = read(r#"{"max-pauze": 1}"#).unwrap_err();
        assert!(unknown.contains("`max-pauze`; did you mean `max-pause`?"), "{unknown}");
        let strange = read(r#"{"completely-different": 1}"#).unwrap_err();
        assert!(strange.contains("there are: max-pause, name"), "{strange}");
        let twice = read(r#"{"max_pause": {"secs":1,"nanos":0}, "max-pause": {"secs":1,"nanos":0}}"#);
        assert!(twice.unwrap_err().contains("given twice"));
        let wrong = read(r#"{"name": []}"#).unwrap_err();
        assert!(wrong.contains("name: "), "{wrong}");
    }

    #[test]
    fn maps_and_lists_name_the_entry_that_is_wrong_and_lose_none() {
        let map =
            |json: &str| by_name::<crate::BrokerId, u8, _>(&mut serde_json::Deserializer::from_str(json));
        assert_eq!(map(r#"{"0": 7, "zone_1": 8}"#).unwrap().len(), 2);
        for (json, words) in [
            (r#"{"0": 7, "0": 8}"#, "setting `0` is given twice"),
            (r#"{"0": "x"}"#, "0: invalid type"),
            (r#"{"a b": 1}"#, "a b: "),
            ("[1]", "write a map"),
        ] {
            let error = map(json).unwrap_err().to_string();
            assert!(error.contains(words), "{json}: {error}");
        }
        let list = |json: &str| in_order::<u8, _>(&mut serde_json::Deserializer::from_str(json));
        assert_eq!(list("[1, 2]").unwrap(), [1, 2]);
        assert!(list("[1, 300]").unwrap_err().to_string().contains("entry 2: "));
        assert!(list("7").unwrap_err().to_string().contains("write a list"));
        let nested = read(r#"{"max-pause": {"secs": 1, "secs": 2, "nanos": 0}}"#).unwrap_err();
        assert!(nested.contains("`secs` is given twice"), "{nested}");
    }

    #[test]
    fn durations_as_people_write_them() {
        for (text, millis) in [
            ("90s", 90_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("250ms", 250),
            ("1d", 86_400_000),
            ("1h 5s", 3_605_000),
        ] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(millis), "{text}");
        }
        for (millis, text) in
            [(0, "0s"), (900_000, "15m"), (5_400_000, "1h30m"), (1_500, "1s500ms"), (86_400_000, "24h")]
        {
            let written =
                write_duration(&Duration::from_millis(millis), serde_json::value::Serializer).unwrap();
            assert_eq!(written, text);
            assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(millis));
        }
        for bad in
            ["", "5", "m", "5x", "-5m", "1.5h", "99999999999999999999s", "18446744073709551615d", "5mm", "🦀"]
        {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
