use camunda_backup_core::BrokerId;
use camunda_backup_core::transport::TransportErrorKind;
use camunda_backup_core::transport::script::ScriptedTransport;

use super::*;
use crate::scripted::http;

macro_rules! golden {
    ($path:literal) => {
        include_str!(concat!("../../goldens/", $path))
    };
}

const OPERATE_LINKS: &str = r#"{"_links":{"self":{},"health":{},"info":{},"backups":{},"usage-metrics":{}}}"#;
const COMBINED_LINKS: &str = r#"{"_links":{"self":{},"info":{},"rebalance":{},"exporting":{},"partitions":{},"backupRuntime":{},"backupHistory":{}}}"#;

/// A server that answers `/actuator/info` and `/actuator`; `None` is a 404.
fn server(info: Option<&str>, links: Option<&str>) -> ScriptedTransport {
    let answered = |body: Option<&str>| match body {
        Some(body) => (200, body.to_owned()),
        None => (404, r#"{"status":404,"error":"Not Found"}"#.to_owned()),
    };
    let ((info_status, info), (links_status, links)) = (answered(info), answered(links));
    ScriptedTransport::new().answer("GET /actuator/info", info_status, info).answer(
        "GET /actuator",
        links_status,
        links,
    )
}

async fn detect(component: Component, info: Option<&str>, links: Option<&str>) -> Result<DetectedVersion> {
    detect_version(&http(&server(info, links), component)).await
}

#[tokio::test]
async fn the_exact_version_is_told_from_8_4_on() {
    for (component, info, links, version) in [
        (Component::Zeebe, golden!("8.6.0/info.json"), golden!("8.6.0/links.json"), "8.6.0"),
        (Component::Zeebe, golden!("8.6.0/info.json"), golden!("8.6.0/links-gateway.json"), "8.6.0"),
        (
            Component::Broker(BrokerId::from(0)),
            golden!("8.6.0/info.json"),
            golden!("8.6.0/links.json"),
            "8.6.0",
        ),
        (Component::Operate, golden!("8.6.0/info.json"), OPERATE_LINKS, "8.6.0"),
        (Component::Zeebe, golden!("8.5.8/info.json"), golden!("8.6.0/links.json"), "8.5.8"),
        (Component::Webapps, golden!("8.6.0/info.json"), COMBINED_LINKS, "8.6.0"),
    ] {
        let detected = detect(component, Some(info), Some(links)).await.unwrap();
        assert_eq!(detected.version.unwrap().to_string(), version);
        assert!(detected.how.contains("/actuator/info"));
    }
}

#[tokio::test]
async fn older_versions_are_narrowed_by_their_links() {
    for (component, links, at_most) in [
        (Component::Zeebe, golden!("8.1.27/links.json"), Some("8.1.99")),
        (Component::Broker(BrokerId::from(0)), golden!("8.1.27/links.json"), Some("8.1.99")),
        (Component::Zeebe, golden!("8.2.29/links.json"), Some("8.3.99")),
        (Component::Operate, r#"{"_links":{"backup":{}}}"#, Some("8.1.99")),
        (Component::Tasklist, r#"{"_links":{"backups":{}}}"#, Some("8.3.99")),
        (Component::Optimize, r#"{"_links":{"backups":{}}}"#, None),
        (Component::Optimize, r#"{"_links":{"backup":{}}}"#, Some("8.1.99")),
        (Component::Zeebe, golden!("8.6.0/links.json"), None),
    ] {
        let detected = detect(component.clone(), None, Some(links)).await.unwrap();
        assert_eq!(detected.version, None);
        assert_eq!(detected.at_most.map(|version| version.to_string()).as_deref(), at_most, "{component}");
    }
}

#[tokio::test]
async fn another_application_is_named() {
    let named = |name: &str| format!(r#"{{"build":{{"version":"8.4.0","name":"{name}","artifact":"x"}}}}"#);
    let zeebe = golden!("8.6.0/links.json");
    for (component, info, links) in [
        (Component::Zeebe, None, None),
        (Component::Zeebe, Some(golden!("8.6.0/info.json").to_owned()), Some(OPERATE_LINKS)),
        (Component::Broker(BrokerId::from(0)), None, Some(golden!("8.6.0/links-gateway.json"))),
        (Component::Operate, Some(golden!("8.6.0/info.json").to_owned()), Some(zeebe)),
        (Component::Operate, Some(named("Tasklist Webapp")), Some(OPERATE_LINKS)),
        (Component::Zeebe, Some(named("Operate")), None),
        (Component::Operate, None, Some(COMBINED_LINKS)),
        (Component::Webapps, None, Some(zeebe)),
        (Component::Optimize, None, Some(zeebe)),
    ] {
        let error = detect(component.clone(), info.as_deref(), links).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongComponent, "{component}: {error}");
        assert!(error.advice().is_some_and(|advice| advice.contains("http://camunda:9600")));
    }
}

/// The management endpoints of a hardened installation: health and metrics, and nothing that a backup needs.
#[tokio::test]
async fn a_hidden_endpoint_is_told_with_the_settings_that_show_it() {
    let hardened = r#"{"_links":{"self":{},"health":{},"health-path":{},"info":{},"prometheus":{}}}"#;
    let some_of_zeebe = r#"{"_links":{"self":{},"health":{},"info":{},"cluster":{},"backups":{}}}"#;
    let without_history = r#"{"_links":{"exporting":{},"partitions":{},"backupRuntime":{}}}"#;
    let info = golden!("8.6.0/info.json");
    for (component, info, links, endpoint, variable) in [
        (Component::Operate, Some(info), hardened, "backups", "BACKUPS"),
        (Component::Tasklist, None, hardened, "backups", "BACKUPS"),
        (Component::Optimize, None, hardened, "backups", "BACKUPS"),
        (Component::Zeebe, Some(info), hardened, "exporting", "EXPORTING"),
        (Component::Zeebe, Some(info), some_of_zeebe, "exporting", "EXPORTING"),
        (Component::Broker(BrokerId::from(0)), Some(info), hardened, "partitions", "PARTITIONS"),
        (Component::Webapps, None, hardened, "backupHistory", "BACKUPHISTORY"),
        (Component::Webapps, None, without_history, "backupHistory", "BACKUPHISTORY"),
    ] {
        let error = detect(component.clone(), info, Some(links)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{component}: {error}");
        assert!(error.message().contains(&format!("does not show `{endpoint}`")), "{error}");
        let advice = error.advice().unwrap();
        for setting in [
            "MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE".to_owned(),
            format!("MANAGEMENT_ENDPOINT_{variable}_ENABLED"),
            format!("management.endpoint.{endpoint}.access"),
        ] {
            assert!(advice.contains(&setting), "{component}: {advice}");
        }
        assert!(!advice.contains("8092"), "an address is not the trouble: {advice}");
        if info.is_some() {
            assert!(error.message().contains("Zeebe Distribution"), "{error}");
        }
    }
}

#[tokio::test]
async fn no_actuator_at_all_is_a_matter_of_port_and_prefix() {
    let error = detect(Component::Zeebe, None, None).await.unwrap_err();
    assert!(error.advice().is_some_and(|advice| advice.contains("MANAGEMENT_SERVER_BASEPATH")), "{error:?}");
    let endpoint = camunda_backup_core::Endpoint::new("http://camunda:9600/zeebe").unwrap();
    let absent = r#"{"status":404}"#;
    let script = ScriptedTransport::new().answer("GET /zeebe/actuator/info", 404, absent).answer(
        "GET /zeebe/actuator",
        404,
        absent,
    );
    let prefixed = HttpClient::new(std::sync::Arc::new(script), Component::Zeebe, endpoint).unwrap();
    let error = detect_version(&prefixed).await.unwrap_err();
    let advice = error.advice().unwrap();
    assert!(advice.contains("without /zeebe") && advice.contains("MANAGEMENT_SERVER_BASEPATH"), "{advice}");
}

/// The address of the store in the place of the gateway's.
#[tokio::test]
async fn a_search_store_is_called_by_its_name() {
    for (status, body) in [
        (400, r#"{"error":"no handler found for uri [/actuator/info] and method [GET]"}"#),
        (
            405,
            r#"{"error":"Incorrect HTTP method for uri [/actuator/info] and method [GET], allowed: [POST]","status":405}"#,
        ),
        (
            404,
            r#"{"error":{"type":"index_not_found_exception","reason":"no such index [actuator]"},"status":404}"#,
        ),
        (
            401,
            r#"{"error":{"type":"security_exception","reason":"missing authentication credentials for REST request [/actuator/info]"},"status":401}"#,
        ),
    ] {
        let script = ScriptedTransport::new().answer("GET /actuator/info", status, body);
        let error = detect_version(&http(&script, Component::Zeebe)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongComponent, "{status}");
        assert!(error.message().contains("Elasticsearch or OpenSearch answers there"), "{error}");
        script.finish().unwrap();
    }
}

#[tokio::test]
async fn what_is_no_actuator_and_who_does_not_answer_are_told_apart() {
    let page =
        ScriptedTransport::new().answer("GET /actuator/info", 200, "<!doctype html><title>Operate</title>");
    let error = detect_version(&http(&page, Component::Operate)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongComponent);
    let text = ScriptedTransport::new().answer("GET /actuator/info", 200, "OK");
    let error = detect_version(&http(&text, Component::Operate)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongComponent);
    let nobody = ScriptedTransport::new().fail("GET /actuator/info", TransportErrorKind::Unsendable);
    let error = detect_version(&http(&nobody, Component::Operate)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

proptest::proptest! {
    #[test]
    fn any_json_is_read(json in crate::answer::any_json(&["build", "version", "name", "_links", "backups", "exporting"])) {
        let links = Links::new(&json);
        for component in [Component::Zeebe, Component::Operate, Component::Webapps, Component::Optimize] {
            let _ = (named_otherwise(&component, Some(&json)), links.contradict(&component), links.at_most(&component, true));
        }
        let _ = version_of(&json);
    }
}

#[tokio::test]
async fn what_is_there_tells_what_a_version_cannot_be() {
    for (component, links, at_least, certain, soft_pause) in [
        (Component::Zeebe, golden!("8.1.27/links.json"), None, true, Some(false)),
        (Component::Zeebe, golden!("8.2.29/links.json"), Some("8.2.0"), false, Some(true)),
        (Component::Zeebe, golden!("8.6.0/links.json"), Some("8.6.0"), false, Some(true)),
        (
            Component::Zeebe,
            r#"{"_links":{"exporting-operationKey":{},"cluster":{}}}"#,
            Some("8.4.0"),
            false,
            Some(false),
        ),
        (Component::Zeebe, r#"{"_links":{"rebalance":{}}}"#, None, false, None),
        (Component::Tasklist, r#"{"_links":{"backups":{}}}"#, Some("8.2.0"), false, None),
        (Component::Operate, r#"{"_links":{"backup":{}}}"#, None, true, None),
    ] {
        let detected = detect(component.clone(), None, Some(links)).await.unwrap();
        let lowest = detected.at_least.map(|version| version.to_string());
        assert_eq!(lowest.as_deref(), at_least, "{component} {links}");
        assert_eq!((detected.at_most_is_certain, detected.soft_pause), (certain, soft_pause), "{links}");
    }
}
