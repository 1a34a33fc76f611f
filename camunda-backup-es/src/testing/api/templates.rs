//! `/_index_template`, `/_component_template`, `/_template`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::testing::api::settings::{flatten, shown};
use crate::testing::control::options::TemplateKind;
use crate::testing::state::server::State;
use crate::testing::wire::answer::{Body, Failure, Reply};
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{matches, split};

const PARAMS: [&str; 6] = ["local", "flat_settings", "create", "order", "timeout", "cause"];

pub(crate) fn get(
    state: &State,
    exchange: &Exchange,
    kind: TemplateKind,
    names: Option<&str>,
) -> Result<Reply, Failure> {
    let mut known = PARAMS.to_vec();
    known.push("include_defaults");
    exchange.only_with_master_timeout(&state.dialect, &known)?;
    let patterns = names.map_or_else(|| vec!["*".to_owned()], split);
    let of_kind = state.templates.iter().filter(|((of, _), _)| *of == kind);
    let found: Vec<(&String, &Value)> = of_kind
        .map(|((_, name), template)| (name, template))
        .filter(|(name, _)| patterns.iter().any(|pattern| matches(pattern, name)))
        .collect();
    let literal = names.is_some_and(|names| !names.contains('*'));
    let miss = names.is_some() && found.is_empty();
    let (key, list) = match kind {
        TemplateKind::Legacy => {
            let map: Map<String, Value> =
                found.into_iter().map(|(name, template)| (name.clone(), template.clone())).collect();
            // A miss is 404 with an empty map.
            let status = if miss { 404 } else { 200 };
            return Ok(Reply::with_status(status, Value::Object(map)));
        }
        TemplateKind::Index => ("index_templates", shapes(&found, "index_template")),
        TemplateKind::Component => ("component_templates", shapes(&found, "component_template")),
    };
    if miss && literal {
        let words = if kind == TemplateKind::Index { "index template" } else { "component template" };
        let name = names.unwrap_or_default();
        let reason = format!("{words} matching [{name}] not found");
        return Err(Failure::of(404, "resource_not_found_exception", reason));
    }
    let status = if miss { 404 } else { 200 };
    Ok(Reply::with_status(status, json!({key: list})))
}

fn shapes(found: &[(&String, &Value)], key: &str) -> Vec<Value> {
    found.iter().map(|(name, template)| json!({"name": name, key: template})).collect()
}

pub(crate) fn put(
    state: &mut State,
    exchange: &Exchange,
    kind: TemplateKind,
    name: &str,
) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &PARAMS)?;
    let mut body = exchange.object(&state.dialect)?;
    if kind != TemplateKind::Component && !body.contains_key("index_patterns") {
        let reason = "index patterns are missing";
        return Err(Failure::validation(reason));
    }
    let components = body.get("composed_of").and_then(Value::as_array).into_iter().flatten();
    let missing: Vec<&str> = components
        .filter_map(Value::as_str)
        .filter(|name| !state.templates.contains_key(&(TemplateKind::Component, (*name).to_owned())))
        .collect();
    if !missing.is_empty() {
        let reason = format!(
            "index template [{name}] invalid, cause [index template [{name}] specifies component templates {missing:?} \
             that do not exist]"
        );
        return Err(Failure::of(400, "invalid_index_template_exception", reason));
    }
    normalise(state, kind, &mut body);
    state.templates.insert((kind, name.to_owned()), Value::Object(body));
    let warning = (kind == TemplateKind::Legacy && state.dialect.elasticsearch).then(|| {
        format!(
            "299 Elasticsearch-{} \"Legacy index templates are deprecated in favor of composable templates.\"",
            state.dialect.version
        )
    });
    Ok(Reply { warning, ..Reply::acknowledged() })
}

/// As it is read back: settings nested and as strings, what is missing filled in.
fn normalise(state: &State, kind: TemplateKind, body: &mut Map<String, Value>) {
    match kind {
        TemplateKind::Legacy => {
            body.entry("order").or_insert_with(|| 0.into());
            body.entry("mappings").or_insert_with(|| json!({}));
            body.entry("aliases").or_insert_with(|| json!({}));
            let settings = prefixed(body.get("settings"));
            body.insert("settings".into(), settings);
        }
        TemplateKind::Index | TemplateKind::Component => {
            if kind == TemplateKind::Index {
                body.entry("composed_of").or_insert_with(|| json!([]));
            }
            if let Some(Value::Object(template)) = body.get_mut("template") {
                if template.contains_key("settings") {
                    let settings = prefixed(template.get("settings"));
                    template.insert("settings".into(), settings);
                }
            }
            if state.dialect.template_dates {
                body.insert("created_date_millis".into(), state.wall.millis().into());
                body.insert("modified_date_millis".into(), state.wall.millis().into());
            }
        }
    }
    if let Some(Value::String(one)) = body.get("index_patterns").cloned() {
        body.insert("index_patterns".into(), json!([one]));
    }
}

fn prefixed(settings: Option<&Value>) -> Value {
    let mut flat = BTreeMap::new();
    flatten("", settings.unwrap_or(&Value::Null), &mut flat);
    let named = flat.into_iter().map(|(name, value)| {
        (if name.starts_with("index.") { name } else { format!("index.{name}") }, value)
    });
    shown(&named.collect(), false)
}

pub(crate) fn delete(
    state: &mut State,
    exchange: &Exchange,
    kind: TemplateKind,
    names: &str,
) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &PARAMS)?;
    let patterns = split(names);
    let doomed: Vec<String> = state
        .templates
        .keys()
        .filter(|(of, name)| *of == kind && patterns.iter().any(|pattern| matches(pattern, name)))
        .map(|(_, name)| name.clone())
        .collect();
    if doomed.is_empty() {
        return Err(missing(state, kind, names));
    }
    if kind == TemplateKind::Component {
        let users = users(state, &doomed);
        if !users.is_empty() {
            return Err(Failure::illegal_argument(format!(
                "component templates [{}] cannot be removed as they are still in use by index templates [{}]",
                doomed.join(", "),
                users.join(", ")
            )));
        }
    }
    for name in doomed {
        state.templates.remove(&(kind, name));
    }
    Ok(Reply::acknowledged())
}

fn missing(state: &State, kind: TemplateKind, names: &str) -> Failure {
    match kind {
        TemplateKind::Component if state.dialect.elasticsearch => {
            Failure::of(404, "resource_not_found_exception", names)
        }
        _ => {
            Failure::of(404, "index_template_missing_exception", format!("index_template [{names}] missing"))
        }
    }
}

fn users(state: &State, components: &[String]) -> Vec<String> {
    let index_templates = state.templates.iter().filter(|((kind, _), _)| *kind == TemplateKind::Index);
    let uses = |template: &Value| {
        let composed = template.get("composed_of").and_then(Value::as_array).into_iter().flatten();
        composed.filter_map(Value::as_str).any(|name| components.iter().any(|known| known == name))
    };
    index_templates.filter(|(_, template)| uses(template)).map(|((_, name), _)| name.clone()).collect()
}

/// `HEAD`: 200 or 404 without a body.
pub(crate) fn exists(state: &State, kind: TemplateKind, name: &str) -> Reply {
    let found = state.templates.keys().any(|(of, known)| *of == kind && matches(name, known));
    let status = if found { 200 } else { 404 };
    Reply { status, body: Body::JsonHead, not_before: None, warning: None }
}
