//! `terms` with sub-aggregations, and the metrics over a numeric field. Metrics are doubles, as on real servers: above
//! 2^53 they are not exact.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use crate::testing::api::search::{Query, values};
use crate::testing::wire::answer::Failure;

pub(crate) fn run(wanted: &Value, sources: &[&Value]) -> Result<Value, Failure> {
    let mut answers = Map::new();
    for (name, spec) in wanted.as_object().into_iter().flatten() {
        answers.insert(name.clone(), one(name, spec, sources)?);
    }
    Ok(Value::Object(answers))
}

fn one(name: &str, spec: &Value, sources: &[&Value]) -> Result<Value, Failure> {
    let inner = spec.get("aggs").or_else(|| spec.get("aggregations"));
    let kinds = spec.as_object().into_iter().flatten();
    let mut kinds = kinds.filter(|(kind, _)| !matches!(kind.as_str(), "aggs" | "aggregations" | "meta"));
    let Some((kind, options)) = kinds.next() else {
        let reason = format!("Missing definition for aggregation [{name}]");
        return Err(Failure::of(400, "parsing_exception", reason));
    };
    let field = options.get("field").and_then(Value::as_str).unwrap_or_default();
    match kind.as_str() {
        "terms" => terms(field, options, inner, sources),
        "filter" => {
            let query = Query::parse(options)?;
            let taken: Vec<&Value> =
                sources.iter().copied().filter(|source| query.takes("", source)).collect();
            let mut shape = inner.map_or_else(|| Ok(json!({})), |inner| run(inner, &taken))?;
            shape["doc_count"] = taken.len().into();
            Ok(shape)
        }
        "max" | "min" | "sum" | "avg" | "value_count" | "cardinality" => Ok(metric(kind, field, sources)),
        other => {
            let reason = format!("Unknown aggregation type [{other}]");
            Err(Failure::of(400, "parsing_exception", reason))
        }
    }
}

fn terms(field: &str, options: &Value, inner: Option<&Value>, sources: &[&Value]) -> Result<Value, Failure> {
    let size = options.get("size").and_then(Value::as_u64).unwrap_or(10);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let mut buckets: Vec<(&Value, Vec<&Value>)> = Vec::new();
    for source in sources {
        for value in values(source, field) {
            match buckets.iter_mut().find(|(key, _)| *key == value) {
                Some((_, members)) => members.push(source),
                None => buckets.push((value, vec![source])),
            }
        }
    }
    buckets.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| compare(Some(&a.0), Some(&b.0))));
    let others: usize = buckets.iter().skip(size).map(|(_, members)| members.len()).sum();
    let shapes: Result<Vec<Value>, Failure> = buckets
        .into_iter()
        .take(size)
        .map(|(key, members)| {
            let mut shape = inner.map_or_else(|| Ok(json!({})), |inner| run(inner, &members))?;
            shape["key"] = key.clone();
            shape["doc_count"] = members.len().into();
            if let Value::Bool(flag) = key {
                shape["key"] = u8::from(*flag).into();
                shape["key_as_string"] = flag.to_string().into();
            }
            Ok(shape)
        })
        .collect();
    Ok(json!({
        "doc_count_error_upper_bound": 0,
        "sum_other_doc_count": others,
        "buckets": shapes?,
    }))
}

fn metric(kind: &str, field: &str, sources: &[&Value]) -> Value {
    let all: Vec<&Value> = sources.iter().flat_map(|source| values(source, field)).collect();
    let numbers: Vec<f64> = all.iter().filter_map(|value| value.as_f64()).collect();
    let count = f64::from(u32::try_from(numbers.len()).unwrap_or(u32::MAX));
    let some = |value: f64| if numbers.is_empty() { Value::Null } else { json!(value) };
    let value = match kind {
        "max" => some(numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        "min" => some(numbers.iter().copied().fold(f64::INFINITY, f64::min)),
        "sum" => json!(numbers.iter().sum::<f64>()),
        "avg" => some(numbers.iter().sum::<f64>() / count.max(1.0)),
        "cardinality" => {
            let mut distinct: Vec<String> = all.iter().map(ToString::to_string).collect();
            distinct.sort();
            distinct.dedup();
            distinct.len().into()
        }
        _ => all.len().into(),
    };
    json!({"value": value})
}

/// Numbers by size, texts by letters, nothing last.
pub(crate) fn compare(a: Option<&&Value>, b: Option<&&Value>) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, _) => Ordering::Greater,
        (_, None) => Ordering::Less,
        (Some(a), Some(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => a.as_str().unwrap_or_default().cmp(b.as_str().unwrap_or_default()),
        },
    }
}
