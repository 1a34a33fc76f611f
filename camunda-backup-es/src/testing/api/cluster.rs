//! `GET /`, `/_nodes`, lifecycle modules: what the server says about itself.

use serde_json::{Map, Value, json};

use crate::testing::state::server::State;
use crate::testing::wire::answer::{Body, Failure, Reply};
use crate::testing::wire::exchange::Exchange;

/// The one node's id.
pub(crate) const NODE_ID: &str = "t4jrb5MURu6A2pYwzjiwJg";
/// The one node's name.
pub(crate) const NODE_NAME: &str = "node-0";

pub(crate) fn root(state: &State, exchange: &Exchange) -> Result<Reply, Failure> {
    exchange.only(&[])?;
    if !state.options.root_handler {
        return Err(Failure::wrong_method("/", &exchange.method, "DELETE"));
    }
    let dialect = &state.dialect;
    let mut version = Map::new();
    let mut put = |key: &str, value: &str| {
        version.insert(key.to_owned(), value.into());
    };
    put("number", &dialect.version);
    let minimum = if dialect.elasticsearch {
        put("build_flavor", if dialect.modern_elasticsearch { "default" } else { "oss" });
        match dialect.major {
            9.. => ("8.19.0", "8.0.0"),
            8 => ("7.17.0", "7.0.0"),
            _ => ("6.8.0", "6.0.0-beta1"),
        }
    } else {
        put("distribution", "opensearch");
        match dialect.major {
            3.. => ("2.19.0", "2.0.0"),
            2 => ("7.10.0", "7.0.0"),
            _ => ("6.8.0", "6.0.0-beta1"),
        }
    };
    put("build_type", "zip");
    put("build_hash", "0000000000000000000000000000000000000000");
    put("build_date", "2026-01-01T00:00:00.000000000Z");
    put("lucene_version", "9.12.2");
    put("minimum_wire_compatibility_version", minimum.0);
    put("minimum_index_compatibility_version", minimum.1);
    version.insert("build_snapshot".into(), false.into());
    let tagline = if dialect.elasticsearch {
        "You Know, for Search"
    } else {
        "The OpenSearch Project: https://opensearch.org/"
    };
    let cluster_uuid = if state.no_master { "_na_" } else { "uCH6Y2dPRnad8pBj-thTsA" };
    Ok(Reply::ok(json!({
        "name": NODE_NAME,
        "cluster_name": state.options.cluster_name,
        "cluster_uuid": cluster_uuid,
        "version": version,
        "tagline": tagline,
    })))
}

pub(crate) fn nodes(state: &State, exchange: &Exchange) -> Result<Reply, Failure> {
    exchange.only(&["timeout", "flat_settings"])?;
    let node = json!({
        "name": NODE_NAME,
        "transport_address": "127.0.0.1:9300",
        "host": "127.0.0.1",
        "ip": "127.0.0.1",
        "version": state.dialect.version,
        "roles": ["data", "ingest", "master", "remote_cluster_client"],
        "modules": [{"name": "transport-netty4"}],
        "plugins": [],
    });
    Ok(Reply::ok(json!({
        "_nodes": {"total": 1, "successful": 1, "failed": 0},
        "cluster_name": state.options.cluster_name,
        "nodes": {NODE_ID: node},
    })))
}

/// `/_ilm/policy[/{name}]` (Elasticsearch) and `/_plugins/_ism/policies[/{name}]` (OpenSearch), when the module is there.
pub(crate) fn lifecycle(
    state: &mut State,
    exchange: &Exchange,
    family: bool,
    name: Option<&str>,
) -> Result<Reply, Failure> {
    if !state.options.lifecycle_module || state.dialect.elasticsearch != family {
        let segments: Vec<&str> = exchange.segments.iter().map(String::as_str).collect();
        let (first, rest) = segments.split_first().map_or(("", &[][..]), |(first, rest)| (*first, rest));
        return Err(crate::testing::wire::route::unknown_path(state, exchange, first, rest));
    }
    exchange.only_with_master_timeout(&state.dialect, &["timeout", "if_seq_no", "if_primary_term"])?;
    let missing = |name: &str| {
        let (kind, reason) = if family {
            ("resource_not_found_exception", format!("Lifecycle policy not found: {name}"))
        } else {
            ("status_exception", "Policy not found".to_owned())
        };
        Failure::of(404, kind, reason)
    };
    match (exchange.method.as_str(), name) {
        ("PUT", Some(name)) => {
            let body = exchange.object(&state.dialect)?;
            let policy = body.get("policy").cloned().unwrap_or(Value::Null);
            state.policies.insert(name.to_owned(), policy.clone());
            Ok(if family {
                Reply::acknowledged()
            } else {
                Reply::with_status(201, json!({"_id": name, "_version": 1, "policy": {"policy": policy}}))
            })
        }
        ("DELETE", Some(name)) => {
            state.policies.remove(name).map(|_| Reply::acknowledged()).ok_or_else(|| missing(name))
        }
        ("GET", Some(name)) if !state.policies.contains_key(name) => Err(missing(name)),
        ("GET", _) => Ok(Reply::ok(policies(state, family, name))),
        _ => Err(Failure::wrong_method(&exchange.uri, &exchange.method, "GET, PUT, DELETE")),
    }
}

fn policies(state: &State, ilm: bool, name: Option<&str>) -> Value {
    let wanted = state.policies.iter().filter(|(known, _)| name.is_none_or(|name| name == *known));
    if ilm {
        let date = state.wall.to_string();
        return Value::Object(
            wanted
                .map(|(name, policy)| {
                    (name.clone(), json!({"version": 1, "modified_date": date, "policy": policy}))
                })
                .collect(),
        );
    }
    let list: Vec<Value> =
        wanted.map(|(name, policy)| json!({"_id": name, "_seq_no": 0, "policy": policy})).collect();
    match name {
        Some(_) => list.into_iter().next().unwrap_or(Value::Null),
        None => json!({"total_policies": list.len(), "policies": list}),
    }
}

/// `GET /_tasks`: a running snapshot is not among the tasks.
pub(crate) fn tasks() -> Reply {
    Reply::ok(json!({"nodes": {}}))
}

/// A HEAD answer is the GET answer without its body.
pub(crate) fn head(mut result: Result<Reply, Failure>) -> Result<Reply, Failure> {
    match &mut result {
        Ok(reply) => reply.body = Body::JsonHead,
        Err(failure) => {
            let status = failure.status();
            return Ok(Reply { status, body: Body::JsonHead, not_before: None, warning: None });
        }
    }
    result
}
