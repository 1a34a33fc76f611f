//! A journal in memory, for tests and simulations.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use camunda_backup_core::{Component, Error, ErrorKind, Result};

use super::claim::check_cluster;
use super::{Holder, Journal, Key, Lock, LockGuard, Put, Removal};

#[cfg(any(test, feature = "testing"))]
mod faults;
#[cfg(any(test, feature = "testing"))]
pub use faults::PutFault;

/// A journal in memory. Clones share everything.
///
/// It keeps no promise beyond the life of the process: **nobody can recover from it after a crash.** Use it where that
/// is accepted, and in tests, where dropping the guards of a simulated process stands for its death. The feature
/// `testing` adds faults: puts that fail or hang, a full disk, corrupt bodies.
#[derive(Clone, Default)]
pub struct MemoryJournal {
    contents: Arc<Mutex<Contents>>,
    #[cfg(any(test, feature = "testing"))]
    faults: Arc<Mutex<faults::Faults>>,
}

#[derive(Default)]
struct Contents {
    bodies: BTreeMap<Key, Bytes>,
    /// By name: the number of the taking, and who took it.
    locks: BTreeMap<String, (u64, Holder)>,
    takings: u64,
}

impl MemoryJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        // Every change is one map operation, so what a panicking thread left is whole.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self, key: &Key, body: Bytes) -> Put {
        let mut contents = self.contents();
        if contents.bodies.contains_key(key) {
            return Put::Exists;
        }
        contents.bodies.insert(key.clone(), body);
        Put::Written
    }
}

impl fmt::Debug for MemoryJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let contents = self.contents();
        let locks: Vec<_> = contents.locks.keys().collect();
        f.debug_struct("MemoryJournal").field("keys", &contents.bodies.len()).field("locks", &locks).finish()
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        #[cfg(any(test, feature = "testing"))]
        return self.put_with_faults(key, body).await;
        #[cfg(not(any(test, feature = "testing")))]
        Ok(self.store(key, body))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        Ok(self.contents().bodies.keys().filter(|key| key.is_below(prefix)).cloned().collect())
    }

    async fn read(&self, key: &Key) -> Result<Bytes> {
        self.contents().bodies.get(key).cloned().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "nothing is stored there")
                .with_component(Component::Journal)
                .with_operation("journal.read")
                .with_subject(key)
        })
    }

    async fn remove(&self, key: &Key) -> Result<Removal> {
        #[cfg(any(test, feature = "testing"))]
        self.before_removal().await;
        self.contents().bodies.remove(key);
        Ok(Removal::Gone)
    }

    async fn lock(&self, name: &str, holder: &Holder) -> Result<Lock> {
        check_cluster(name)?;
        let mut contents = self.contents();
        if let Some((_, holder)) = contents.locks.get(name) {
            return Ok(Lock::Held(Some(holder.clone())));
        }
        contents.takings += 1;
        let taking = contents.takings;
        contents.locks.insert(name.to_owned(), (taking, holder.clone()));
        let held = HeldInMemory { contents: Arc::clone(&self.contents), name: name.to_owned(), taking };
        Ok(Lock::Acquired(LockGuard::until_dropped(held)))
    }

    /// Always refused while the lock is held: a dropped guard has released it.
    async fn break_lock(&self, name: &str) -> Result<Option<Holder>> {
        let holder = self.contents().locks.get(name).map(|(_, holder)| holder.clone());
        let Some(holder) = holder else { return Ok(None) };
        Err(Error::new(ErrorKind::Claimed, format!("the lock is held by {holder}, which is alive"))
            .with_component(Component::Journal)
            .with_operation("journal.break_lock")
            .with_subject(name))
    }
}

/// Releases the lock when it is dropped, unless it is another's by then.
struct HeldInMemory {
    contents: Arc<Mutex<Contents>>,
    name: String,
    taking: u64,
}

impl Drop for HeldInMemory {
    fn drop(&mut self) {
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        if contents.locks.get(&self.name).is_some_and(|(taking, _)| *taking == self.taking) {
            contents.locks.remove(&self.name);
        }
    }
}
