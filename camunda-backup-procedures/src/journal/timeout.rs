//! A journal whose every call ends: a disk or mount that hangs is a failure, because exporting may be paused just now.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::{Component, Error, Result};

use super::put_list_lock::LONGEST_WATCH;
use super::{Holder, Journal, Key, Lock, LockGuard, Put, Removal};

/// How long a journal may take for one call, where nobody wants it shorter.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A journal whose every call ends. A put that took too long may be stored or not, like a lost answer.
#[derive(Debug)]
pub(crate) struct Bounded {
    journal: Arc<dyn Journal>,
    patience: Duration,
}

impl Bounded {
    /// With the patience for times when nobody waits with exporting paused.
    pub(crate) fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal, patience: PATIENCE }
    }
}

#[async_trait]
impl Journal for Bounded {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        in_time("journal.put", self.patience, self.journal.put_new(key, body)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        in_time("journal.list", self.patience, self.journal.list(prefix)).await
    }

    async fn read(&self, key: &Key) -> Result<Bytes> {
        in_time("journal.read", self.patience, self.journal.read(key)).await
    }

    async fn remove(&self, key: &Key) -> Result<Removal> {
        in_time("journal.remove", self.patience, self.journal.remove(key)).await
    }

    async fn lock(&self, name: &str, holder: &Holder) -> Result<Lock> {
        // Such a lock watches its holder before it answers.
        let patience = self.patience + LONGEST_WATCH;
        in_time("journal.lock", patience, self.journal.lock(name, holder)).await
    }

    async fn unlock(&self, guard: LockGuard) -> Result<()> {
        in_time("journal.unlock", self.patience, self.journal.unlock(guard)).await
    }

    async fn break_lock(&self, name: &str) -> Result<Option<Holder>> {
        in_time("journal.break-lock", self.patience, self.journal.break_lock(name)).await
    }
}

/// What `call` gives, or an error when it takes longer than `patience`.
pub(super) async fn in_time<T>(
    operation: &'static str,
    patience: Duration,
    call: impl Future<Output = Result<T>>,
) -> Result<T> {
    let ended = tokio::time::timeout(patience, call).await;
    ended.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Journal, format!("the journal did not answer within {patience:?}"))
            .with_component(Component::Journal)
            .with_operation(operation)
            .with_outcome(Outcome::Unknown)
            .with_advice(
                "look at the disk, mount or store that the journal is on, then run `recover()`: it reads what is stored",
            ))
    })
}
