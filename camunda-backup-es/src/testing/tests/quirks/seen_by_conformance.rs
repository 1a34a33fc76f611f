//! What the conformance scenarios saw on real servers and the simulation did otherwise before.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_alias_counts_as_missing_where_what_is_missing_does_not_matter() {
    for options in servers() {
        let store = store(&options);
        store.put_alias("a", "both");
        assert_eq!(ask(&store, "DELETE", "/both", None).0, 400);
        let answer = ask(&store, "DELETE", "/both?ignore_unavailable=true", None);
        assert_eq!(answer, (200, json!({"acknowledged": true})));
        assert!(store.index_names().contains(&"a".to_owned()), "nothing behind it is deleted");
        assert_eq!(ask(&store, "DELETE", "/both,b?ignore_unavailable=true", None).0, 200);
        assert!(!store.index_names().contains(&"b".to_owned()), "the rest is");
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_over_no_shard_has_counted_nothing() {
    for options in servers() {
        let body = json!({"size": 0, "aggs": {"n": {"max": {"field": "n"}}}});
        let path = "/none*/_search?ignore_unavailable=true&allow_no_indices=true";
        let (status, answer) = ask(&store(&options), "POST", path, Some(body));
        assert_eq!((status, answer.get("aggregations")), (200, None));
        assert_eq!(answer["hits"], json!({"max_score": 0.0, "hits": []}));
    }
}

#[tokio::test(start_paused = true)]
async fn a_readonly_repository_is_refused_in_two_ways() {
    for (options, status) in [
        (StoreOptions::elasticsearch("8.16.6"), 500),
        (StoreOptions::elasticsearch("8.19.8"), 500),
        (StoreOptions::elasticsearch("8.19.21"), 400),
        (StoreOptions::opensearch("2.19.6"), 500),
    ] {
        let store = store(&options);
        taken(&store, "s").await;
        store.register_repository("r", true);
        let (seen, answer) = ask(&store, "DELETE", "/_snapshot/r/s", None);
        assert_eq!(seen, status, "{} {answer}", options.version);
        assert_eq!(start(&store, "t", json!({"indices": "a"})).0, status, "{}", options.version);
    }
}

#[tokio::test(start_paused = true)]
async fn a_restore_without_a_shard_has_ended_before_it_is_answered() {
    for options in servers() {
        let store = store(&options);
        start(&store, "s", json!({"indices": "a", "include_global_state": true}));
        pass(400).await;
        let body = json!({"indices": "-*", "include_global_state": true});
        let (status, answer) = ask(&store, "POST", "/_snapshot/r/s/_restore", Some(body));
        assert_eq!((status, &answer["snapshot"]["shards"]["total"]), (200, &json!(0)), "{answer}");
    }
}
