//! Which prefixes on a store are other clusters', seen by the names behind them.

use std::collections::BTreeSet;

use camunda_backup_core::IndexPrefix;

/// The applications that became one with 8.8; their indices keep these words in their names.
const COMBINED: [&str; 3] = ["operate", "tasklist", "camunda"];

/// Names that every installation has, or that no longer name ends with: where one stands behind something else than our
/// prefix, that is another prefix.
const LANDMARKS: [&str; 20] = [
    "list-view",
    "flownode-instance",
    "sequence-flow",
    "import-position",
    "decision-instance",
    "decision-requirements",
    "incident",
    "process",
    "post-importer-queue",
    "migration-steps-repository",
    "task",
    "task-variable",
    "form",
    "web-session",
    "process-definition",
    "decision-definition",
    "position-based-import-index",
    "timestamp-based-import-index",
    "process-instance",
    "metric",
];

/// What the names of templates begin with that end like another template's, such as `batch-operation` or `user-task`: no prefix of a
/// cluster. Of a cluster whose prefix does go on with one of them the indices are taken for ours.
pub(crate) const FIRST_WORDS: [&str; 18] = [
    "archived",
    "batch",
    "correlated",
    "decision",
    "draft",
    "event",
    "flownode",
    "import",
    "job",
    "message",
    "migrated",
    "migration",
    "post",
    "process",
    "sequence",
    "snapshot",
    "usage",
    "user",
];

/// Names of Optimize that go on with the key of a process or decision, a word of the customer's.
const FAMILIES: [&str; 2] = ["process-instance-", "decision-instance-"];

/// What the names of other clusters' indices begin with, the last `-` included, where their prefix begins with one of ours.
/// What cannot be told is ours: it must be in a part then.
pub(super) fn of_other_clusters(prefixes: &[IndexPrefix], live: &[&str]) -> BTreeSet<String> {
    live.iter().filter_map(|name| root_of_another(prefixes, name)).collect()
}

fn root_of_another(prefixes: &[IndexPrefix], name: &str) -> Option<String> {
    let starts = prefixes.iter().map(IndexPrefix::of_applications);
    // The longest of ours decides: Tasklist may have a prefix that begins with Operate's.
    let start = starts.filter(|start| start.covers(name)).max_by_key(|start| start.as_str().len())?;
    let rest = name.strip_prefix(start.as_str())?;
    let root = COMBINED.iter().find_map(|root| rest.strip_prefix(root)?.strip_prefix('-'));
    // From 8.8 on `acme-operate-list-view-8.3.0_` is ours under the prefix `acme`.
    let (between, rest) = match root {
        Some(after) if !COMBINED.contains(&start.as_str().trim_end_matches('-')) => {
            (rest.get(..rest.len() - after.len())?, after)
        }
        _ => ("", rest),
    };
    Some(format!("{start}{between}{}-", foreign_part(entity(rest))?))
}

/// The name without schema version and date: `dev2-list-view-8.3.0_2026-06-03` is `dev2-list-view`.
fn entity(rest: &str) -> &str {
    let name = rest.split_once('_').map_or(rest, |(name, _)| name);
    match name.rsplit_once('-') {
        Some((name, version)) if is_version(version) => name,
        _ => name,
    }
}

fn is_version(word: &str) -> bool {
    word.contains('.') && word.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// What stands between our prefix and a name that an application has: the rest of another cluster's prefix.
fn foreign_part(entity: &str) -> Option<&str> {
    let is_own = LANDMARKS.contains(&entity) || FAMILIES.iter().any(|family| entity.starts_with(family));
    if is_own {
        return None;
    }
    let part =
        before_a_root(entity).or_else(|| before_a_family(entity)).or_else(|| before_a_landmark(entity))?;
    let begins_a_template = part.split('-').next().is_some_and(|first| FIRST_WORDS.contains(&first));
    (!begins_a_template).then_some(part)
}

/// `dev2-operate-list-view`: from 8.8 on another prefix is followed by one of the applications' words; `operate` itself may be
/// such a prefix.
fn before_a_root(entity: &str) -> Option<&str> {
    let roots = COMBINED;
    if let Some(root) =
        roots.iter().find(|root| entity.strip_prefix(*root).is_some_and(|rest| rest.starts_with('-')))
    {
        return entity.get(..root.len());
    }
    roots.iter().find_map(|root| entity.get(..entity.find(&format!("-{root}-"))?))
}

fn before_a_family(entity: &str) -> Option<&str> {
    let mut families = FAMILIES.iter().filter_map(|family| entity.find(&format!("-{family}")));
    families.next().and_then(|at| entity.get(..at))
}

fn before_a_landmark(entity: &str) -> Option<&str> {
    let parts = LANDMARKS.iter().filter_map(|name| entity.strip_suffix(name)?.strip_suffix('-'));
    // The longest landmark leaves the shortest rest: `dev2-task-variable` has `dev2`.
    parts.min_by_key(|part| part.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots(prefixes: &[&str], live: &[&str]) -> Vec<String> {
        let prefixes: Vec<IndexPrefix> =
            prefixes.iter().map(|prefix| IndexPrefix::new(prefix).unwrap()).collect();
        of_other_clusters(&prefixes, live).into_iter().collect()
    }

    const USUAL: [&str; 4] = ["operate", "tasklist", "optimize", "camunda"];

    #[test]
    fn another_clusters_prefix_is_seen_by_the_names_behind_it() {
        for (index, root) in [
            ("operate-dev2-list-view-8.3.0_", "operate-dev2-"),
            ("operate-dev2-list-view-8.2.0_2026-05-01", "operate-dev2-"),
            ("operate-2-flownode-instance-8.3.1_", "operate-2-"),
            ("tasklist-test-eu-task-variable-8.3.0_", "tasklist-test-eu-"),
            ("optimize-dev2-process-definition_v6", "optimize-dev2-"),
            ("optimize-dev2-process-instance-invoice_v8", "optimize-dev2-"),
            ("operate-dev2-operate-list-view-8.3.0_", "operate-dev2-"),
            ("camunda-dev2-camunda-role-8.8.0_", "camunda-dev2-"),
            ("camunda-operate-list-view-8.3.0_", "camunda-operate-"),
            ("camunda-camunda-role-8.8.0_", "camunda-camunda-"),
        ] {
            assert_eq!(roots(&USUAL, &[index]), [root], "{index}");
        }
        assert_eq!(roots(&["acme"], &["acme-dev2-operate-list-view-8.3.0_"]), ["acme-dev2-"]);
    }

    #[test]
    fn our_own_names_are_never_taken_for_another_clusters() {
        for index in [
            "operate-list-view-8.3.0_",
            "operate-import-position-8.3.0_",
            "operate-user-task-8.5.0_",
            "operate-message-new-process-8.10.0_",
            "operate-batch-operation-1.0.0_2026-05-01",
            "operate-a-new-name-8.9.0_",
            "operate-notes",
            "tasklist-draft-task-variable-8.3.0_",
            "tasklist-form-8.4.0_",
            "optimize-process-instance-process-definition_v8",
            "optimize-process-instance-my-operate-list-view_v8",
            "optimize-decision-instance-dev2-task_v5",
            "optimize-event-process-definition_v5",
            "optimize-external-process-variable_v2-000001",
            "camunda-usage-metric-8.8.0_",
            "camunda-cluster-variable-8.9.0_",
            "other-dev2-list-view-8.3.0_",
        ] {
            assert_eq!(roots(&USUAL, &[index]), Vec::<String>::new(), "{index}");
        }
        let own = ["acme", "acme-tasklist"];
        for index in [
            "acme-operate-list-view-8.3.0_",
            "acme-camunda-role-8.8.0_",
            "acme-tasklist-task-8.5.0_",
            "acme-list-view-8.3.0_",
        ] {
            assert_eq!(roots(&own, &[index]), Vec::<String>::new(), "{index}");
        }
    }
}
