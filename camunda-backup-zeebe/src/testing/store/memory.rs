//! The smallest store that the simulation can run on, for tests that need no search engine.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camunda_backup_core::clock::SimulatedClock;
use camunda_backup_core::{Clock, Timestamp};
use serde_json::Value;

use crate::testing::store::{SecondaryStore, SnapshotFacts};

type Documents = BTreeMap<String, BTreeMap<String, Value>>;

#[derive(Debug, Clone)]
struct Snapshot {
    facts: SnapshotFacts,
    content: Documents,
    ends: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Inner {
    documents: Documents,
    snapshots: BTreeMap<(String, String), Snapshot>,
    repositories: Vec<String>,
    down: bool,
    opensearch: bool,
    duration: Duration,
}

/// A store in memory: documents, and snapshots that copy them and end after a fixed time.
#[derive(Debug)]
pub struct MemoryStore {
    clock: SimulatedClock,
    inner: Mutex<Inner>,
}

impl MemoryStore {
    /// A store with one repository, in which a snapshot takes 400 ms.
    pub fn new(clock: SimulatedClock, repository: &str) -> Self {
        let inner = Inner {
            repositories: vec![repository.to_owned()],
            duration: Duration::from_millis(400),
            ..Inner::default()
        };
        Self { clock, inner: Mutex::new(inner) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        for snapshot in inner.snapshots.values_mut() {
            if let Some(end) = snapshot.ends.filter(|end| *end <= now) {
                snapshot.ends = None;
                "SUCCESS".clone_into(&mut snapshot.facts.state);
                snapshot.facts.end_millis = end.millis();
            }
        }
        inner
    }

    /// How long snapshots take that start from now on.
    pub fn set_snapshot_duration(&self, duration: Duration) {
        self.lock().duration = duration;
    }

    /// Whether connections are refused.
    pub fn set_down(&self, down: bool) {
        self.lock().down = down;
    }

    /// Whether it is OpenSearch.
    pub fn set_opensearch(&self, opensearch: bool) {
        self.lock().opensearch = opensearch;
    }

    /// Registers a repository, or removes it.
    pub fn set_repository(&self, name: &str, exists: bool) {
        let mut inner = self.lock();
        inner.repositories.retain(|known| known != name);
        if exists {
            inner.repositories.push(name.to_owned());
        }
    }

    /// A finished snapshot of somebody else, without metadata.
    pub fn add_foreign_snapshot(&self, repository: &str, name: &str) {
        let now = self.clock.now().millis();
        let facts = SnapshotFacts {
            state: "SUCCESS".to_owned(),
            indices: Vec::new(),
            metadata: Value::Null,
            start_millis: now,
            end_millis: now,
            failures: Vec::new(),
        };
        let snapshot = Snapshot { facts, content: Documents::new(), ends: None };
        self.lock().snapshots.insert((repository.to_owned(), name.to_owned()), snapshot);
    }

    /// Overwrites a snapshot's state, as a PARTIAL or FAILED one.
    pub fn set_snapshot_state(&self, repository: &str, name: &str, state: &str) {
        if let Some(snapshot) = self.lock().snapshots.get_mut(&(repository.to_owned(), name.to_owned())) {
            state.clone_into(&mut snapshot.facts.state);
            snapshot.ends = None;
        }
    }

    /// The highest `position` per `partitionId` over all indices that begin with a prefix: `R_p`.
    pub fn max_positions(&self, prefix: &str) -> BTreeMap<u64, u64> {
        max_positions(&self.lock().documents, prefix)
    }

    /// The same inside a snapshot.
    pub fn max_positions_in_snapshot(
        &self,
        repository: &str,
        name: &str,
        prefix: &str,
    ) -> BTreeMap<u64, u64> {
        let key = (repository.to_owned(), name.to_owned());
        let inner = self.lock();
        inner.snapshots.get(&key).map(|snapshot| max_positions(&snapshot.content, prefix)).unwrap_or_default()
    }
}

fn max_positions(documents: &Documents, prefix: &str) -> BTreeMap<u64, u64> {
    let mut highest = BTreeMap::new();
    let indices = documents.iter().filter(|(index, _)| index.starts_with(prefix));
    for document in indices.flat_map(|(_, documents)| documents.values()) {
        let (Some(partition), Some(position)) =
            (document["partitionId"].as_u64(), document["position"].as_u64())
        else {
            continue;
        };
        let entry = highest.entry(partition).or_insert(0);
        *entry = position.max(*entry);
    }
    highest
}

impl SecondaryStore for MemoryStore {
    fn put_document(&self, index: &str, id: &str, document: Value) {
        let mut inner = self.lock();
        if !inner.down {
            inner.documents.entry(index.to_owned()).or_default().insert(id.to_owned(), document);
        }
    }

    fn index_names(&self) -> Vec<String> {
        self.lock().documents.keys().cloned().collect()
    }

    fn has_repository(&self, name: &str) -> bool {
        self.lock().repositories.iter().any(|known| known == name)
    }

    fn start_snapshot(
        &self,
        repository: &str,
        name: &str,
        indices: &[String],
        metadata: Value,
        _include_global_state: bool,
    ) -> Result<(), String> {
        let mut inner = self.lock();
        let key = (repository.to_owned(), name.to_owned());
        if inner.down || inner.snapshots.contains_key(&key) {
            return Err("invalid_snapshot_name_exception".to_owned());
        }
        let mut content = Documents::new();
        for index in indices {
            let documents = inner.documents.get(index).ok_or_else(|| format!("no such index [{index}]"))?;
            content.insert(index.clone(), documents.clone());
        }
        let now = self.clock.now();
        let facts = SnapshotFacts {
            state: "IN_PROGRESS".to_owned(),
            indices: indices.to_vec(),
            metadata,
            start_millis: now.millis(),
            end_millis: 0,
            failures: Vec::new(),
        };
        let length = u64::try_from(inner.duration.as_millis()).unwrap_or(u64::MAX);
        let ends = Some(Timestamp::from_millis(now.millis().saturating_add(length)));
        inner.snapshots.insert(key, Snapshot { facts, content, ends });
        Ok(())
    }

    fn snapshot_state(&self, repository: &str, name: &str) -> Option<SnapshotFacts> {
        let key = (repository.to_owned(), name.to_owned());
        self.lock().snapshots.get(&key).map(|snapshot| snapshot.facts.clone())
    }

    fn snapshot_names(&self, repository: &str) -> Vec<String> {
        let inner = self.lock();
        inner
            .snapshots
            .keys()
            .filter(|(known, _)| known == repository)
            .map(|(_, name)| name.clone())
            .collect()
    }

    fn remove_snapshot(&self, repository: &str, name: &str) -> bool {
        self.lock().snapshots.remove(&(repository.to_owned(), name.to_owned())).is_some()
    }

    fn is_down(&self) -> bool {
        self.lock().down
    }

    fn is_opensearch(&self) -> bool {
        self.lock().opensearch
    }
}
