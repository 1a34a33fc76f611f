//! From method and path to a handler; what no handler takes is refused in the servers' three ways.

use std::time::Duration;

use camunda_backup_core::{Request, Response};
use http::Method;

use crate::testing::api::{
    aliases, cat, closing, cluster, documents, health, indices, recovery, repositories, search, settings,
    snapshot_clone, snapshot_create, snapshot_delete, snapshot_list, snapshot_restore, snapshot_status,
    templates,
};
use crate::testing::control::options::TemplateKind;
use crate::testing::state::server::State;
use crate::testing::wire::answer::{Body, Failure, Reply, respond};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::{filter_path, media};

/// Longest request line: method, path with query, protocol.
const LONGEST_LINE: usize = 4096;

type Answer = Result<Reply, Failure>;

/// One request, one answer, and the simulated time before which a real server would not give it.
pub(crate) fn answer(state: &mut State, request: &Request) -> (Response, Option<Duration>) {
    let exchange = Exchange::new(request);
    let line = exchange.method.as_str().len() + exchange.uri.len() + " HTTP/1.1".len() + 1;
    let mut content_type = None;
    let mut result = if line > LONGEST_LINE {
        let reason = "An HTTP line is larger than 4096 bytes.";
        Err(Failure::of(400, "too_long_http_line_exception", reason))
    } else if exchange.header_bytes > state.dialect.header_limit {
        let reason = format!("HTTP header is larger than {} bytes.", state.dialect.header_limit);
        Err(Failure::of(400, "too_long_http_header_exception", reason))
    } else {
        media::check(&state.dialect, &exchange).and_then(|other| {
            content_type = other;
            dispatch(state, &exchange)
        })
    };
    if let (Ok(Reply { body: Body::Json(body), .. }), Some(filter)) =
        (&mut result, exchange.param("filter_path"))
    {
        *body = filter_path::filtered(std::mem::take(body), filter);
    }
    if exchange.method == Method::HEAD {
        result = cluster::head(result);
    }
    respond(&state.dialect, result, content_type.as_deref())
}

fn dispatch(state: &mut State, exchange: &Exchange) -> Answer {
    if exchange.method == Method::OPTIONS {
        return Ok(Reply { status: 200, body: Body::Text(String::new()), not_before: None, warning: None });
    }
    let segments: Vec<&str> = exchange.segments.iter().map(String::as_str).collect();
    if state.no_master && !segments.is_empty() {
        return Err(no_master(state, &segments));
    }
    let get = matches!(exchange.method, Method::GET | Method::HEAD);
    match segments.split_first() {
        None if get => cluster::root(state, exchange),
        None if !matches!(exchange.method, Method::PUT | Method::POST | Method::PATCH) => {
            let error = format!("Unexpected http method: {}, allowed: [GET, DELETE, HEAD]", exchange.method);
            let allow = Some("GET, DELETE, HEAD");
            Err(Failure::Plain { status: 405, error, with_status: true, allow })
        }
        None => Err(Failure::wrong_method("/", &exchange.method, "GET, DELETE, HEAD")),
        Some((&"_snapshot", rest)) => snapshot(state, exchange, rest),
        Some((&"_cat", rest)) if get => cat::table(state, exchange, rest),
        Some((&"_cluster", rest)) => cluster_calls(state, exchange, rest),
        Some((&"_nodes", _)) if get => cluster::nodes(state, exchange),
        Some((first, rest)) if first.starts_with('_') && *first != "_all" => {
            global(state, exchange, first, rest)
        }
        Some((index, rest)) => index_calls(state, exchange, index, rest),
    }
}

/// Reads of shards are blocked, all else finds no master; `GET /` is answered before.
fn no_master(state: &State, segments: &[&str]) -> Failure {
    let reads = |name: &&&str| matches!(**name, "_search" | "_doc" | "_recovery" | "_count");
    if segments.iter().any(|name| reads(&name)) {
        let reason = "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];";
        return Failure::of(503, "cluster_block_exception", reason);
    }
    let new_words = !state.dialect.elasticsearch && state.dialect.major >= 2;
    let kind = if new_words {
        "cluster_manager_not_discovered_exception"
    } else {
        "master_not_discovered_exception"
    };
    Failure::wordless(503, kind)
}

fn snapshot(state: &mut State, exchange: &Exchange, rest: &[&str]) -> Answer {
    let method = exchange.method.as_str();
    let wrong = |allowed| Err(Failure::wrong_method(&exchange.uri, &exchange.method, allowed));
    match (method, rest) {
        ("GET", []) => repositories::get(state, exchange, None),
        ("GET", ["_status"]) => snapshot_status::running(state, exchange, None),
        ("GET", [names]) => repositories::get(state, exchange, Some(names)),
        ("PUT" | "POST", [name]) => repositories::put(state, exchange, name),
        ("DELETE", [names]) => repositories::delete(state, exchange, names),
        ("POST", [name, "_verify"]) => repositories::verify(state, exchange, name),
        ("POST", [name, "_cleanup"]) => repositories::cleanup(state, exchange, name),
        ("GET", [names, "_status"]) => snapshot_status::running(state, exchange, Some(names)),
        ("GET", [repositories, names]) => snapshot_list::list(state, exchange, repositories, names),
        ("PUT" | "POST", [repository, name]) => snapshot_create::create(state, exchange, repository, name),
        ("DELETE", [repository, names]) => snapshot_delete::delete(state, exchange, repository, names),
        ("GET", [repository, names, "_status"]) => {
            snapshot_status::named(state, exchange, repository, names, None)
        }
        ("GET", [repository, names, index, "_status"]) if state.dialect.status_of_index_path => {
            snapshot_status::named(state, exchange, repository, names, Some(index))
        }
        ("POST", [repository, name, "_restore"]) => {
            snapshot_restore::restore(state, exchange, repository, name)
        }
        (_, [_, _, "_restore"]) => wrong("POST"),
        ("PUT", [repository, name, "_clone", target]) => {
            snapshot_clone::clone(state, exchange, repository, name, target)
        }
        (_, [_, _, "_clone", _]) => wrong("PUT"),
        (_, [_] | [_, _]) => wrong("GET, PUT, DELETE, POST"),
        _ => Err(Failure::no_handler(&exchange.uri, &exchange.method)),
    }
}

fn cluster_calls(state: &mut State, exchange: &Exchange, rest: &[&str]) -> Answer {
    match (exchange.method.as_str(), rest) {
        ("GET", ["health"]) => health::health(state, exchange, None),
        ("GET", ["health", indices]) => health::health(state, exchange, Some(indices)),
        (_, ["health", ..]) => Err(Failure::wrong_method(&exchange.uri, &exchange.method, "GET")),
        ("GET", ["settings"]) => settings::cluster_settings(state, exchange),
        ("PUT", ["settings"]) => settings::put_cluster_settings(state, exchange),
        (_, ["settings"]) => Err(Failure::wrong_method(&exchange.uri, &exchange.method, "GET, PUT")),
        _ => Err(Failure::no_handler(&exchange.uri, &exchange.method)),
    }
}

/// Calls without an index in the path. An unknown one-segment path is taken for an index, and refused as a name.
fn global(state: &mut State, exchange: &Exchange, first: &str, rest: &[&str]) -> Answer {
    let method = exchange.method.as_str();
    match (first, rest) {
        ("_index_template", _) => template(state, exchange, TemplateKind::Index, rest),
        ("_component_template", _) => template(state, exchange, TemplateKind::Component, rest),
        ("_template", _) => template(state, exchange, TemplateKind::Legacy, rest),
        ("_data_stream", []) if method == "GET" && !state.dialect.elasticsearch => {
            Ok(Reply::ok(serde_json::json!({"data_streams": []})))
        }
        ("_tasks", []) if method == "GET" => Ok(cluster::tasks()),
        ("_ilm", ["policy"]) => cluster::lifecycle(state, exchange, true, None),
        ("_ilm", ["policy", name]) => cluster::lifecycle(state, exchange, true, Some(name)),
        ("_plugins", ["_ism", "policies"]) => cluster::lifecycle(state, exchange, false, None),
        ("_plugins", ["_ism", "policies", name]) => cluster::lifecycle(state, exchange, false, Some(name)),
        ("_resolve", ["index", pattern]) if method == "GET" => indices::resolve(state, exchange, pattern),
        ("_alias" | "_aliases", []) if method == "GET" => aliases::get(state, exchange, None, None),
        ("_alias", [names]) if matches!(method, "GET" | "HEAD") => {
            aliases::get(state, exchange, None, Some(names))
        }
        ("_aliases", []) if method == "POST" => aliases::actions(state, exchange),
        ("_bulk", []) if matches!(method, "POST" | "PUT") => documents::bulk(state, exchange, None),
        ("_search" | "_count" | "_refresh" | "_flush" | "_recovery" | "_settings" | "_mapping", _) => {
            index_calls(state, exchange, "_all", &[&[first], rest].concat())
        }
        (_, []) if matches!(method, "GET" | "HEAD") => indices::get(state, exchange, first),
        (_, []) => Err(Failure::wrong_method(&exchange.uri, &exchange.method, "GET, PUT, DELETE, HEAD")),
        _ => Err(unknown_path(state, exchange, first, rest)),
    }
}

/// Old servers take an unknown path for an index with a type and a document.
pub(crate) fn unknown_path(state: &State, exchange: &Exchange, first: &str, rest: &[&str]) -> Failure {
    let get = matches!(exchange.method, Method::GET | Method::HEAD);
    match rest {
        [_] if state.dialect.typed_paths && exchange.method != Method::POST => {
            Failure::wrong_method(&exchange.uri, &exchange.method, "POST")
        }
        [_, _] if state.dialect.typed_documents && get => {
            let missing = || Failure::index_missing(first).with("resource.type", "index_expression");
            exchange.only(&["realtime", "refresh", "routing", "preference"]).err().unwrap_or_else(missing)
        }
        [_, _] if state.dialect.typed_documents && first.starts_with('_') => {
            let reason = format!("Invalid index name [{first}], must not start with '_', '-', or '+'");
            Failure::of(400, "invalid_index_name_exception", reason)
                .with("index_uuid", "_na_")
                .with("index", first)
        }
        _ => Failure::no_handler(&exchange.uri, &exchange.method),
    }
}

fn template(state: &mut State, exchange: &Exchange, kind: TemplateKind, rest: &[&str]) -> Answer {
    match (exchange.method.as_str(), rest) {
        ("GET", []) => templates::get(state, exchange, kind, None),
        ("GET", [names]) => templates::get(state, exchange, kind, Some(names)),
        ("HEAD", [name]) => Ok(templates::exists(state, kind, name)),
        ("PUT" | "POST", [name]) => templates::put(state, exchange, kind, name),
        ("DELETE", [names]) => templates::delete(state, exchange, kind, names),
        _ => Err(Failure::no_handler(&exchange.uri, &exchange.method)),
    }
}

fn index_calls(state: &mut State, exchange: &Exchange, index: &str, rest: &[&str]) -> Answer {
    let get = matches!(exchange.method, Method::GET | Method::HEAD);
    let post = exchange.method == Method::POST;
    let put = exchange.method == Method::PUT;
    let delete = exchange.method == Method::DELETE;
    match rest {
        [] if get => indices::get(state, exchange, index),
        [] if put => indices::create(state, exchange, index),
        [] if delete => indices::delete(state, exchange, index),
        [] => Err(Failure::wrong_method(&exchange.uri, &exchange.method, "GET, PUT, DELETE, HEAD")),
        ["_settings"] if get => settings::index_settings(state, exchange, index, None),
        ["_settings", names] if get => settings::index_settings(state, exchange, index, Some(names)),
        ["_settings"] if put => settings::put_index_settings(state, exchange, index),
        ["_mapping" | "_mappings"] if get => indices::mapping(state, exchange, index),
        ["_close"] if post => closing::close(state, exchange, index),
        ["_open"] if post => closing::open(state, exchange, index),
        ["_refresh" | "_flush"] if get || post => closing::refresh(state, exchange, index),
        ["_recovery"] if get => recovery::recovery(state, exchange, index),
        ["_count"] if get || post => documents::count(state, exchange, index),
        ["_search"] if get || post => search::search(state, exchange, index),
        ["_bulk"] if post || put => documents::bulk(state, exchange, Some(index)),
        ["_delete_by_query"] if post => documents::delete_by_query(state, exchange, index),
        ["_doc"] if post => documents::put(state, exchange, index, None),
        [verb @ ("_doc" | "_create"), id] if put || post => {
            documents::check_free(state, index, id, *verb == "_create")?;
            documents::put(state, exchange, index, Some(id))
        }
        ["_doc", id] if get => documents::get(state, exchange, index, id),
        ["_doc", id] if delete => documents::delete(state, exchange, index, id),
        ["_alias" | "_aliases"] if get => aliases::get(state, exchange, Some(index), None),
        ["_alias" | "_aliases", names] if get => aliases::get(state, exchange, Some(index), Some(names)),
        ["_alias" | "_aliases", name] if put || post => aliases::put(state, exchange, index, name),
        ["_alias" | "_aliases", names] if delete => aliases::delete(state, exchange, index, names),
        _ => Err(Failure::no_handler(&exchange.uri, &exchange.method)),
    }
}
