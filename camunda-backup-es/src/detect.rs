//! Finding out what answers: Elasticsearch or OpenSearch, which version, which cluster.

use std::collections::BTreeMap;

use camunda_backup_core::transport::Response;
use camunda_backup_core::{Call, Error, ErrorKind, HttpClient, Outcome, Result};
use http::HeaderMap;
use serde::Deserialize;

use crate::failure::refine;
use crate::flavor::{Flavor, StoreVersion};
use crate::store_info::StoreInfo;
use crate::tolerant;

/// `GET /`.
fn root_call() -> Call {
    Call::get("store.info", "/")
}

/// The versions of all nodes, for builds that do not serve `GET /` and for OpenSearch that calls itself 7.10.2.
fn nodes_call() -> Call {
    Call::get("store.nodes", "/_nodes").query("filter_path", "cluster_name,nodes.*.version")
}

/// Asks, decodes, and refuses what is not supported.
pub(crate) async fn detect(http: &HttpClient) -> Result<StoreInfo> {
    let located = |error: Error| error.with_component(http.component().clone()).with_operation("store.info");
    let info = match http.send(root_call()).await {
        Ok(response) => {
            let info = from_root(&response).map_err(located)?;
            if pretends_to_be_old_elasticsearch(&info) {
                from_nodes_of(http, Some(info)).await?
            } else {
                info
            }
        }
        Err(error) if error.status().is_some_and(|status| status.as_u16() == 405) => {
            from_nodes_of(http, None).await?
        }
        Err(error) => return Err(not_the_store(refine(error))),
    };
    info.version.supported().map_err(located)?;
    Ok(info)
}

async fn from_nodes_of(http: &HttpClient, root: Option<StoreInfo>) -> Result<StoreInfo> {
    let response = http.send(nodes_call()).await.map_err(|error| not_the_store(refine(error)))?;
    let nodes = from_nodes(&response)
        .map_err(|error| error.with_component(http.component().clone()).with_operation("store.nodes"))?;
    Ok(match root {
        Some(root) => {
            StoreInfo { version: StoreVersion::new(Flavor::OpenSearch, nodes.version.number), ..root }
        }
        None => nodes,
    })
}

/// OpenSearch with `compatibility.override_main_response_version`: its own name, another's number.
fn pretends_to_be_old_elasticsearch(info: &StoreInfo) -> bool {
    info.version.flavor == Flavor::OpenSearch && info.version.major() == 7
}

fn not_the_store(error: Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::Refused if error.server_type().is_none() => {
            error.with_kind(ErrorKind::WrongComponent).with_advice(
                "check that the address is that of Elasticsearch or OpenSearch, with its path prefix",
            )
        }
        _ => error,
    }
}

#[derive(Deserialize)]
struct Root {
    #[serde(default, deserialize_with = "tolerant::or_default")]
    cluster_name: String,
    #[serde(default)]
    cluster_uuid: Option<String>,
    version: RootVersion,
    #[serde(default, deserialize_with = "tolerant::or_default")]
    tagline: String,
}

#[derive(Deserialize)]
struct RootVersion {
    number: String,
    #[serde(default)]
    distribution: Option<String>,
    #[serde(default)]
    build_flavor: Option<String>,
}

/// Decodes `GET /`. Anything without the marks of one of the two families is `WrongComponent`.
pub(crate) fn from_root(response: &Response) -> Result<StoreInfo> {
    let root: Root = tolerant::from_slice(&response.body).map_err(|source| {
        neither("what answers is neither Elasticsearch nor OpenSearch").with_source(source)
    })?;
    let flavor = flavor_of_root(&root, &response.headers).ok_or_else(|| {
        neither(
            "what answers looks like a search store, but names itself neither Elasticsearch nor OpenSearch",
        )
    })?;
    Ok(StoreInfo {
        version: StoreVersion::new(flavor, root.version.number),
        cluster_name: root.cluster_name,
        cluster_uuid: root.cluster_uuid.filter(|uuid| !uuid.is_empty() && uuid != "_na_"),
    })
}

fn flavor_of_root(root: &Root, headers: &HeaderMap) -> Option<Flavor> {
    match root.version.distribution.as_deref() {
        Some(name) if name.eq_ignore_ascii_case("opensearch") => return Some(Flavor::OpenSearch),
        Some(_) => return None,
        None => {}
    }
    if root.tagline.contains("OpenSearch") {
        return Some(Flavor::OpenSearch);
    }
    let named = flavor_of_headers(headers);
    if named.is_some() {
        return named;
    }
    let familiar = root.version.build_flavor.is_some() || root.tagline == "You Know, for Search";
    familiar.then_some(Flavor::Elasticsearch)
}

fn flavor_of_headers(headers: &HeaderMap) -> Option<Flavor> {
    if headers.get("x-elastic-product").is_some_and(|value| value == "Elasticsearch") {
        Some(Flavor::Elasticsearch)
    } else if headers.contains_key("x-opensearch-version") {
        Some(Flavor::OpenSearch)
    } else {
        None
    }
}

#[derive(Deserialize)]
struct Nodes {
    #[serde(default, deserialize_with = "tolerant::or_default")]
    cluster_name: String,
    nodes: BTreeMap<String, NodeVersion>,
}

#[derive(Deserialize)]
struct NodeVersion {
    version: String,
}

/// Decodes `GET /_nodes`: the oldest version counts while a cluster is being upgraded. The flavour comes from the
/// product header, else from the number: the families share none.
pub(crate) fn from_nodes(response: &Response) -> Result<StoreInfo> {
    let nodes: Nodes = tolerant::from_slice(&response.body).map_err(|source| {
        neither("what answers is neither Elasticsearch nor OpenSearch").with_source(source)
    })?;
    let versions =
        nodes.nodes.into_values().map(|node| StoreVersion::new(Flavor::Elasticsearch, node.version));
    let oldest = versions
        .min_by_key(|version| (version.major(), version.minor()))
        .ok_or_else(|| neither("the store lists no node, so its version is not known"))?;
    let by_number = if oldest.major() < 5 { Flavor::OpenSearch } else { Flavor::Elasticsearch };
    let flavor = flavor_of_headers(&response.headers).unwrap_or(by_number);
    Ok(StoreInfo {
        version: StoreVersion::new(flavor, oldest.number),
        cluster_name: nodes.cluster_name,
        cluster_uuid: None,
    })
}

fn neither(message: &'static str) -> Error {
    Error::new(ErrorKind::WrongComponent, message)
        .with_outcome(Outcome::Refused)
        .with_advice("check that the address is that of Elasticsearch or OpenSearch, with its path prefix")
}

#[cfg(test)]
mod tests;
