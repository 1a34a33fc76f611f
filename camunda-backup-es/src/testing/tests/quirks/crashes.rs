//! Q14, Q16, Q19: what a crash leaves behind, and which refusals are 500.

use super::*;

#[tokio::test(start_paused = true)]
async fn q14_a_restart_makes_a_running_snapshot_vanish() {
    for options in servers() {
        let store = store(&options);
        start(&store, "s", json!({"indices": "a"}));
        assert_eq!(state_of(&store, "s"), "IN_PROGRESS");
        store.set_down(true);
        assert!(store.send(request("GET", "/", None)).await.is_err());
        pass(5000).await;
        store.set_down(false);
        let gone = get(&store, "/_snapshot/r/s");
        assert_eq!((gone.0, error_type(&gone)), (404, "snapshot_missing_exception"));
        assert_eq!(get(&store, "/_snapshot/_status").1, json!({"snapshots": []}));
        assert_eq!(start(&store, "s", json!({"indices": "a"})).0, 200, "the name is free");
    }
}

#[tokio::test(start_paused = true)]
async fn q14_partial_false_can_end_partial_and_a_broken_repository_drops_the_snapshot() {
    for options in servers() {
        let store = store(&options);
        store.fail_snapshots_matching("lost", SnapshotFault::Partial);
        store.fail_snapshots_matching("gone", SnapshotFault::Vanish);
        store.fail_snapshots_matching("stuck", SnapshotFault::NeverEnds);
        store.fail_snapshots_matching("odd", SnapshotFault::UnknownState("ODD".to_owned()));
        store.fail_snapshots_matching("dead", SnapshotFault::Failed);
        for name in ["lost", "gone", "stuck", "odd", "dead"] {
            let body = json!({"indices": "a", "partial": false});
            assert_eq!(start(&store, name, body).0, 200, "{name}");
            assert_eq!(state_of(&store, name), "IN_PROGRESS", "{name}");
        }
        pass(3_600_000).await;
        assert_eq!(state_of(&store, "lost"), "PARTIAL");
        assert_eq!(get(&store, "/_snapshot/r/gone").0, 404);
        assert_eq!(state_of(&store, "stuck"), "IN_PROGRESS");
        assert_eq!(state_of(&store, "odd"), "ODD");
        assert_eq!(state_of(&store, "dead"), "FAILED");
    }
}

#[tokio::test(start_paused = true)]
async fn unassigned_primaries_are_refused_at_the_start() {
    for options in servers() {
        let store = store(&options);
        store.set_red("b", true);
        let refused = start(&store, "s", json!({"indices": "a,b"}));
        assert_eq!((refused.0, error_type(&refused)), (500, "snapshot_exception"));
        assert_eq!(get(&store, "/_snapshot/r/s").0, 404, "nothing is left");
        assert!(store.start_snapshot("r", "s", &["b".to_owned()], Value::Null, false).is_err());
        assert_eq!(start(&store, "s", json!({"indices": "a,b", "partial": true})).0, 200);
        pass(400).await;
        let snapshot = get(&store, "/_snapshot/r/s").1["snapshots"][0].clone();
        assert_eq!(snapshot["state"], "PARTIAL");
        let uuid = snapshot["failures"][0]["index_uuid"].as_str().unwrap();
        assert_eq!(uuid == "b", options.flavor == crate::testing::StoreFlavor::OpenSearch);
    }
}

#[tokio::test(start_paused = true)]
async fn q16_many_refusals_are_500() {
    for options in servers() {
        let store = store(&options);
        taken(&store, "s").await;
        let restore = |path: &str| ask(&store, "POST", path, Some(json!({"indices": "a"})));
        assert_eq!(restore("/_snapshot/r/nope/_restore").0, 500);
        assert_eq!(restore("/_snapshot/r/s/_restore").0, 500, "an open index");
        assert_eq!(restore("/_snapshot/nope/s/_restore").0, 404);
        let body = json!({"type": "s3", "settings": {"bucket": "b"}});
        assert_eq!(ask(&store, "PUT", "/_snapshot/x", Some(body)).0, 500);
        let body = json!({"type": "fs", "settings": {"location": "x"}});
        assert_eq!(ask(&store, "PUT", "/_snapshot/a%20b", Some(body)).0, 500);
    }
}

#[tokio::test(start_paused = true)]
async fn q16_too_many_snapshots_are_503_and_409_on_opensearch_3() {
    for mut options in servers() {
        options.max_concurrent_snapshots = 1;
        let store = store(&options);
        start(&store, "s1", json!({"indices": "a"}));
        let refused = start(&store, "s2", json!({"indices": "a"}));
        let status = if options.version == "3.6.0" { 409 } else { 503 };
        assert_eq!((refused.0, error_type(&refused)), (status, "concurrent_snapshot_execution_exception"));
    }
}

#[tokio::test(start_paused = true)]
async fn q19_a_restoring_index_is_yellow_and_stays_red_after_a_crash() {
    for options in servers() {
        let store = store(&options);
        store.set_restore_duration(|_| Duration::from_secs(10));
        taken(&store, "s").await;
        let body = json!({"indices": "a", "rename_pattern": "a", "rename_replacement": "new"});
        assert_eq!(ask(&store, "POST", "/_snapshot/r/s/_restore", Some(body.clone())).0, 200);
        let health = get(&store, "/_cluster/health/new?wait_for_status=yellow&timeout=1s");
        assert_eq!((health.0, &health.1["status"]), (200, &json!("yellow")));
        assert_eq!(health.1["active_primary_shards"], 0);
        let recovery = get(&store, "/new/_recovery").1["new"]["shards"][0].clone();
        assert_eq!((&recovery["type"], &recovery["stage"]), (&json!("SNAPSHOT"), &json!("INDEX")));
        assert_eq!(get(&store, "/new/_search?size=0").0, 503);
        assert_eq!(get(&store, "/_snapshot/_status").1, json!({"snapshots": []}));
        let deleted = ask(&store, "DELETE", "/_snapshot/r/s", None).0;
        assert_eq!(deleted, if options.version == "3.6.0" { 409 } else { 503 }, "it is being read");

        store.set_down(true);
        store.set_down(false);
        pass(60_000).await;
        assert_eq!(get(&store, "/_cluster/health/new").1["status"], "red");
        assert_eq!(get(&store, "/new/_recovery").1, json!({}));
        assert_eq!(ask(&store, "POST", "/_snapshot/r/s/_restore", Some(body.clone())).0, 500);
        assert_eq!(ask(&store, "DELETE", "/new", None).0, 200);
        assert_eq!(ask(&store, "POST", "/_snapshot/r/s/_restore", Some(body)).0, 200);
        pass(10_000).await;
        let health = get(&store, "/_cluster/health/new").1;
        assert_eq!((&health["status"], &health["active_primary_shards"]), (&json!("green"), &json!(1)));
        assert_eq!(store.documents("new"), store.documents("a"));
        let shard = get(&store, "/new/_recovery").1["new"]["shards"][0].clone();
        assert_eq!(shard["stage"], "DONE");
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_over_some_red_shards_is_200_over_the_rest() {
    for options in servers() {
        let store = store(&options);
        store.set_red("b", true);
        let (status, answer) = get(&store, "/a,b/_search?size=0");
        assert_eq!(status, 200);
        assert_eq!(answer["_shards"]["failed"], 1);
        assert_eq!(answer["hits"]["total"]["value"], 1);
        assert_eq!(get(&store, "/b/_count").0, 503);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_master_there_is_a_503_without_a_reason() {
    for options in servers() {
        let store = store(&options);
        store.set_no_master(true);
        let (status, answer) = get(&store, "/_snapshot/r/_all");
        assert_eq!((status, &answer["error"]["reason"]), (503, &Value::Null));
        let (status, root) = get(&store, "/");
        assert_eq!((status, &root["cluster_uuid"]), (200, &json!("_na_")));
    }
}

#[tokio::test(start_paused = true)]
async fn sending_waits_as_long_as_a_real_server_would() {
    let store = store(&StoreOptions::elasticsearch("8.19.21"));
    store.set_snapshot_duration(|_, _| Duration::from_secs(20));
    let began = tokio::time::Instant::now();
    let path = "/_snapshot/r/s?wait_for_completion=true";
    let response = store.send(request("PUT", path, Some(json!({"indices": "a"})))).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 20);
    let info: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(info["snapshot"]["state"], "SUCCESS");
    assert_eq!(state_of(&store, "s"), "SUCCESS");
    store.fail_snapshots_matching("", SnapshotFault::NeverEnds);
    let path = "/_snapshot/r/s2?wait_for_completion=true";
    let error = store.send(request("PUT", path, Some(json!({"indices": "a"})))).await.unwrap_err();
    assert_eq!(error.kind, camunda_backup_core::transport::TransportErrorKind::Timeout);
}
