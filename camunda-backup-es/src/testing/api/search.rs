//! `/{index}/_search`: the queries and aggregations that a backup needs, over plain documents.

use serde_json::{Map, Value, json};

use crate::testing::api::search_aggregations;
use crate::testing::state::searchable::searchable;
use crate::testing::state::server::State;
use crate::testing::wire::answer::{Failure, Reply};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{Expand, matches, split};

/// A query that this store understands.
#[derive(Debug, Clone)]
pub(crate) enum Query {
    All,
    None,
    /// `term`, `terms`, `match` on whole values, `ids`.
    OneOf(String, Vec<Value>),
    Exists(String),
    Prefix(String, String),
    Wildcard(String, String),
    Range(String, Vec<(String, Value)>),
    Bool {
        must: Vec<Query>,
        should: Vec<Query>,
        must_not: Vec<Query>,
    },
}

impl Query {
    pub(crate) fn parse(value: &Value) -> Result<Self, Failure> {
        let Some((kind, inner)) = value.as_object().and_then(|map| map.iter().next()) else {
            return Err(Failure::of(400, "parsing_exception", "query malformed, empty clause found"));
        };
        let field = || inner.as_object().and_then(|map| map.iter().find(|(name, _)| *name != "boost"));
        let missing = || Failure::of(400, "parsing_exception", format!("[{kind}] query malformed, no field"));
        Ok(match kind.as_str() {
            "match_all" => Self::All,
            "match_none" => Self::None,
            "ids" => Self::OneOf("_id".to_owned(), list(inner.get("values"))),
            "exists" => {
                let field = inner.get("field").and_then(Value::as_str).ok_or_else(missing)?;
                Self::Exists(field.to_owned())
            }
            "term" | "match" | "match_phrase" | "terms" => {
                let (name, value) = field().ok_or_else(missing)?;
                let value = value.get("value").or_else(|| value.get("query")).unwrap_or(value);
                Self::OneOf(name.clone(), list(Some(value)))
            }
            "prefix" | "wildcard" => {
                let (name, value) = field().ok_or_else(missing)?;
                let text = value.get("value").unwrap_or(value).as_str().unwrap_or_default().to_owned();
                let make = if kind == "prefix" { Self::Prefix } else { Self::Wildcard };
                make(name.clone(), text)
            }
            "range" => {
                let (name, bounds) = field().ok_or_else(missing)?;
                let bounds = bounds.as_object().into_iter().flatten();
                Self::Range(name.clone(), bounds.map(|(op, bound)| (op.clone(), bound.clone())).collect())
            }
            "bool" => Self::parse_bool(inner)?,
            "constant_score" => Self::parse(inner.get("filter").unwrap_or(&Value::Null))?,
            other => {
                let reason = format!("unknown query [{other}]");
                return Err(Failure::of(400, "parsing_exception", reason)
                    .with("line", 1)
                    .with("col", 1)
                    .caused_by(
                        "named_object_not_found_exception",
                        format!("[1:1] unknown field [{other}]"),
                    ));
            }
        })
    }

    fn parse_bool(inner: &Value) -> Result<Self, Failure> {
        let clauses = |name: &str| -> Result<Vec<Self>, Failure> {
            list(inner.get(name)).iter().map(Self::parse).collect()
        };
        let mut must = clauses("must")?;
        must.extend(clauses("filter")?);
        Ok(Self::Bool { must, should: clauses("should")?, must_not: clauses("must_not")? })
    }

    pub(crate) fn takes(&self, id: &str, source: &Value) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::OneOf(field, wanted) if field == "_id" => {
                wanted.iter().any(|value| value.as_str() == Some(id))
            }
            Self::OneOf(field, wanted) => {
                values(source, field).iter().any(|value| wanted.iter().any(|one| same(value, one)))
            }
            Self::Exists(field) => !values(source, field).is_empty(),
            Self::Prefix(field, start) => texts(source, field).any(|text| text.starts_with(start)),
            Self::Wildcard(field, pattern) => texts(source, field).any(|text| matches(pattern, &text)),
            Self::Range(field, bounds) => values(source, field)
                .iter()
                .any(|value| bounds.iter().all(|(op, bound)| within(value, op, bound))),
            Self::Bool { must, should, must_not } => {
                let takes = |query: &Self| query.takes(id, source);
                must.iter().all(takes)
                    && !must_not.iter().any(takes)
                    && (should.is_empty() || !must.is_empty() || should.iter().any(takes))
            }
        }
    }
}

fn list(value: Option<&Value>) -> Vec<Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(items)) => items.clone(),
        Some(one) => vec![one.clone()],
    }
}

fn same(a: &Value, b: &Value) -> bool {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    a == b || text(a) == text(b)
}

fn within(value: &Value, op: &str, bound: &Value) -> bool {
    let order = match (value.as_f64(), bound.as_f64()) {
        (Some(value), Some(bound)) => value.partial_cmp(&bound),
        _ => value.as_str().zip(bound.as_str()).map(|(value, bound)| value.cmp(bound)),
    };
    let Some(order) = order else { return !matches!(op, "gt" | "gte" | "lt" | "lte") };
    match op {
        "gt" => order.is_gt(),
        "gte" => order.is_ge(),
        "lt" => order.is_lt(),
        "lte" => order.is_le(),
        _ => true,
    }
}

/// The values of a field: dots go into objects, lists are several values, `.keyword` is the same text.
pub(crate) fn values<'a>(source: &'a Value, field: &str) -> Vec<&'a Value> {
    let field = field.strip_suffix(".keyword").unwrap_or(field);
    let mut found = Vec::new();
    collect(source, field, &mut found);
    found
}

fn collect<'a>(source: &'a Value, path: &str, found: &mut Vec<&'a Value>) {
    match source {
        Value::Array(items) => items.iter().for_each(|item| collect(item, path, found)),
        Value::Object(map) if !path.is_empty() => {
            if let Some(value) = map.get(path) {
                collect(value, "", found);
            } else if let Some((first, rest)) = path.split_once('.') {
                if let Some(inner) = map.get(first) {
                    collect(inner, rest, found);
                }
            }
        }
        Value::Null | Value::Object(_) => {}
        leaf if path.is_empty() => found.push(leaf),
        _ => {}
    }
}

fn texts(source: &Value, field: &str) -> impl Iterator<Item = String> {
    values(source, field).into_iter().filter_map(Value::as_str).map(str::to_owned)
}

const BODY_KEYS: [&str; 17] = [
    "query",
    "size",
    "from",
    "aggs",
    "aggregations",
    "sort",
    "_source",
    "track_total_hits",
    "timeout",
    "version",
    "seq_no_primary_term",
    "fields",
    "stored_fields",
    "docvalue_fields",
    "min_score",
    "search_after",
    "terminate_after",
];

const PARAMS: [&str; 17] = [
    "size",
    "from",
    "expand_wildcards",
    "ignore_unavailable",
    "allow_no_indices",
    "track_total_hits",
    "request_cache",
    "_source",
    "typed_keys",
    "rest_total_hits_as_int",
    "filter",
    "preference",
    "routing",
    "timeout",
    "q",
    "sort",
    "allow_partial_search_results",
];

pub(crate) fn search(state: &State, exchange: &Exchange, indices: &str) -> Result<Reply, Failure> {
    exchange.only(&PARAMS)?;
    let body = exchange.object(&state.dialect)?;
    if let Some((key, _)) = body.iter().find(|(key, _)| !BODY_KEYS.contains(&key.as_str())) {
        let reason = format!("Unknown key for a VALUE_NUMBER in [{key}].");
        return Err(Failure::of(400, "parsing_exception", reason).with("line", 1).with("col", 1));
    }
    let query = body.get("query").map(Query::parse).transpose()?.unwrap_or(Query::All);
    let names = state.resolve(&split(indices), Expand::OPEN.of_query(exchange)?)?;
    let (names, shards) = searchable(state, names)?;
    if shards["total"] == 0 {
        // Nobody was asked, so nobody has counted or aggregated anything.
        let hits = json!({"max_score": 0.0, "hits": []});
        return Ok(Reply::ok(json!({"took": 0, "timed_out": false, "_shards": shards, "hits": hits})));
    }
    let mut hits: Vec<(&String, &String, &Value)> = Vec::new();
    for (name, index) in names.iter().filter_map(|name| state.indices.get_key_value(name)) {
        let documents = index.documents.iter().filter(|(id, source)| query.takes(id, source));
        hits.extend(documents.map(|(id, source)| (name, id, source)));
    }
    let sources: Vec<&Value> = hits.iter().map(|(_, _, source)| *source).collect();
    let aggregations = body.get("aggs").or_else(|| body.get("aggregations"));
    let aggregations = aggregations.map(|wanted| search_aggregations::run(wanted, &sources)).transpose()?;
    let total = json!({"value": hits.len(), "relation": "eq"});
    let shown = page(exchange, &body, &hits);
    let max_score = if shown.is_empty() { Value::Null } else { json!(1.0) };
    let mut answer = json!({
        "took": 1,
        "timed_out": false,
        "_shards": shards,
        "hits": {"max_score": max_score, "hits": shown},
    });
    if body.get("track_total_hits") != Some(&Value::Bool(false)) {
        answer["hits"]["total"] = total;
    } else if !state.dialect.elasticsearch && state.dialect.major >= 3 {
        answer["terminated_early"] = json!(true);
    }
    if let Some(aggregations) = aggregations {
        answer["aggregations"] = aggregations;
    }
    Ok(Reply::ok(answer))
}

fn page(exchange: &Exchange, body: &Map<String, Value>, hits: &[(&String, &String, &Value)]) -> Vec<Value> {
    let number = |name: &str, default: usize| {
        let from_body = body.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        exchange.param(name).and_then(|text| text.parse().ok()).or(from_body).unwrap_or(default)
    };
    let without_source = body.get("_source") == Some(&Value::Bool(false));
    let mut hits = hits.to_vec();
    sort_hits(body.get("sort"), &mut hits);
    let page = hits.into_iter().skip(number("from", 0)).take(number("size", 10));
    page.map(|(name, id, source)| {
        let mut hit = json!({"_index": name, "_id": id, "_score": 1.0});
        if !without_source {
            hit["_source"] = source.clone();
        }
        hit
    })
    .collect()
}

/// `sort` by one field: a name, `{name: "desc"}` or `{name: {"order": "desc"}}`.
fn sort_hits(sort: Option<&Value>, hits: &mut [(&String, &String, &Value)]) {
    let Some(first) = list(sort).into_iter().next() else { return };
    let (field, descending) = match &first {
        Value::String(field) => (field.clone(), false),
        Value::Object(map) => {
            let Some((field, how)) = map.iter().next() else { return };
            let order = how.get("order").unwrap_or(how);
            (field.clone(), order.as_str() == Some("desc"))
        }
        _ => return,
    };
    hits.sort_by(|a, b| {
        let order = search_aggregations::compare(values(a.2, &field).first(), values(b.2, &field).first());
        if descending { order.reverse() } else { order }
    });
}
