//! Sorting and paging of a listing: Elasticsearch only.

use std::cmp::Ordering;

use crate::testing::state::snapshots::Snapshot;
use crate::testing::wire::answer::Failure;
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::matches;

/// The paging parameters of a request.
#[derive(Debug)]
pub(crate) struct Paging {
    sort: Sort,
    /// Whether `sort` was given; without verbose the default order is by name.
    sorted: bool,
    descending: bool,
    size: Option<usize>,
    offset: usize,
    /// The three parts of the `after` token: sort value, repository, snapshot.
    after: Option<(String, String, String)>,
    from_sort_value: Option<String>,
    slm_filter: Option<String>,
}

/// A part of a listing.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) found: Vec<(String, Snapshot)>,
    pub(crate) total: usize,
    pub(crate) remaining: usize,
    pub(crate) next: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    StartTime,
    Duration,
    Name,
    IndexCount,
    Repository,
    ShardCount,
    FailedShardCount,
}

impl Sort {
    fn parse(word: &str, words: &str) -> Result<Self, Failure> {
        Ok(match word {
            "start_time" => Self::StartTime,
            "duration" => Self::Duration,
            "name" => Self::Name,
            "index_count" => Self::IndexCount,
            "repository" => Self::Repository,
            "shard_count" => Self::ShardCount,
            "failed_shard_count" => Self::FailedShardCount,
            other => return Err(Failure::illegal_argument(format!("unknown sort {words} [{other}]"))),
        })
    }

    fn numeric(self) -> bool {
        !matches!(self, Self::Name | Self::Repository)
    }

    /// The sort value as the `next` token writes it.
    fn value(self, repository: &str, snapshot: &Snapshot) -> String {
        let number = |count: usize| count.to_string();
        match self {
            Self::StartTime => snapshot.start_millis.to_string(),
            Self::Duration => snapshot.end_millis.saturating_sub(snapshot.start_millis).to_string(),
            Self::Name => snapshot.name.clone(),
            Self::IndexCount => number(snapshot.indices.len()),
            Self::Repository => repository.to_owned(),
            Self::ShardCount => snapshot.shards_total().to_string(),
            Self::FailedShardCount => snapshot.shards_failed().to_string(),
        }
    }

    fn compare(self, a: &str, b: &str) -> Ordering {
        if self.numeric() {
            a.parse::<u64>().unwrap_or(0).cmp(&b.parse::<u64>().unwrap_or(0))
        } else {
            a.cmp(b)
        }
    }
}

impl Paging {
    pub(crate) fn parse(exchange: &Exchange, verbose: bool, new: bool) -> Result<Self, Failure> {
        if !verbose {
            refuse_without_verbose(exchange)?;
        }
        let sort =
            Sort::parse(exchange.param("sort").unwrap_or("start_time"), if new { "key" } else { "order" })?;
        let descending = match exchange.param("order").unwrap_or("asc").to_ascii_lowercase().as_str() {
            "asc" => false,
            "desc" => true,
            other => {
                let word = other.to_ascii_uppercase();
                return Err(Failure::illegal_argument(format!(
                    "No enum constant org.elasticsearch.search.sort.SortOrder.{word}"
                )));
            }
        };
        let from_sort_value = exchange.param("from_sort_value").map(str::to_owned);
        Ok(Self {
            sort,
            sorted: exchange.param("sort").is_some(),
            descending,
            size: size(exchange)?,
            offset: number(exchange, "offset")?.map_or(0, |offset| usize::try_from(offset).unwrap_or(0)),
            after: exchange.param("after").map(|token| parse_token(token, sort)).transpose()?,
            from_sort_value,
            slm_filter: exchange.param("slm_policy_filter").map(str::to_owned),
        })
    }

    /// Orders, cuts and counts.
    pub(crate) fn apply(&self, mut found: Vec<(String, Snapshot)>, verbose: bool) -> Result<Page, Failure> {
        let sort = if verbose || self.sorted { self.sort } else { Sort::Name };
        let key = |(repository, snapshot): &(String, Snapshot)| {
            (sort.value(repository, snapshot), repository.clone(), snapshot.name.clone())
        };
        let order = |a: &(String, String, String), b: &(String, String, String)| {
            let order = sort.compare(&a.0, &b.0).then_with(|| (&a.2, &a.1).cmp(&(&b.2, &b.1)));
            if self.descending { order.reverse() } else { order }
        };
        found.sort_by(|a, b| order(&key(a), &key(b)));
        if let Some(from) = &self.from_sort_value {
            if sort.numeric() && from.parse::<i64>().is_err() {
                return Err(bad_number(from));
            }
            let behind = if self.descending { Ordering::Greater } else { Ordering::Less };
            found.retain(|entry| sort.compare(&key(entry).0, from) != behind);
        }
        // No snapshot here was made by SLM.
        if let Some(filter) = &self.slm_filter {
            if !filter.split(',').any(|part| matches(part, "_none") && part == "_none") {
                found.clear();
            }
        }
        let total = found.len();
        if let Some(after) = &self.after {
            found.retain(|entry| order(&key(entry), after) == Ordering::Greater);
        }
        let mut found: Vec<_> = found.into_iter().skip(self.offset).collect();
        let kept = self.size.unwrap_or(usize::MAX).min(found.len());
        let remaining = found.len() - kept;
        found.truncate(kept);
        let last = found.last().filter(|_| remaining > 0).map(&key);
        let next = last.map(|(value, repository, name)| encode(&format!("{value},{repository},{name}")));
        Ok(Page { found, total, remaining, next })
    }
}

fn refuse_without_verbose(exchange: &Exchange) -> Result<(), Failure> {
    let refused = [
        ("size", "size limit"),
        ("offset", "offset"),
        ("sort", "non-default sort"),
        ("after", "after"),
        ("from_sort_value", "from_sort_value"),
        ("order", "non-default sort order"),
        ("slm_policy_filter", "slm policy filter"),
    ];
    for (name, words) in refused {
        let default = matches!(
            (name, exchange.param(name)),
            ("size", Some("-1"))
                | ("sort", Some("start_time"))
                | ("order", Some("asc"))
                | ("offset", Some("0"))
        );
        if exchange.param(name).is_some() && !default {
            return Err(Failure::validation(format!("can't use {words} with verbose=false")));
        }
    }
    Ok(())
}

fn size(exchange: &Exchange) -> Result<Option<usize>, Failure> {
    match number(exchange, "size")? {
        None | Some(-1) => Ok(None),
        Some(size) if size > 0 => Ok(usize::try_from(size).ok()),
        Some(_) => Err(Failure::validation("size must be -1 or greater than 0")),
    }
}

fn number(exchange: &Exchange, name: &str) -> Result<Option<i64>, Failure> {
    let parsed = exchange.param(name).map(|text| {
        let reason = format!("Failed to parse int parameter [{name}] with value [{text}]");
        text.parse().map_err(|_| Failure::illegal_argument(reason))
    });
    parsed.transpose()
}

fn bad_number(text: &str) -> Failure {
    Failure::of(400, "number_format_exception", format!("For input string: \"{text}\""))
}

fn parse_token(token: &str, sort: Sort) -> Result<(String, String, String), Failure> {
    let bad = || Failure::illegal_argument(format!("invalid ?after parameter [{token}]"));
    let text = decode(token).ok_or_else(bad)?;
    let mut parts = text.splitn(3, ',').map(str::to_owned);
    let (Some(value), Some(repository), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(bad());
    };
    if sort.numeric() && value.parse::<i64>().is_err() {
        return Err(bad_number(&value));
    }
    Ok((value, repository, name))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// base64url with padding, as the servers write it.
fn encode(text: &str) -> String {
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let byte = |at: usize| chunk.get(at).copied().map_or(0, u32::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4usize {
            let letter = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or(0);
            out.push(if place > chunk.len() { '=' } else { char::from(ALPHABET[letter]) });
        }
    }
    out
}

fn decode(token: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0u32);
    for letter in token.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}
