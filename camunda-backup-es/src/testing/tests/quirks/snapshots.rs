//! Q12, Q13, Q15, Q20, Q32 and the rules of creating and deleting.

use super::*;

#[tokio::test(start_paused = true)]
async fn q12_shards_of_a_running_snapshot_mean_something_else_on_every_family() {
    for options in servers() {
        let store = store(&options);
        assert_eq!(start(&store, "s", json!({"indices": ["a", "b"]})).0, 200);
        pass(200).await;
        let shards = get(&store, "/_snapshot/r/s").1["snapshots"][0]["shards"].clone();
        let expected = match options.version.as_str() {
            "7.17.29" => json!({"total": 2, "failed": 1, "successful": 1}),
            "8.19.21" | "9.4.3" => json!({"total": 2, "failed": 0, "successful": 1}),
            _ => json!({"total": 0, "failed": 0, "successful": 0}),
        };
        assert_eq!(shards, expected, "{}", options.version);
        let status = get(&store, "/_snapshot/r/s/_status").1["snapshots"][0].clone();
        assert_eq!(status["state"], "STARTED");
        assert_eq!(status["shards_stats"]["done"], 1, "_status is right everywhere");
        assert_eq!(status["shards_stats"]["total"], 2);
        pass(200).await;
        let shards = get(&store, "/_snapshot/r/s").1["snapshots"][0]["shards"].clone();
        assert_eq!(shards, json!({"total": 2, "failed": 0, "successful": 2}));
    }
}

#[tokio::test(start_paused = true)]
async fn q13_status_calls_a_partial_snapshot_success() {
    for options in servers() {
        let store = store(&options);
        store.fail_snapshots_matching("bad", SnapshotFault::Partial);
        taken(&store, "bad-1").await;
        assert_eq!(state_of(&store, "bad-1"), "PARTIAL");
        let status = get(&store, "/_snapshot/r/bad-1/_status").1["snapshots"][0].clone();
        let says_partial = matches!(options.version.as_str(), "2.19.6" | "3.6.0");
        assert_eq!(status["state"], if says_partial { "PARTIAL" } else { "SUCCESS" });
        assert_eq!(status["shards_stats"]["failed"], 1);
        let view = store.snapshot("r", "bad-1").unwrap();
        assert_eq!((view.state.as_str(), view.shards_failed), ("PARTIAL", 1));
    }
}

#[tokio::test(start_paused = true)]
async fn q15_empty_lists_are_everything_and_wildcards_without_match_are_success() {
    for options in servers() {
        let store = store(&options);
        for (name, indices) in [("s1", json!([])), ("s2", json!("")), ("s3", Value::Null)] {
            assert_eq!(start(&store, name, json!({"indices": indices})).0, 200);
            assert_eq!(store.snapshot("r", name).unwrap().indices, [".hidden", "a", "b"]);
        }
        assert_eq!(start(&store, "s4", json!({"indices": "zz*"})).0, 200);
        assert_eq!(start(&store, "s5", json!({"indices": "a,nope", "ignore_unavailable": true})).0, 200);
        let missing = start(&store, "s6", json!({"indices": "a,nope"}));
        assert_eq!((missing.0, error_type(&missing)), (404, "index_not_found_exception"));
        pass(400).await;
        assert_eq!(state_of(&store, "s4"), "SUCCESS");
        assert!(store.snapshot("r", "s4").unwrap().indices.is_empty());
        assert_eq!(store.snapshot("r", "s5").unwrap().indices, ["a"]);
    }
}

#[tokio::test(start_paused = true)]
async fn q15_closed_indices_are_skipped_by_wildcards_of_old_servers_only() {
    for options in servers() {
        let store = store(&options);
        store.close_index("b");
        start(&store, "wild", json!({"indices": "*"}));
        start(&store, "named", json!({"indices": "a,b"}));
        let closed_too = matches!(options.version.as_str(), "8.19.21" | "9.4.3");
        let expected: &[&str] = if closed_too { &[".hidden", "a", "b"] } else { &[".hidden", "a"] };
        assert_eq!(store.snapshot("r", "wild").unwrap().indices, expected, "{}", options.version);
        assert_eq!(store.snapshot("r", "named").unwrap().indices, ["a", "b"]);
    }
}

#[tokio::test(start_paused = true)]
async fn q20_restoring_global_state_removes_newer_templates() {
    for options in servers() {
        let store = store(&options);
        store.put_template(TemplateKind::Index, "old", json!({"index_patterns": ["x-*"]}));
        start(&store, "global", json!({"indices": "a"}));
        taken(&store, "plain").await;
        store.put_template(TemplateKind::Index, "newer", json!({"index_patterns": ["y-*"]}));
        let restore = |name: &str, global: bool| {
            let body = json!({"indices": "-*", "include_global_state": global});
            ask(&store, "POST", &format!("/_snapshot/r/{name}/_restore"), Some(body))
        };
        assert_eq!(restore("global", false).0, 200);
        assert_eq!(store.template_names(TemplateKind::Index), ["newer", "old"]);
        let refused = matches!(options.version.as_str(), "8.19.21" | "9.4.3");
        assert_eq!(restore("plain", true).0, if refused { 500 } else { 200 });
        assert_eq!(restore("global", true).0, 200);
        assert_eq!(store.template_names(TemplateKind::Index), ["old"]);
    }
}

#[tokio::test(start_paused = true)]
async fn q32_snapshots_go_one_major_up_and_never_across_families() {
    let families = [
        (StoreOptions::elasticsearch as fn(&str) -> StoreOptions, ["7.17.29", "8.19.21", "9.4.3"]),
        (StoreOptions::opensearch, ["1.3.13", "2.19.6", "3.6.0"]),
    ];
    for (family, versions) in families {
        for (writer, written) in versions.iter().enumerate() {
            for (reader, read) in versions.iter().enumerate() {
                let storage = FakeStorage::new();
                let first = FakeElasticsearch::with_storage(family(written), clock(), &storage);
                first.register_repository("r", false);
                first.put_document("a", "1", json!({"n": 1}));
                start(&first, "s", json!({"indices": "a", "include_global_state": false}));
                pass(400).await;
                assert!(first.snapshot("r", "s").unwrap().ended.is_some());
                let second = FakeElasticsearch::with_storage(family(read), clock(), &storage);
                second.register_repository("r", true);
                assert_eq!(get(&second, "/_snapshot/r/_all").0, 200, "listing works");
                let body = json!({"indices": "a"});
                let restored = ask(&second, "POST", "/_snapshot/r/s/_restore", Some(body));
                let works = reader == writer || reader == writer + 1;
                assert_eq!(restored.0, if works { 200 } else { 500 }, "{written} on {read}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn q32_versions_are_words_that_depend_on_the_reader() {
    let storage = FakeStorage::new();
    let eight = FakeElasticsearch::with_storage(StoreOptions::elasticsearch("8.19.21"), clock(), &storage);
    eight.register_repository("r", false);
    eight.put_document("a", "1", json!({}));
    taken_of(&eight, "s").await;
    assert!(!eight.is_busy());
    for (options, words) in [
        (StoreOptions::elasticsearch("8.19.21"), "8.19.9-8.19.21"),
        (StoreOptions::elasticsearch("7.17.29"), "8.53.70-alpha0"),
    ] {
        let reader = FakeElasticsearch::with_storage(options, clock(), &storage);
        reader.register_repository("r", true);
        let snapshot = get(&reader, "/_snapshot/r/s").1["snapshots"][0].clone();
        assert_eq!(snapshot["version"], words);
        assert_eq!(snapshot["version_id"], 8_537_000);
    }
    let foreign = FakeElasticsearch::with_storage(StoreOptions::opensearch("2.19.6"), clock(), &storage);
    foreign.register_repository("r", true);
    let listed = get(&foreign, "/_snapshot/r/_all");
    assert_eq!((listed.0, error_type(&listed)), (500, "repository_exception"));
}

async fn taken_of(store: &FakeElasticsearch, name: &str) {
    assert_eq!(start(store, name, json!({"indices": "a"})).0, 200);
    pass(400).await;
}

#[tokio::test(start_paused = true)]
async fn metadata_is_limited_and_comes_back_in_another_order() {
    for options in servers() {
        let store = store(&options);
        let long = json!({"indices": "a", "metadata": {"x": "y".repeat(1100)}});
        let refused = start(&store, "s", long);
        assert_eq!((refused.0, error_type(&refused)), (400, "action_request_validation_exception"));
        let body = r#"{"indices":"a","metadata":{"version":"8.6.0","partNo":1,"backupId":7}}"#;
        assert_eq!(start(&store, "s", serde_json::from_str(body).unwrap()).0, 200);
        let metadata = get(&store, "/_snapshot/r/s").1["snapshots"][0]["metadata"].clone();
        assert_eq!(metadata, json!({"backupId": 7, "partNo": 1, "version": "8.6.0"}));
    }
}

#[tokio::test(start_paused = true)]
async fn names_are_taken_once_and_deleting_is_all_or_nothing() {
    for options in servers() {
        let store = store(&options);
        taken(&store, "s").await;
        let again = start(&store, "s", json!({"indices": "a"}));
        let modern = matches!(options.version.as_str(), "8.19.21" | "9.4.3");
        let word =
            if modern { "snapshot_name_already_in_use_exception" } else { "invalid_snapshot_name_exception" };
        assert_eq!((again.0, error_type(&again)), (400, word));
        assert_eq!(ask(&store, "DELETE", "/_snapshot/r/s,nope", None).0, 404);
        assert_eq!(state_of(&store, "s"), "SUCCESS");
        assert_eq!(ask(&store, "DELETE", "/_snapshot/r/zz*", None).0, 200, "a wildcard may match nothing");
        assert_eq!(ask(&store, "DELETE", "/_snapshot/r/s*", None).0, 200, "and is obeyed");
        assert!(store.snapshot("r", "s").is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn times_are_those_of_a_clock_that_ticks_every_200_ms() {
    let store = store(&StoreOptions::elasticsearch("8.19.21"));
    store.set_snapshot_duration(|_, _| Duration::from_millis(30));
    taken(&store, "s").await;
    let snapshot = get(&store, "/_snapshot/r/s").1["snapshots"][0].clone();
    assert_eq!(snapshot["start_time_in_millis"].as_u64().unwrap() % 200, 0);
    assert_eq!(snapshot["start_time"], snapshot["end_time"]);
    assert_eq!(snapshot["duration_in_millis"], 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_written_during_a_snapshot_is_not_in_it() {
    let store = store(&StoreOptions::opensearch("2.19.6"));
    start(&store, "s", json!({"indices": ["a"]}));
    assert!(store.is_busy());
    assert!(store.next_event().is_some());
    store.put_document("a", "2", json!({"n": 2}));
    assert_eq!(store.snapshot("r", "s").unwrap().documents["a"].len(), 1);
    assert_eq!(store.documents("a").len(), 2);
    pass(400).await;
    assert!(!store.is_busy());
    assert_eq!(store.next_event(), None);
}
