use camunda_backup_core::Outcome;
use camunda_backup_core::transport::script::ScriptedTransport;
use proptest::prelude::*;

use super::*;
use crate::goldens::{scripted, version_of};

const ES8: &str = "Elasticsearch 8.19.21";
const YES: &str = r#"{"acknowledged":true}"#;

fn names<N: AsRef<str>>(names: &[N]) -> Vec<IndexName> {
    names.iter().map(|name| IndexName::new(name).unwrap()).collect()
}

#[tokio::test]
async fn each_change_names_its_indices() {
    let script = ScriptedTransport::new()
        .answer("PUT /a,b/_settings", 200, YES)
        .answer("PUT /a,b/_settings", 200, YES)
        .answer("POST /a,b/_close", 200, r#"{"acknowledged":true,"shards_acknowledged":true,"indices":{}}"#)
        .answer("POST /a,b/_open", 200, YES)
        .answer("DELETE /a,b?ignore_unavailable=true", 200, YES);
    let (store, indices) = (scripted(ES8, &script), names(&["a", "b"]));
    store.set_write_block(&indices, true).await.unwrap();
    store.set_write_block(&indices, false).await.unwrap();
    store.close_indices(&indices).await.unwrap();
    store.open_indices(&indices).await.unwrap();
    store.delete_indices(&indices).await.unwrap();
    script.finish().unwrap();
    let bodies = script.bodies();
    assert_eq!(bodies[0], r#"{"index.blocks.write":true}"#);
    assert_eq!(bodies[1], r#"{"index.blocks.write":false}"#);
}

/// I5, Q15: an empty list would be a path that addresses everything.
#[tokio::test]
async fn an_empty_list_sends_nothing() {
    let script = ScriptedTransport::new();
    let store = scripted(ES8, &script);
    store.delete_indices(&[]).await.unwrap();
    store.close_indices(&[]).await.unwrap();
    store.open_indices(&[]).await.unwrap();
    store.set_write_block(&[], true).await.unwrap();
    assert!(store.delete_indices_calls(&[]).unwrap().is_empty());
    assert!(script.asked().is_empty());
}

#[tokio::test]
async fn every_server_closes_and_deletes() {
    for (server, body) in golden!("index.close") {
        let script = ScriptedTransport::new().answer("POST /t-c/_close", 200, body);
        scripted(version_of(server), &script).close_indices(&names(&["t-c"])).await.unwrap();
    }
    for (server, status, body) in golden_error!("delete.unknown.ignore") {
        let script = ScriptedTransport::new().answer("DELETE /nope?ignore_unavailable=true", status, body);
        scripted(version_of(server), &script).delete_indices(&names(&["nope"])).await.unwrap();
    }
    for (server, status, body) in golden_error!("run.delete_index") {
        let script = ScriptedTransport::new().answer("DELETE /big?ignore_unavailable=true", status, body);
        let error = scripted(version_of(server), &script).delete_indices(&names(&["big"])).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Conflict, Outcome::Refused), "{server}");
    }
}

/// D14: a partial delete is reported and can be run again.
#[tokio::test]
async fn a_delete_in_chunks_says_how_far_it_came() {
    let all: Vec<String> =
        (0..100).map(|n| format!("operate-import-position-archive-8.3.0_2026-11-{n}")).collect();
    let indices = names(&all);
    let calls = scripted(ES8, &ScriptedTransport::new()).delete_indices_calls(&indices).unwrap();
    assert_eq!(calls.len(), 2);
    let refused = r#"{"error":{"type":"snapshot_in_progress_exception","reason":"busy"},"status":400}"#;
    let script = ScriptedTransport::new()
        .answer(&format!("DELETE {}", calls[0].path_and_query()), 200, YES)
        .answer(&format!("DELETE {}", calls[1].path_and_query()), 400, refused);
    let error = scripted(ES8, &script).delete_indices(&indices).await.unwrap_err();
    script.finish().unwrap();
    assert!(error.subject().is_some_and(|subject| subject.contains("1 of 2")), "{error:?}");
}

proptest! {
    /// D12.
    #[test]
    fn no_change_ever_holds_a_wildcard_or_addresses_everything(names in proptest::collection::vec(".{0,40}", 0..60)) {
        let indices: Vec<IndexName> = names.iter().filter_map(|name| IndexName::new(name).ok()).collect();
        let calls = scripted(ES8, &ScriptedTransport::new()).delete_indices_calls(&indices).unwrap();
        let mut seen = 0;
        for call in &calls {
            prop_assert!(!call.path.contains('*') && !call.path.contains("_all"));
            prop_assert!(call.path.len() > 1 && call.path_and_query().len() < 3500);
            seen += call.path.trim_start_matches('/').split(',').count();
        }
        prop_assert_eq!(seen, indices.len());
    }
}
