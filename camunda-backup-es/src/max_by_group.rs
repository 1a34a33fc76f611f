//! The greatest value of a field per value of another one, such as the exported position per partition.

use std::collections::BTreeMap;

use camunda_backup_core::{Call, Effect, Error, ErrorKind, IndexPrefix, Outcome, Result};
use serde::Deserialize;
use serde_json::json;

use crate::client::SearchStore;
use crate::name_chunks::chunks;
use crate::tolerant;

/// More groups than this are an error; Camunda's partitions are a few thousand at most.
const MAX_GROUPS: u32 = 10_000;

/// The greatest integer up to which every integer is a double: aggregations answer in doubles.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

fn max_call(list: &str, group_field: &str, value_field: &str) -> Result<Call> {
    let mut call = Call::post("store.max_by_group", Effect::Read, format!("/{list}/_search"))
        .query("ignore_unavailable", true)
        .query("allow_no_indices", true)
        .query("allow_partial_search_results", false)
        .subject(list);
    call = call.json(&json!({
        "size": 0,
        "track_total_hits": false,
        "aggs": { "groups": {
            "terms": { "field": group_field, "size": MAX_GROUPS },
            "aggs": { "greatest": { "max": { "field": value_field } } },
        }},
    }))?;
    Ok(call)
}

/// Writes since the last refresh become visible to searches.
fn refresh_call(list: &str) -> Call {
    Call::post("store.refresh", Effect::Idempotent, format!("/{list}/_refresh"))
        .query("ignore_unavailable", true)
        .query("allow_no_indices", true)
        .subject(list)
}

fn patterns(prefixes: &[IndexPrefix]) -> Vec<String> {
    prefixes.iter().map(IndexPrefix::pattern).collect()
}

#[derive(Deserialize)]
struct SearchAnswer {
    #[serde(default, deserialize_with = "tolerant::or_default")]
    timed_out: bool,
    #[serde(rename = "_shards")]
    shards: SearchShards,
    #[serde(default)]
    aggregations: Option<Aggregations>,
}

#[derive(Deserialize)]
struct SearchShards {
    #[serde(default, deserialize_with = "tolerant::or_default")]
    failed: u64,
}

#[derive(Deserialize)]
struct Aggregations {
    groups: Groups,
}

#[derive(Deserialize)]
struct Groups {
    #[serde(default, deserialize_with = "tolerant::or_default")]
    sum_other_doc_count: u64,
    buckets: Vec<Bucket>,
}

#[derive(Deserialize)]
struct Bucket {
    key: serde_json::Number,
    greatest: Greatest,
}

#[derive(Deserialize)]
struct Greatest {
    #[serde(default)]
    value: Option<f64>,
}

/// Decodes the search. Groups without any value are left out; no index at all is an empty map.
///
/// # Errors
/// `Failed` when the answer is not complete: a shard failed, time ran out, or there are too many groups. `Decode` for
/// numbers beyond 2^53, which doubles do not hold exactly.
pub(crate) fn max_by_group(body: &[u8]) -> Result<BTreeMap<i64, i64>> {
    let answer: SearchAnswer = tolerant::from_slice(body)?;
    if answer.timed_out || answer.shards.failed > 0 {
        return Err(incomplete("some shards did not answer the search"));
    }
    let Some(aggregations) = answer.aggregations else {
        return Ok(BTreeMap::new());
    };
    if aggregations.groups.sum_other_doc_count > 0 {
        return Err(incomplete("there are more groups than one search shows"));
    }
    let mut greatest = BTreeMap::new();
    for bucket in aggregations.groups.buckets {
        if let Some(value) = bucket.greatest.value {
            let key = bucket.key.as_i64().map_or_else(|| exact(bucket.key.as_f64()), Ok)?;
            greatest.insert(key, exact(Some(value))?);
        }
    }
    Ok(greatest)
}

#[allow(clippy::cast_possible_truncation)]
fn exact(value: Option<f64>) -> Result<i64> {
    match value {
        Some(value) if value.fract() == 0.0 && value.abs() <= MAX_EXACT => Ok(value as i64),
        _ => Err(Error::new(ErrorKind::Decode, "a number of the search is not an exact integer")
            .with_outcome(Outcome::Refused)),
    }
}

fn incomplete(message: &str) -> Error {
    Error::new(ErrorKind::Failed, message).with_outcome(Outcome::Refused)
}

#[derive(Deserialize)]
struct RefreshAnswer {
    #[serde(rename = "_shards")]
    shards: SearchShards,
}

fn refreshed(body: &[u8]) -> Result<()> {
    let answer: RefreshAnswer = tolerant::from_slice(body)?;
    if answer.shards.failed == 0 { Ok(()) } else { Err(incomplete("some shards could not be refreshed")) }
}

impl SearchStore {
    /// The greatest `value_field` per `group_field` over all open indices that one of the prefixes covers; no prefix is no
    /// request and an empty map.
    ///
    /// A POST that changes nothing. Sees what has been refreshed; call [`refresh`](Self::refresh) before it to see all.
    /// An alias that begins with a prefix is searched, too: give prefixes that no alias begins with.
    ///
    /// # Errors
    /// `Failed` unless every shard has answered; `Unavailable` while a shard is not active; `Decode` for values beyond
    /// 2^53.
    pub async fn max_by_group(
        &self,
        prefixes: &[IndexPrefix],
        group_field: &str,
        value_field: &str,
    ) -> Result<BTreeMap<i64, i64>> {
        let mut greatest: BTreeMap<i64, i64> = BTreeMap::new();
        for chunk in chunks(self.http().base(), &patterns(prefixes)) {
            let found = self.read(max_call(&chunk.list, group_field, value_field)?, max_by_group).await?;
            for (group, value) in found {
                greatest.entry(group).and_modify(|known| *known = value.max(*known)).or_insert(value);
            }
        }
        Ok(greatest)
    }

    /// Makes everything written so far visible to searches, in all open indices that one of the prefixes covers.
    pub async fn refresh(&self, prefixes: &[IndexPrefix]) -> Result<()> {
        for chunk in chunks(self.http().base(), &patterns(prefixes)) {
            self.read(refresh_call(&chunk.list), refreshed).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
