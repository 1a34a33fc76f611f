//! Q31 and the rest of the wire: lengths, parameters, headers, health, searches; and that nothing makes it panic.

use proptest::prelude::*;

use super::*;

#[tokio::test(start_paused = true)]
async fn q31_a_request_line_over_4096_bytes_is_refused() {
    for options in servers() {
        let store = store(&options);
        let names = vec!["a-very-long-camunda-index-name-of-many-letters"; 90].join(",");
        let refused = get(&store, &format!("/_cat/indices/{names}?format=json"));
        assert_eq!((refused.0, error_type(&refused)), (400, "too_long_http_line_exception"));
        let path = format!("/_snapshot/r/{}?ignore_unavailable=true", names.split_at(4000).0);
        assert_eq!(get(&store, &path).0, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn q31_errors_are_objects_strings_and_nothing() {
    let store = store(&StoreOptions::elasticsearch("8.19.21"));
    assert!(get(&store, "/nope/_count").1["error"].is_object());
    let (status, answer) = get(&store, "/_nope/a/b");
    assert_eq!((status, answer["error"].is_string(), answer.get("status")), (400, true, None));
    assert_eq!(get(&store, "/_template/nope"), (404, json!({})));
    assert_eq!(get(&store, "/_index_template/zz*"), (404, json!({"index_templates": []})));
    let (status, answer) = get(&store, "/_alias/nope");
    assert_eq!((status, &answer["error"]), (404, &json!("alias [nope] missing")));
}

#[tokio::test(start_paused = true)]
async fn unknown_parameters_are_refused_in_the_servers_words() {
    for options in servers() {
        let store = store(&options);
        let (status, answer) = get(&store, "/_snapshot/r/*?bogus=1");
        assert_eq!(status, 400);
        let words = "request [/_snapshot/r/*] contains unrecognized parameter: [bogus]";
        assert_eq!(answer["error"]["reason"], words);
        let paged = get(&store, "/_snapshot/r/_all?size=1").0;
        let elasticsearch = options.flavor == crate::testing::StoreFlavor::Elasticsearch;
        assert_eq!(paged, if elasticsearch { 200 } else { 400 });
        let new_name = get(&store, "/_snapshot/r?cluster_manager_timeout=5s").0;
        let known = matches!(options.version.as_str(), "2.19.6" | "3.6.0");
        assert_eq!(new_name, if known { 200 } else { 400 });
        assert_eq!(get(&store, "/_cluster/health?timeout=1").0, 400, "a time needs a unit");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_are_followed_by_their_token() {
    let store = store(&StoreOptions::elasticsearch("8.19.21"));
    for name in ["s1", "s2", "s3", "s4", "s5"] {
        taken(&store, name).await;
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = get(&store, &format!("/_snapshot/r/*?size=2&sort=name&order=desc{after}")).1;
        for snapshot in page["snapshots"].as_array().unwrap() {
            seen.push(snapshot["snapshot"].as_str().unwrap().to_owned());
        }
        assert_eq!(page["total"], 5);
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["s5", "s4", "s3", "s2", "s1"]);
}

#[tokio::test(start_paused = true)]
async fn the_product_is_told_by_its_headers() {
    for options in servers() {
        let store = store(&options);
        let response = store.answer(&request("GET", "/_snapshot/nope", None));
        let header = |name: &str| response.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let elasticsearch = options.flavor == crate::testing::StoreFlavor::Elasticsearch;
        assert_eq!(header("x-elastic-product").is_some(), elasticsearch);
        assert_eq!(header("x-opensearch-version").is_some(), options.version == "3.6.0");
        let root = get(&store, "/").1;
        let distribution = root["version"].get("distribution");
        assert_eq!(distribution.and_then(Value::as_str), (!elasticsearch).then_some("opensearch"));
        let failed = store.answer(&request("POST", "/_snapshot/r/nope/_restore", Some(json!({}))));
        let class = failed.headers.get("x-elastic-app-exception");
        assert_eq!(class.is_some_and(|v| v == "SnapshotRestoreException"), options.version == "9.4.3");
    }
    let mut stripped = StoreOptions::elasticsearch("8.19.21");
    stripped.root_handler = false;
    let store = store(&stripped);
    assert_eq!(get(&store, "/").0, 405);
    let nodes = get(&store, "/_nodes?filter_path=nodes.*.version").1;
    assert_eq!(nodes["nodes"].as_object().unwrap().values().next().unwrap(), &json!({"version": "8.19.21"}));
}

#[tokio::test(start_paused = true)]
async fn the_health_of_an_unknown_index_is_408_after_the_timeout() {
    for options in servers() {
        let store = store(&options);
        let asked = request("GET", "/_cluster/health/nope?timeout=7s", None);
        let (response, wait) = store.answer_later(&asked);
        assert_eq!((response.status.as_u16(), wait), (408, Duration::from_secs(7)));
        let health: Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!((&health["status"], &health["timed_out"]), (&json!("red"), &json!(true)));
        assert_eq!(get(&store, "/_cluster/health/zz*?timeout=7s").0, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn the_highest_position_of_each_partition_is_found() {
    for options in servers() {
        let store = store(&options);
        for (id, partition, position) in [("1", 1, 10), ("2", 1, 40), ("3", 2, 7), ("4", 3, 0)] {
            store.put_document("import", id, json!({"partitionId": partition, "position": position}));
        }
        let max = json!({"max": {"field": "position"}});
        let terms = json!({"terms": {"field": "partitionId", "size": 100}, "aggs": {"top": max}});
        let body = json!({"size": 0, "aggs": {"partitions": terms}});
        let (status, answer) = ask(&store, "POST", "/import/_search", Some(body));
        assert_eq!((status, &answer["hits"]["hits"]), (200, &json!([])));
        let buckets = answer["aggregations"]["partitions"]["buckets"].as_array().unwrap();
        let found: Vec<(u64, f64)> = buckets
            .iter()
            .map(|bucket| (bucket["key"].as_u64().unwrap(), bucket["top"]["value"].as_f64().unwrap()))
            .collect();
        assert_eq!(found, [(1, 40.0), (2, 7.0), (3, 0.0)]);
        assert_eq!(get(&store, "/import/_search?size=2").1["hits"]["hits"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn wildcards_delete_indices_unless_names_are_required() {
    for options in servers() {
        let store = store(&options);
        let strict = matches!(options.version.as_str(), "8.19.21" | "9.4.3");
        assert_eq!(ask(&store, "DELETE", "/*", None).0, if strict { 400 } else { 200 });
        assert_eq!(store.index_names().contains(&"a".to_owned()), strict);
    }
}

#[tokio::test(start_paused = true)]
async fn an_index_that_is_being_copied_cannot_be_deleted() {
    for options in servers() {
        let store = store(&options);
        start(&store, "s", json!({"indices": "a"}));
        let refused = ask(&store, "DELETE", "/a", None);
        assert_eq!((refused.0, error_type(&refused)), (400, "snapshot_in_progress_exception"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_after_a_failed_restore_makes_the_index_with_defaults() {
    let store = store(&StoreOptions::opensearch("2.19.6"));
    assert_eq!(ask(&store, "PUT", "/fresh/_doc/1", Some(json!({"a": 1}))).0, 201);
    assert_eq!(ask(&store, "PUT", "/fresh/_doc/1", Some(json!({"a": 2}))).0, 200);
    store.set_flood_stage(true);
    assert_eq!(ask(&store, "PUT", "/fresh/_doc/2", Some(json!({"a": 3}))).0, 429);
    assert_eq!(store.documents("fresh").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn lifecycle_policies_depend_on_the_build() {
    let mut options = StoreOptions::elasticsearch("8.19.21");
    assert!(get(&store(&options), "/_ilm/policy/p").1["error"].is_string());
    options.lifecycle_module = true;
    let with = store(&options);
    let body = json!({"policy": {"phases": {}}});
    assert_eq!(ask(&with, "PUT", "/_ilm/policy/p", Some(body)).0, 200);
    assert_eq!(get(&with, "/_ilm/policy/p").1["p"]["policy"], json!({"phases": {}}));
    assert_eq!(get(&with, "/_ilm/policy/nope").0, 404);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z*,_.-]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let keys = prop_oneof![
            Just("indices"),
            Just("query"),
            Just("aggs"),
            Just("terms"),
            Just("field"),
            Just("settings"),
            Just("metadata"),
            Just("type"),
            Just("rename_pattern"),
            Just("rename_replacement"),
            Just("actions"),
            Just("add"),
            Just("index"),
            Just("bool"),
            Just("persistent"),
            Just("template"),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((keys, inner), 0..5)
                .prop_map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_request_gets_an_answer(
        server in 0usize..6,
        method in prop::sample::select(vec!["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH"]),
        path in prop::collection::vec(prop_oneof![
            prop::sample::select(vec![
                "_snapshot", "r", "s", "_status", "_restore", "_search", "_cat", "indices", "a", "_all", "*",
                "_cluster", "health", "settings", "_settings", "_alias", "_aliases", "_template", "_doc",
                "_index_template", "_recovery", "_close", "_bulk", "_resolve", "index", "snapshots", "_clone",
            ]).prop_map(str::to_owned),
            "[a-zA-Z0-9*,._%-]{0,10}",
        ], 0..6),
        query in "[a-z_]{0,12}=[a-z0-9,*-]{0,8}",
        body in prop::option::of(json_value()),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _inside = runtime.enter();
        let store = store(&servers()[server]);
        store.start_snapshot("r", "s", &["a".to_owned()], Value::Null, true).unwrap();
        let path = format!("/{}?{query}", path.join("/"));
        let response = store.answer(&request(method, &path, body));
        prop_assert!(response.status.as_u16() >= 200);
    }
}
