use camunda_backup_core::transport::script::ScriptedTransport;

use super::*;
use crate::goldens::{scripted, version_of};

fn name(name: &str) -> RepositoryName {
    RepositoryName::new(name).unwrap()
}

#[test]
fn every_server_lists_its_repositories() {
    for (server, body) in golden!("repo.get.all") {
        let found = repositories(body.as_bytes()).unwrap();
        let r2 = found.iter().find(|repository| repository.name == "r2").unwrap();
        assert_eq!((r2.kind.as_str(), r2.readonly), ("fs", false), "{server}");
        assert_eq!(r2.settings["compress"], "true", "{server}");
        assert!(found.iter().any(|repository| repository.name == "_x"), "{server}: odd names are kept");
    }
    for (server, body) in golden!("repo.get.none") {
        assert!(repositories(body.as_bytes()).unwrap().is_empty(), "{server}");
    }
}

#[test]
fn nested_and_unquoted_settings_are_flattened() {
    let body =
        br#"{"r":{"type":"s3","settings":{"s3":{"a":1,"b":{"c":true}},"n":null}},"u":{"type":"url"},"x":{}}"#;
    let found = repositories(body).unwrap();
    assert_eq!(found[0].settings["s3.a"], "1");
    assert_eq!(found[0].settings["s3.b.c"], "true");
    assert!(found[1].readonly && !found[2].readonly);
}

#[test]
fn every_server_verifies_and_cleans_up() {
    for (server, body) in golden!("repo.verify") {
        let nodes = verified_nodes(body.as_bytes()).unwrap();
        assert!(nodes.len() == 1 && nodes[0].to_lowercase().starts_with('n'), "{server}: {nodes:?}");
    }
    for (server, body) in golden!("repo.cleanup") {
        assert_eq!(cleanup(body.as_bytes()).unwrap(), Cleanup::default(), "{server}");
    }
    for (server, body) in golden!("cleanup", "kill9-es7", "kill9-es8", "kill9-os2") {
        assert_eq!(cleanup(body.as_bytes()).unwrap().deleted_blobs, 3, "{server}");
    }
}

#[tokio::test]
async fn an_unknown_repository_is_none_and_deleting_it_is_done() {
    for (server, status, body) in golden_error!("repo.get.unknown") {
        let script = ScriptedTransport::new()
            .answer("GET /_snapshot/nope?flat_settings=true", status, body)
            .answer("DELETE /_snapshot/nope", status, body);
        let store = scripted(version_of(server), &script);
        assert_eq!(store.repository(&name("nope")).await.unwrap(), None, "{server}");
        store.delete_repository(&name("nope")).await.unwrap();
        script.finish().unwrap();
    }
}

/// Q18.
#[tokio::test]
async fn readonly_is_sent_and_read_back() {
    let settings = RepositorySettings::fs("/b").readonly();
    let script = ScriptedTransport::new()
        .answer("PUT /_snapshot/r", 200, r#"{"acknowledged":true}"#)
        .answer(
            "GET /_snapshot/r?flat_settings=true",
            200,
            r#"{"r":{"type":"fs","uuid":"u","settings":{"location":"/b","readonly":"true"}}}"#,
        )
        .answer("PUT /_snapshot/r", 200, r#"{"acknowledged":true}"#)
        .answer(
            "GET /_snapshot/r?flat_settings=true",
            200,
            r#"{"r":{"type":"fs","settings":{"read_only":"true"}}}"#,
        );
    let store = scripted("OpenSearch 2.19.6", &script);
    let registered = store.create_repository(&name("r"), &settings).await.unwrap();
    assert!(registered.readonly);
    assert_eq!(registered.uuid.as_deref(), Some("u"));
    let error = store.create_repository(&name("r"), &settings).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.to_string().contains("readonly"), "{error}");
    script.finish().unwrap();
    assert_eq!(script.bodies()[0], r#"{"settings":{"location":"/b","readonly":true},"type":"fs"}"#);
}

#[tokio::test]
async fn a_definition_that_was_changed_by_somebody_else_is_noticed() {
    let script = ScriptedTransport::new()
        .answer("PUT /_snapshot/r", 200, r#"{"acknowledged":true}"#)
        .answer("GET /_snapshot/r?flat_settings=true", 200, r#"{"r":{"type":"s3","settings":{}}}"#)
        .answer("PUT /_snapshot/r", 200, r#"{"acknowledged":false}"#);
    let store = scripted("Elasticsearch 9.4.3", &script);
    let settings = RepositorySettings::fs("/b");
    assert_eq!(store.create_repository(&name("r"), &settings).await.unwrap_err().kind(), ErrorKind::Failed);
    let error = store.create_repository(&name("r"), &settings).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    script.finish().unwrap();
}
