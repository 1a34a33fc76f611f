//! Index expressions: commas, wildcards, exclusions, aliases, closed and hidden indices.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::testing::state::server::State;
use crate::testing::wire::answer::Failure;
use crate::testing::wire::exchange::Exchange;

/// Which indices a wildcard takes, and what happens to names that are not there.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)] // the servers' own independent options
pub(crate) struct Expand {
    pub(crate) open: bool,
    pub(crate) closed: bool,
    pub(crate) hidden: bool,
    pub(crate) ignore_unavailable: bool,
    pub(crate) allow_no_indices: bool,
}

impl Expand {
    pub(crate) const OPEN: Self =
        Self { open: true, closed: false, hidden: false, ignore_unavailable: false, allow_no_indices: true };
    pub(crate) const OPEN_CLOSED: Self = Self { closed: true, ..Self::OPEN };
    pub(crate) const ALL: Self = Self { hidden: true, ..Self::OPEN_CLOSED };

    /// These defaults, changed by `expand_wildcards`, `ignore_unavailable` and `allow_no_indices` of the query.
    pub(crate) fn of_query(self, exchange: &Exchange) -> Result<Self, Failure> {
        let mut expand = self;
        if let Some(words) = exchange.param("expand_wildcards") {
            expand = expand.with_words(words)?;
        }
        expand.ignore_unavailable = exchange.flag("ignore_unavailable", expand.ignore_unavailable)?;
        expand.allow_no_indices = exchange.flag("allow_no_indices", expand.allow_no_indices)?;
        Ok(expand)
    }

    /// These defaults with the words of `expand_wildcards`.
    pub(crate) fn with_words(self, words: &str) -> Result<Self, Failure> {
        let mut expand = Self { open: false, closed: false, hidden: false, ..self };
        for word in words.split(',') {
            match word.trim() {
                "open" => expand.open = true,
                "closed" => expand.closed = true,
                "hidden" => expand.hidden = true,
                "none" => {}
                "all" => expand = Self { open: true, closed: true, hidden: true, ..expand },
                other => {
                    let reason = format!("No valid expand wildcard value [{other}]");
                    return Err(Failure::illegal_argument(reason));
                }
            }
        }
        // `hidden` alone means open and closed hidden ones.
        if expand.hidden && !expand.open && !expand.closed {
            expand = Self { open: true, closed: true, ..expand };
        }
        Ok(expand)
    }
}

/// Whether a name matches a pattern in which `*` stands for anything.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match name.find(piece) {
            Some(at) => name = &name[at + piece.len()..],
            None => return false,
        }
    }
    name.ends_with(last)
}

/// The `indices` of a create or restore body: a string with commas, or a list whose elements are taken as they are.
/// `None`, `[]` and `""` mean everything.
pub(crate) fn body_expressions(value: Option<&Value>) -> Result<Vec<String>, Failure> {
    let list: Vec<String> = match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => split(text),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect()
        }
        Some(_) => {
            return Err(Failure::illegal_argument(
                "malformed indices section, should be an array of strings",
            ));
        }
    };
    Ok(if list.is_empty() { vec!["*".to_owned()] } else { list })
}

/// The parts of a comma list.
pub(crate) fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

impl State {
    /// The indices that an expression names, sorted.
    pub(crate) fn resolve(&self, expressions: &[String], expand: Expand) -> Result<Vec<String>, Failure> {
        let mut found = BTreeSet::new();
        let mut wildcard_before = false;
        for expression in expressions {
            let pattern = if expression == "_all" { "*" } else { expression.as_str() };
            let wildcard = pattern.contains('*');
            let excluded = pattern.strip_prefix('-').filter(|_| wildcard_before);
            if let Some(excluded) = excluded {
                let there = excluded.contains('*')
                    || self.indices.contains_key(excluded)
                    || !self.behind_alias(excluded).is_empty();
                if !there && self.dialect.exclusion_of_missing_is_404 && !expand.ignore_unavailable {
                    return Err(Failure::index_missing(excluded));
                }
                found.retain(|name: &String| !matches(excluded, name) && !self.alias_holds(excluded, name));
                continue;
            }
            wildcard_before |= wildcard;
            if wildcard {
                let names = self.expanded(pattern, expand);
                if names.is_empty() && !expand.allow_no_indices {
                    return Err(Failure::index_missing(pattern));
                }
                found.extend(names);
            } else if self.indices.contains_key(pattern) {
                found.insert(pattern.to_owned());
            } else {
                let behind: Vec<String> = self.behind_alias(pattern);
                if behind.is_empty() && !expand.ignore_unavailable {
                    return Err(Failure::index_missing(pattern));
                }
                found.extend(behind);
            }
        }
        Ok(found.into_iter().collect())
    }

    /// The indices that carry an alias.
    pub(crate) fn behind_alias(&self, alias: &str) -> Vec<String> {
        let carriers = self.indices.iter().filter(|(_, index)| index.aliases.contains_key(alias));
        carriers.map(|(name, _)| name.clone()).collect()
    }

    fn alias_holds(&self, alias: &str, index: &str) -> bool {
        self.indices.get(index).is_some_and(|index| index.aliases.contains_key(alias))
    }

    fn expanded(&self, pattern: &str, expand: Expand) -> Vec<String> {
        let taken = self.indices.iter().filter(|(name, index)| {
            let dotted = pattern.starts_with('.') && name.starts_with('.');
            let named = matches(pattern, name) || index.aliases.keys().any(|alias| matches(pattern, alias));
            named
                && (expand.hidden || !index.hidden || dotted)
                && (if index.closed { expand.closed } else { expand.open })
        });
        taken.map(|(name, _)| name.clone()).collect()
    }
}

/// What is wrong with a new index name, in the server's words.
pub(crate) fn invalid_index_name(name: &str) -> Option<Failure> {
    let wrong = if name.chars().any(char::is_uppercase) {
        "must be lowercase".to_owned()
    } else if name.starts_with(['_', '-', '+']) {
        "must not start with '_', '-', or '+'".to_owned()
    } else if name.contains(['\\', '/', '*', '?', '"', '<', '>', '|', ' ', ',']) {
        "must not contain the following characters [' ','\"','*',',','/','<','>','?','\\','|']".to_owned()
    } else if name.contains('#') {
        "must not contain '#'".to_owned()
    } else {
        return None;
    };
    let failure =
        Failure::of(400, "invalid_index_name_exception", format!("Invalid index name [{name}], {wrong}"));
    Some(failure.with("index_uuid", "_na_").with("index", name))
}
