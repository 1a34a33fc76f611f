//! The checks before anything is touched, as findings that are reported all at once.

mod backups;
mod cluster;
mod declared_version;
mod forgotten;
mod store;

use camunda_backup_core::BackupId;

use crate::backup::spec::BackupSpec;
use crate::facts::Facts;
use crate::finding::{Finding, FindingCode, Severity};

/// What stands behind something that a run of ours has left running.
fn of_our_last(id: i64) -> String {
    format!(
        "; it belongs to backup {id}, the last that this library began here, whose run has ended or died without it: `abandon({id})` \
         deletes what it left"
    )
}

/// The findings that stop a backup, and all of them in one text.
pub(crate) fn blockers(findings: &[Finding]) -> (Vec<&Finding>, String) {
    let blockers: Vec<&Finding> = findings.iter().filter(|f| f.severity == Severity::Blocker).collect();
    let words: Vec<String> = blockers.iter().map(ToString::to_string).collect();
    (blockers, words.join("\n  "))
}

/// All findings about a backup with this id on a cluster with these facts, blockers first. Pure.
pub fn preflight(facts: &Facts, spec: &BackupSpec, id: BackupId) -> Vec<Finding> {
    let mut findings = cluster::findings(facts);
    findings.extend(declared_version::findings(facts));
    findings.extend(backups::findings(facts, id));
    if facts.rdbms {
        findings.extend(relational(spec));
    } else if !spec.zeebe_only {
        findings.extend(store::findings(facts));
        findings.extend(forgotten::findings(facts));
    }
    for finding in &mut findings {
        let named = spec.overrides.contains(&finding.code);
        if named && finding.severity == Severity::Blocker && finding.can_be_overridden() {
            finding.severity = Severity::Overridden;
        }
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

fn relational(spec: &BackupSpec) -> Option<Finding> {
    let finding = Finding::blocker(
        FindingCode::RelationalStorage,
        "webapps",
        "the web applications store their data in a relational database",
    )
    .because("this library cannot back that database up, so its backup would not be whole")
    .advise("back the database up with its own tools, and ask for `zeebe_only` to do the Zeebe part here");
    (!spec.zeebe_only).then_some(finding)
}
