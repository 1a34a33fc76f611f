//! What lies in the repositories, apart from any server: it outlives them, and several may share it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::testing::state::snapshots::Snapshot;

/// The disk or bucket behind the repositories. Clones are the same storage; give one to two simulated servers to let one
/// restore what the other has written. A server writes the snapshots that have ended when it is next looked at.
#[derive(Debug, Clone, Default)]
pub struct FakeStorage {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    locations: BTreeMap<String, Contents>,
    servers: u64,
}

/// What is at one location.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contents {
    /// Given by the first write.
    pub(crate) uuid: Option<String>,
    /// Finished snapshots, in the order of their end.
    pub(crate) snapshots: Vec<Snapshot>,
    /// The family of the first writer: others cannot read it.
    pub(crate) elasticsearch: Option<bool>,
}

impl FakeStorage {
    /// Empty storage.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A different seed for every server on this storage, so that their uuids differ.
    pub(crate) fn claim_seed(&self) -> u64 {
        let mut shared = self.lock();
        shared.servers += 1;
        shared.servers << 40
    }

    pub(crate) fn contents(&self, location: &str) -> Contents {
        self.lock().locations.get(location).cloned().unwrap_or_default()
    }

    /// Writes a finished snapshot; `uuid` becomes the repository's if it has none.
    pub(crate) fn finish(&self, mut snapshot: Snapshot, uuid: String) {
        snapshot.finished = true;
        let mut shared = self.lock();
        let contents = shared.locations.entry(snapshot.location.clone()).or_default();
        contents.uuid.get_or_insert(uuid);
        contents.elasticsearch.get_or_insert(snapshot.written_by.elasticsearch);
        contents.snapshots.push(snapshot);
    }

    /// Takes the `snap-*.dat` of a finished snapshot away; false if it is not there.
    pub(crate) fn damage(&self, location: &str, name: &str) -> bool {
        let mut shared = self.lock();
        let snapshots = shared.locations.get_mut(location).map(|contents| &mut contents.snapshots);
        let found = snapshots.into_iter().flatten().find(|snapshot| snapshot.name == name);
        found.is_some_and(|snapshot| {
            snapshot.damaged = true;
            true
        })
    }

    /// Removes finished snapshots by uuid.
    pub(crate) fn remove(&self, location: &str, uuids: &[String]) {
        let mut shared = self.lock();
        if let Some(contents) = shared.locations.get_mut(location) {
            contents.snapshots.retain(|snapshot| !uuids.contains(&snapshot.uuid));
        }
    }
}
