//! Findings about backups that exist or run (B0.2, B0.4, B0.5, B0.11).

use camunda_backup_core::BackupId;
use camunda_backup_zeebe::BackupState;

use super::{Finding, FindingCode};
use crate::facts::{Facts, Probe};

pub(super) fn findings(facts: &Facts, id: BackupId) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(id_taken(facts, id));
    findings.extend(zeebe(facts));
    findings.extend(applications(facts));
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
            .map(|backup| running("zeebe", &backup.id.to_string()))
            .collect(),
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
                findings.extend(
                    in_progress
                        .map(|backup| running(app, &backup.id.map_or("?".to_owned(), |id| id.to_string()))),
                );
            }
            Probe::Failed { why, advice, answered: true } => findings.push(
                Finding::warning(FindingCode::HistoryUnreadable, app, why.clone())
                    .because("running backups of this application cannot be seen; the store is asked instead")
                    .advise(advice.clone().unwrap_or_else(|| {
                        format!("look for a snapshot named camunda_{app}_* that has no metadata")
                    })),
            ),
            Probe::Failed { why, advice, .. } => findings.push(
                Finding::blocker(FindingCode::ComponentUnreachable, app, why.clone())
                    .because("its part of the backup could not be made")
                    .advise(
                        advice
                            .clone()
                            .unwrap_or_else(|| "check the address and that it is running".to_owned()),
                    ),
            ),
            Probe::Absent => {}
        }
    }
    findings
}

fn running(component: &str, id: &str) -> Finding {
    Finding::blocker(FindingCode::BackupRunning, component, format!("backup {id} is in progress"))
        .because("two backups at once disturb each other's order, and the servers do not guard against it")
        .advise("wait until it has ended; a dead one stays in progress until it is deleted")
}
