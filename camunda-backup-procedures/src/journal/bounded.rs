//! Patience with a journal: a disk or mount that hangs is a failure, because exporting may be paused just now.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::{Component, Error, Result};

use super::{Holder, Journal, Key, Lock, LockGuard, Put};

/// How long a journal may take for one call.
const PATIENCE: Duration = Duration::from_secs(30);

/// A journal whose every call ends. A put that took too long may be stored or not, like a lost answer.
#[derive(Debug)]
pub(crate) struct Bounded(pub(crate) Arc<dyn Journal>);

#[async_trait]
impl Journal for Bounded {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        in_time("journal.put", self.0.put_new(key, body)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        in_time("journal.list", self.0.list(prefix)).await
    }

    async fn read(&self, key: &Key) -> Result<Bytes> {
        in_time("journal.read", self.0.read(key)).await
    }

    async fn lock(&self, name: &str, holder: &Holder) -> Result<Lock> {
        in_time("journal.lock", self.0.lock(name, holder)).await
    }

    async fn unlock(&self, guard: LockGuard) -> Result<()> {
        in_time("journal.unlock", self.0.unlock(guard)).await
    }

    async fn break_lock(&self, name: &str) -> Result<Option<Holder>> {
        in_time("journal.break-lock", self.0.break_lock(name)).await
    }
}

async fn in_time<T>(operation: &'static str, call: impl Future<Output = Result<T>>) -> Result<T> {
    let ended = tokio::time::timeout(PATIENCE, call).await;
    ended.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Journal, format!("the journal did not answer within {PATIENCE:?}"))
            .with_component(Component::Journal)
            .with_operation(operation)
            .with_outcome(Outcome::Unknown)
            .with_advice(
                "look at the disk or mount that the journal is on, then run `recover()`: it reads what is stored. If \
                 it then finds the cluster claimed by this process, call break_lock",
            ))
    })
}
