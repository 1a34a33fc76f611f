//! `filter_path`: which parts of an answer are sent.

use serde_json::{Map, Value};

use crate::testing::wire::names::matches;

/// Applies a comma list of paths; parts with a leading `-` exclude. `*` stands inside one name, `**` for any depth.
pub(crate) fn filtered(body: Value, filter: &str) -> Value {
    let (excluded, included): (Vec<&str>, Vec<&str>) = filter
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .partition(|part| part.starts_with('-'));
    let paths = |list: &[&str]| -> Vec<Vec<String>> {
        let strip = |part: &&str| part.trim_start_matches('-').split('.').map(str::to_owned).collect();
        list.iter().map(strip).collect()
    };
    let kept = if included.is_empty() { Some(body) } else { keep(&body, &paths(&included)) };
    let kept = kept.unwrap_or_else(|| Value::Object(Map::new()));
    if excluded.is_empty() { kept } else { drop_paths(kept, &paths(&excluded)) }
}

/// The rest of the paths that go on below a key. A key that itself contains dots takes several parts.
fn below(paths: &[Vec<String>], key: &str) -> (bool, Vec<Vec<String>>) {
    let mut whole = false;
    let mut rest = Vec::new();
    for path in paths {
        let Some((first, tail)) = path.split_first() else { continue };
        if first == "**" {
            rest.push(path.clone());
            if let Some((next, after)) = tail.split_first() {
                if matches(next, key) {
                    whole |= after.is_empty();
                    rest.push(after.to_vec());
                }
            }
            continue;
        }
        for parts in 1..=path.len() {
            if matches(&path[..parts].join("."), key) {
                whole |= parts == path.len();
                rest.push(path[parts..].to_vec());
            }
        }
    }
    (whole, rest)
}

fn keep(value: &Value, paths: &[Vec<String>]) -> Option<Value> {
    match value {
        Value::Object(map) => {
            let mut kept = Map::new();
            for (key, inner) in map {
                let (whole, rest) = below(paths, key);
                if whole {
                    kept.insert(key.clone(), inner.clone());
                } else if !rest.is_empty() {
                    if let Some(inner) = keep(inner, &rest) {
                        kept.insert(key.clone(), inner);
                    }
                }
            }
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(items) => {
            let kept: Vec<Value> = items.iter().filter_map(|item| keep(item, paths)).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}

fn drop_paths(value: Value, paths: &[Vec<String>]) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().filter_map(|(key, inner)| {
                let (whole, rest) = below(paths, &key);
                (!whole).then(|| (key, if rest.is_empty() { inner } else { drop_paths(inner, &rest) }))
            });
            Value::Object(kept.collect())
        }
        Value::Array(items) => items.into_iter().map(|item| drop_paths(item, paths)).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keeps_drops_and_looks_everywhere() {
        let body = json!({"nodes": {"a": {"version": "8", "roles": []}}, "x": {"path.repo": 1, "y": 2}});
        for (filter, expected) in [
            ("nodes.*.version", json!({"nodes": {"a": {"version": "8"}}})),
            ("**.version", json!({"nodes": {"a": {"version": "8"}}})),
            ("x.path.repo", json!({"x": {"path.repo": 1}})),
            ("-nodes,-x.y", json!({"x": {"path.repo": 1}})),
            ("nothing", json!({})),
        ] {
            assert_eq!(filtered(body.clone(), filter), expected, "{filter}");
        }
    }
}
