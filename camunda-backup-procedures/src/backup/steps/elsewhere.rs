//! An application that writes to another repository or another store is noticed at its first part.

use std::collections::BTreeSet;
use std::time::Duration;

use camunda_backup_zeebe::{BackupState, HistoryBackup};
use tokio::time::Instant;

use super::Check;
use super::history::running;
use super::parts::Look;

/// How long a part that the application has begun may be missing in the store. The application knows of it from its own store, so in
/// the same one it is listed at once.
const LONGEST_ABSENCE: Duration = Duration::from_secs(5);

/// Which parts were seen where they belong, and since when one is not.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    seen: BTreeSet<String>,
    absent: Option<(String, Instant)>,
}

impl Elsewhere {
    /// Whether every part that the application has begun was seen in the configured repository; not if it has begun none.
    pub(super) fn has_seen_all(&self, said: &HistoryBackup) -> bool {
        let mut begun = begun(said).peekable();
        begun.peek().is_some() && begun.all(|name| self.seen.contains(name))
    }

    /// What to do about a part that the application has begun and that the store does not have; nothing if there is none.
    pub(super) fn judge(&mut self, app: &str, said: &HistoryBackup, look: &Look) -> Option<Check> {
        let names = look.names.as_ref()?;
        self.seen.extend(names.iter().cloned());
        let Some(sign) = missing(said, names) else {
            self.absent = None;
            return None;
        };
        let since = match &self.absent {
            Some((same, since)) if *same == sign => *since,
            _ => {
                let now = Instant::now();
                self.absent = Some((sign.clone(), now));
                now
            }
        };
        Some(if since.elapsed() < LONGEST_ABSENCE {
            Check::Pending(running(format!("{app} says {}, {sign} is not in the store", said.state), None))
        } else {
            Check::Failed(not_here(app, &sign))
        })
    }
}

fn begun(said: &HistoryBackup) -> impl Iterator<Item = &str> {
    said.parts.iter().filter(|part| part.state.is_some()).map(|part| part.name.as_str())
}

/// What should be in the store, by what the application says, and is not.
fn missing(said: &HistoryBackup, names: &BTreeSet<String>) -> Option<String> {
    let works =
        matches!(said.state, BackupState::InProgress | BackupState::Incomplete | BackupState::Completed);
    let part = begun(said).find(|name| !names.contains(*name)).map(|name| format!("part {name}"));
    // Up to 8.1 no part is named.
    let whole = said.state == BackupState::Completed && names.is_empty();
    part.or_else(|| whole.then(|| "any of its parts".to_owned())).filter(|_| works)
}

fn not_here(app: &str, sign: &str) -> String {
    let setting = match app {
        "operate" => "CAMUNDA_OPERATE_BACKUP_REPOSITORYNAME",
        "tasklist" => "CAMUNDA_TASKLIST_BACKUP_REPOSITORYNAME",
        "optimize" => "CAMUNDA_OPTIMIZE_BACKUP_REPOSITORY_NAME",
        _ => "CAMUNDA_DATA_BACKUP_REPOSITORYNAME",
    };
    format!(
        "{app} has begun its backup, and {sign} is not in the configured repository: it writes to another repository or to \
         another store, and this library supports one of each for all applications and the records; give {app} the repository \
         that is configured here ({setting}), or configure here the one that all of them write to"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::parts::Stored;
    use super::*;

    fn said(state: &str, parts: &[(&str, Option<&str>)]) -> HistoryBackup {
        let parts: Vec<_> = parts
            .iter()
            .map(|(name, state)| json!({"name": name, "state": state, "start_time": null, "failures": []}))
            .collect();
        let backup = json!({"id": 7, "state": state, "failure": null, "parts": parts});
        serde_json::from_value(backup).unwrap()
    }

    fn look(names: Option<&[&str]>) -> Look {
        let names = names.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        Look { stored: Stored::Nothing, names }
    }

    #[test]
    fn what_has_begun_must_be_in_the_store() {
        let begun = [("a", Some("SUCCESS")), ("b", Some("IN_PROGRESS"))];
        for (state, parts, names, is_missing) in [
            ("IN_PROGRESS", &begun[..], &["a"][..], true),
            ("INCOMPLETE", &begun[..1], &[], true),
            ("COMPLETED", &[], &[], true),
            ("IN_PROGRESS", &begun[..], &["a", "b"], false),
            ("IN_PROGRESS", &[("c", None)], &[], false),
            ("IN_PROGRESS", &[], &[], false),
            ("NOT_VISIBLE", &[], &[], false),
            ("FAILED", &begun[..], &[], false),
        ] {
            let found = Elsewhere::default().judge("operate", &said(state, parts), &look(Some(names)));
            assert_eq!(found.is_some(), is_missing, "{state} {parts:?} {names:?}");
        }
        assert_eq!(Elsewhere::default().judge("operate", &said("COMPLETED", &begun), &look(None)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_same_part_is_missing_for_long() {
        let mut elsewhere = Elsewhere::default();
        let mut judge = |part: &str| {
            elsewhere.judge("operate", &said("IN_PROGRESS", &[(part, Some("IN_PROGRESS"))]), &look(Some(&[])))
        };
        for part in ["a", "b", "c"] {
            assert!(matches!(judge(part), Some(Check::Pending(_))), "{part}");
            tokio::time::sleep(Duration::from_secs(4)).await; // virtual time
        }
        tokio::time::sleep(Duration::from_secs(2)).await; // virtual time
        assert!(matches!(judge("c"), Some(Check::Failed(why)) if why.contains("part c is not in")));
    }
}
