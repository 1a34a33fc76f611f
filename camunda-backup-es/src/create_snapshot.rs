//! Starting a snapshot.

use camunda_backup_core::http_client::path_segment;
use camunda_backup_core::transport::Timeouts;
use camunda_backup_core::{Call, Effect, Error, ErrorKind, IndexName, RepositoryName, Result, SnapshotName};
use serde_json::{Map, Value, json};

use crate::client::SearchStore;

/// The servers refuse metadata of this many bytes (as compact JSON) or more.
pub const MAX_METADATA_BYTES: usize = 1024;

/// What goes into a snapshot. `partial` is always false, missing indices are always an error.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CreateSnapshot {
    /// The indices by name; at least one. Concrete names take closed and hidden indices too, on every server.
    pub indices: Vec<IndexName>,
    /// Whether templates, policies and persistent settings are stored too.
    pub include_global_state: bool,
    /// Kept with the snapshot and shown by verbose reads; less than [`MAX_METADATA_BYTES`] as JSON.
    pub metadata: Map<String, Value>,
}

impl CreateSnapshot {
    /// A snapshot of these indices, without global state and metadata.
    pub fn of(indices: impl IntoIterator<Item = IndexName>) -> Self {
        Self { indices: indices.into_iter().collect(), ..Self::default() }
    }

    fn check(&self) -> Result<()> {
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidInput, message));
        if self.indices.is_empty() {
            return invalid(
                "a snapshot of no indices: the servers read an empty list as everything".to_owned(),
            );
        }
        let bytes = Value::Object(self.metadata.clone()).to_string().len();
        if bytes >= MAX_METADATA_BYTES {
            return invalid(format!(
                "the metadata of a snapshot must be shorter than {MAX_METADATA_BYTES} bytes, these are {bytes}"
            ));
        }
        Ok(())
    }
}

impl SearchStore {
    /// The request that starts a snapshot, for plans; [`create_snapshot`](Self::create_snapshot) sends exactly it.
    ///
    /// # Errors
    /// `InvalidInput` for an empty list of indices and for metadata that is too long.
    pub fn create_snapshot_call(
        &self,
        repository: &RepositoryName,
        snapshot: &SnapshotName,
        options: &CreateSnapshot,
    ) -> Result<Call> {
        let path =
            format!("/_snapshot/{}/{}", path_segment(repository.as_str()), path_segment(snapshot.as_str()));
        let call = Call::put("store.snapshots.create", Effect::Once, path)
            .query("wait_for_completion", false)
            .timeouts(Timeouts::PATIENT)
            .subject(snapshot);
        options.check().map_err(|error| error.with_operation(call.operation).with_subject(snapshot))?;
        let mut body = json!({
            "indices": options.indices,
            "ignore_unavailable": false,
            "partial": false,
            "include_global_state": options.include_global_state,
        });
        if !options.metadata.is_empty() {
            body["metadata"] = Value::Object(options.metadata.clone());
        }
        if self.traits().feature_states_in_create {
            // Else the system indices of Elasticsearch's own features come along with the global state.
            body["feature_states"] = json!(["none"]);
        }
        call.json(&body)
    }

    /// Starts a snapshot and returns as soon as the store has accepted it.
    ///
    /// # Guarantees
    /// Sent once. A name is never overwritten. `Ok` means accepted, nothing more: it may still end PARTIAL, or vanish
    /// when the store restarts; read it with [`snapshots`](Self::snapshots) until its state is terminal.
    ///
    /// # Cancellation
    /// The snapshot may have started, or start later: look for its name.
    ///
    /// # Errors
    /// `Conflict` when the name exists or runs, `NotFound` for an unknown repository or index, `Refused` for indices
    /// without their primary shards or a repository that cannot be written, `Unavailable` with the outcome `Refused` when
    /// too many operations run. Whenever the outcome is `Unknown`, look before doing anything again.
    pub async fn create_snapshot(
        &self,
        repository: &RepositoryName,
        snapshot: &SnapshotName,
        options: &CreateSnapshot,
    ) -> Result<()> {
        self.accepted(self.create_snapshot_call(repository, snapshot, options)?).await
    }
}

#[cfg(test)]
mod tests;
