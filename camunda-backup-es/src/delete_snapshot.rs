//! Deleting one snapshot.

use camunda_backup_core::http_client::path_segment;
use camunda_backup_core::transport::Timeouts;
use camunda_backup_core::{Call, RepositoryName, Result, SnapshotName};
use serde::{Deserialize, Serialize};

use crate::client::SearchStore;

/// What a delete found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Deleted {
    /// It was there and is gone. A running snapshot has been aborted.
    Removed,
    /// It was not there; or an earlier attempt of the same request had removed it.
    WasAbsent,
}

impl SearchStore {
    /// The request that deletes one snapshot, for plans; [`delete_snapshot`](Self::delete_snapshot) sends exactly it.
    pub fn delete_snapshot_call(&self, repository: &RepositoryName, name: &SnapshotName) -> Call {
        let path =
            format!("/_snapshot/{}/{}", path_segment(repository.as_str()), path_segment(name.as_str()));
        let mut call = Call::delete("store.snapshots.delete", path).timeouts(Timeouts::PATIENT).subject(name);
        // It may wait five minutes behind another snapshot of the repository: twice that is enough.
        call.max_retries = 1;
        call
    }

    /// Deletes one snapshot by its exact name and returns when that is done, minutes later while another one runs.
    ///
    /// # Guarantees
    /// Nothing but this snapshot is deleted: the name can hold no wildcard and no comma.
    ///
    /// # Errors
    /// `NotFound` for an unknown repository; `Unavailable` with the outcome `Refused` while it is being restored.
    pub async fn delete_snapshot(&self, repository: &RepositoryName, name: &SnapshotName) -> Result<Deleted> {
        match self.acknowledged(self.delete_snapshot_call(repository, name)).await {
            Ok(()) => Ok(Deleted::Removed),
            Err(error) if error.server_type() == Some("snapshot_missing_exception") => Ok(Deleted::WasAbsent),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
