//! What the journal really holds, read past every fault.

use std::sync::Arc;

use camunda_backup::procedures::engine::{Entry, RunOutcome};
use camunda_backup::procedures::journal::histories;
use camunda_backup::{Journal, MemoryJournal};

/// The entries of one run, as stored.
pub(super) struct Stored {
    entries: Vec<Entry>,
}

/// Every run in the journal, oldest first.
pub(super) async fn stored(journal: &MemoryJournal) -> Vec<Stored> {
    let journal: Arc<dyn Journal> = Arc::new(journal.clone());
    let read = |history: camunda_backup::procedures::journal::RunHistory| {
        assert!(history.damaged.is_empty() && history.gaps.is_empty(), "{history:?}");
        let decoded = history.records.into_iter().map(|record| serde_json::from_value(record.event).unwrap());
        Stored { entries: decoded.collect() }
    };
    histories(journal.as_ref(), "camunda").await.unwrap().into_iter().map(read).collect()
}

impl Stored {
    /// The steps that wrote an intent and no answer yet.
    pub(super) fn open_intents(&self) -> Vec<&str> {
        let mut open = Vec::new();
        for entry in &self.entries {
            match entry {
                Entry::Intent { step, .. } => open.push(step.as_str()),
                Entry::Answered { step, .. } => open.retain(|name| name != step),
                _ => {}
            }
        }
        open
    }

    /// Whether an obligation is on record that was not paid.
    pub(super) fn owes(&self) -> bool {
        let owed = self.entries.iter().filter(|e| matches!(e, Entry::Intent { owes: Some(_), .. })).count();
        let paid = self.entries.iter().filter(|e| matches!(e, Entry::Paid { .. })).count();
        owed > paid.min(owed)
    }

    /// How it ended, if it did.
    pub(super) fn outcome(&self) -> Option<RunOutcome> {
        self.entries.iter().find_map(|entry| match entry {
            Entry::Finished { outcome, .. } => Some(*outcome),
            _ => None,
        })
    }
}
