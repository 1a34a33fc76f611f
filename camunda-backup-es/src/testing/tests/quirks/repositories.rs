//! Q17, Q18: repositories that are not there, not writable, damaged.

use super::*;

#[tokio::test(start_paused = true)]
async fn q17_only_7_17_lists_an_unknown_repository_as_200() {
    for options in servers() {
        let store = store(&options);
        let (status, answer) = get(&store, "/_snapshot/nope/_all");
        if options.version == "7.17.29" {
            assert_eq!(status, 200);
            assert_eq!(answer["failures"]["nope"]["type"], "repository_missing_exception");
            assert_eq!(answer["snapshots"], json!([]));
        } else {
            assert_eq!((status, &answer["error"]["type"]), (404, &json!("repository_missing_exception")));
        }
        assert_eq!(get(&store, "/_snapshot/nope/_status"), (200, json!({"snapshots": []})));
        assert_eq!(get(&store, "/_snapshot/nope/s/_status").0, 404);
    }
}

#[tokio::test(start_paused = true)]
async fn q17_wildcards_without_match_and_empty_repositories() {
    for options in servers() {
        let store = store(&options);
        let modern = matches!(options.version.as_str(), "8.19.21" | "9.4.3");
        let opensearch = options.flavor == crate::testing::StoreFlavor::OpenSearch;
        assert_eq!(get(&store, "/_snapshot/r/_all").0, 200);
        assert_eq!(get(&store, "/_snapshot/r/*").0, if opensearch { 404 } else { 200 });
        taken(&store, "s").await;
        assert_eq!(get(&store, "/_snapshot/r/zz*").0, if modern { 200 } else { 404 });
        assert_eq!(get(&store, "/_snapshot/r/zz*?ignore_unavailable=true").0, 200);
        assert_eq!(get(&store, "/_snapshot/r/*").0, 200);
        assert_eq!(get(&store, "/_snapshot/r/s,nope").0, 404);
    }
}

#[tokio::test(start_paused = true)]
async fn q17_one_damaged_snapshot_spoils_the_verbose_listing() {
    for options in servers() {
        let store = store(&options);
        taken(&store, "s1").await;
        taken(&store, "s2").await;
        assert!(store.damage_snapshot("r", "s1"));
        let listed = get(&store, "/_snapshot/r/_all");
        assert_eq!((listed.0, error_type(&listed)), (404, "snapshot_missing_exception"));
        assert_eq!(get(&store, "/_snapshot/r/s2").0, 200);
        let names = |path: &str| get(&store, path).1["snapshots"].as_array().unwrap().len();
        assert_eq!(names("/_snapshot/r/_all?verbose=false"), 2);
        assert_eq!(names("/_snapshot/r/_all?ignore_unavailable=true"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn q17_a_vanished_location_is_noticed_by_the_next_create_only() {
    for options in servers() {
        let store = store(&options);
        taken(&store, "s").await;
        start(&store, "running", json!({"indices": "a"}));
        store.break_repository("r");
        pass(400).await;
        assert_eq!(ask(&store, "POST", "/_snapshot/r/_verify", None).0, 200);
        assert_eq!(get(&store, "/_snapshot/r/_all?verbose=false").0, 200);
        assert_eq!(get(&store, "/_snapshot/r/_all").0, 404);
        assert_eq!(get(&store, "/_snapshot/r/running").0, 404, "dropped without a trace");
        let refused = start(&store, "s2", json!({"indices": "a"}));
        assert_eq!((refused.0, error_type(&refused)), (500, "snapshot_exception"));
        let listed = get(&store, "/_snapshot/r/_all?verbose=false");
        assert_eq!((listed.0, error_type(&listed)), (500, "repository_exception"));
        assert_eq!(ask(&store, "DELETE", "/_snapshot/r", None).0, 200);
        store.register_repository("r", false);
        assert_eq!(state_of(&store, "s"), "SUCCESS");
    }
}

#[tokio::test(start_paused = true)]
async fn q18_read_only_is_ignored_and_readonly_is_obeyed() {
    for options in servers() {
        let store = store(&options);
        let put = |name: &str, key: &str| {
            let body = json!({"type": "fs", "settings": {"location": "x", key: true}});
            assert_eq!(ask(&store, "PUT", &format!("/_snapshot/{name}"), Some(body)).0, 200);
            let settings = get(&store, &format!("/_snapshot/{name}")).1[name]["settings"].clone();
            let body = json!({"indices": "a", "include_global_state": false});
            (settings, ask(&store, "PUT", &format!("/_snapshot/{name}/s-{name}"), Some(body)))
        };
        let (settings, created) = put("typo", "read_only");
        assert_eq!((&settings["read_only"], created.0), (&json!("true"), 200));
        let (settings, created) = put("right", "readonly");
        assert_eq!(settings["readonly"], "true");
        let modern = matches!(options.version.as_str(), "8.19.21" | "9.4.3");
        let expected =
            if modern { (400, "illegal_argument_exception") } else { (500, "repository_exception") };
        assert_eq!((created.0, error_type(&created)), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_repository_has_a_uuid_after_the_first_write_and_on_elasticsearch_only() {
    for options in servers() {
        let store = store(&options);
        assert_eq!(get(&store, "/_snapshot/r").1["r"].get("uuid"), None);
        taken(&store, "s").await;
        let uuid = get(&store, "/_snapshot/r").1["r"].get("uuid").cloned();
        assert_eq!(uuid.is_some(), options.flavor == crate::testing::StoreFlavor::Elasticsearch);
        ask(&store, "DELETE", "/_snapshot/r", None);
        store.register_repository("r", false);
        assert_eq!(get(&store, "/_snapshot/r").1["r"].get("uuid"), uuid.as_ref());
    }
}

#[tokio::test(start_paused = true)]
async fn a_repository_in_use_cannot_be_removed() {
    for options in servers() {
        let store = store(&options);
        start(&store, "s", json!({"indices": "a"}));
        let refused = ask(&store, "DELETE", "/_snapshot/r", None);
        let modern = matches!(options.version.as_str(), "8.19.21" | "9.4.3");
        let expected =
            if modern { (409, "repository_conflict_exception") } else { (500, "illegal_state_exception") };
        assert_eq!((refused.0, error_type(&refused)), expected);
        pass(400).await;
        assert_eq!(ask(&store, "DELETE", "/_snapshot/r*", None).0, 200, "wildcards are obeyed");
        assert!(store.repository_names().is_empty());
    }
}
