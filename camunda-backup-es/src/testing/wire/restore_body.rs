//! The body of `POST …/_restore`: every key is known or refused.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::testing::api::settings::flatten;
use crate::testing::api::snapshot_create::body_flag;
use crate::testing::state::server::State;
use crate::testing::wire::answer::Failure;
use crate::testing::wire::names::body_expressions;
use crate::testing::wire::rename::Pattern;

/// A restore request, read but not checked against the snapshot.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // the servers' own independent options
pub(crate) struct Restoring {
    pub(crate) expressions: Vec<String>,
    pub(crate) ignore_unavailable: bool,
    pub(crate) partial: bool,
    pub(crate) include_global_state: bool,
    pub(crate) include_aliases: bool,
    pub(crate) feature_states: Vec<String>,
    rename: Option<(Pattern, String)>,
    rename_alias: Option<(Pattern, String)>,
    pub(crate) index_settings: BTreeMap<String, Value>,
    pub(crate) ignore_index_settings: Vec<String>,
}

const KEYS: [&str; 11] = [
    "indices",
    "ignore_unavailable",
    "partial",
    "include_global_state",
    "include_aliases",
    "rename_pattern",
    "rename_replacement",
    "index_settings",
    "ignore_index_settings",
    "expand_wildcards",
    "allow_no_indices",
];

impl Restoring {
    pub(crate) fn parse(state: &State, body: &Map<String, Value>) -> Result<Self, Failure> {
        let dialect = &state.dialect;
        let known = |key: &str| {
            KEYS.contains(&key)
                || match key {
                    "feature_states" => dialect.elasticsearch,
                    "rename_alias_pattern" | "rename_alias_replacement" => dialect.restore_alias_rename,
                    "storage_type" | "source_remote_store_repository" => {
                        !dialect.elasticsearch && dialect.major >= 2
                    }
                    _ => false,
                }
        };
        if let Some(bad) = body.keys().find(|key| !known(key)) {
            return Err(Failure::illegal_argument(format!("Unknown parameter {bad}")));
        }
        let mut index_settings = BTreeMap::new();
        flatten("", body.get("index_settings").unwrap_or(&Value::Null), &mut index_settings);
        Ok(Self {
            expressions: body_expressions(body.get("indices"))?,
            ignore_unavailable: body_flag(body, "ignore_unavailable", false)?,
            partial: body_flag(body, "partial", false)?,
            include_global_state: body_flag(body, "include_global_state", false)?,
            include_aliases: body_flag(body, "include_aliases", true)?,
            feature_states: texts(body.get("feature_states")),
            rename: renaming(body, "rename_pattern", "rename_replacement")?,
            rename_alias: renaming(body, "rename_alias_pattern", "rename_alias_replacement")?,
            index_settings: index_settings.into_iter().map(|(name, value)| (full(&name), value)).collect(),
            ignore_index_settings: texts(body.get("ignore_index_settings")).iter().map(|n| full(n)).collect(),
        })
    }

    /// The name an index gets.
    pub(crate) fn renamed(&self, name: &str) -> String {
        self.rename.as_ref().map_or_else(|| name.to_owned(), |(pattern, to)| pattern.replace_all(name, to))
    }

    /// The name an alias gets.
    pub(crate) fn renamed_alias(&self, name: &str) -> String {
        let rename = self.rename_alias.as_ref();
        rename.map_or_else(|| name.to_owned(), |(pattern, to)| pattern.replace_all(name, to))
    }
}

/// Setting names with `index.` in front.
fn full(name: &str) -> String {
    if name.starts_with("index.") { name.to_owned() } else { format!("index.{name}") }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => crate::testing::wire::names::split(text),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// A pattern without a replacement renames nothing.
fn renaming(
    body: &Map<String, Value>,
    pattern: &str,
    replacement: &str,
) -> Result<Option<(Pattern, String)>, Failure> {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    match (text(pattern), text(replacement)) {
        (Some(pattern), Some(replacement)) => Ok(Some((Pattern::parse(pattern)?, replacement.to_owned()))),
        _ => Ok(None),
    }
}
