//! Replays what real servers were asked, in order, and compares the answers: status, content type, keys, types, error
//! types and words.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use camunda_backup_core::clock::SimulatedClock;
use camunda_backup_core::{Component, Effect, Request, Timestamp};
use http::{HeaderName, HeaderValue, Method};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::testing::{FakeElasticsearch, StoreOptions};

mod compare;
mod prepare;

const ES7: &str = include_str!("../../../goldens/fake/es7.json");
const ES8: &str = include_str!("../../../goldens/fake/es8.json");
const ES9: &str = include_str!("../../../goldens/fake/es9.json");
const OS1: &str = include_str!("../../../goldens/fake/os1.json");
const OS2: &str = include_str!("../../../goldens/fake/os2.json");
const OS3: &str = include_str!("../../../goldens/fake/os3.json");

/// One recorded exchange, or something done off the record.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Recorded {
    key: String,
    method: String,
    path: String,
    status: Option<u16>,
    #[serde(rename = "type")]
    content_type: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    body: Option<String>,
    answer: Option<Value>,
    like: Option<String>,
    #[serde(rename = "do")]
    verb: Option<String>,
    name: String,
}

fn request(recorded: &Recorded) -> Request {
    let url = Url::parse(&format!("http://store:9200{}", recorded.path)).unwrap();
    let method = Method::from_bytes(recorded.method.as_bytes()).unwrap();
    let mut request = Request::new(Component::Store, "test", Effect::Once, method, url);
    match (&recorded.headers, &recorded.body) {
        (Some(headers), _) => {
            for (name, value) in headers {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                request.headers.insert(name, HeaderValue::from_str(value).unwrap());
            }
        }
        (None, Some(_)) => {
            request.headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        _ => {}
    }
    request.body = Bytes::from(recorded.body.clone().unwrap_or_default());
    request
}

/// A request off the record; the status of its answer.
fn ask(store: &FakeElasticsearch, method: &str, path: &str, body: Option<Value>) -> u16 {
    let recorded = Recorded {
        method: method.to_owned(),
        path: path.to_owned(),
        body: body.map(|body| body.to_string()),
        ..Recorded::default()
    };
    store.answer(&request(&recorded)).status.as_u16()
}

fn recordings(file: &str) -> Vec<Recorded> {
    serde_json::from_str(file).unwrap()
}

/// Recorded bodies by key, method and path.
type Answers = BTreeMap<(String, String, String), Value>;

/// The bodies of a file, and of the files that it refers to.
fn answers(file: &str) -> Answers {
    let recorded = recordings(file);
    let refers = |to: &str| recorded.iter().any(|one| one.like.as_deref() == Some(to));
    let mut others = BTreeMap::new();
    for (name, file) in [("es8", ES8), ("os2", OS2)] {
        if refers(name) {
            others.insert(name, answers(file));
        }
    }
    let mut all = Answers::new();
    for one in recorded {
        let id = (one.key, one.method, one.path);
        let answer = match one.like.as_deref() {
            Some(other) => Some(others[other][&id].clone()),
            None => one.answer,
        };
        if let Some(answer) = answer {
            all.insert(id, answer);
        }
    }
    all
}

async fn pass(millis: u64) {
    tokio::time::advance(Duration::from_millis(millis)).await;
}

async fn replay(options: StoreOptions, file: &str) {
    let clock = SimulatedClock::starting_at(Timestamp::from_millis(1_795_227_865_000));
    let store = FakeElasticsearch::new(options, clock);
    store.set_snapshot_duration(|name, _| {
        Duration::from_millis(if name.starts_with("run") || name == "bigdone" { 20_000 } else { 200 })
    });
    store.set_restore_duration(|name| Duration::from_millis(if name == "big" { 30_000 } else { 200 }));
    let answers = answers(file);
    let (mut problems, mut compared) = (Vec::new(), 0);
    for recorded in recordings(file) {
        if let Some(verb) = &recorded.verb {
            prepare::off_the_record(&store, verb, &recorded.name);
            pass(500).await;
            continue;
        }
        prepare::prepare(&store, &recorded.key);
        pass(prepare::pause_before(&recorded.key)).await;
        prepare::prepare_late(&store, &recorded.key);
        let (response, wait) = store.answer_later(&request(&recorded));
        tokio::time::advance(wait.min(Duration::from_secs(60))).await;
        pass(if recorded.key == "run5.delete.nowait" { 50 } else { 500 }).await;
        let id = (recorded.key.clone(), recorded.method.clone(), recorded.path.clone());
        let kept = recorded.answer.is_some() || recorded.like.is_some();
        let expected = recorded.answer.clone().or_else(|| answers.get(&id).cloned()).filter(|_| kept);
        compared += usize::from(expected.is_some());
        let line = format!("[{}] {} {}", recorded.key, recorded.method, recorded.path);
        let found = compare::problems(&recorded, expected.as_ref(), &response);
        problems.extend(found.into_iter().map(|problem| format!("{line}: {problem}")));
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    assert!(compared > 400, "only {compared} answers compared");
}

#[tokio::test(start_paused = true)]
async fn elasticsearch_7() {
    replay(StoreOptions::elasticsearch("7.17.29"), ES7).await;
}

#[tokio::test(start_paused = true)]
async fn elasticsearch_8() {
    replay(StoreOptions::elasticsearch("8.19.21"), ES8).await;
}

#[tokio::test(start_paused = true)]
async fn elasticsearch_9() {
    replay(StoreOptions::elasticsearch("9.4.3"), ES9).await;
}

#[tokio::test(start_paused = true)]
async fn opensearch_1() {
    replay(StoreOptions::opensearch("1.3.13"), OS1).await;
}

#[tokio::test(start_paused = true)]
async fn opensearch_2() {
    replay(StoreOptions::opensearch("2.19.6"), OS2).await;
}

#[tokio::test(start_paused = true)]
async fn opensearch_3() {
    replay(StoreOptions::opensearch("3.6.0"), OS3).await;
}
