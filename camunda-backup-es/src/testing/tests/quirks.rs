//! One test per quirk of real servers that a backup must survive, driving [`FakeElasticsearch::answer`] directly.

use std::time::Duration;

use bytes::Bytes;
use camunda_backup_core::clock::SimulatedClock;
use camunda_backup_core::{Component, Effect, Request, Timestamp, Transport as _};
use http::{HeaderValue, Method};
use serde_json::{Value, json};
use url::Url;

use crate::testing::{FakeElasticsearch, FakeStorage, SnapshotFault, StoreOptions, TemplateKind};

mod crashes;
mod repositories;
mod seen_by_conformance;
mod snapshots;
mod wire;

/// The six servers that were recorded.
fn servers() -> Vec<StoreOptions> {
    let elasticsearch = ["7.17.29", "8.19.21", "9.4.3"].map(StoreOptions::elasticsearch);
    let opensearch = ["1.3.13", "2.19.6", "3.6.0"].map(StoreOptions::opensearch);
    elasticsearch.into_iter().chain(opensearch).collect()
}

fn clock() -> SimulatedClock {
    SimulatedClock::starting_at(Timestamp::from_millis(1_795_227_865_123))
}

/// A server with a repository `r` and the indices `a`, `b` and `.hidden`.
fn store(options: &StoreOptions) -> FakeElasticsearch {
    let store = FakeElasticsearch::new(options.clone(), clock());
    store.register_repository("r", false);
    for index in ["a", "b", ".hidden"] {
        store.put_document(index, "1", json!({"n": 1}));
    }
    store.set_hidden(".hidden", true);
    store
}

fn request(method: &str, path: &str, body: Option<Value>) -> Request {
    let url = Url::parse(&format!("http://store:9200{path}")).unwrap();
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let mut request = Request::new(Component::Store, "test", Effect::Once, method, url);
    if let Some(body) = body {
        request.headers.insert("content-type", HeaderValue::from_static("application/json"));
        request.body = Bytes::from(body.to_string());
    }
    request
}

fn ask(store: &FakeElasticsearch, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let response = store.answer(&request(method, path, body));
    (response.status.as_u16(), serde_json::from_slice(&response.body).unwrap_or(Value::Null))
}

fn get(store: &FakeElasticsearch, path: &str) -> (u16, Value) {
    ask(store, "GET", path, None)
}

/// Starts a snapshot over HTTP without waiting.
fn start(store: &FakeElasticsearch, name: &str, body: Value) -> (u16, Value) {
    ask(store, "PUT", &format!("/_snapshot/r/{name}?wait_for_completion=false"), Some(body))
}

/// Starts a snapshot of the two visible indices and lets it end.
async fn taken(store: &FakeElasticsearch, name: &str) {
    let body = json!({"indices": ["a", "b"], "include_global_state": false});
    assert_eq!(start(store, name, body), (200, json!({"accepted": true})));
    pass(400).await;
}

fn state_of(store: &FakeElasticsearch, name: &str) -> Value {
    get(store, &format!("/_snapshot/r/{name}")).1["snapshots"][0]["state"].clone()
}

fn error_type(answer: &(u16, Value)) -> &str {
    answer.1["error"]["type"].as_str().unwrap_or_default()
}

async fn pass(millis: u64) {
    tokio::time::advance(Duration::from_millis(millis)).await;
}
