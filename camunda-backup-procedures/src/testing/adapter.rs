//! Joins the two fakes: the applications of the simulated Camunda write into the simulated search store.

use camunda_backup_core::SimulatedClock;
use camunda_backup_es::testing::FakeElasticsearch;
use camunda_backup_zeebe::testing::{SecondaryStore, SnapshotFacts};
use serde_json::Value;

/// The simulated store as the simulated applications see it.
#[derive(Debug, Clone)]
pub(super) struct StoreOfCamunda {
    pub(super) store: FakeElasticsearch,
    pub(super) opensearch: bool,
    pub(super) clock: SimulatedClock,
}

impl SecondaryStore for StoreOfCamunda {
    fn put_document(&self, index: &str, id: &str, document: Value) {
        self.store.put_document(index, id, document);
    }

    fn index_names(&self) -> Vec<String> {
        self.store.index_names()
    }

    fn has_repository(&self, name: &str) -> bool {
        self.store.repository_names().iter().any(|known| known == name)
    }

    fn start_snapshot(
        &self,
        repository: &str,
        name: &str,
        indices: &[String],
        metadata: Value,
        include_global_state: bool,
    ) -> Result<(), String> {
        // An empty part is an empty snapshot; to the store an empty list would mean everything.
        let nothing = ["-*".to_owned()];
        let indices = if indices.is_empty() { &nothing[..] } else { indices };
        self.store.start_snapshot(repository, name, indices, metadata, include_global_state)
    }

    fn snapshot_state(&self, repository: &str, name: &str) -> Option<SnapshotFacts> {
        let start = camunda_backup_core::Clock::now(&self.clock)
            .millis()
            .saturating_sub(u64::try_from(self.clock.elapsed().as_millis()).unwrap_or_default());
        let millis = |at: std::time::Duration| start + u64::try_from(at.as_millis()).unwrap_or_default();
        self.store.snapshot(repository, name).map(|view| SnapshotFacts {
            state: view.state,
            indices: view.indices,
            metadata: view.metadata,
            start_millis: millis(view.started),
            end_millis: view.ended.map_or(0, millis),
            failures: Vec::new(),
        })
    }

    fn snapshot_names(&self, repository: &str) -> Vec<String> {
        self.store.snapshots(repository).into_iter().map(|view| view.name).collect()
    }

    fn remove_snapshot(&self, repository: &str, name: &str) -> bool {
        self.store.remove_snapshot(repository, name)
    }

    fn is_down(&self) -> bool {
        self.store.is_down()
    }

    fn is_opensearch(&self) -> bool {
        self.opensearch
    }
}
