//! `GET /_snapshot/{repository}/{names}`: names, patterns, `_all`, `_current`, with the gaps of each family.

use serde_json::{Map, Value, json};

use crate::testing::state::server::{Condition, State};
use crate::testing::state::snapshots::Snapshot;
use crate::testing::wire::answer::{Failure, Reply};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::listing_order::Paging;
use crate::testing::wire::names::{matches, split};
use crate::testing::wire::snapshot_info::{Detail, snapshot_info};

/// What a listing has found: repository and snapshot, in order.
type Found = Vec<(String, Snapshot)>;

pub(crate) fn list(
    state: &State,
    exchange: &Exchange,
    repositories: &str,
    names: &str,
) -> Result<Reply, Failure> {
    let detail = check_params(state, exchange)?;
    let paging = Paging::parse(exchange, detail.verbose, state.dialect.modern_elasticsearch)?;
    let ignore = exchange.flag("ignore_unavailable", false)?;
    let mut found = Found::new();
    let mut failures = Map::new();
    for repository in repositories_named(state, repositories)? {
        match found_in(state, &repository, names, ignore, detail.verbose) {
            Ok(snapshots) => {
                found.extend(snapshots.into_iter().map(|snapshot| (repository.clone(), snapshot)));
            }
            Err(failure) => note_failure(state, repositories, &repository, failure, &mut failures)?,
        }
    }
    if let Some(words) = exchange.param("state") {
        keep_states(state, &mut found, words)?;
    }
    let page = paging.apply(found, detail.verbose)?;
    let infos: Vec<Value> = page
        .found
        .iter()
        .map(|(repository, snapshot)| snapshot_info(&state.dialect, repository, snapshot, state.now, detail))
        .collect();
    let mut body = Map::new();
    body.insert("snapshots".into(), infos.into());
    if state.dialect.elasticsearch {
        body.insert("total".into(), page.total.into());
        body.insert("remaining".into(), page.remaining.into());
        if let Some(next) = page.next {
            body.insert("next".into(), next.into());
        }
    }
    if !failures.is_empty() {
        body.insert("failures".into(), Value::Object(failures));
    }
    Ok(Reply::ok(Value::Object(body)))
}

fn check_params(state: &State, exchange: &Exchange) -> Result<Detail, Failure> {
    let dialect = &state.dialect;
    let mut known = vec!["ignore_unavailable", "verbose"];
    if dialect.paged_listing {
        known.extend(["index_details", "include_repository", "sort", "size", "order", "after", "offset"]);
        known.extend(["from_sort_value", "slm_policy_filter"]);
    }
    if dialect.index_names_param {
        known.push("index_names");
    }
    if dialect.state_param {
        known.push("state");
    }
    exchange.only_with_master_timeout(dialect, &known)?;
    Ok(Detail {
        verbose: exchange.flag("verbose", true)?,
        repository: exchange.flag("include_repository", true)?,
        index_names: exchange.flag("index_names", true)?,
        index_details: exchange.flag("index_details", false)?,
        human: exchange.flag("human", false)?,
    })
}

/// The repositories of the path: patterns and lists on Elasticsearch, one literal name on OpenSearch.
fn repositories_named(state: &State, expression: &str) -> Result<Vec<String>, Failure> {
    if !state.dialect.elasticsearch {
        let missing = || Failure::repository_missing(expression);
        return state
            .repositories
            .contains_key(expression)
            .then(|| vec![expression.to_owned()])
            .ok_or_else(missing);
    }
    let mut named = Vec::new();
    for part in split(expression) {
        let pattern = if part == "_all" { "*" } else { part.as_str() };
        if pattern.contains('*') {
            named.extend(state.repositories.keys().filter(|name| matches(pattern, name)).cloned());
        } else if state.repositories.contains_key(pattern) || state.dialect.list_tolerates_missing_repository
        {
            named.push(part);
        } else {
            return Err(Failure::repository_missing(pattern));
        }
    }
    named.dedup();
    Ok(named)
}

/// 7.17 answers 200 and puts what failed beside what it found, when several repositories or an unknown one were asked;
/// the others fail as a whole.
fn note_failure(
    state: &State,
    asked: &str,
    repository: &str,
    failure: Failure,
    failures: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let tolerant = state.dialect.list_tolerates_missing_repository;
    let several = asked.contains([',', '*']) || asked == "_all";
    if !tolerant || (!several && state.repositories.contains_key(repository)) {
        return Err(failure);
    }
    let sentence = failure.sentence();
    let (kind, reason) = sentence.split_once(": ").unwrap_or((&sentence, ""));
    failures.insert(repository.to_owned(), json!({"type": kind, "reason": reason}));
    Ok(())
}

fn found_in(
    state: &State,
    repository: &str,
    names: &str,
    ignore: bool,
    verbose: bool,
) -> Result<Vec<Snapshot>, Failure> {
    let all = state.snapshots_of(repository).map_err(|failure| match failure {
        Failure::Envelope { status: 500, .. } if state.dialect.modern_elasticsearch => {
            let reason = format!("[{repository}] cannot retrieve snapshots list from this repository");
            let inner = failure.sentence();
            let inner = inner.split_once(": ").map_or(inner.as_str(), |(_, reason)| reason).to_owned();
            Failure::of(500, "repository_exception", reason).rooted_in("repository_exception", inner)
        }
        other => other,
    })?;
    let mut taken: Vec<bool> = vec![false; all.len()];
    for part in split(names) {
        let excluded =
            part.strip_prefix('-').filter(|_| state.dialect.elasticsearch && taken.contains(&true));
        if let Some(excluded) = excluded {
            for (take, snapshot) in taken.iter_mut().zip(&all) {
                *take &= !matches(excluded, &snapshot.name);
            }
            continue;
        }
        let hits = take(state, &all, &mut taken, &part);
        if !hits && !ignore && miss_is_404(state, &part, all.is_empty()) {
            return Err(Failure::snapshot_missing(repository, &part));
        }
    }
    let asked = all.into_iter().zip(taken).filter(|(_, taken)| *taken).map(|(snapshot, _)| snapshot);
    readable(state, repository, asked.collect(), verbose, ignore)
}

/// A verbose listing reads one file per snapshot; one that is missing spoils the whole, unless it may be left out.
fn readable(
    state: &State,
    repository: &str,
    asked: Vec<Snapshot>,
    verbose: bool,
    ignore: bool,
) -> Result<Vec<Snapshot>, Failure> {
    let gone = state.repository(repository)?.condition == Condition::Gone;
    let unreadable =
        |snapshot: &Snapshot| verbose && !snapshot.running(state.now) && (gone || snapshot.damaged);
    match asked.iter().find(|snapshot| unreadable(snapshot)) {
        Some(first) if !ignore => Err(first.unreadable(repository)),
        Some(_) => Ok(asked.into_iter().filter(|snapshot| !unreadable(snapshot)).collect()),
        None => Ok(asked),
    }
}

fn take(state: &State, all: &[Snapshot], taken: &mut [bool], part: &str) -> bool {
    let mut hits = false;
    for (take, snapshot) in taken.iter_mut().zip(all) {
        let hit = match part {
            "_all" => true,
            "_current" => snapshot.running(state.now),
            pattern => matches(pattern, &snapshot.name),
        };
        *take |= hit;
        hits |= hit;
    }
    hits
}

fn miss_is_404(state: &State, part: &str, empty: bool) -> bool {
    match part {
        "_all" | "_current" => false,
        "*" if empty => state.dialect.list_star_on_empty_is_404,
        pattern if pattern.contains('*') => state.dialect.list_wildcard_miss_is_404,
        _ => true,
    }
}

fn keep_states(state: &State, found: &mut Found, words: &str) -> Result<(), Failure> {
    const KNOWN: [&str; 5] = ["IN_PROGRESS", "SUCCESS", "FAILED", "PARTIAL", "INCOMPATIBLE"];
    let wanted = split(words);
    if let Some(bad) = wanted.iter().find(|word| !KNOWN.contains(&word.as_str())) {
        let reason = format!("No enum constant org.elasticsearch.snapshots.SnapshotState.{bad}");
        return Err(Failure::illegal_argument(reason));
    }
    found.retain(|(_, snapshot)| wanted.contains(&snapshot.state_word(state.now)));
    Ok(())
}
