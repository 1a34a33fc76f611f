//! What must hold for every store, ours and one that has nothing but conditional put and list.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use camunda_backup_core::{Result, Timestamp};

use super::{FileJournal, Journal, Key, MemoryJournal, Put, RunId};

mod beats;
mod claims;
mod damage;
mod reading;
mod removal;
mod runs;
mod stores;

pub(super) fn key(path: &str) -> Key {
    Key::new(path).unwrap()
}

pub(super) fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(1_780_000_000_000 + second * 1000)
}

pub(super) fn run(second: u64) -> RunId {
    RunId::new(at(second), 0xa1b2)
}

/// A store with nothing but conditional put and list, as over a bucket.
#[derive(Debug, Clone, Default)]
pub(super) struct PutAndList(pub(super) MemoryJournal);

#[async_trait]
impl Journal for PutAndList {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        self.0.put_new(key, body).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        self.0.list(prefix).await
    }
    async fn read(&self, key: &Key) -> Result<Bytes> {
        self.0.read(key).await
    }
}

/// One store under test, and the same store as another process sees it.
struct Store {
    name: &'static str,
    ours: Arc<dyn Journal>,
    theirs: Arc<dyn Journal>,
    /// Whether a dropped guard releases the lock.
    releases_on_drop: bool,
    _dir: Option<tempfile::TempDir>,
}

async fn stores() -> Vec<Store> {
    let memory = MemoryJournal::new();
    let bare = PutAndList::default();
    let (linked, in_place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    vec![
        Store {
            name: "memory",
            ours: Arc::new(memory.clone()),
            theirs: Arc::new(memory.another_process()),
            releases_on_drop: true,
            _dir: None,
        },
        Store {
            name: "put and list",
            ours: Arc::new(bare.clone()),
            theirs: Arc::new(PutAndList(bare.0.another_process())),
            releases_on_drop: false,
            _dir: None,
        },
        Store {
            name: "file",
            ours: Arc::new(FileJournal::open(linked.path()).await.unwrap()),
            theirs: Arc::new(FileJournal::open(linked.path()).await.unwrap()),
            releases_on_drop: true,
            _dir: Some(linked),
        },
        Store {
            name: "file without hard links",
            ours: Arc::new(FileJournal::open_without_links(in_place.path()).await.unwrap()),
            theirs: Arc::new(FileJournal::open_without_links(in_place.path()).await.unwrap()),
            releases_on_drop: true,
            _dir: Some(in_place),
        },
    ]
}
