use camunda_backup_core::transport::script::ScriptedTransport;
use camunda_backup_core::{Component, Endpoint, HttpClient};
use http::{HeaderValue, StatusCode};
use proptest::prelude::*;

use super::*;
use crate::SearchStore;
use crate::goldens::version_of;

const NODES: &str = "GET /_nodes?filter_path=cluster_name,nodes.*.version";

fn ok(body: &str) -> Response {
    Response::new(StatusCode::OK, body.as_bytes().to_vec())
}

async fn connect(script: &ScriptedTransport) -> Result<StoreInfo> {
    let endpoint = Endpoint::new("http://store:9200").unwrap();
    let http = HttpClient::new(std::sync::Arc::new(script.clone()), Component::Store, endpoint).unwrap();
    let info = SearchStore::connect_over(http).await.map(|store| store.info().clone());
    script.finish().unwrap();
    info
}

#[tokio::test]
async fn every_server_is_recognised_with_its_identity() {
    for (server, status, body) in golden_error!("root") {
        let mut script = ScriptedTransport::new().answer("GET /", status, body);
        if status == 405 {
            let nodes = golden!("root.nodes").into_iter().find(|(name, _)| *name == server).unwrap().1;
            script = script.answer(NODES, 200, nodes);
        }
        let info = connect(&script).await.unwrap();
        assert_eq!(info.version.to_string(), version_of(server));
        assert_eq!(info.cluster_uuid.is_some(), status == 200, "{server}");
    }
}

#[tokio::test]
async fn a_stripped_build_that_answers_405_is_asked_for_its_nodes() {
    let script = ScriptedTransport::new()
        .answer("GET /", 405, r#"{"error":"Incorrect HTTP method for uri [/]","status":405}"#)
        .answer(
            NODES,
            200,
            r#"{"cluster_name":"c","nodes":{"a":{"version":"9.5.3"},"b":{"version":"8.19.21"}}}"#,
        );
    let info = connect(&script).await.unwrap();
    assert_eq!(info.version.to_string(), "Elasticsearch 8.19.21");
    assert_eq!(info.cluster_name, "c");
}

#[test]
fn the_product_header_beats_the_number() {
    let body = r#"{"nodes":{"a":{"version":"3.6.0"}}}"#;
    assert_eq!(from_nodes(&ok(body)).unwrap().version.flavor, Flavor::OpenSearch);
    let mut response = ok(body);
    response.headers.insert("x-elastic-product", HeaderValue::from_static("Elasticsearch"));
    assert_eq!(from_nodes(&response).unwrap().version.flavor, Flavor::Elasticsearch);
}

#[tokio::test]
async fn opensearch_that_calls_itself_7_10_is_asked_for_its_nodes() {
    let root = r#"{"cluster_name":"c","cluster_uuid":"u","version":{"distribution":"opensearch","number":"7.10.2"}}"#;
    let script = ScriptedTransport::new().answer("GET /", 200, root).answer(
        NODES,
        200,
        r#"{"cluster_name":"c","nodes":{"a":{"version":"2.19.6"}}}"#,
    );
    let info = connect(&script).await.unwrap();
    assert_eq!(info.version.to_string(), "OpenSearch 2.19.6");
    assert_eq!(info.cluster_uuid.as_deref(), Some("u"));
}

#[tokio::test]
async fn a_cluster_without_master_has_no_uuid() {
    for (server, body) in golden!("root", "nomaster-es8", "nomaster-os2") {
        let info = connect(&ScriptedTransport::new().answer("GET /", 200, body)).await.unwrap();
        assert_eq!(info.cluster_uuid, None, "{server}");
    }
}

#[tokio::test]
async fn anything_else_is_the_wrong_component() {
    for (status, body) in [
        (200, "<html><title>Sign in</title></html>"),
        (200, r#"{"status":"UP"}"#),
        (200, r#"{"version":{"number":"7.10.2"}}"#),
        (200, r#"{"version":{"number":"1.0.0","distribution":"somethingelse"}}"#),
        (404, r#"{"timestamp":"2026-01-01","status":404,"error":"Not Found","path":"/"}"#),
    ] {
        let error = connect(&ScriptedTransport::new().answer("GET /", status, body)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongComponent, "{body}: {error:?}");
    }
}

#[tokio::test]
async fn an_unknown_major_is_refused_with_the_supported_range() {
    let root = r#"{"version":{"number":"10.0.0","build_flavor":"default"},"tagline":"You Know, for Search"}"#;
    let error = connect(&ScriptedTransport::new().answer("GET /", 200, root)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("7.17, 8 and 9"), "{error}");
}

#[tokio::test]
async fn missing_credentials_are_not_mistaken_for_another_product() {
    for (server, status, body) in golden_error!("401", "security-es7", "security-es8") {
        let error = connect(&ScriptedTransport::new().answer("GET /", status, body)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized, "{server}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_a_version(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let response = Response::new(StatusCode::OK, body);
        let _ = from_root(&response);
        let _ = from_nodes(&response);
    }
}
