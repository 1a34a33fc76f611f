use camunda_backup_core::transport::script::ScriptedTransport;

use super::*;
use crate::goldens::{scripted, version_of};

fn prefix(prefix: &str) -> IndexPrefix {
    IndexPrefix::new(prefix).unwrap()
}

#[test]
fn every_server_lists_open_and_closed_indices() {
    for (server, body) in golden!("cat.indices.closed") {
        let indices = index_stats(&prefix("t-"), body.as_bytes()).unwrap();
        let find = |name: &str| indices.iter().find(|index| index.name.as_str() == name).unwrap();
        let (open, closed) = (find("t-d"), find("t-c"));
        assert!(open.open && open.docs == Some(3) && open.primaries == Some(2), "{server}: {open:?}");
        assert_eq!(open.health, Some(HealthStatus::Green), "{server}");
        assert!(!closed.open && closed.docs.is_none() && closed.uuid.is_some(), "{server}: {closed:?}");
        assert!(indices.iter().any(|index| index.name.as_str() == "t-hidden"), "{server}");
    }
    for (server, body) in golden!("slowrestore.catindices", "es7", "es8", "es9", "os1", "os2", "os3") {
        let indices = index_stats(&prefix("sl-big"), body.as_bytes()).unwrap();
        assert!(indices.len() == 1 && indices[0].docs.is_none(), "{server}: restoring");
    }
    for (server, body) in golden!("cat.indices.wildnone") {
        assert!(index_stats(&prefix("zz"), body.as_bytes()).unwrap().is_empty(), "{server}");
    }
}

/// D12: an alias that the pattern matches leads to indices of others.
#[test]
fn indices_outside_the_prefix_are_dropped() {
    for (server, body) in golden!("cat.indices.all") {
        let all: Vec<Value> = serde_json::from_str(body).unwrap();
        let mine = index_stats(&prefix("re-"), body.as_bytes()).unwrap();
        assert!(
            mine.len() < all.len() && mine.iter().all(|index| index.name.as_str().starts_with("re-")),
            "{server}"
        );
    }
    let behind_an_alias = br#"[{"index":"t-a"},{"index":"foreign"}]"#;
    let mine = index_stats(&prefix("t-"), behind_an_alias).unwrap();
    assert_eq!(mine.iter().map(|index| index.name.as_str()).collect::<Vec<_>>(), ["t-a"]);
}

#[test]
fn odd_rows_are_read_and_impossible_names_are_errors() {
    let body = br#"[{"index":"t-a","docs.count":7,"pri":"","health":"GREEN"}]"#;
    let index = index_stats(&prefix("t-"), body).unwrap().remove(0);
    assert_eq!((index.docs, index.primaries, index.open), (Some(7), None, false));
    assert_eq!(index.health, Some(HealthStatus::Green));
    assert!(index_stats(&prefix("t-"), br#"[{"index":"t-a,b"}]"#).is_err());
    assert!(index_stats(&prefix("t-"), br#"[{"index":"t-a","docs.count":"many"}]"#).is_err());
    assert!(index_stats(&prefix("t-"), b"[{}]").is_err());
}

#[test]
fn every_server_shows_settings() {
    for (server, body) in golden!("settings.pat") {
        let first: Value = serde_json::from_str(body).unwrap();
        let name = first.as_object().unwrap().keys().next().unwrap().clone();
        let settings = index_settings(&prefix(&name), body.as_bytes()).unwrap();
        let index = &settings[&IndexName::new(&name).unwrap()];
        assert!(index["index.number_of_shards"].parse::<u32>().is_ok(), "{server}");
        assert!(index.contains_key("index.uuid"), "{server}");
    }
    for (server, body) in golden!("settings.wildnone") {
        assert!(index_settings(&prefix("zz"), body.as_bytes()).unwrap().is_empty(), "{server}");
    }
}

#[tokio::test]
async fn the_pattern_leaves_only_in_reads() {
    for (server, body) in golden!("cat.indices.wildnone") {
        let script = ScriptedTransport::new()
            .answer(
                "GET /_cat/indices/operate*?format=json&h=index,status,health,uuid,pri,docs.count&expand_wildcards=all",
                200,
                body,
            )
            .answer("GET /operate*/_settings?flat_settings=true&expand_wildcards=all", 200, "{}");
        let store = scripted(version_of(server), &script);
        assert!(store.indices(&prefix("operate")).await.unwrap().is_empty());
        assert!(store.index_settings(&prefix("operate")).await.unwrap().is_empty());
        script.finish().unwrap();
    }
}
