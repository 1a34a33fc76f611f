//! Starting a restore.

use std::collections::{BTreeMap, BTreeSet};

use camunda_backup_core::http_client::path_segment;
use camunda_backup_core::transport::Timeouts;
use camunda_backup_core::{Call, Effect, Error, ErrorKind, IndexName, RepositoryName, Result, SnapshotName};
use serde_json::{Map, Value, json};

use crate::client::SearchStore;

/// What is taken out of a snapshot. `partial` is always false, missing indices are always an error.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreSnapshot {
    /// The indices, or nothing but the global state.
    pub target: RestoreTarget,
    /// Other names for the restored indices; `None` keeps theirs.
    pub rename: Option<Rename>,
    /// Whether the indices get their aliases back.
    pub include_aliases: bool,
    /// Whether templates, policies and persistent settings **replace** those of the cluster: newer ones are removed.
    pub include_global_state: bool,
    /// Settings that the restored indices get, by full name (`index.number_of_replicas`).
    pub index_settings: BTreeMap<String, Value>,
    /// Settings that the restored indices lose, by full name.
    pub ignore_index_settings: BTreeSet<String>,
}

/// What is taken out of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreTarget {
    /// These indices; at least one.
    Indices(Vec<IndexName>),
    /// No index, only templates, policies and persistent settings. Needs
    /// [`include_global_state`](RestoreSnapshot::include_global_state), so that nobody replaces them by accident.
    OnlyGlobalState,
}

/// New names by a regular expression of Java.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The pattern; every match in a name is replaced.
    pub pattern: String,
    /// What it is replaced by; `$1` is the first group.
    pub replacement: String,
}

/// No index yet, aliases yes, global state no: what a Camunda restore wants once the indices are filled in.
impl Default for RestoreSnapshot {
    fn default() -> Self {
        Self {
            target: RestoreTarget::Indices(Vec::new()),
            rename: None,
            include_aliases: true,
            include_global_state: false,
            index_settings: BTreeMap::new(),
            ignore_index_settings: BTreeSet::new(),
        }
    }
}

impl RestoreSnapshot {
    /// Restores these indices under their own names, with their aliases, without global state.
    pub fn of(indices: impl IntoIterator<Item = IndexName>) -> Self {
        Self { target: RestoreTarget::Indices(indices.into_iter().collect()), ..Self::default() }
    }

    fn check(&self) -> Result<()> {
        let problem = match &self.target {
            RestoreTarget::Indices(indices) if indices.is_empty() => {
                "a restore of no indices: the servers read an empty list as everything"
            }
            RestoreTarget::OnlyGlobalState if !self.include_global_state => {
                "a restore of the global state only must say include_global_state"
            }
            _ if self.rename.as_ref().is_some_and(|rename| rename.pattern.is_empty()) => {
                "an empty rename pattern matches everywhere"
            }
            _ => return Ok(()),
        };
        Err(Error::new(ErrorKind::InvalidInput, problem))
    }

    fn body(&self, feature_states: bool) -> Value {
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        match &self.target {
            RestoreTarget::Indices(indices) => put("indices", json!(indices)),
            // Everything but everything: an empty list would be everything.
            RestoreTarget::OnlyGlobalState => put("indices", json!("-*")),
        };
        put("ignore_unavailable", false.into());
        put("partial", false.into());
        put("include_global_state", self.include_global_state.into());
        put("include_aliases", self.include_aliases.into());
        if let Some(rename) = &self.rename {
            put("rename_pattern", rename.pattern.as_str().into());
            put("rename_replacement", rename.replacement.as_str().into());
        }
        if !self.index_settings.is_empty() {
            put("index_settings", json!(self.index_settings));
        }
        if !self.ignore_index_settings.is_empty() {
            put("ignore_index_settings", json!(self.ignore_index_settings));
        }
        if feature_states {
            put("feature_states", json!(["none"]));
        }
        Value::Object(body)
    }
}

impl SearchStore {
    /// The request that starts a restore, for plans; [`restore_snapshot`](Self::restore_snapshot) sends exactly it.
    ///
    /// # Errors
    /// `InvalidInput` for an empty list of indices, and for a restore of the global state that does not say so twice.
    pub fn restore_snapshot_call(
        &self,
        repository: &RepositoryName,
        name: &SnapshotName,
        options: &RestoreSnapshot,
    ) -> Result<Call> {
        let path = format!(
            "/_snapshot/{}/{}/_restore",
            path_segment(repository.as_str()),
            path_segment(name.as_str())
        );
        let call = Call::post("store.snapshots.restore", Effect::Once, path)
            .query("wait_for_completion", false)
            .timeouts(Timeouts::PATIENT)
            .subject(name);
        options.check().map_err(|error| error.with_operation(call.operation).with_subject(name))?;
        call.json(&options.body(self.traits().feature_states_in_restore))
    }

    /// Starts a restore and returns as soon as the store has accepted it.
    ///
    /// # Guarantees
    /// Sent once. An index that exists and is open is never touched: the whole restore is refused. A closed index of the
    /// same name is replaced. `Ok` means accepted, nothing more: follow it with
    /// [`restore_progress`](Self::restore_progress).
    ///
    /// # Cancellation
    /// The restore may have started, or start later.
    ///
    /// # Errors
    /// `Refused` for an open index of the name, an unknown snapshot, a snapshot of a newer version or another family
    /// (HTTP 500 on the wire), `NotFound` for an unknown repository or index.
    pub async fn restore_snapshot(
        &self,
        repository: &RepositoryName,
        name: &SnapshotName,
        options: &RestoreSnapshot,
    ) -> Result<()> {
        self.accepted_or_restored(self.restore_snapshot_call(repository, name, options)?).await
    }
}

#[cfg(test)]
mod tests;
