//! Findings about backups that exist or run.

use std::time::Duration;

use camunda_backup_core::BackupId;
use camunda_backup_zeebe::{BackupState, HistoryBackup, PartName};

use crate::backup::store_timeout;
use crate::facts::{Facts, Probe};
use crate::finding::{Finding, FindingCode};

pub(super) fn findings(facts: &Facts, id: BackupId) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(id_taken(facts, id));
    findings.extend(zeebe(facts));
    findings.extend(applications(facts));
    findings.extend(slow_parts(facts));
    findings
}

fn id_taken(facts: &Facts, id: BackupId) -> Option<Finding> {
    let highest = facts.highest_id().filter(|highest| id <= *highest)?;
    let seen = if facts.known_ids().contains(&id) {
        format!("backup id {id} is used already")
    } else {
        format!("backup id {id} is lower than {highest}, which is used already")
    };
    Some(
        Finding::blocker(FindingCode::IdTaken, "zeebe", seen)
            .because("Zeebe refuses ids that are not higher than every earlier one, deleted ones included")
            .advise(match highest.next() {
                Some(next) => format!("take {next} or a higher one, or let the library choose"),
                None => "the highest possible id is used; the bucket needs a new base path".to_owned(),
            }),
    )
}

fn zeebe(facts: &Facts) -> Vec<Finding> {
    match &facts.runtime_backups {
        Probe::Seen(backups) => backups
            .iter()
            .filter(|backup| backup.state == BackupState::InProgress)
            .map(|backup| running(facts, "zeebe", Some(backup.id)))
            .collect(),
        Probe::Failed { why, advice, .. } if facts.unlistable.contains("zeebe") => {
            let seen = format!("{why}; how one backup stands is answered");
            let advice = advice.clone().unwrap_or_else(|| "look into the gateway's log".to_owned());
            vec![
                Finding::warning(FindingCode::HistoryUnreadable, "zeebe", seen)
                    .because(
                        "ids and running backups that only this list shows cannot be seen, so the verdict cannot be PROVEN",
                    )
                    .advise(advice),
            ]
        }
        Probe::Failed { why, advice, .. } => vec![
            Finding::blocker(FindingCode::BackupStoreUnusable, "zeebe", why.clone())
                .because("a backup would be accepted with 202 and then never exist")
                .advise(advice.clone().unwrap_or_else(|| {
                    "configure the same backup store on every broker and check that the bucket answers"
                        .to_owned()
                })),
        ],
        Probe::Absent => Vec::new(),
    }
}

fn applications(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (app, probe) in &facts.history_backups {
        match probe {
            Probe::Seen(backups) => {
                let in_progress = backups.iter().filter(|backup| backup.state == BackupState::InProgress);
                findings.extend(in_progress.map(|backup| running(facts, app, backup.id)));
                findings.extend(other_repository(facts, app, backups));
            }
            Probe::Failed { why, advice, answered: true } => findings.push(
                Finding::warning(FindingCode::HistoryUnreadable, app, why.clone())
                    .because("running backups of this application cannot be seen; the store is asked instead")
                    .advise(culprits(facts, app).or_else(|| advice.clone()).unwrap_or_else(|| {
                        format!("look for a snapshot named camunda_{app}_* that has no metadata")
                    })),
            ),
            Probe::Failed { why, advice, .. } => {
                findings.push(Finding::unreachable(app, why, advice.as_deref()));
            }
            Probe::Absent => {}
        }
    }
    findings
}

/// An application that says that it has completed a backup of which our repository has no part writes elsewhere.
fn other_repository(facts: &Facts, app: &str, backups: &[HistoryBackup]) -> Option<Finding> {
    let snapshots = facts.snapshots.seen()?;
    let complete = backups.iter().filter(|backup| backup.state == BackupState::Completed);
    let newest = complete.filter(|backup| !backup.parts.is_empty()).max_by_key(|backup| backup.id)?;
    if newest.parts.iter().any(|part| snapshots.contains_key(&part.name)) {
        return None;
    }
    let part = newest.parts.first()?;
    let seen = format!("it has completed {}, and the configured repository has no such snapshot", part.name);
    Some(
        Finding::blocker(FindingCode::OtherRepository, app, seen)
            .because(
                "it writes to another repository or to another store, and this library supports one of each for all applications and \
                 the records",
            )
            .advise(format!(
                "give {app} the repository that is configured here, or configure the one that all of them write to; override this if \
                 that backup's snapshots were deleted by hand"
            )),
    )
}

/// Snapshots that begin like an application's and are not named like a part: one of them breaks the application's
/// whole list (Q24).
fn culprits(facts: &Facts, app: &str) -> Option<String> {
    let prefix = format!("camunda_{app}_");
    let names = facts.snapshots.seen().into_iter().flatten().map(|(name, _)| name.as_str());
    let strange: Vec<&str> =
        names.filter(|name| name.starts_with(&prefix) && PartName::parse(name).is_none()).collect();
    (!strange.is_empty()).then(|| {
        format!(
            "{} begins like a backup of {app} and is none, which breaks its whole list: delete it under its exact name \
             if it is not needed",
            strange.join(", ")
        )
    })
}

/// Two thirds of the default socket time-out of the store clients of Operate and Tasklist.
const NEAR_THE_TIMEOUT: Duration = Duration::from_secs(20);

fn slow_parts(facts: &Facts) -> Vec<Finding> {
    let slow = facts.slowest_parts.iter().filter(|(_, (_, lasted))| *lasted >= NEAR_THE_TIMEOUT);
    slow.map(|(app, (part, lasted))| {
        let seen = format!("part {part} of its last backup took {:.0} s", lasted.as_secs_f64());
        Finding::warning(FindingCode::PartsSlow, app, seen)
            .because(
                "after a part longer than its store client's socket time-out (30 s) it stops without a word",
            )
            .advise(format!(
                "raise {} (ms) well above the longest part, if that is not done yet",
                store_timeout::setting(app, facts.store.seen().map(|store| store.version.flavor))
            ))
    })
    .collect()
}

fn running(facts: &Facts, component: &str, id: Option<i64>) -> Finding {
    let ours = id.filter(|_| facts.is_our_last(id)).map(super::of_our_last).unwrap_or_default();
    let id = id.map_or("?".to_owned(), |id| id.to_string());
    Finding::blocker(FindingCode::BackupRunning, component, format!("backup {id} is in progress{ours}"))
        .because("two backups at once disturb each other's order, and the servers do not guard against it")
        .advise("wait until it has ended; a dead one stays in progress until it is deleted")
}
