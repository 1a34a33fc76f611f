//! Findings about applications that have data and no address: their parts would be missing without a word.

use std::collections::BTreeMap;

use super::{Finding, FindingCode};
use crate::facts::Facts;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for index in facts.app_indices.seen().into_iter().flatten() {
        let name = index.name.to_string();
        if let Some(app) = owner(facts, &name).filter(|app| !has_address(facts, app)) {
            found.entry(app).or_default().push(name);
        }
    }
    found.into_iter().map(|(app, indices)| finding(app, &indices)).collect()
}

/// Whose index this is, by the usual prefixes. From 8.8 on one application has all but Optimize's.
fn owner(facts: &Facts, index: &str) -> Option<&'static str> {
    let prefix = ["operate", "tasklist", "optimize", "camunda"]
        .into_iter()
        .find(|prefix| index.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('-')))?;
    match (prefix, facts.version.line() >= (8, 8)) {
        ("optimize", _) => Some("optimize"),
        (_, true) => Some("webapps"),
        ("camunda", false) => None,
        (app, false) => Some(app),
    }
}

fn has_address(facts: &Facts, app: &str) -> bool {
    if app == "optimize" { facts.optimize } else { facts.apps.iter().any(|known| known.to_string() == app) }
}

fn finding(app: &str, indices: &[String]) -> Finding {
    const SHOWN: usize = 3;
    let some: Vec<&str> = indices.iter().take(SHOWN).map(String::as_str).collect();
    let seen =
        format!("{app} has {} live indices ({}, …) and no address here", indices.len(), some.join(", "));
    Finding::blocker(FindingCode::ApplicationForgotten, app, seen)
        .because("its part would be missing from the backup, and it would not fit the rest after a restore")
        .advise(format!(
            "configure `{app}` (CAMUNDA_{}_URL); override this if the indices are another cluster's or an old version's",
            app.to_ascii_uppercase()
        ))
}
