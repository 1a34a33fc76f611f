//! Faults of a [`MemoryJournal`], for tests. Outside semver.

use std::sync::{Arc, MutexGuard, PoisonError};

use bytes::Bytes;
use camunda_backup_core::{Component, Error, ErrorKind, Outcome, Result};

use super::MemoryJournal;
use crate::journal::{Key, Put};

/// Whether a fault strikes before or after the body is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PutFault {
    /// Nothing is stored.
    Before,
    /// It is stored, and the caller does not learn it.
    After,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    puts: u64,
    fail: Vec<(u64, PutFault)>,
    full_from: Option<u64>,
    kill: Option<(u64, PutFault)>,
    removals: u64,
    kill_at_removal: Option<u64>,
}

/// What happens to one put.
enum Fate {
    Normal,
    Fail(PutFault),
    Full,
    Hang(PutFault),
}

impl Faults {
    fn next_put(&mut self) -> Fate {
        self.puts += 1;
        let this = self.puts;
        match self.kill {
            Some((nth, fault)) if this == nth => return Fate::Hang(fault),
            Some((nth, _)) if this > nth => return Fate::Hang(PutFault::Before),
            _ => {}
        }
        if self.full_from.is_some_and(|nth| this >= nth) {
            return Fate::Full;
        }
        self.fail.iter().find(|(nth, _)| *nth == this).map_or(Fate::Normal, |(_, fault)| Fate::Fail(*fault))
    }
}

/// Knobs for tests (feature `testing`). Puts are counted from 1, over all clones of a handle.
impl MemoryJournal {
    /// The `nth` put fails, before or after storing. May be called for several puts.
    pub fn fail_put(&self, nth: u64, fault: PutFault) {
        self.faults().fail.push((nth, fault));
    }

    /// From the `nth` put on the disk is full.
    pub fn full_from_put(&self, nth: u64) {
        self.faults().full_from = Some(nth);
    }

    /// The process "dies" at the `nth` put: that one hangs for ever before or after storing, and so do all later ones.
    pub fn kill_at_put(&self, nth: u64, fault: PutFault) {
        self.faults().kill = Some((nth, fault));
    }

    /// The process "dies" before the `nth` removal, counted like puts: that one hangs for ever, and so do all later ones.
    pub fn kill_at_removal(&self, nth: u64) {
        self.faults().kill_at_removal = Some(nth);
    }

    /// How many removals were begun.
    pub fn removals(&self) -> u64 {
        self.faults().removals
    }

    /// From now on every put hangs for ever and stores nothing.
    pub fn kill(&self) {
        let mut faults = self.faults();
        faults.kill = Some((faults.puts + 1, PutFault::Before));
    }

    /// Takes all faults back. Puts that hang already go on hanging.
    pub fn heal(&self) {
        let mut faults = self.faults();
        *faults = Faults { puts: faults.puts, removals: faults.removals, ..Faults::default() };
    }

    /// How many puts were begun, whatever became of them.
    pub fn puts(&self) -> u64 {
        self.faults().puts
    }

    /// The same contents and locks as another process sees them: without this handle's faults and count.
    #[must_use]
    pub fn another_process(&self) -> Self {
        Self { contents: Arc::clone(&self.contents), faults: Arc::default() }
    }

    /// The same contents as a process sees them that starts after all others died: no locks, no faults.
    #[must_use]
    pub fn after_death(&self) -> Self {
        self.contents().locks.clear();
        self.another_process()
    }

    /// Changes what is stored under `key`, if something is. Says whether something was.
    pub fn corrupt(&self, key: &Key, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut contents = self.contents();
        let Some(body) = contents.bodies.get_mut(key) else { return false };
        let mut changed = body.to_vec();
        change(&mut changed);
        *body = Bytes::from(changed);
        true
    }

    /// Removes what is stored under `key`, as no journal does by itself. Says whether something was.
    pub fn lose(&self, key: &Key) -> bool {
        self.contents().bodies.remove(key).is_some()
    }

    pub(super) async fn before_removal(&self) {
        let hangs = {
            let mut faults = self.faults();
            faults.removals += 1;
            faults.kill_at_removal.is_some_and(|nth| faults.removals >= nth)
        };
        if hangs {
            std::future::pending::<()>().await;
        }
    }

    pub(super) async fn put_with_faults(&self, key: &Key, body: Bytes) -> Result<Put> {
        let fate = self.faults().next_put();
        match fate {
            Fate::Normal => Ok(self.store(key, body)),
            Fate::Full => Err(failed(key, "the disk is full").with_advice("free some space, then try again")),
            Fate::Fail(fault) => {
                if fault == PutFault::After {
                    self.store(key, body);
                }
                Err(failed(key, "the put failed").with_advice("this is a scripted fault"))
            }
            Fate::Hang(fault) => {
                if fault == PutFault::After {
                    self.store(key, body);
                }
                std::future::pending().await
            }
        }
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(key: &Key, message: &str) -> Error {
    Error::new(ErrorKind::Journal, message)
        .with_component(Component::Journal)
        .with_operation("journal.put")
        .with_subject(key)
        .with_outcome(Outcome::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Journal;

    fn key(name: &str) -> Key {
        Key::new(name).unwrap()
    }

    async fn put(journal: &MemoryJournal, name: &str) -> Result<Put> {
        journal.put_new(&key(name), Bytes::from_static(b"x")).await
    }

    #[tokio::test]
    async fn the_nth_put_fails_before_or_after_storing() {
        let journal = MemoryJournal::new();
        journal.fail_put(2, PutFault::Before);
        journal.fail_put(3, PutFault::After);
        assert_eq!(put(&journal, "a").await.unwrap(), Put::Written);
        let error = put(&journal, "b").await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Journal, Outcome::Unknown));
        assert!(put(&journal, "c").await.is_err());
        assert_eq!(journal.list("").await.unwrap(), [key("a"), key("c")]);
        assert_eq!(journal.puts(), 3);
    }

    #[tokio::test]
    async fn a_full_disk_stays_full_until_it_is_healed() {
        let journal = MemoryJournal::new();
        journal.full_from_put(2);
        put(&journal, "a").await.unwrap();
        for name in ["b", "c"] {
            assert!(put(&journal, name).await.unwrap_err().to_string().contains("full"));
        }
        journal.heal();
        assert_eq!(put(&journal, "b").await.unwrap(), Put::Written);
    }

    #[tokio::test(start_paused = true)]
    async fn a_killed_process_hangs_and_the_next_one_finds_what_it_stored() {
        for (fault, stored) in [(PutFault::Before, false), (PutFault::After, true)] {
            let journal = MemoryJournal::new();
            journal.kill_at_put(1, fault);
            for name in ["a", "b"] {
                let day = std::time::Duration::from_secs(86_400);
                assert!(tokio::time::timeout(day, put(&journal, name)).await.is_err(), "it must hang");
            }
            let next = journal.after_death();
            assert_eq!(next.list("").await.unwrap() == [key("a")], stored);
            assert_eq!(put(&next, "c").await.unwrap(), Put::Written);
            assert_eq!(next.puts(), 1);
        }
    }
}
