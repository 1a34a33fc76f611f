use camunda_backup_core::transport::script::ScriptedTransport;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::goldens::{scripted, version_of};
use crate::health::{detailed_health, only_these};

fn names(names: &[&str]) -> Vec<IndexName> {
    names.iter().map(|name| IndexName::new(name).unwrap()).collect()
}

/// Health with the numbers of one index.
fn health_of(index: &str, status: &str, shards: u64, active: u64, initializing: u64) -> DetailedHealth {
    let body = json!({"status": status, "indices": {index: {
        "status": status, "number_of_shards": shards,
        "active_primary_shards": active, "initializing_shards": initializing,
    }}});
    detailed_health(body.to_string().as_bytes()).unwrap()
}

fn judged(index: &str, recovery_body: &str, health: DetailedHealth) -> RestoreProgress {
    let names = names(&[index]);
    progress(&names, &recovery(recovery_body.as_bytes()).unwrap(), only_these(health, &names))
}

#[test]
fn every_server_shows_a_restore_in_the_middle_and_at_its_end() {
    for (server, body) in golden!("slowrestore.recovery") {
        let running = judged("sl-big", body, health_of("sl-big", "yellow", 1, 0, 1));
        assert!(!running.is_done(), "{server}");
        // OpenSearch 1 was asked before it knew the sizes.
        let begun = running.recovered_bytes < running.total_bytes && running.total_bytes > 40_000_000;
        assert!(begun || running.total_bytes == 0, "{server}");
        assert_eq!(running.primaries(), (0, 1), "{server}");
        assert!(!running.indices.values().next().unwrap().is_stuck(), "{server}");
    }
    for (server, body) in golden!("slowrestore.done") {
        let done = judged("sl-big", body, health_of("sl-big", "green", 1, 1, 0));
        assert!(done.is_done(), "{server}: {done:?}");
        assert_eq!(done.recovered_bytes, done.total_bytes, "{server}");
    }
}

/// Q14, Q19: after a crash `_recovery` is empty, and the index stays red for ever.
#[test]
fn an_empty_recovery_is_not_done_but_stuck() {
    for (server, body) in golden!(
        "restore-recovery",
        "kill9-es7",
        "kill9-es8",
        "kill9-es9",
        "kill9-os1",
        "kill9-os2",
        "kill9-os3"
    ) {
        let crashed = judged("big", body, health_of("big", "red", 1, 0, 0));
        assert!(!crashed.is_done(), "{server}");
        assert!(crashed.indices.values().all(IndexRecovery::is_stuck), "{server}");
    }
    for (server, body) in golden!("recovery.wildnone") {
        assert!(recovery(body.as_bytes()).unwrap().is_empty(), "{server}");
    }
}

/// Each witness alone is not believed.
#[test]
fn d22_each_gap_prevents_done() {
    let done =
        r#"{"a":{"shards":[{"id":0,"primary":true,"stage":"DONE"},{"id":1,"primary":true,"stage":"DONE"}]}}"#;
    assert!(judged("a", done, health_of("a", "green", 2, 2, 0)).is_done());
    assert!(judged("a", done, health_of("a", "yellow", 2, 2, 0)).is_done(), "replicas may be missing");
    for (what, recovery, health) in [
        ("missing index", done, health_of("b", "green", 2, 2, 0)),
        ("empty recovery", "{}", health_of("a", "green", 2, 2, 0)),
        ("red", done, health_of("a", "red", 2, 2, 0)),
        ("unknown colour", done, health_of("a", "purple", 2, 2, 0)),
        ("inactive primary", done, health_of("a", "yellow", 2, 1, 0)),
        ("initializing", done, health_of("a", "yellow", 2, 2, 1)),
        ("a third shard unlisted", done, health_of("a", "yellow", 3, 3, 0)),
        ("no shards at all", r#"{"a":{"shards":[]}}"#, health_of("a", "green", 0, 0, 0)),
    ] {
        assert!(!judged("a", recovery, health).is_done(), "{what}");
    }
    for stage in ["INIT", "INDEX", "VERIFY_INDEX", "TRANSLOG", "FINALIZE", "", "DONE?"] {
        let body = json!({"a": {"shards": [{"id": 0, "primary": true, "stage": stage}]}}).to_string();
        assert!(!judged("a", &body, health_of("a", "green", 1, 1, 0)).is_done(), "{stage}");
    }
    let moving = r#"{"a":{"shards":[{"id":0,"primary":true,"stage":"DONE"},{"id":0,"primary":true,"stage":"INDEX"},
        {"id":0,"primary":false,"stage":"INDEX"}]}}"#;
    assert!(!judged("a", moving, health_of("a", "green", 1, 1, 0)).is_done(), "listed twice");
}

#[test]
fn what_is_missing_is_named() {
    let judged = judged("a", "{}", health_of("b", "green", 1, 1, 0));
    assert_eq!(judged.missing().map(IndexName::as_str).collect::<Vec<_>>(), ["a"]);
    assert!(judged.health.timed_out);
}

#[tokio::test]
async fn recovery_comes_before_health_and_indices_that_are_not_there_yet_are_no_error() {
    for (server, status, body) in golden_error!("recovery.unknown") {
        let script = ScriptedTransport::new()
            .answer("GET /nope/_recovery?ignore_unavailable=true", status, body)
            .answer("GET /_cluster/health?level=indices", 200, r#"{"status":"green","indices":{}}"#);
        let store = scripted(version_of(server), &script);
        let progress = store.restore_progress(&names(&["nope"])).await.unwrap();
        assert_eq!((progress.is_done(), progress.missing().count()), (false, 1), "{server}");
        script.finish().unwrap();
    }
}

#[tokio::test]
async fn nothing_is_never_done() {
    let script = ScriptedTransport::new();
    let error = scripted("OpenSearch 2.19.6", &script).restore_progress(&[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

proptest! {
    #[test]
    fn done_needs_every_shard_everywhere(
        shards in 0_u64..4, active in 0_u64..4, initializing in 0_u64..2, listed in 0_u64..4, done in 0_u64..4,
        red in any::<bool>(),
    ) {
        let entries: Vec<_> = (0..listed)
            .map(|id| json!({"id": id, "primary": true, "stage": if id < done { "DONE" } else { "INDEX" }}))
            .collect();
        let body = json!({"a": {"shards": entries}}).to_string();
        let health = health_of("a", if red { "red" } else { "green" }, shards, active, initializing);
        let complete = shards > 0 && active == shards && listed == shards && done >= listed && initializing == 0 && !red;
        prop_assert_eq!(judged("a", &body, health).is_done(), complete);
    }
}
