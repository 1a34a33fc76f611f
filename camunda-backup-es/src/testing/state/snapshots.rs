//! A snapshot, running or finished, and how it looks at a given time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::testing::control::options::TemplateKind;
use crate::testing::control::view::SnapshotView;
use crate::testing::state::server::{Condition, Index, Repository, State};
use crate::testing::wire::answer::Failure;
use crate::testing::wire::dialect::Dialect;

/// What becomes of a snapshot at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// This word in `state`.
    State(String),
    /// No trace of it.
    Vanishes,
}

/// One snapshot with all it holds.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) repository: String,
    pub(crate) location: String,
    pub(crate) name: String,
    pub(crate) uuid: String,
    pub(crate) written_by: Dialect,
    pub(crate) indices: BTreeMap<String, Index>,
    pub(crate) metadata: Option<Value>,
    pub(crate) global: Option<GlobalState>,
    pub(crate) started: Duration,
    pub(crate) start_millis: u64,
    /// When it will end; `None` = never.
    pub(crate) ends: Option<Duration>,
    pub(crate) end_millis: u64,
    pub(crate) ending: Ending,
    pub(crate) failures: Vec<ShardFailure>,
    /// It lies in the storage; its times may be those of another server's clock.
    pub(crate) finished: bool,
    /// Its `snap-*.dat` is gone: only brief listings still show it.
    pub(crate) damaged: bool,
}

/// The cluster-wide part of a snapshot.
#[derive(Debug, Clone)]
pub(crate) struct GlobalState {
    pub(crate) templates: BTreeMap<(TemplateKind, String), Value>,
    pub(crate) persistent: BTreeMap<String, Value>,
    pub(crate) policies: BTreeMap<String, Value>,
}

/// A shard that is not in the snapshot.
#[derive(Debug, Clone)]
pub(crate) struct ShardFailure {
    pub(crate) index: String,
    pub(crate) index_uuid: String,
    pub(crate) shard: u32,
    pub(crate) reason: &'static str,
    pub(crate) on_node: bool,
}

impl Snapshot {
    pub(crate) fn running(&self, now: Duration) -> bool {
        !self.finished && self.ends.is_none_or(|ends| ends > now)
    }

    /// The word on the wire.
    pub(crate) fn state_word(&self, now: Duration) -> String {
        match &self.ending {
            Ending::State(word) if !self.running(now) => word.clone(),
            _ => "IN_PROGRESS".to_owned(),
        }
    }

    pub(crate) fn shards_total(&self) -> u32 {
        self.indices.values().map(|index| index.shards).sum()
    }

    pub(crate) fn shards_failed(&self) -> u32 {
        u32::try_from(self.failures.len()).unwrap_or(u32::MAX)
    }

    /// Shards uploaded so far, in the order of their indices; a snapshot that never ends stops half way.
    pub(crate) fn shards_done(&self, now: Duration) -> u32 {
        let total = self.shards_total() - self.shards_failed().min(self.shards_total());
        match self.ends {
            _ if !self.running(now) => total,
            Some(ends) => {
                let whole = ends.saturating_sub(self.started).as_millis().max(1);
                let passed = now.saturating_sub(self.started).as_millis();
                u32::try_from(u128::from(total) * passed / whole).unwrap_or(total).min(total)
            }
            None => total / 2,
        }
    }

    /// What a server says when the file behind this snapshot is missing.
    pub(crate) fn unreadable(&self, repository: &str) -> Failure {
        let reason = format!("[{repository}:{}/{}] is missing", self.name, self.uuid);
        let file = format!("{}/snap-{}.dat", self.location, self.uuid);
        Failure::of(404, "snapshot_missing_exception", reason).caused_by("no_such_file_exception", file)
    }

    pub(crate) fn view(&self, now: Duration) -> SnapshotView {
        SnapshotView {
            repository: self.repository.clone(),
            name: self.name.clone(),
            uuid: self.uuid.clone(),
            state: self.state_word(now),
            indices: self.indices.keys().cloned().collect(),
            metadata: self.metadata.clone().unwrap_or(Value::Null),
            include_global_state: self.global.is_some(),
            documents: self
                .indices
                .iter()
                .map(|(name, index)| (name.clone(), (*index.documents).clone()))
                .collect(),
            started: self.started,
            ended: self.ends.filter(|_| !self.running(now)),
            shards_total: self.shards_total(),
            shards_failed: if self.running(now) { 0 } else { self.shards_failed() },
        }
    }
}

impl State {
    pub(crate) fn repository(&self, name: &str) -> Result<&Repository, Failure> {
        self.repositories.get(name).ok_or_else(|| Failure::repository_missing(name))
    }

    /// All snapshots a repository shows, finished and running, in the order of their start. Contents of the other family
    /// cannot be read.
    pub(crate) fn snapshots_of(&self, repository: &str) -> Result<Vec<Snapshot>, Failure> {
        let registered = self.repository(repository)?;
        if registered.condition == Condition::Disabled {
            return Err(self.disabled(repository));
        }
        let location = &registered.location;
        let contents = self.storage.contents(location);
        if contents.elasticsearch == Some(true) && !self.dialect.elasticsearch {
            let reason = format!("[{repository}] Unexpected exception when loading repository data");
            let inner = "Failed to parse object: unknown field [uuid] found";
            return Err(
                Failure::of(500, "repository_exception", reason).caused_by("parsing_exception", inner)
            );
        }
        let mut all = contents.snapshots;
        all.extend(self.running.iter().filter(|snapshot| &snapshot.location == location).cloned());
        all.sort_by(|a, b| (a.start_millis, &a.name).cmp(&(b.start_millis, &b.name)));
        Ok(all)
    }

    /// The answer of a repository whose contents are not what the server expects.
    pub(crate) fn disabled(&self, repository: &str) -> Failure {
        let words = if self.dialect.modern_elasticsearch {
            "The repository has been disabled to prevent data corruption because its contents were found not to match \
             its expected state."
        } else {
            "Could not read repository data because the contents of the repository do not match its expected state."
        };
        Failure::of(500, "repository_exception", format!("[{repository}] {words}"))
    }

    /// The snapshots that run in a repository now.
    pub(crate) fn running_in(&self, location: &str) -> impl Iterator<Item = &Snapshot> {
        self.running.iter().filter(move |snapshot| snapshot.location == location)
    }

    /// When the last of the running snapshots of a location ends; `None` when none runs or one never ends.
    pub(crate) fn all_ended(&self, location: &str) -> Option<Duration> {
        self.running_in(location).filter_map(|snapshot| snapshot.ends).max()
    }

    /// How messages name a snapshot.
    pub(crate) fn label(&self, repository: &str, snapshot: &Snapshot) -> String {
        format!("[{}{repository}:{}/{}]", self.dialect.project_prefix, snapshot.name, snapshot.uuid)
    }
}
