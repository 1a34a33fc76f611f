//! Why an endpoint of an actuator is not there, in the settings' own names: not exposed, switched off, or below another
//! path.

use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::transport::Timeouts;
use camunda_backup_core::{Call, Component, Error, HttpClient, Response};
use serde_json::Value;

/// The settings that show an endpoint, for everything that is built on Spring's actuator.
pub(crate) fn expose(endpoint: &str, component: &Component) -> String {
    let variable = endpoint.to_ascii_uppercase();
    format!(
        "expose the endpoint on {component} and restart it: management.endpoints.web.exposure.include \
         (MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE) must hold `{endpoint}` or `*`, \
         management.endpoints.web.exposure.exclude must not hold it, and management.endpoint.{endpoint}.enabled \
         (MANAGEMENT_ENDPOINT_{variable}_ENABLED) or, from 8.7 on, management.endpoint.{endpoint}.access \
         (MANAGEMENT_ENDPOINT_{variable}_ACCESS) must not switch it off"
    )
}

/// What to try when there is no actuator below the address at all.
pub(crate) fn other_path(http: &HttpClient) -> String {
    let (component, base) = (http.component(), http.base());
    let path = path_of(base);
    let ports = "port 9600; Operate and Tasklist up to 8.5: 8080, Optimize: 8092";
    if path.is_empty() {
        return format!(
            "configure the management address of {component} ({ports}). If management.server.base-path \
             (MANAGEMENT_SERVER_BASEPATH) is set there, as Helm charts do from 8.5 on with the context path, the address \
             must end with it; {base} has no path"
        );
    }
    format!(
        "configure the management address of {component} ({ports}), and try it without {path}: the context path of an \
         application (server.servlet.context-path, contextPath) does not apply on its management port, where only \
         management.server.base-path (MANAGEMENT_SERVER_BASEPATH) is a prefix; only Operate and Tasklist up to 8.5 have \
         both on one port. {base} is something else"
    )
}

/// `/operate` of `http://host:9600/operate`.
fn path_of(base: &str) -> &str {
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    rest.find('/').map_or("", |start| &rest[start..])
}

/// The error for a 404 that is about an endpoint, after a short look at what is there instead. One or two reads; a look
/// that fails changes nothing.
pub(crate) async fn explained(http: &HttpClient, endpoint: &str, error: Error) -> Error {
    let about_a_path = error.status().is_some_and(|status| status.as_u16() == 404)
        && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unsupported);
    if !about_a_path || endpoint.is_empty() {
        return error;
    }
    let component = http.component();
    let mut nothing_there = true;
    for path in ["/actuator/info", "/actuator"] {
        match http.send(look(path)).await {
            Ok(response) if is_object(&response) => {
                return error
                    .with_message(format!("{component} is there, and its actuator has no `{endpoint}`"))
                    .with_advice(format!(
                        "{}; else check the configured version",
                        expose(endpoint, component)
                    ));
            }
            Err(other) if other.kind() == ErrorKind::NotFound => {}
            _ => nothing_there = false,
        }
    }
    if nothing_there {
        error.with_message("there is no actuator at all").with_advice(other_path(http))
    } else {
        error
    }
}

fn look(path: &str) -> Call {
    let limit = Duration::from_secs(5);
    let timeouts = Timeouts { connect: limit, read: limit, total: limit };
    Call::get("actuator.look", path).timeouts(timeouts).max_retries(0)
}

fn is_object(response: &Response) -> bool {
    serde_json::from_slice::<Value>(&response.body).is_ok_and(|json| json.is_object())
}

/// The actuator's endpoint in a path such as `/actuator/backups`; empty for the REST API.
pub(crate) fn endpoint_of(path: &str) -> &str {
    path.strip_prefix("/actuator/").map_or("", |rest| rest.split('/').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::http;
    use camunda_backup_core::transport::script::ScriptedTransport;

    fn not_found() -> Error {
        Error::new(ErrorKind::NotFound, "not found")
            .with_status(http::StatusCode::NOT_FOUND)
            .with_advice("from the status")
    }

    #[test]
    fn endpoint_and_prefix_are_found_in_paths() {
        assert_eq!(endpoint_of("/actuator/backups"), "backups");
        assert_eq!(endpoint_of("/actuator/backupHistory/5"), "backupHistory");
        assert_eq!(endpoint_of("/v2/backups/history"), "");
        assert_eq!(path_of("http://h:9600/a/b"), "/a/b");
        assert_eq!(path_of("http://h:9600"), "");
    }

    #[tokio::test]
    async fn what_is_there_decides_what_is_said() {
        let spring = r#"{"status":404,"error":"Not Found"}"#;
        let (info, links) = ("GET /actuator/info", "GET /actuator");
        for (script, message, advice) in [
            (ScriptedTransport::new().answer(info, 200, "{}"), "has no `backups`", "EXPOSURE_INCLUDE"),
            (
                ScriptedTransport::new().answer(info, 404, spring).answer(links, 200, r#"{"_links":{}}"#),
                "has no `backups`",
                "MANAGEMENT_ENDPOINT_BACKUPS_ENABLED",
            ),
            (
                ScriptedTransport::new().answer(info, 404, spring).answer(links, 404, spring),
                "no actuator at all",
                "MANAGEMENT_SERVER_BASEPATH",
            ),
            (
                ScriptedTransport::new().answer(info, 500, "").answer(links, 404, spring),
                "not found",
                "from the status",
            ),
        ] {
            let error = explained(&http(&script, Component::Optimize), "backups", not_found()).await;
            assert!(error.message().contains(message), "{error}");
            assert!(error.advice().is_some_and(|text| text.contains(advice)), "{}", error.report());
            assert_eq!(error.kind(), ErrorKind::NotFound);
            script.finish().unwrap();
        }
    }

    #[tokio::test]
    async fn other_failures_are_not_looked_into() {
        let nothing = ScriptedTransport::new();
        let client = http(&nothing, Component::Optimize);
        let refused = Error::new(ErrorKind::Forbidden, "no").with_status(http::StatusCode::FORBIDDEN);
        assert_eq!(explained(&client, "backups", refused).await.message(), "no");
        assert_eq!(explained(&client, "", not_found()).await.message(), "not found");
        nothing.finish().unwrap();
    }
}
