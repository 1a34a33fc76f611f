//! The one grammar of index names: whose an index is, by the configured prefixes.
//!
//! Exported records are `<prefix>_<type>_<version>_<date>`, an application's indices `<prefix>-<template>-<version>_…`. So records and
//! applications under one prefix are told apart by the separator, and a prefix is never merely the beginning of a name.

use std::collections::BTreeSet;

use camunda_backup_core::IndexPrefix;

use crate::facts::FIRST_WORDS;

/// Whose an index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    /// This application's, by its name in backups.
    App(&'static str),
    /// Under a configured prefix from whose name no application can be told.
    Untold,
    /// Under none of the prefixes.
    Nobody,
}

/// Whose an application's index is. From 8.8 on (`combined`) one application has all but Optimize's.
pub(super) fn owner(prefixes: &[IndexPrefix], combined: bool, index: &str) -> Owner {
    match longest(prefixes, index) {
        None => Owner::Nobody,
        Some(prefix) if prefix.as_str().contains("optimize") => Owner::App("optimize"),
        Some(_) if combined => Owner::App("webapps"),
        Some(prefix) if prefix.as_str().contains("operate") => Owner::App("operate"),
        Some(prefix) if prefix.as_str().contains("tasklist") => Owner::App("tasklist"),
        Some(_) => Owner::Untold,
    }
}

/// Whether an index is one of the exported records.
pub(super) fn is_record(prefix: &str, index: &str) -> bool {
    IndexPrefix::new(prefix).is_ok_and(|prefix| prefix.kind_of_record(index).is_some())
}

fn longest<'a>(prefixes: &'a [IndexPrefix], index: &str) -> Option<&'a IndexPrefix> {
    let covering = prefixes.iter().filter(|prefix| prefix.of_applications().covers(index));
    covering.max_by_key(|prefix| prefix.as_str().len())
}

/// The longer prefix of another cluster on the same store, if an index that nobody saved is one of its: `operate-dev2-list-view-8.3.0_`
/// beside our own, saved `operate-list-view-8.3.0_` has the prefix `operate-dev2`.
pub(super) fn prefix_of_another_cluster(
    prefixes: &[IndexPrefix],
    index: &str,
    saved: &BTreeSet<&str>,
) -> Option<String> {
    let ours = longest(prefixes, index)?.of_applications();
    let rest = index.strip_prefix(ours.as_str())?;
    rest.match_indices('-').find_map(|(at, _)| {
        let (middle, template) = (&rest[..at], &rest[at + 1..]);
        let is_word = middle.split('-').next().is_some_and(|first| FIRST_WORDS.contains(&first));
        let is_twin = saved.contains(format!("{ours}{template}").as_str());
        (is_twin && !is_word).then(|| format!("{ours}{middle}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes(names: &[&str]) -> Vec<IndexPrefix> {
        names.iter().map(|name| IndexPrefix::new(name).unwrap()).collect()
    }

    #[test]
    fn an_index_belongs_to_the_application_of_the_longest_prefix() {
        let usual = prefixes(&["operate", "tasklist", "optimize", "camunda"]);
        for (combined, index, whose) in [
            (false, "operate-list-view-8.3.0_", Owner::App("operate")),
            (false, "tasklist-task-8.8.0_", Owner::App("tasklist")),
            (true, "operate-list-view-8.3.0_", Owner::App("webapps")),
            (true, "camunda-usage-metric-8.8.0_", Owner::App("webapps")),
            (true, "optimize-process-instance-x_v8", Owner::App("optimize")),
            (false, "camunda-web-8.8.0_", Owner::Untold),
            (false, "operate_job_8.6.0_2026-06-03", Owner::Nobody),
            (false, "operateold-list-view-8.3.0_", Owner::Nobody),
            (false, "zeebe-record_job_8.6.0_2026-06-03", Owner::Nobody),
        ] {
            assert_eq!(owner(&usual, combined, index), whose, "{index}");
        }
        let own = prefixes(&["acme", "acme-optimize", "tasklistoos"]);
        assert_eq!(owner(&own, true, "acme-optimize-x_v8"), Owner::App("optimize"));
        assert_eq!(owner(&own, true, "acme-operate-list-view-8.3.0_"), Owner::App("webapps"));
        assert_eq!(owner(&own, false, "tasklistoos-task-8.8.0_"), Owner::App("tasklist"));
        assert_eq!(owner(&own, false, "acme-list-view-8.3.0_"), Owner::Untold);
    }

    #[test]
    fn records_have_their_prefix_and_an_underscore() {
        assert!(is_record("zeebe-record", "zeebe-record_job_8.6.0_2026-06-03"));
        for other in [
            "zeebe-record-dev2_job_8.6.0_2026-06-03",
            "zeebe-record_dev2_job_8.6.0_2026-06-03",
            "zeebe-record-job",
            "operate_job",
        ] {
            assert!(!is_record("zeebe-record", other), "{other}");
        }
    }

    #[test]
    fn another_clusters_index_is_known_by_its_twin_among_ours() {
        let (usual, saved) = (
            prefixes(&["operate", "tasklist"]),
            BTreeSet::from(["operate-list-view-8.3.0_", "operate-operation-8.4.1_", "tasklist-task-8.8.0_"]),
        );
        let other = |index| prefix_of_another_cluster(&usual, index, &saved);
        assert_eq!(other("operate-dev2-list-view-8.3.0_").as_deref(), Some("operate-dev2"));
        assert_eq!(other("operate-a-b-list-view-8.3.0_").as_deref(), Some("operate-a-b"));
        for ours in [
            "operate-batch-operation-8.4.1_",
            "tasklist-user-task-8.8.0_",
            "operate-metric-8.3.0_",
            "x-list-view-8.3.0_",
        ] {
            assert_eq!(other(ours), None, "{ours}");
        }
    }
}
