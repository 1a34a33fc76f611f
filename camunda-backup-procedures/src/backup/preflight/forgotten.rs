//! Findings about applications that have data and no address: their parts would be missing without a word.

use std::collections::BTreeMap;

use crate::backup::index_names::{Owner, owner};
use crate::facts::Facts;
use crate::finding::{Finding, FindingCode};

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for index in facts.app_indices.seen().into_iter().flatten() {
        let name = index.name.to_string();
        let owner = owner(&facts.app_prefixes, facts.version.line() >= (8, 8), &name);
        if let Owner::App(app) = owner {
            if !has_address(facts, app) {
                found.entry(app).or_default().push(name);
            }
        }
    }
    found.into_iter().map(|(app, indices)| finding(app, &indices)).collect()
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
