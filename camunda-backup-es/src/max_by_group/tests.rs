use camunda_backup_core::transport::script::ScriptedTransport;
use serde_json::Value;

use super::*;
use crate::goldens::{scripted, version_of};

fn answer(failed: u64, other: u64, buckets: &str) -> String {
    format!(
        r#"{{"took":3,"timed_out":false,"_shards":{{"total":2,"successful":2,"skipped":0,"failed":{failed}}},
        "hits":{{"max_score":null,"hits":[]}},"aggregations":{{"groups":{{"doc_count_error_upper_bound":0,
        "sum_other_doc_count":{other},"buckets":[{buckets}]}}}}}}"#
    )
}

#[test]
fn doubles_on_the_wire_become_integers() {
    let buckets = r#"{"key":1,"doc_count":4,"greatest":{"value":2.251799813685249E15}},
        {"key":2,"doc_count":1,"greatest":{"value":7}},
        {"key":3,"doc_count":1,"greatest":{"value":null}},
        {"key":4.0,"doc_count":1,"greatest":{"value":0.0}}"#;
    let expected = BTreeMap::from([(1, 2_251_799_813_685_249), (2, 7), (4, 0)]);
    assert_eq!(max_by_group(answer(0, 0, buckets).as_bytes()).unwrap(), expected);
}

#[test]
fn half_an_answer_is_no_answer() {
    let one = r#"{"key":1,"greatest":{"value":7.0}}"#;
    let kind = |body: &str| max_by_group(body.as_bytes()).unwrap_err().kind();
    assert_eq!(kind(&answer(1, 0, one)), ErrorKind::Failed);
    assert_eq!(kind(&answer(0, 9, one)), ErrorKind::Failed);
    assert_eq!(
        kind(&answer(0, 0, one).replace("\"timed_out\":false", "\"timed_out\":true")),
        ErrorKind::Failed
    );
    assert_eq!(kind(&answer(0, 0, r#"{"key":1,"greatest":{"value":1e19}}"#)), ErrorKind::Decode);
    assert_eq!(kind(&answer(0, 0, r#"{"key":1,"greatest":{"value":1.5}}"#)), ErrorKind::Decode);
    assert_eq!(kind("{}"), ErrorKind::Decode);
}

#[test]
fn no_index_at_all_is_an_empty_map() {
    let body =
        br#"{"took":1,"timed_out":false,"_shards":{"total":0,"successful":0,"failed":0},"hits":{"hits":[]}}"#;
    assert!(max_by_group(body).unwrap().is_empty());
}

#[tokio::test]
async fn the_search_is_a_read_without_hits() {
    let line = "POST /zeebe-record_job_8.6.0_*,zeebe-record_job_8.7.0_*/_search?ignore_unavailable=true&allow_no_indices=true&allow_partial_search_results=false";
    let script = ScriptedTransport::new().answer(line, 200, answer(0, 0, ""));
    let patterns = ["zeebe-record_job_8.6.0_", "zeebe-record_job_8.7.0_"];
    let patterns = patterns.map(|start| IndexPrefix::new(start).unwrap());
    assert_eq!(max_call("a", "partitionId", "position").unwrap().effect, Effect::Read);
    let store = scripted("OpenSearch 1.3.13", &script);
    assert!(store.max_by_group(&patterns, "partitionId", "position").await.unwrap().is_empty());
    script.finish().unwrap();
    let body: Value = serde_json::from_str(&script.bodies()[0]).unwrap();
    assert_eq!(body["size"], 0);
    assert_eq!(body["aggs"]["groups"]["terms"]["field"], "partitionId");
    assert_eq!(body["aggs"]["groups"]["aggs"]["greatest"]["max"]["field"], "position");
}

#[tokio::test]
async fn every_server_refreshes() {
    let line = "POST /t-*/_refresh?ignore_unavailable=true&allow_no_indices=true";
    for (server, body) in golden!("refresh") {
        let script = ScriptedTransport::new().answer(line, 200, body);
        let store = scripted(version_of(server), &script);
        store.refresh(&[IndexPrefix::new("t-").unwrap()]).await.unwrap();
    }
    assert!(refreshed(br#"{"_shards":{"total":2,"successful":1,"failed":1}}"#).is_err());
    assert!(refreshed(b"{}").is_err());
}

#[tokio::test]
async fn a_shard_that_is_not_active_makes_it_unavailable() {
    for (server, status, body) in
        golden_error!("slowrestore.search", "es7", "es8", "es9", "os1", "os2", "os3")
    {
        let mut call = max_call("sl-*", "a", "b").unwrap();
        call.max_retries = 0;
        let script =
            ScriptedTransport::new().answer(&format!("POST {}", call.path_and_query()), status, body);
        let error = scripted(version_of(server), &script).send(call).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{server}");
    }
}

#[tokio::test]
async fn many_patterns_are_several_requests_and_the_greatest_of_all_counts() {
    let patterns: Vec<IndexPrefix> =
        (0..200).map(|n| IndexPrefix::new(format!("zeebe-record_kind-{n}_8.6.0_")).unwrap()).collect();
    let mut script = ScriptedTransport::new();
    let lists: Vec<String> = chunks("http://store:9200", &super::patterns(&patterns))
        .into_iter()
        .map(|chunk| chunk.list)
        .collect();
    assert!(lists.len() > 1);
    let last = lists.len() - 1;
    for (n, list) in lists.iter().enumerate() {
        let line = format!(
            "POST /{list}/_search?ignore_unavailable=true&allow_no_indices=true&allow_partial_search_results=false"
        );
        let buckets = match n {
            0 => r#"{"key":1,"greatest":{"value":9.0}},{"key":2,"greatest":{"value":1.0}}"#,
            n if n == last => r#"{"key":1,"greatest":{"value":3.0}},{"key":2,"greatest":{"value":5.0}}"#,
            _ => "",
        };
        script = script.answer(&line, 200, answer(0, 0, buckets));
    }
    let store = scripted("OpenSearch 1.3.13", &script);
    let found = store.max_by_group(&patterns, "partitionId", "position").await.unwrap();
    assert_eq!(found, BTreeMap::from([(1, 9), (2, 5)]));
    script.finish().unwrap();
    assert!(store.max_by_group(&[], "partitionId", "position").await.unwrap().is_empty());
}
