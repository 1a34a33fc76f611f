use camunda_backup_core::transport::script::ScriptedTransport;

use super::*;
use crate::goldens::{scripted, version_of};

fn repository() -> RepositoryName {
    RepositoryName::new("r").unwrap()
}

fn names(page: &SnapshotPage) -> Vec<&str> {
    page.snapshots.iter().map(|snapshot| snapshot.name.as_str()).collect()
}

#[test]
fn elasticsearch_hands_out_a_token() {
    for (server, body) in golden!("page1", "es7", "es8", "es9", "es95") {
        let page = snapshot_page(body.as_bytes()).unwrap();
        assert_eq!(page.snapshots.len(), 2, "{server}");
        assert!(page.next.is_some(), "{server}");
    }
    assert_eq!(snapshot_page(br#"{"snapshots":[],"next":""}"#).unwrap().next, None);
}

#[tokio::test]
async fn elasticsearch_pages_by_itself() {
    let first = r#"{"snapshots":[{"snapshot":"m1","state":"SUCCESS"}],"next":"bTEscixtMQ=="}"#;
    let script = ScriptedTransport::new()
        .answer("GET /_snapshot/r/m*?sort=name&order=asc&size=1&ignore_unavailable=true", 200, first)
        .answer(
            "GET /_snapshot/r/m*?sort=name&order=asc&size=1&ignore_unavailable=true&after=bTEscixtMQ%3D%3D",
            200,
            r#"{"snapshots":[{"snapshot":"m2","state":"SUCCESS"}]}"#,
        )
        .answer("GET /_snapshot/r/_all?sort=name&order=asc&size=100&ignore_unavailable=true", 200, first);
    let store = scripted("Elasticsearch 7.17.29", &script);
    let mut request = PageRequest { prefix: "m".to_owned(), size: 1, after: None };
    let page = store.page_snapshots(&repository(), &request).await.unwrap();
    assert_eq!(names(&page), ["m1"]);
    request.after = page.next;
    let page = store.page_snapshots(&repository(), &request).await.unwrap();
    assert_eq!((names(&page), page.next.as_ref()), (vec!["m2"], None));
    store.page_snapshots(&repository(), &PageRequest::default()).await.unwrap();
    script.finish().unwrap();
}

/// A prefix without match: 404 on Elasticsearch 7.17.
#[tokio::test]
async fn a_prefix_that_nothing_matches_is_an_empty_page() {
    for (server, status, body) in golden_error!("snap.get.wildnone", "es7", "es8", "es9") {
        let line = "GET /_snapshot/r/zz*?sort=name&order=asc&size=100&ignore_unavailable=true";
        let script = ScriptedTransport::new().answer(line, status, body);
        let request = PageRequest { prefix: "zz".to_owned(), ..PageRequest::default() };
        let page =
            scripted(version_of(server), &script).page_snapshots(&repository(), &request).await.unwrap();
        assert_eq!(page, SnapshotPage::default(), "{server}");
        script.finish().unwrap();
    }
}

#[tokio::test]
async fn opensearch_is_listed_once_and_sliced_here() {
    let list = r#"{"snapshots":[{"snapshot":"m3"},{"snapshot":"x"},{"snapshot":"m1"},{"snapshot":"m2"}]}"#;
    let details =
        r#"{"snapshots":[{"snapshot":"m2","state":"SUCCESS"},{"snapshot":"m1","state":"SUCCESS"}]}"#;
    let script = ScriptedTransport::new()
        .answer("GET /_snapshot/r/_all?verbose=false", 200, list)
        .answer("GET /_snapshot/r/m1,m2?ignore_unavailable=true", 200, details)
        .answer("GET /_snapshot/r/_all?verbose=false", 200, list)
        .answer("GET /_snapshot/r/m3?ignore_unavailable=true", 200, r#"{"snapshots":[]}"#);
    let store = scripted("OpenSearch 3.6.0", &script);
    let mut request = PageRequest { prefix: "m".to_owned(), size: 2, after: None };
    let page = store.page_snapshots(&repository(), &request).await.unwrap();
    assert_eq!(names(&page), ["m1", "m2"]);
    request.after = page.next;
    assert!(request.after.is_some());
    let page = store.page_snapshots(&repository(), &request).await.unwrap();
    assert_eq!((page.snapshots.len(), page.next), (0, None), "m3 vanished meanwhile");
    script.finish().unwrap();
}

#[tokio::test]
async fn impossible_pages_ask_nothing() {
    let script = ScriptedTransport::new();
    let store = scripted("Elasticsearch 8.19.21", &script);
    for (prefix, size) in [("", 0), ("*", 1), ("a,b", 1), ("_all", 1), ("-a*", 1), ("A", 1)] {
        let request = PageRequest { prefix: prefix.to_owned(), size, after: None };
        let error = store.page_snapshots(&repository(), &request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{prefix:?}");
    }
    assert!(script.asked().is_empty());
}
