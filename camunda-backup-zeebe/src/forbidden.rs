//! What a 403 of a Camunda component to a request that changes something means: their management ports know no users.

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Component, Error, HttpClient};

use crate::refusal::says;

/// Says what refuses, by what was sent and by the words; other errors stay as they are.
pub(crate) fn explained(error: Error, http: &HttpClient) -> Error {
    if error.kind() != ErrorKind::Forbidden {
        return error;
    }
    let by_csrf = says(&error, &["csrf", "xsrf"]);
    if http.has_credentials() && !by_csrf {
        return error;
    }
    let component = http.component();
    let because = if by_csrf {
        "the application itself refuses it, because its protection against cross-site requests (CSRF) is on"
            .to_owned()
    } else {
        format!(
            "no credentials are configured, and where reads of {component} work without them this is no missing right: \
             either its protection against cross-site requests (CSRF) is on, or a proxy in front lets only reads through"
        )
    };
    let past_the_proxy = if by_csrf {
        ""
    } else {
        ", or ask the management port itself, past every proxy, or configure the credentials that the proxy wants"
    };
    error.with_advice(format!("{because}. {}{past_the_proxy}", switch_off(component)))
}

fn switch_off(component: &Component) -> String {
    match component {
        Component::Operate | Component::Tasklist => {
            let name = component.to_string();
            let variable = name.to_ascii_uppercase();
            format!(
                "Set CAMUNDA_{variable}_CSRFPREVENTIONENABLED=false (camunda.{name}.csrfPreventionEnabled; 8.5 refuses \
                 POST and DELETE on its actuator with it) and restart {component}"
            )
        }
        Component::Optimize => "Let POST and DELETE through to Optimize's management port (8092)".to_owned(),
        _ => format!(
            "Set CAMUNDA_SECURITY_CSRF_ENABLED=false (camunda.security.csrf.enabled, 8.8 and later) and restart \
             {component}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use camunda_backup_core::transport::script::ScriptedTransport;
    use camunda_backup_core::{Auth, Endpoint};

    use super::*;

    fn advice(component: Component, with_credentials: bool, said: &str) -> String {
        let auth = if with_credentials { Auth::basic("u", "p") } else { Auth::None };
        let endpoint = Endpoint::new("http://camunda:9600").unwrap().with_auth(auth);
        let http = HttpClient::new(Arc::new(ScriptedTransport::new()), component, endpoint).unwrap();
        let error = Error::new(ErrorKind::Forbidden, "no").with_server_said(said).with_advice("give rights");
        explained(error, &http).advice().unwrap().to_owned()
    }

    #[test]
    fn without_credentials_a_refusal_is_csrf_or_a_proxy() {
        let operate = advice(Component::Operate, false, "Forbidden");
        assert!(operate.contains("CAMUNDA_OPERATE_CSRFPREVENTIONENABLED=false"), "{operate}");
        assert!(operate.contains("past every proxy") && !operate.contains("give rights"), "{operate}");
        assert!(advice(Component::Tasklist, false, "").contains("CAMUNDA_TASKLIST_CSRFPREVENTIONENABLED"));
        assert!(advice(Component::Webapps, false, "").contains("CAMUNDA_SECURITY_CSRF_ENABLED"));
        assert!(advice(Component::Optimize, false, "").contains("8092"));
    }

    #[test]
    fn with_credentials_it_is_a_right_unless_the_server_says_otherwise() {
        assert_eq!(advice(Component::Operate, true, "Forbidden"), "give rights");
        let csrf = advice(Component::Operate, true, "Invalid CSRF token found for http://x");
        assert!(csrf.contains("CSRFPREVENTIONENABLED") && !csrf.contains("proxy"), "{csrf}");
    }

    #[test]
    fn other_errors_stay() {
        let http = crate::scripted::http(&ScriptedTransport::new(), Component::Operate);
        let error = Error::new(ErrorKind::Conflict, "x").with_advice("y");
        assert_eq!(explained(error, &http).advice(), Some("y"));
    }
}
