//! One backup of an application as a value.

use camunda_backup_core::{BackupId, Component, SnapshotName};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{FromAnswer, entries, integer, text};
use crate::backup_state::BackupState;
use crate::snapshot_names::PartName;

/// A backup of a web application or of Optimize, as the application describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HistoryBackup {
    /// The id, if the answer holds one; 8.1 does not repeat it.
    pub id: Option<i64>,
    /// The state of the whole.
    pub state: BackupState,
    /// The application's reason when it failed, unshortened.
    pub failure: Option<String>,
    /// The snapshots that exist, in the order of the answer, which is arbitrary in lists: find parts by name. Empty in
    /// 8.1.
    pub parts: Vec<HistoryPart>,
}

/// One snapshot of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HistoryPart {
    /// The snapshot's name.
    pub name: String,
    /// The store's own word, such as `SUCCESS`, `PARTIAL`, `IN_PROGRESS`; `None` in short lists.
    pub state: Option<String>,
    /// When it began, in the server's own words; see [`ServerTime`](crate::ServerTime).
    pub start_time: Option<String>,
    /// Failed shards, in the server's own words.
    pub failures: Vec<String>,
}

/// What an application has put into its queue.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Scheduled {
    /// The snapshots that it is going to make, in order. Empty when the answer does not name them (Optimize 8.2+).
    pub snapshots: Vec<SnapshotName>,
}

impl HistoryBackup {
    /// What is known of an id that the application does not know.
    pub(crate) fn not_visible(id: BackupId) -> Self {
        Self { id: Some(id.value()), state: BackupState::NotVisible, failure: None, parts: Vec::new() }
    }

    /// With the id that was asked for, where the answer has none.
    pub(crate) fn or_id(mut self, id: BackupId) -> Self {
        self.id = self.id.or(Some(id.value()));
        self
    }
}

impl Scheduled {
    /// The first snapshot that belongs to another application.
    pub(super) fn of_another(&self, component: &Component) -> Option<&SnapshotName> {
        let app = component.to_string();
        self.snapshots.iter().find(|name| PartName::parse(name.as_str()).is_some_and(|part| part.app != app))
    }
}

impl FromAnswer for HistoryBackup {
    fn from_answer(json: &Value) -> Result<Self, String> {
        // 8.1 writes `State`.
        let word = ["state", "State", "status"].into_iter().find_map(|key| text(json, key));
        Ok(Self {
            id: integer(json, "backupId"),
            state: BackupState::from_word(&word.ok_or("no state")?),
            failure: text(json, "failureReason"),
            parts: entries(json, "details").iter().map(HistoryPart::from_answer).collect::<Result<_, _>>()?,
        })
    }
}

impl FromAnswer for HistoryPart {
    fn from_answer(json: &Value) -> Result<Self, String> {
        let words = |failure: &Value| failure.as_str().map_or_else(|| failure.to_string(), str::to_owned);
        Ok(Self {
            name: text(json, "snapshotName").ok_or("a part without snapshotName")?,
            state: text(json, "state"),
            start_time: text(json, "startTime"),
            failures: entries(json, "failures").iter().map(words).collect(),
        })
    }
}

impl FromAnswer for Scheduled {
    fn from_answer(json: &Value) -> Result<Self, String> {
        let names = entries(json, "scheduledSnapshots").iter().filter_map(Value::as_str);
        Ok(Self { snapshots: names.filter_map(|name| SnapshotName::new(name).ok()).collect() })
    }
}
