use camunda_backup_core::transport::script::ScriptedTransport;

use super::*;
use crate::goldens::{scripted, version_of};

#[test]
fn every_server_lists_templates() {
    for (server, body) in golden!("it.all") {
        assert!(index_templates(body.as_bytes()).unwrap().contains(&"x-it".to_owned()), "{server}");
    }
    for (server, body) in golden!("ct.wild") {
        assert_eq!(component_templates(body.as_bytes()).unwrap(), ["x-ct"], "{server}");
    }
    for (server, body) in golden!("template.all") {
        assert!(keys(body.as_bytes()).unwrap().contains(&"x-old".to_owned()), "{server}");
    }
    assert!(index_templates(b"{}").is_err() && component_templates(b"{}").is_err());
}

#[tokio::test]
async fn names_are_filtered_here() {
    let script = ScriptedTransport::new()
        .answer(
            "GET /_index_template",
            200,
            r#"{"index_templates":[{"name":"operate-list"},{"name":"tasklist-task"}]}"#,
        )
        .answer("GET /_component_template", 200, r#"{"component_templates":[{"name":"operate_template"}]}"#)
        .answer("GET /_template", 200, r#"{"zeebe-record":{},"operate-x":{}}"#);
    let store = scripted("Elasticsearch 8.19.21", &script);
    let prefix = IndexPrefix::new("operate").unwrap();
    let one = |name: &str| BTreeSet::from([name.to_owned()]);
    assert_eq!(store.index_template_names(std::slice::from_ref(&prefix)).await.unwrap(), one("operate-list"));
    assert_eq!(store.component_template_names(&prefix).await.unwrap(), one("operate_template"));
    assert_eq!(store.legacy_template_names(&prefix).await.unwrap(), one("operate-x"));
    script.finish().unwrap();
}

#[tokio::test]
async fn a_build_without_lifecycle_module_is_recognised_on_every_server() {
    for ((server, ilm_status, ilm), (_, ism_status, ism)) in
        golden_error!("ilm.get").into_iter().zip(golden_error!("ism.get"))
    {
        let script = if server.starts_with("es") {
            ScriptedTransport::new().answer("GET /_ilm/policy", ilm_status, ilm)
        } else {
            ScriptedTransport::new().answer("GET /_plugins/_ism/policies?size=1000", ism_status, ism)
        };
        assert_eq!(
            scripted(version_of(server), &script).lifecycle_policy_names().await.unwrap(),
            None,
            "{server}"
        );
        script.finish().unwrap();
    }
}

#[tokio::test]
async fn policies_are_named_and_missing_rights_are_no_missing_module() {
    let ism = r#"{"policies":[{"_id":"zeebe-record-retention","policy":{}}],"total_policies":1}"#;
    let script = ScriptedTransport::new()
        .answer("GET /_ilm/policy", 200, r#"{"zeebe-record-retention-policy":{"version":1}}"#)
        .answer("GET /_ilm/policy", 403, r#"{"error":{"type":"security_exception"},"status":403}"#);
    let store = scripted("Elasticsearch 8.19.21", &script);
    let names = store.lifecycle_policy_names().await.unwrap().unwrap();
    assert!(names.contains("zeebe-record-retention-policy"));
    assert_eq!(store.lifecycle_policy_names().await.unwrap_err().kind(), ErrorKind::Forbidden);
    let script = ScriptedTransport::new().answer("GET /_plugins/_ism/policies?size=1000", 200, ism);
    let names = scripted("OpenSearch 2.19.6", &script).lifecycle_policy_names().await.unwrap().unwrap();
    assert!(names.contains("zeebe-record-retention"));
}
