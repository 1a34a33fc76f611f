//! Direct access, not over HTTP: for composing servers, for preparing a test and for checking its result.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::testing::api::snapshot_create::Creation;
use crate::testing::control::faults::{FaultRule, SnapshotFault};
use crate::testing::control::options::TemplateKind;
use crate::testing::control::view::SnapshotView;
use crate::testing::fake::FakeElasticsearch;
use crate::testing::state::server::{Condition, Index, Repository, State};

/// Documents and indices.
impl FakeElasticsearch {
    /// Writes a document; makes the index if it is not there.
    pub fn put_document(&self, index: &str, id: &str, document: Value) {
        self.with_index(index, |index| {
            Arc::make_mut(&mut index.documents).insert(id.to_owned(), document);
        });
    }

    /// Removes a document; false if it was not there.
    pub fn remove_document(&self, index: &str, id: &str) -> bool {
        let mut state = self.lock();
        let found = state.indices.get_mut(index);
        found.is_some_and(|index| Arc::make_mut(&mut index.documents).remove(id).is_some())
    }

    /// All documents of an index, by id; empty if there is no such index.
    pub fn documents(&self, index: &str) -> BTreeMap<String, Value> {
        self.lock().indices.get(index).map(|index| (*index.documents).clone()).unwrap_or_default()
    }

    /// All index names, hidden and closed ones included, sorted.
    pub fn index_names(&self) -> Vec<String> {
        self.lock().indices.keys().cloned().collect()
    }

    /// Makes an index with the default number of shards, unless it is there.
    pub fn create_index(&self, name: &str) {
        self.with_index(name, |_| ());
    }

    /// Removes an index, whatever it is doing; false if it was not there.
    pub fn delete_index(&self, name: &str) -> bool {
        self.lock().indices.remove(name).is_some()
    }

    /// Takes the primaries of an index away, or gives them back.
    pub fn set_red(&self, name: &str, red: bool) {
        self.with_index(name, |index| index.red = red);
    }

    /// Sets `index.hidden`.
    pub fn set_hidden(&self, name: &str, hidden: bool) {
        self.with_index(name, |index| index.hidden = hidden);
    }

    /// Sets the number of primary shards; real servers fix it at creation.
    pub fn set_shards(&self, name: &str, shards: u32) {
        self.with_index(name, |index| index.shards = shards.max(1));
    }

    /// Sets the number of replicas. There is one node: an index with replicas is yellow.
    pub fn set_replicas(&self, name: &str, replicas: u32) {
        self.with_index(name, |index| index.replicas = replicas);
    }

    /// Closes an index.
    pub fn close_index(&self, name: &str) {
        self.with_index(name, |index| index.closed = true);
    }

    /// Opens a closed index.
    pub fn open_index(&self, name: &str) {
        self.with_index(name, |index| index.closed = false);
    }

    /// Adds an alias to an index.
    pub fn put_alias(&self, index: &str, alias: &str) {
        self.with_index(index, |index| {
            index.aliases.insert(alias.to_owned(), Value::Object(Map::new()));
        });
    }

    /// Stores a template under its name, as it would be read back.
    pub fn put_template(&self, kind: TemplateKind, name: &str, template: Value) {
        self.lock().templates.insert((kind, name.to_owned()), template);
    }

    /// The names of the templates of one kind, sorted.
    pub fn template_names(&self, kind: TemplateKind) -> Vec<String> {
        let state = self.lock();
        let of_kind = state.templates.keys().filter(|(of, _)| *of == kind);
        of_kind.map(|(_, name)| name.clone()).collect()
    }

    fn with_index(&self, name: &str, change: impl FnOnce(&mut Index)) {
        let mut state = self.lock();
        if !state.indices.contains_key(name) {
            let fresh = state.new_index(name);
            state.indices.insert(name.to_owned(), fresh);
        }
        if let Some(index) = state.indices.get_mut(name) {
            change(index);
        }
    }
}

/// Repositories and snapshots.
impl FakeElasticsearch {
    /// Registers a file-system repository at a location of its own name, so that a second server on the same
    /// [`FakeStorage`](crate::testing::FakeStorage) sees the same contents under the same name.
    pub fn register_repository(&self, name: &str, readonly: bool) {
        let mut settings = BTreeMap::from([("location".to_owned(), name.to_owned())]);
        if readonly {
            settings.insert("readonly".to_owned(), "true".to_owned());
        }
        let repository = Repository {
            kind: "fs".to_owned(),
            settings,
            location: name.to_owned(),
            condition: Condition::Fine,
        };
        self.lock().repositories.insert(name.to_owned(), repository);
    }

    /// Makes the location of a repository vanish under the server: running snapshots end without a trace, verbose listings
    /// fail with 404, brief listings and `_verify` notice nothing. The first create fails with 500, and from then on every
    /// call but `_verify`, until the repository is deleted and registered again; then its contents are back.
    pub fn break_repository(&self, name: &str) {
        if let Some(repository) = self.lock().repositories.get_mut(name) {
            repository.condition = Condition::Gone;
        }
    }

    /// Takes the `snap-*.dat` file of a finished snapshot away: a verbose listing that would show it is 404 as a whole,
    /// with `ignore_unavailable` it is left out, a brief listing notices nothing. False if there is no such snapshot.
    pub fn damage_snapshot(&self, repository: &str, name: &str) -> bool {
        let state = self.lock();
        let location = state.repositories.get(repository).map(|repository| &repository.location);
        location.is_some_and(|location| state.storage.damage(location, name))
    }

    /// The names of the registered repositories, sorted.
    pub fn repository_names(&self) -> Vec<String> {
        self.lock().repositories.keys().cloned().collect()
    }

    /// Starts a snapshot the way a web application does from inside: `partial` and `ignore_unavailable` are false. An
    /// empty list means everything, as on the wire. The error is the exception's type and reason.
    #[allow(clippy::needless_pass_by_value)] // callers build it for this call
    pub fn start_snapshot(
        &self,
        repository: &str,
        name: &str,
        indices: &[String],
        metadata: Value,
        include_global_state: bool,
    ) -> Result<(), String> {
        let body = json!({
            "indices": indices,
            "metadata": metadata,
            "include_global_state": include_global_state,
        });
        let body = body.as_object().cloned().unwrap_or_default();
        let mut state = self.lock();
        let started = Creation::parse(&state, repository, name, &body)
            .and_then(|creation| state.create_snapshot(&creation));
        started.map(drop).map_err(|failure| failure.sentence())
    }

    /// A snapshot, running or finished.
    pub fn snapshot(&self, repository: &str, name: &str) -> Option<SnapshotView> {
        self.snapshots(repository).into_iter().find(|snapshot| snapshot.name == name)
    }

    /// All snapshots of a repository, running and finished, in the order of their start; empty if it is unknown.
    pub fn snapshots(&self, repository: &str) -> Vec<SnapshotView> {
        let state = self.lock();
        let all = state.snapshots_of(repository).unwrap_or_default();
        all.iter().map(|snapshot| snapshot.view(state.now)).collect()
    }

    /// Removes a snapshot, running or finished, at once; false if it was not there.
    pub fn remove_snapshot(&self, repository: &str, name: &str) -> bool {
        let mut state = self.lock();
        let found = state.snapshots_of(repository).unwrap_or_default();
        let Some(snapshot) = found.into_iter().find(|snapshot| snapshot.name == name) else { return false };
        state.running.retain(|running| running.uuid != snapshot.uuid);
        state.storage.remove(&snapshot.location, &[snapshot.uuid]);
        true
    }
}

/// Knobs.
impl FakeElasticsearch {
    /// How long a snapshot takes, by its name and number of indices. Applies to those started from now on.
    pub fn set_snapshot_duration(&self, f: impl Fn(&str, usize) -> Duration + Send + Sync + 'static) {
        self.lock().snapshot_duration = Arc::new(f);
    }

    /// How long restoring an index takes, by its name in the snapshot. Applies to restores started from now on; the
    /// default is 200 ms.
    pub fn set_restore_duration(&self, f: impl Fn(&str) -> Duration + Send + Sync + 'static) {
        self.lock().restore_duration = Arc::new(f);
    }

    /// Snapshots started from now on whose name contains the text go wrong. The rule given last wins.
    pub fn fail_snapshots_matching(&self, name_contains: &str, how: SnapshotFault) {
        let rule = FaultRule { name_contains: name_contains.to_owned(), fault: how };
        self.lock().faults.push(rule);
    }

    /// Forgets all rules of [`FakeElasticsearch::fail_snapshots_matching`].
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// Whether a snapshot is running now.
    pub fn is_busy(&self) -> bool {
        !self.lock().running.is_empty()
    }

    /// When the next running snapshot or restore ends, on the simulated clock; `None` when nothing will.
    pub fn next_event(&self) -> Option<Duration> {
        let state = self.lock();
        let snapshots = state.running.iter().filter_map(|snapshot| snapshot.ends);
        let restores = restores_until(&state);
        snapshots.chain(restores).min()
    }
}

fn restores_until(state: &State) -> impl Iterator<Item = Duration> {
    let now = state.now;
    state.indices.values().filter(move |index| index.restoring(now)).map(|index| index.recovery.until)
}
