//! What the journal really holds, read past every fault. Entries are looked at as JSON: decoding whole plans several
//! times per case is what a matrix would spend most of its time on.

use std::sync::Arc;

use camunda_backup::procedures::journal::{RunHistory, histories};
use camunda_backup::{Journal, MemoryJournal};
use serde_json::Value;

/// The entries of one run, as stored.
pub(super) struct Stored {
    entries: Vec<Value>,
}

/// Every run in the journal, oldest first.
pub(super) async fn stored(journal: &MemoryJournal) -> Vec<Stored> {
    let journal: Arc<dyn Journal> = Arc::new(journal.clone());
    let read = |history: RunHistory| {
        assert!(history.damaged.is_empty() && history.gaps.is_empty(), "{history:?}");
        Stored { entries: history.records.into_iter().map(|record| record.event).collect() }
    };
    histories(journal.as_ref(), "camunda").await.unwrap().into_iter().map(read).collect()
}

impl Stored {
    /// The contents of the entries of one kind.
    fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.entries.iter().filter_map(move |entry| entry.get(kind))
    }

    /// Whether a step wrote an intent and no answer yet.
    pub(super) fn has_open_intent(&self) -> bool {
        let answered: Vec<&Value> = self.of("answered").map(|entry| &entry["step"]).collect();
        self.of("intent").any(|entry| !answered.contains(&&entry["step"]))
    }

    /// Whether an obligation is on record that was not paid.
    pub(super) fn owes(&self) -> bool {
        let paid: Vec<&Value> = self.of("paid").map(|entry| &entry["obligation"]).collect();
        self.of("intent").map(|entry| &entry["owes"]).any(|owes| !owes.is_null() && !paid.contains(&owes))
    }

    /// How it ended, if it did: `completed`, `failed`, `cancelled`, `abandoned`.
    pub(super) fn outcome(&self) -> Option<&str> {
        self.of("finished").find_map(|entry| entry["outcome"].as_str())
    }
}

#[test]
fn the_words_are_those_of_the_entries() {
    use camunda_backup::RunOutcome;
    use camunda_backup::procedures::engine::{Entry, Sent};
    let step = || "s".to_owned();
    let entries = [
        Entry::Intent { step: step(), owes: None },
        Entry::Answered { step: step(), sent: Sent::Accepted, note: Value::Null },
        Entry::Finished { outcome: RunOutcome::Completed, error: None },
    ];
    let entries: Vec<Value> = entries.iter().map(|entry| serde_json::to_value(entry).unwrap()).collect();
    let until = |n: usize| Stored { entries: entries[..n].to_vec() };
    assert!(until(1).has_open_intent() && !until(2).has_open_intent() && !until(1).owes());
    assert_eq!((until(2).outcome(), until(3).outcome()), (None, Some("completed")));
}
