//! The second witness of an application's backup: the snapshots that the store really has. What the application says
//! is hearsay until this agrees; when the two disagree, this wins.

use std::collections::{BTreeMap, BTreeSet};

use camunda_backup_core::{BackupId, Result, SnapshotName};
use camunda_backup_es::{SnapshotEntry, SnapshotInfo, SnapshotState};
use camunda_backup_zeebe::PartName;

use crate::connection::clients::Clients;
use crate::engine::{Amount, Unit};

/// What the store has of one application's backup.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stored {
    /// There is no store to ask.
    NoStore,
    /// Nothing.
    Nothing,
    /// A part is being written.
    Running { mark: String, amount: Option<Amount> },
    /// Some parts, nothing is running; the seconds that the longest one took.
    Incomplete { have: usize, of: u32, mark: String },
    /// All parts, each successful.
    Complete { snapshots: Vec<SnapshotInfo>, version: String },
    /// A part that failed, or parts that do not belong together. Final.
    Broken(String),
}

/// What one look at the store showed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Look {
    pub(super) stored: Stored,
    /// The names of all parts, running ones included; `None` without a store.
    pub(super) names: Option<BTreeSet<String>>,
}

/// Asks the store for `camunda_<app>_<id>_*` by listing and exact names; no pattern decides anything.
pub(super) async fn look(clients: &Clients, app: &str, id: BackupId) -> Result<Look> {
    let Some((store, repository)) = &clients.store else {
        return Ok(Look { stored: Stored::NoStore, names: None });
    };
    let prefix = format!("camunda_{app}_{id}_");
    let entries = store.snapshots_starting_with(repository, &prefix).await?;
    let stored = match by_part(&entries).map(|parts| judge_entries(&parts)) {
        Err(why) => Stored::Broken(why),
        Ok(Found::Settled(stored)) => stored,
        Ok(Found::AllSuccessful { of, names }) => {
            judge_details(of, store.snapshots(repository, &names).await?)
        }
    };
    let names = entries.into_iter().map(|entry| entry.name).collect();
    Ok(Look { stored, names: Some(names) })
}

enum Found {
    Settled(Stored),
    AllSuccessful { of: u32, names: Vec<SnapshotName> },
}

fn by_part(entries: &[SnapshotEntry]) -> Result<BTreeMap<u32, (PartName, &SnapshotEntry)>, String> {
    let mut parts = BTreeMap::new();
    for entry in entries {
        let Some(name) = PartName::parse(&entry.name) else {
            return Err(format!("snapshot {} carries our id but is not named like a part", entry.name));
        };
        if let Some((other, _)) = parts.insert(name.part, (name, entry)) {
            return Err(format!(
                "part {} exists twice, with versions {} and another",
                other.part, other.version
            ));
        }
    }
    Ok(parts)
}

fn judge_entries(parts: &BTreeMap<u32, (PartName, &SnapshotEntry)>) -> Found {
    let Some((first, _)) = parts.values().next() else { return Found::Settled(Stored::Nothing) };
    let of = first.of;
    if parts.values().any(|(name, _)| name.of != of || name.version != first.version) {
        return Found::Settled(Stored::Broken(
            "parts of different versions or counts share the id".to_owned(),
        ));
    }
    let bad = parts.values().find(|(_, entry)| entry.state.is_terminal() && !entry.state.is_success());
    if let Some((_, entry)) = bad {
        return Found::Settled(Stored::Broken(format!("snapshot {} is {}", entry.name, entry.state)));
    }
    let mark = parts
        .values()
        .map(|(name, entry)| format!("{}={}", name.part, entry.state))
        .collect::<Vec<_>>()
        .join(",");
    if parts.values().any(|(_, entry)| entry.state == SnapshotState::InProgress) {
        let done = parts.values().filter(|(_, entry)| entry.state.is_success()).count();
        let amount = Some(Amount::new(done as u64, u64::from(of), Unit::Parts));
        return Found::Settled(Stored::Running { mark, amount });
    }
    let complete = (1..=of).all(|part| parts.get(&part).is_some_and(|(_, entry)| entry.state.is_success()));
    let names = parts.values().map(|(_, entry)| SnapshotName::new(&entry.name)).collect::<Result<Vec<_>>>();
    match (complete && parts.len() == of as usize, names) {
        (true, Ok(names)) => Found::AllSuccessful { of, names },
        (true, Err(error)) => Found::Settled(Stored::Broken(error.to_string())),
        (false, _) => Found::Settled(Stored::Incomplete { have: parts.len(), of, mark }),
    }
}

fn judge_details(of: u32, mut snapshots: Vec<SnapshotInfo>) -> Stored {
    if snapshots.len() != of as usize {
        let mark = format!("{} of {of} readable", snapshots.len());
        return Stored::Incomplete { have: snapshots.len(), of, mark };
    }
    let part = |snapshot: &SnapshotInfo| PartName::parse(&snapshot.name).map_or(0, |name| name.part);
    snapshots.sort_by_key(part);
    if let Some(bad) = snapshots.iter().find(|snapshot| !snapshot.is_clean_success()) {
        let why = format!("{} of {} shards failed", bad.shards.failed, bad.shards.total);
        return Stored::Broken(format!("snapshot {} is {} and {why}", bad.name, bad.state));
    }
    let mut seen = BTreeSet::new();
    let twice =
        snapshots.iter().flat_map(|snapshot| &snapshot.indices).find(|index| !seen.insert(index.as_str()));
    if let Some(index) = twice {
        return Stored::Broken(format!("index {index} is in two parts, at two moments"));
    }
    let version = snapshots.first().and_then(|s| PartName::parse(&s.name)).map(|name| name.version);
    Stored::Complete { version: version.unwrap_or_default(), snapshots }
}
