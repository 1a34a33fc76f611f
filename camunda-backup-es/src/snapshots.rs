//! Reading snapshots: by exact names, all of a repository, by prefix.

use std::collections::BTreeSet;

use camunda_backup_core::http_client::path_segment;
use camunda_backup_core::{Call, Error, ErrorKind, RepositoryName, Result, SnapshotName};

use crate::client::SearchStore;
use crate::name_chunks::chunks;
use crate::snapshot_info::{self, SnapshotInfo};
use crate::snapshot_listing::{self, SnapshotEntry, SnapshotSummary};
use crate::snapshot_state::SnapshotState;

/// The longest list that is accepted: 10,000 snapshots of 400 indices each.
const MAX_LISTING: usize = 256 * 1024 * 1024;

/// Some snapshots in full. Names that do not exist are left out of the answer instead of making it a 404.
fn find_call(repository: &RepositoryName, list: &str) -> Call {
    Call::get("store.snapshots.find", format!("/_snapshot/{}/{list}", path_segment(repository.as_str())))
        .query("ignore_unavailable", true)
        .max_body(MAX_LISTING)
        .subject(repository)
}

/// All snapshots, without reading their files: `_all`, because `*` is a 404 on an empty OpenSearch repository.
fn list_call(repository: &RepositoryName) -> Call {
    Call::get("store.snapshots.list", format!("/_snapshot/{}/_all", path_segment(repository.as_str())))
        .query("verbose", false)
        .max_body(MAX_LISTING)
        .subject(repository)
}

/// The snapshots whose names begin alike, without reading their files.
fn prefix_call(repository: &RepositoryName, prefix: &SnapshotName) -> Call {
    let (repository, pattern) = (path_segment(repository.as_str()), path_segment(prefix.as_str()));
    Call::get("store.snapshots.list", format!("/_snapshot/{repository}/{pattern}*"))
        .query("verbose", false)
        .query("ignore_unavailable", true)
        .max_body(MAX_LISTING)
        .subject(prefix)
}

impl SearchStore {
    /// The named snapshots in full; those that do not exist are absent. Whatever else the store lists is left out.
    ///
    /// Asked in chunks that fit into a request line. When one snapshot is damaged and makes the whole answer fail, all of
    /// the chunk are asked one by one; a snapshot that cannot be read is reported with the state `Other("UNREADABLE")`
    /// and the server's words as `reason`, unless none could be read, which is an error.
    ///
    /// # Errors
    /// `NotFound` for an unknown repository, `Decode` for a name that is listed twice.
    pub async fn snapshots(
        &self,
        repository: &RepositoryName,
        names: &[SnapshotName],
    ) -> Result<Vec<SnapshotInfo>> {
        let mut found = Vec::with_capacity(names.len());
        for chunk in chunks(self.http().base(), names) {
            match self.find(repository, &chunk.list, chunk.names).await {
                Err(error) if chunk.names.len() > 1 && one_may_be_damaged(&error) => {
                    found.extend(self.find_one_by_one(repository, chunk.names).await?);
                }
                other => found.extend(other?),
            }
        }
        Ok(found)
    }

    async fn find(
        &self,
        repository: &RepositoryName,
        list: &str,
        names: &[SnapshotName],
    ) -> Result<Vec<SnapshotInfo>> {
        let decode = |body: &[u8]| {
            let mut found = snapshot_info::snapshots(body)?;
            let asked: BTreeSet<&str> = names.iter().map(SnapshotName::as_str).collect();
            // OpenSearch 2.4 answers with whatever is running when nothing of what was asked for is there.
            found.retain(|snapshot| asked.contains(snapshot.name.as_str()));
            let mut once = BTreeSet::new();
            match found.iter().find(|snapshot| !once.insert(snapshot.name.as_str())) {
                Some(twice) => Err(snapshot_info::listed_twice(&twice.name)),
                None => Ok(found),
            }
        };
        self.read(find_call(repository, list), decode).await
    }

    async fn find_one_by_one(
        &self,
        repository: &RepositoryName,
        names: &[SnapshotName],
    ) -> Result<Vec<SnapshotInfo>> {
        let (mut found, mut answered, mut first_error) = (Vec::new(), false, None);
        for name in names {
            let one = std::slice::from_ref(name);
            match self.find(repository, &path_segment(name.as_str()), one).await {
                Ok(snapshot) => {
                    answered = true;
                    found.extend(snapshot);
                }
                Err(error) if one_may_be_damaged(&error) => {
                    found.push(unreadable(name, &error));
                    first_error.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        match first_error {
            Some(error) if !answered => Err(error),
            _ => Ok(found),
        }
    }

    /// All snapshots of a repository with their states and indices, running ones included, in no particular order.
    ///
    /// Cheap for the server: no snapshot file is read. So it is no proof that the files are there.
    ///
    /// # Errors
    /// `NotFound` for an unknown repository, on every version.
    pub async fn list_snapshots(&self, repository: &RepositoryName) -> Result<Vec<SnapshotEntry>> {
        self.read(list_call(repository), snapshot_listing::snapshot_entries).await
    }

    /// All snapshots of a repository with their states only: for repositories with thousands of them.
    ///
    /// The servers that can (Elasticsearch 8.3 and newer) leave the index lists out; the others send them, and they are
    /// counted while the answer is read.
    ///
    /// # Errors
    /// As [`list_snapshots`](Self::list_snapshots).
    pub async fn snapshot_summaries(&self, repository: &RepositoryName) -> Result<Vec<SnapshotSummary>> {
        let call = list_call(repository);
        let call = if self.traits().index_names { call.query("index_names", false) } else { call };
        self.read(call, snapshot_listing::snapshot_listing).await
    }

    /// The snapshots whose names begin with `prefix`, running ones included.
    ///
    /// The server filters, so a repository with thousands of snapshots is not sent over and over. The pattern leaves in a
    /// read only, and what comes back is filtered again. No match is an empty list, though Elasticsearch 7.17 and
    /// OpenSearch answer 404 to it; without reading snapshot files a damaged one is no reason for a 404.
    ///
    /// # Errors
    /// `InvalidInput` when the prefix could not begin a snapshot's name; else as
    /// [`list_snapshots`](Self::list_snapshots).
    pub async fn snapshots_starting_with(
        &self,
        repository: &RepositoryName,
        prefix: &str,
    ) -> Result<Vec<SnapshotEntry>> {
        let prefix = SnapshotName::new(prefix)?;
        let found = self.read(prefix_call(repository, &prefix), snapshot_listing::snapshot_entries).await;
        let mut entries = match found {
            Err(error) if error.server_type() == Some("snapshot_missing_exception") => Vec::new(),
            other => other?,
        };
        entries.retain(|entry| entry.name.starts_with(prefix.as_str()));
        Ok(entries)
    }
}

/// Whether the answer may be the fault of one snapshot among those asked for: a file that is missing or cannot be read.
/// An unknown repository, a store without master or missing rights concern all snapshots.
fn one_may_be_damaged(error: &Error) -> bool {
    let whole_repository = matches!(
        error.server_type(),
        Some("repository_missing_exception" | "security_exception" | "cluster_block_exception")
    );
    !whole_repository && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ServerError)
}

fn unreadable(name: &SnapshotName, error: &Error) -> SnapshotInfo {
    SnapshotInfo {
        name: name.to_string(),
        uuid: None,
        state: SnapshotState::Other("UNREADABLE".to_owned()),
        indices: BTreeSet::new(),
        metadata: serde_json::Map::new(),
        shards: snapshot_info::Shards::default(),
        failures: Vec::new(),
        include_global_state: None,
        start_millis: None,
        end_millis: None,
        version: None,
        reason: Some(error.server_said().unwrap_or(error.message()).to_owned()),
    }
}

#[cfg(test)]
mod tests;
