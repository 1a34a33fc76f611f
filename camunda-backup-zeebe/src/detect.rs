//! Who answers at an address, and in which version. Reads only, needs no credentials.

mod links;

use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::{Call, CamundaVersion, Component, Effect, Error, HttpClient, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::text;
use crate::missing_endpoint::{expose, other_path};
use links::{Contradiction, Links};

const INFO: &str = "actuator.info";
const LINKS: &str = "actuator.links";

/// What an address says about its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DetectedVersion {
    /// The exact version; brokers, gateways and web applications up to 8.3, and Optimize, do not tell it.
    pub version: Option<CamundaVersion>,
    /// The newest it can be, when it is not told: patch 99 stands for the last one of its line.
    pub at_most: Option<CamundaVersion>,
    /// Whether `at_most` rests on an endpoint that is there. Otherwise it rests on one that is not, which may be hidden.
    pub at_most_is_certain: bool,
    /// The first version of the oldest line that has the endpoints that are there, when the version is not told.
    pub at_least: Option<CamundaVersion>,
    /// Whether a pause can be a soft one, by the form of the endpoint; `None` when that does not tell.
    pub soft_pause: Option<bool>,
    /// How this was found out, in words.
    pub how: String,
}

/// Finds out the version of whatever answers at a management address, and whether it is the component that was meant.
///
/// `GET /actuator/info` tells it from 8.4 on; the links of `GET /actuator` tell the component, and narrow the version.
///
/// # Errors
/// [`WrongComponent`](ErrorKind::WrongComponent) when the address answers and is something else: an application port, a
/// Zeebe where a web application was meant, a web application where Zeebe was meant, a gateway where a broker was meant.
/// Operate and Tasklist can be told apart only where their build information differs. [`NotFound`](ErrorKind::NotFound)
/// when it is the component, or may be, and does not show the endpoint that is needed: the advice has the settings.
pub async fn detect_version(http: &HttpClient) -> Result<DetectedVersion> {
    let info = read(http, INFO, "/actuator/info").await?;
    let links = read(http, LINKS, "/actuator").await?.map(|json| Links::new(&json));
    let links = links.unwrap_or_default();
    if let Some(other) = named_otherwise(http.component(), info.as_ref()) {
        return Err(wrong(http, &other));
    }
    match links.contradict(http.component()) {
        Some(Contradiction::Other(why)) => return Err(wrong(http, &why)),
        Some(Contradiction::NotExposed(endpoint)) => {
            return Err(not_exposed(http, endpoint, &links, info.as_ref()));
        }
        None => {}
    }
    match info.as_ref().and_then(version_of) {
        Some(version) => Ok(DetectedVersion {
            version: Some(version),
            at_most: None,
            at_most_is_certain: false,
            at_least: None,
            soft_pause: links.soft_pause(),
            how: "build.version of /actuator/info".to_owned(),
        }),
        None if links.is_empty() => {
            Err(wrong(http, "there is no actuator at all").with_advice(other_path(http)))
        }
        None => {
            let at_most = links.at_most(http.component(), info.is_some());
            let how = match &at_most {
                Some(newest) => {
                    format!("/actuator/info does not tell; by the links of /actuator at most {newest}")
                }
                None => "/actuator/info and the links of /actuator do not tell".to_owned(),
            };
            Ok(DetectedVersion {
                version: None,
                at_most,
                at_most_is_certain: links.are_of_8_1(),
                at_least: links.at_least(info.is_some()),
                soft_pause: links.soft_pause(),
                how,
            })
        }
    }
}

/// The JSON at a path; `None` when there is no such path.
async fn read(http: &HttpClient, operation: &'static str, path: &str) -> Result<Option<Value>> {
    match http.send(Call::get(operation, path)).await {
        Ok(response) => http
            .decode(operation, Effect::Read, None, &response)
            .map(Some)
            .map_err(|error| error.with_kind(ErrorKind::WrongComponent)),
        Err(error) if is_search_store(&error) => Err(wrong(
            http,
            "Elasticsearch or OpenSearch answers there; its address belongs to the store, not to Camunda",
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether these are the words of Elasticsearch or OpenSearch: the name of an exception of theirs, or how they refuse a
/// path.
fn is_search_store(error: &Error) -> bool {
    let said = error.server_said().unwrap_or_default();
    error.server_type().is_some_and(|name| name.ends_with("_exception"))
        || ["no handler found for uri", "Incorrect HTTP method for uri"]
            .iter()
            .any(|words| said.starts_with(words))
}

/// It answers, and hides what is needed.
fn not_exposed(http: &HttpClient, endpoint: &str, links: &Links, info: Option<&Value>) -> Error {
    let component = http.component();
    let name = info.and_then(|info| text(info.get("build")?, "name"));
    let who = name.map_or_else(|| "an application".to_owned(), |name| format!("{name:?}"));
    let message =
        format!("{who} answers there, and its actuator does not show `{endpoint}`, only {}", links.shown());
    let advice = format!(
        "{}. If {} is not the address of {component}, correct it",
        expose(endpoint, component),
        http.base()
    );
    Error::new(ErrorKind::NotFound, message)
        .with_component(component.clone())
        .with_operation(LINKS)
        .with_outcome(Outcome::Refused)
        .with_advice(advice)
}

fn version_of(info: &Value) -> Option<CamundaVersion> {
    text(info.get("build")?, "version")?.parse().ok()
}

/// The web applications whose build information has their name. In 8.6 all of them call themselves "Zeebe Distribution".
fn named_otherwise(meant: &Component, info: Option<&Value>) -> Option<String> {
    let build = info?.get("build")?;
    let title: Vec<String> = ["name", "artifact"].into_iter().filter_map(|key| text(build, key)).collect();
    let title = title.join(" ");
    let lower = title.to_ascii_lowercase();
    let apps = [
        ("operate", Component::Operate),
        ("tasklist", Component::Tasklist),
        ("optimize", Component::Optimize),
    ];
    let mut named = apps.iter().filter(|(word, _)| lower.contains(word));
    match (named.next(), named.next()) {
        (Some((_, app)), None) if app != meant => Some(format!("it calls itself {title:?}")),
        _ => None,
    }
}

fn wrong(http: &HttpClient, what: &str) -> Error {
    let component = http.component();
    Error::new(ErrorKind::WrongComponent, format!("this address is not that of {component}: {what}"))
        .with_component(component.clone())
        .with_operation(LINKS)
        .with_outcome(Outcome::Refused)
        .with_advice(format!(
            "configure the management address of {component} (port 9600; Operate and Tasklist up to 8.5: 8080, Optimize: \
             8092) with its context path; {} is something else",
            http.base()
        ))
}

#[cfg(test)]
mod tests;
