use camunda_backup_core::Outcome;
use camunda_backup_core::transport::script::ScriptedTransport;

use super::*;
use crate::goldens::{scripted, version_of};

const ES8: &str = "Elasticsearch 8.19.21";

fn repository(name: &str) -> RepositoryName {
    RepositoryName::new(name).unwrap()
}

fn names<N: AsRef<str>>(names: &[N]) -> Vec<SnapshotName> {
    names.iter().map(|name| SnapshotName::new(name).unwrap()).collect()
}

fn success(name: &str) -> String {
    format!(r#"{{"snapshot":"{name}","state":"SUCCESS","indices":[],"failures":[]}}"#)
}

fn listing(entries: &[String]) -> String {
    format!(r#"{{"snapshots":[{}]}}"#, entries.join(","))
}

const DAMAGED: &str = r#"{"error":{"root_cause":[],"type":"snapshot_exception","reason":"[r:b/uuid] could not read snapshot file"},"status":500}"#;

/// Q31.
#[tokio::test]
async fn long_lists_of_names_are_asked_in_chunks_below_the_request_line() {
    let all: Vec<String> =
        (0..120).map(|part| format!("camunda_operate_1748937221000_8.6.11_part_{part}_of_120")).collect();
    let wanted = names(&all);
    let chunks = chunks("http://store:9200", &wanted);
    assert!(chunks.len() > 1);
    let mut script = ScriptedTransport::new();
    for chunk in &chunks {
        let entries: Vec<String> = chunk.names.iter().map(|name| success(name.as_str())).collect();
        let line = format!("GET /_snapshot/r/{}?ignore_unavailable=true", chunk.list);
        assert!(line.len() + " HTTP/1.1".len() <= 4096);
        script = script.answer(&line, 200, listing(&entries));
    }
    let found = scripted(ES8, &script).snapshots(&repository("r"), &wanted).await.unwrap();
    script.finish().unwrap();
    assert_eq!(found.iter().map(|snapshot| snapshot.name.clone()).collect::<Vec<_>>(), all);
}

#[tokio::test]
async fn no_names_ask_nothing() {
    let script = ScriptedTransport::new();
    assert!(scripted(ES8, &script).snapshots(&repository("r"), &[]).await.unwrap().is_empty());
    assert!(script.asked().is_empty());
}

#[tokio::test]
async fn missing_ones_are_absent_on_every_server() {
    for (server, body) in golden!("snap.get.mixed.ignore") {
        let script =
            ScriptedTransport::new().answer("GET /_snapshot/r/s1,nope?ignore_unavailable=true", 200, body);
        let store = scripted(version_of(server), &script);
        let found = store.snapshots(&repository("r"), &names(&["s1", "nope"])).await.unwrap();
        assert_eq!(found.len(), 1, "{server}");
        script.finish().unwrap();
    }
}

/// Q17.
#[tokio::test]
async fn an_unknown_repository_is_not_found_on_every_server() {
    for (server, status, body) in golden_error!("snap.get.repomissing") {
        let script = ScriptedTransport::new()
            .answer("GET /_snapshot/nope/s1,s2?ignore_unavailable=true", status, body)
            .answer("GET /_snapshot/nope/_all?verbose=false", status, body);
        let store = scripted(version_of(server), &script);
        let error = store.snapshots(&repository("nope"), &names(&["s1", "s2"])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{server}");
        let error = store.list_snapshots(&repository("nope")).await.unwrap_err();
        assert_eq!(error.server_type(), Some("repository_missing_exception"), "{server}");
        assert_eq!(error.operation(), Some("store.snapshots.list"), "{server}");
        script.finish().unwrap();
    }
}

/// Q17.
#[tokio::test]
async fn a_damaged_one_does_not_hide_the_others() {
    let script = ScriptedTransport::new()
        .answer("GET /_snapshot/r/a,b,c?ignore_unavailable=true", 500, DAMAGED)
        .answer("GET /_snapshot/r/a?ignore_unavailable=true", 200, listing(&[success("a")]))
        .answer("GET /_snapshot/r/b?ignore_unavailable=true", 500, DAMAGED)
        .answer("GET /_snapshot/r/c?ignore_unavailable=true", 200, listing(&[]));
    let found = scripted(ES8, &script).snapshots(&repository("r"), &names(&["a", "b", "c"])).await.unwrap();
    script.finish().unwrap();
    assert_eq!(found.len(), 2);
    assert!(found[0].is_clean_success());
    assert_eq!(found[1].state, SnapshotState::Other("UNREADABLE".to_owned()));
    assert!(!found[1].is_clean_success());
    assert_eq!(found[1].reason.as_deref(), Some("[r:b/uuid] could not read snapshot file"));
}

#[tokio::test]
async fn when_none_can_be_read_it_is_an_error() {
    let script = ScriptedTransport::new()
        .answer("GET /_snapshot/r/a,b?ignore_unavailable=true", 500, DAMAGED)
        .answer("GET /_snapshot/r/a?ignore_unavailable=true", 500, DAMAGED)
        .answer("GET /_snapshot/r/b?ignore_unavailable=true", 500, DAMAGED)
        .answer("GET /_snapshot/r/a?ignore_unavailable=true", 500, DAMAGED);
    let store = scripted(ES8, &script);
    let error = store.snapshots(&repository("r"), &names(&["a", "b"])).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::ServerError, Outcome::Refused));
    store.snapshots(&repository("r"), &names(&["a"])).await.unwrap_err();
    script.finish().unwrap();
}

/// OpenSearch 2.4 answers with whatever is running when nothing of what was asked for is there.
#[tokio::test]
async fn snapshots_that_were_not_asked_for_are_ignored() {
    let line = "GET /_snapshot/r/a,b?ignore_unavailable=true";
    let script = ScriptedTransport::new().answer(line, 200, listing(&[success("nightly")])).answer(
        line,
        200,
        listing(&[success("nightly"), success("b"), success("nightly")]),
    );
    let store = scripted(ES8, &script);
    let asked = names(&["a", "b"]);
    assert_eq!(store.snapshots(&repository("r"), &asked).await.unwrap(), Vec::new());
    let found = store.snapshots(&repository("r"), &asked).await.unwrap();
    assert_eq!(found.iter().map(|snapshot| snapshot.name.as_str()).collect::<Vec<_>>(), ["b"]);
    script.finish().unwrap();
}

#[tokio::test]
async fn a_name_that_is_listed_twice_is_no_answer() {
    let script = ScriptedTransport::new().answer(
        "GET /_snapshot/r/a?ignore_unavailable=true",
        200,
        listing(&[success("a"), success("a")]),
    );
    let error = scripted(ES8, &script).snapshots(&repository("r"), &names(&["a"])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().contains("twice") && error.advice().is_some(), "{}", error.report());
}

#[tokio::test]
async fn a_prefix_is_a_pattern_for_the_server_and_is_filtered_again_here() {
    for (server, body) in golden!("snap.get.all.brief") {
        let script = ScriptedTransport::new()
            .answer("GET /_snapshot/r/_all?verbose=false", 200, body)
            .answer("GET /_snapshot/r/m1*?verbose=false&ignore_unavailable=true", 200, body);
        let store = scripted(version_of(server), &script);
        let all = store.list_snapshots(&repository("r")).await.unwrap();
        let some = store.snapshots_starting_with(&repository("r"), "m1").await.unwrap();
        assert!(!some.is_empty() && some.len() < all.len(), "{server}");
        assert!(some.iter().all(|entry| entry.name.starts_with("m1")), "{server}");
        script.finish().unwrap();
    }
}

#[tokio::test]
async fn q17_a_prefix_without_a_match_is_empty_also_where_the_server_says_404() {
    let missing =
        r#"{"error":{"type":"snapshot_missing_exception","reason":"[r:zz*] is missing"},"status":404}"#;
    for (server, status, body) in
        [("es7", 404, missing), ("es8", 200, r#"{"snapshots":[]}"#), ("os2", 404, missing)]
    {
        let script = ScriptedTransport::new().answer(
            "GET /_snapshot/r/zz*?verbose=false&ignore_unavailable=true",
            status,
            body,
        );
        let store = scripted(version_of(server), &script);
        assert!(store.snapshots_starting_with(&repository("r"), "zz").await.unwrap().is_empty(), "{server}");
        script.finish().unwrap();
    }
    let store = scripted(version_of("es8"), &ScriptedTransport::new());
    for pattern in ["", "a*", "_all", "a,b"] {
        assert!(store.snapshots_starting_with(&repository("r"), pattern).await.is_err(), "{pattern:?}");
    }
}

#[tokio::test]
async fn summaries_leave_the_indices_out_where_the_server_can() {
    for server in ["es7", "es8", "es9", "es95", "os1", "os2", "os3"] {
        let names = if server.starts_with("es") && server != "es7" { "&index_names=false" } else { "" };
        let line = format!("GET /_snapshot/r/_all?verbose=false{names}");
        let script = ScriptedTransport::new().answer(&line, 200, listing(&[success("a")]));
        let store = scripted(version_of(server), &script);
        assert_eq!(store.snapshot_summaries(&repository("r")).await.unwrap().len(), 1);
        script.finish().unwrap();
    }
}
