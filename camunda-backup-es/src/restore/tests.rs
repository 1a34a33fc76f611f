use camunda_backup_core::Outcome;
use camunda_backup_core::transport::TransportErrorKind;
use camunda_backup_core::transport::script::ScriptedTransport;

use super::*;
use crate::goldens::{scripted, version_of};

const LINE: &str = "POST /_snapshot/r/s1/_restore?wait_for_completion=false";

fn names() -> (RepositoryName, SnapshotName) {
    (RepositoryName::new("r").unwrap(), SnapshotName::new("s1").unwrap())
}

fn options() -> RestoreSnapshot {
    RestoreSnapshot::of([IndexName::new("t-a").unwrap()])
}

fn body_on(version: &str, options: &RestoreSnapshot) -> Value {
    let (r, s) = names();
    let call = scripted(version, &ScriptedTransport::new()).restore_snapshot_call(&r, &s, options).unwrap();
    assert_eq!((call.effect, call.to_string().starts_with(LINE)), (Effect::Once, true));
    serde_json::from_slice(&call.body.unwrap()).unwrap()
}

/// Q20, and OpenSearch answers 400 to `feature_states`.
#[test]
fn the_body_leaves_the_global_state_alone() {
    let expected = json!({
        "indices": ["t-a"], "ignore_unavailable": false, "partial": false,
        "include_global_state": false, "include_aliases": true,
    });
    for version in ["OpenSearch 1.3.13", "OpenSearch 2.19.6", "OpenSearch 3.6.0"] {
        assert_eq!(body_on(version, &options()), expected, "{version}");
    }
    let mut with_features = expected;
    with_features["feature_states"] = json!(["none"]);
    for version in ["Elasticsearch 7.17.29", "Elasticsearch 8.19.21", "Elasticsearch 9.5.3"] {
        assert_eq!(body_on(version, &options()), with_features, "{version}");
    }
}

#[test]
fn everything_that_was_asked_for_is_in_the_body() {
    let mut options = options();
    options.rename = Some(Rename { pattern: "t-(.+)".into(), replacement: "re-$1".into() });
    options.include_aliases = false;
    options.index_settings.insert("index.number_of_replicas".into(), json!(0));
    options.ignore_index_settings.insert("index.blocks.write".into());
    let body = body_on("OpenSearch 2.19.6", &options);
    assert_eq!((&body["rename_pattern"], &body["rename_replacement"]), (&json!("t-(.+)"), &json!("re-$1")));
    assert_eq!(body["index_settings"], json!({"index.number_of_replicas": 0}));
    assert_eq!(body["ignore_index_settings"], json!(["index.blocks.write"]));
    assert_eq!(body["include_aliases"], json!(false));
}

/// Q15, Q20.
#[test]
fn nothing_and_everything_must_be_said_explicitly() {
    let (r, s) = names();
    let store = scripted("Elasticsearch 8.19.21", &ScriptedTransport::new());
    let kind = |options: &RestoreSnapshot| store.restore_snapshot_call(&r, &s, options).unwrap_err().kind();
    assert_eq!(kind(&RestoreSnapshot::default()), ErrorKind::InvalidInput);
    let mut only = RestoreSnapshot { target: RestoreTarget::OnlyGlobalState, ..RestoreSnapshot::default() };
    assert_eq!(kind(&only), ErrorKind::InvalidInput);
    only.include_global_state = true;
    let body = body_on("OpenSearch 2.19.6", &only);
    assert_eq!((&body["indices"], &body["include_global_state"]), (&json!("-*"), &json!(true)));
    let mut renamed = options();
    renamed.rename = Some(Rename { pattern: String::new(), replacement: "x".into() });
    assert_eq!(kind(&renamed), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn every_server_accepts() {
    let (r, s) = names();
    for (server, status, body) in golden_error!("slowrestore.start") {
        let script = ScriptedTransport::new().answer(LINE, status, body);
        scripted(version_of(server), &script).restore_snapshot(&r, &s, &options()).await.unwrap();
        script.finish().unwrap();
    }
}

/// As Elasticsearch 8.19.8 and OpenSearch 2.19.1 answer.
#[tokio::test]
async fn the_global_state_alone_is_restored_before_it_is_answered() {
    let (r, s) = names();
    let mut only = RestoreSnapshot { target: RestoreTarget::OnlyGlobalState, ..RestoreSnapshot::default() };
    only.include_global_state = true;
    let answer = |total: u32| {
        format!(
            r#"{{"snapshot":{{"snapshot":"s","indices":[],"shards":{{"total":{total},"failed":{total},"successful":0}}}}}}"#
        )
    };
    let script = ScriptedTransport::new().answer(LINE, 200, answer(0)).answer(LINE, 200, answer(2));
    let store = scripted("Elasticsearch 8.19.8", &script);
    store.restore_snapshot(&r, &s, &only).await.unwrap();
    assert_eq!(store.restore_snapshot(&r, &s, &only).await.unwrap_err().outcome(), Outcome::Unknown);
    script.finish().unwrap();
}

#[tokio::test(start_paused = true)]
async fn it_is_never_sent_twice() {
    let (r, s) = names();
    let script = ScriptedTransport::new().fail(LINE, TransportErrorKind::Broken);
    let error =
        scripted("Elasticsearch 9.4.3", &script).restore_snapshot(&r, &s, &options()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    script.finish().unwrap();
}
