//! The record indices as a run has listed them last.

use std::sync::{Arc, Mutex, PoisonError};

use camunda_backup_core::{IndexName, IndexPrefix, Result};
use camunda_backup_es::SearchStore;

use crate::facts::Facts;

/// Shared by the steps of a run: a list costs the store a look at every shard, and exporting is paused meanwhile. At first it is
/// what was seen before the pause, then what the snapshot of the records was asked for. Evidence only: nothing that is made rests
/// on what an earlier step has listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordList(Arc<Mutex<Vec<IndexName>>>);

impl RecordList {
    /// What was seen before anything was paused.
    pub(crate) fn of(facts: &Facts) -> Self {
        let seen = facts.record_indices.seen().into_iter().flatten();
        Self(Arc::new(Mutex::new(seen.map(|index| index.name.clone()).collect())))
    }

    /// The list of now. No other cluster's records are in it.
    pub(crate) async fn read(&self, store: &SearchStore, prefix: &IndexPrefix) -> Result<Vec<IndexName>> {
        let live = store.indices(&prefix.of_records()).await?.into_iter().map(|index| index.name);
        let ours: Vec<_> = live.filter(|name| prefix.kind_of_record(name.as_str()).is_some()).collect();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&ours);
        Ok(ours)
    }

    /// The list as it was read last; read now if it never was.
    pub(crate) async fn last(&self, store: &SearchStore, prefix: &IndexPrefix) -> Result<Vec<IndexName>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known.is_empty() { self.read(store, prefix).await } else { Ok(known) }
    }
}
