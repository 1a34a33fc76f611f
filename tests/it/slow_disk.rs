//! A journal on a disk that is slow, or hangs from a certain record on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use camunda_backup::procedures::journal::{Holder, Key, Lock, LockGuard, Put};
use camunda_backup::{Journal, Result};

/// A journal whose records take their time, and that hangs from a certain one on.
#[derive(Debug)]
pub(crate) struct SlowDisk {
    disk: Arc<dyn Journal>,
    each: Duration,
    healthy: AtomicUsize,
}

impl SlowDisk {
    /// `healthy` records are written, each after a while; the next one hangs for ever.
    pub(crate) fn new(disk: Arc<dyn Journal>, each: Duration, healthy: usize) -> Self {
        Self { disk, each, healthy: AtomicUsize::new(healthy) }
    }
}

#[async_trait]
impl Journal for SlowDisk {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        let left = self.healthy.load(Ordering::SeqCst);
        if left == 0 {
            std::future::pending::<()>().await;
        }
        self.healthy.store(left - 1, Ordering::SeqCst);
        if !self.each.is_zero() {
            tokio::time::sleep(self.each).await; // virtual time: the disk is slow
        }
        self.disk.put_new(key, body).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        self.disk.list(prefix).await
    }

    async fn read(&self, key: &Key) -> Result<Bytes> {
        self.disk.read(key).await
    }

    async fn lock(&self, name: &str, holder: &Holder) -> Result<Lock> {
        self.disk.lock(name, holder).await
    }

    async fn unlock(&self, guard: LockGuard) -> Result<()> {
        self.disk.unlock(guard).await
    }
}
