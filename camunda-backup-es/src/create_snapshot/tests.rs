use camunda_backup_core::Outcome;
use camunda_backup_core::transport::TransportErrorKind;
use camunda_backup_core::transport::script::ScriptedTransport;

use super::*;
use crate::goldens::{scripted, version_of};

const LINE: &str = "PUT /_snapshot/r/s1?wait_for_completion=false";

fn names() -> (RepositoryName, SnapshotName) {
    (RepositoryName::new("r").unwrap(), SnapshotName::new("s1").unwrap())
}

fn options() -> CreateSnapshot {
    CreateSnapshot::of([IndexName::new("zeebe-record_job").unwrap(), IndexName::new(".tasks").unwrap()])
}

fn body_on(version: &str, options: &CreateSnapshot) -> Value {
    let (r, s) = names();
    let call = scripted(version, &ScriptedTransport::new()).create_snapshot_call(&r, &s, options).unwrap();
    assert_eq!((call.effect, call.to_string().starts_with(LINE)), (Effect::Once, true));
    serde_json::from_slice(&call.body.unwrap()).unwrap()
}

#[test]
fn the_body_names_indices_and_never_asks_for_parts() {
    let expected = json!({
        "indices": ["zeebe-record_job", ".tasks"],
        "ignore_unavailable": false, "partial": false, "include_global_state": false,
    });
    assert_eq!(body_on("OpenSearch 2.19.6", &options()), expected);
    let mut with_features = expected;
    with_features["feature_states"] = json!(["none"]);
    assert_eq!(body_on("Elasticsearch 7.17.29", &options()), with_features);
    let mut full = options();
    full.metadata.insert("backupId".to_owned(), json!(5));
    full.include_global_state = true;
    let body = body_on("Elasticsearch 9.4.3", &full);
    assert_eq!((&body["metadata"], &body["include_global_state"]), (&json!({"backupId": 5}), &json!(true)));
}

/// Q15, and metadata that the servers refuse.
#[test]
fn nothing_and_too_much_are_refused_before_sending() {
    let (r, s) = names();
    let store = scripted("Elasticsearch 8.19.21", &ScriptedTransport::new());
    let refused = |options: &CreateSnapshot| store.create_snapshot_call(&r, &s, options).unwrap_err().kind();
    assert_eq!(refused(&CreateSnapshot::default()), ErrorKind::InvalidInput);
    let mut big = options();
    // {"x":"…"} is 8 bytes around the value.
    big.metadata.insert("x".to_owned(), "y".repeat(MAX_METADATA_BYTES - 8).into());
    assert_eq!(refused(&big), ErrorKind::InvalidInput);
    big.metadata.insert("x".to_owned(), "y".repeat(MAX_METADATA_BYTES - 9).into());
    store.create_snapshot_call(&r, &s, &big).unwrap();
}

#[tokio::test]
async fn every_server_accepts() {
    let (r, s) = names();
    for (server, status, body) in golden_error!("snap.create.nowait") {
        let script = ScriptedTransport::new().answer(LINE, status, body);
        scripted(version_of(server), &script).create_snapshot(&r, &s, &options()).await.unwrap();
        script.finish().unwrap();
    }
}

/// I3, D11: sent once, whatever happens.
#[tokio::test(start_paused = true)]
async fn it_is_never_sent_twice() {
    let (r, s) = names();
    for kind in [TransportErrorKind::Timeout, TransportErrorKind::Broken] {
        let script = ScriptedTransport::new().fail(LINE, kind);
        let error =
            scripted("OpenSearch 1.3.13", &script).create_snapshot(&r, &s, &options()).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown);
        script.finish().unwrap();
    }
    let script = ScriptedTransport::new().answer(LINE, 503, "");
    let error = scripted("OpenSearch 1.3.13", &script).create_snapshot(&r, &s, &options()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unavailable, Outcome::Unknown));
    script.finish().unwrap();
}

#[tokio::test]
async fn a_200_that_accepts_nothing_is_unknown() {
    let (r, s) = names();
    // An aborted waiting create answers 200 and FAILED.
    for body in [r#"{"snapshot":{"state":"FAILED"}}"#, "{}", r#"{"accepted":false}"#] {
        let script = ScriptedTransport::new().answer(LINE, 200, body);
        let error =
            scripted("Elasticsearch 8.19.21", &script).create_snapshot(&r, &s, &options()).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown, "{body}");
        assert_eq!(error.subject(), Some("s1"));
    }
}
