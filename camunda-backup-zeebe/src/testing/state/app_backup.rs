//! What the web applications make of the snapshots that they find: states, lists, deletes.

use std::collections::BTreeMap;

use crate::testing::state::snapshot_queue::{App, AppRefusal, parse_name};
use crate::testing::state::world::World;
use crate::testing::store::SnapshotFacts;

/// How long later versions call an unfinished set `IN_PROGRESS`.
const INCOMPLETE_AFTER_MILLIS: u64 = 300_000;

/// One backup as its application derives it from the store.
#[derive(Debug, Clone)]
pub(crate) struct AppBackup {
    pub id: String,
    pub state: &'static str,
    pub failure: Option<String>,
    pub parts: Vec<(String, SnapshotFacts)>,
}

impl World {
    /// One backup; `Unknown` when the store has no part of it.
    pub(crate) fn app_backup(&self, app: App, id: &str) -> Result<AppBackup, AppRefusal> {
        let repository = self.check_repository(app, "searching for snapshots. Repository name:")?;
        let names = self.snapshots_of(app, &repository, id);
        if names.is_empty() {
            return Err(AppRefusal::Unknown(id.to_owned()));
        }
        let described = |name: &String| {
            self.store_of(app)
                .snapshot_state(&repository, name)
                .is_none_or(|facts| facts.metadata.is_object())
        };
        // 8.1 writes no metadata and misses none.
        let reads_metadata = ((8, 2)..=(8, 7)).contains(&self.dialect.line()) && app != App::Optimize;
        if reads_metadata && !names.iter().all(described) {
            return Err(AppRefusal::Poisoned { single: true });
        }
        let backup = self.derive_backup(app, &repository, id, names);
        if self.cannot_read_running(app, &backup) {
            return Err(AppRefusal::Unreadable(Some(id.to_owned())));
        }
        Ok(backup)
    }

    fn cannot_read_running(&self, app: App, backup: &AppBackup) -> bool {
        app == App::Operate
            && self.store_of(app).is_opensearch()
            && backup.parts.iter().any(|(_, facts)| facts.state == "IN_PROGRESS")
    }

    /// All backups, newest start first.
    pub(crate) fn app_backups(&self, app: App) -> Result<Vec<AppBackup>, AppRefusal> {
        let repository = self.check_repository(app, "searching for snapshots. Repository name:")?;
        let prefix = format!("camunda_{}_", app.word());
        let mut ids: BTreeMap<String, Vec<(u32, String)>> = BTreeMap::new();
        for name in
            self.store_of(app).snapshot_names(&repository).into_iter().filter(|n| n.starts_with(&prefix))
        {
            let known = parse_name(app, &name);
            let described = self
                .store_of(app)
                .snapshot_state(&repository, &name)
                .is_some_and(|facts| facts.metadata.is_object());
            let poison = !described && self.dialect.line() <= (8, 7);
            match known {
                Some((id, number, _)) if !poison => ids.entry(id).or_default().push((number, name)),
                _ if poison => return Err(AppRefusal::Poisoned { single: false }),
                _ => {}
            }
        }
        let derive = |(id, mut names): (String, Vec<(u32, String)>)| {
            names.sort();
            self.derive_backup(app, &repository, &id, names.into_iter().map(|(_, name)| name).collect())
        };
        let mut backups: Vec<AppBackup> = ids.into_iter().map(derive).collect();
        if backups.iter().any(|backup| self.cannot_read_running(app, backup)) {
            return Err(AppRefusal::Unreadable(None));
        }
        let started = |backup: &AppBackup| backup.parts.iter().map(|(_, facts)| facts.start_millis).max();
        backups.sort_by_key(|backup| std::cmp::Reverse(started(backup)));
        Ok(backups)
    }

    /// Removes the parts that the running version would write. Whether there was any.
    pub(crate) fn delete_app_backup(&mut self, app: App, id: &str) -> Result<bool, AppRefusal> {
        let repository = self.check_repository(app, "retrieving repository with name")?;
        let names = self.snapshots_of(app, &repository, id);
        let version = self.version_of(&app.component()).to_string().to_lowercase();
        let suffix = format!("_of_{}", self.part_count(app));
        let ours = |name: &&String| {
            self.dialect.line() >= (8, 8)
                || (name.contains(&format!("_{id}_{version}_part_")) && name.ends_with(&suffix))
        };
        let mut found = false;
        for name in names.iter().filter(ours) {
            found |= self.store_of(app).remove_snapshot(&repository, name);
        }
        Ok(found)
    }

    fn derive_backup(&self, app: App, repository: &str, id: &str, names: Vec<String>) -> AppBackup {
        let parts: Vec<(String, SnapshotFacts)> = names
            .into_iter()
            .filter_map(|name| {
                let facts = self.store_of(app).snapshot_state(repository, &name)?;
                Some((name, facts))
            })
            .collect();
        let expected = parts.first().and_then(|(name, facts)| {
            let counted = facts.metadata["partCount"].as_u64();
            counted.or_else(|| parse_name(app, name).map(|(_, _, count)| u64::from(count)))
        });
        let now = self.wall(self.now).millis();
        let waits = self.dialect.waits_before_incomplete() && app != App::Optimize;
        let (state, failure) = derive_state(&parts, expected.unwrap_or_default(), waits.then_some(now));
        AppBackup { id: id.to_owned(), state, failure, parts }
    }
}

/// The state as 8.6 derives it; with the time now as later versions do, which wait before INCOMPLETE.
fn derive_state(
    parts: &[(String, SnapshotFacts)],
    expected: u64,
    now: Option<u64>,
) -> (&'static str, Option<String>) {
    let with = |words: &[&str]| -> Vec<&str> {
        let wanted = parts.iter().filter(|(_, facts)| words.contains(&facts.state.as_str()));
        wanted.map(|(name, _)| name.as_str()).collect()
    };
    let found = u64::try_from(parts.len()).unwrap_or(u64::MAX);
    let bad = with(&["FAILED", "PARTIAL"]);
    if found == expected && with(&["SUCCESS"]).len() == parts.len() {
        return ("COMPLETED", None);
    }
    if !bad.is_empty() {
        return (
            "FAILED",
            Some(format!("There were failures with the following snapshots: {}", bad.join(", "))),
        );
    }
    if !with(&["INCOMPATIBLE"]).is_empty() {
        return ("INCOMPATIBLE", None);
    }
    if !with(&["IN_PROGRESS"]).is_empty() {
        return ("IN_PROGRESS", None);
    }
    if found > expected {
        return ("FAILED", Some("More snapshots found than expected.".to_owned()));
    }
    let last_end = parts.iter().map(|(_, facts)| facts.end_millis).max().unwrap_or_default();
    match now {
        Some(now) if now.saturating_sub(last_end) < INCOMPLETE_AFTER_MILLIS => ("IN_PROGRESS", None),
        _ => ("INCOMPLETE", None),
    }
}
