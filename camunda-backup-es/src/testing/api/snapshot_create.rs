//! `PUT /_snapshot/{repository}/{snapshot}`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::testing::control::faults::SnapshotFault;
use crate::testing::state::server::{Condition, Index, State};
use crate::testing::state::snapshots::{Ending, GlobalState, ShardFailure, Snapshot};
use crate::testing::wire::answer::{Failure, Reply};
use crate::testing::wire::dialect::numbers;
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::names::{Expand, body_expressions};
use crate::testing::wire::snapshot_info::{Detail, snapshot_info};

/// Longest `metadata`, in bytes of JSON; this many are already too many.
const METADATA_LIMIT: usize = 1024;

/// A create request after its body has been read and before the cluster has been looked at.
#[derive(Debug)]
pub(crate) struct Creation {
    repository: String,
    name: String,
    expressions: Vec<String>,
    expand: Expand,
    partial: bool,
    include_global_state: bool,
    metadata: Option<Value>,
}

impl Creation {
    pub(crate) fn parse(
        state: &State,
        repository: &str,
        name: &str,
        body: &Map<String, Value>,
    ) -> Result<Self, Failure> {
        let closed = state.dialect.wildcards_take_closed;
        let mut expand = Expand { closed, ..Expand::ALL };
        if let Some(words) = body.get("expand_wildcards").and_then(Value::as_str) {
            expand = expand.with_words(words)?;
        }
        expand.ignore_unavailable = body_flag(body, "ignore_unavailable", false)?;
        let feature_states = body.get("feature_states");
        if state.dialect.elasticsearch && feature_states.is_some_and(|value| !value.is_array()) {
            return Err(Failure::illegal_argument(
                "malformed feature_states section, should be an array of strings",
            ));
        }
        let metadata = match body.get("metadata") {
            None | Some(Value::Null) => None,
            Some(map @ Value::Object(_)) => Some(map.clone()),
            Some(_) => {
                return Err(Failure::illegal_argument("malformed metadata, should be an object"));
            }
        };
        let length = metadata.as_ref().map_or(0, |map| map.to_string().len());
        if length > METADATA_LIMIT {
            let words = format!("metadata must be smaller than 1024 bytes, but was [{length}]");
            return Err(Failure::validation(words));
        }
        Ok(Self {
            repository: repository.to_owned(),
            name: name.to_owned(),
            expressions: body_expressions(body.get("indices"))?,
            expand,
            partial: body_flag(body, "partial", false)?,
            include_global_state: body_flag(body, "include_global_state", true)?,
            metadata,
        })
    }
}

/// A boolean of a body, which may be a string.
pub(crate) fn body_flag(body: &Map<String, Value>, name: &str, default: bool) -> Result<bool, Failure> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::String(text)) if text == "true" => Ok(true),
        Some(Value::String(text)) if text == "false" => Ok(false),
        Some(other) => {
            let shown = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            Err(Failure::illegal_argument(format!("Could not convert [{name}] to boolean: [{shown}]")))
        }
    }
}

pub(crate) fn create(
    state: &mut State,
    exchange: &Exchange,
    repository: &str,
    name: &str,
) -> Result<Reply, Failure> {
    exchange.only_with_master_timeout(&state.dialect, &["wait_for_completion"])?;
    let wait = exchange.flag("wait_for_completion", false)?;
    let body = exchange.object(&state.dialect)?;
    let creation = Creation::parse(state, repository, name, &body)?;
    let snapshot = state.create_snapshot(&creation)?;
    if !wait {
        return Ok(Reply::ok(json!({"accepted": true})));
    }
    let Some(ends) = snapshot.ends else {
        return Ok(Reply::ok(json!({"accepted": true})).not_before(Some(Duration::MAX)));
    };
    if snapshot.ending == Ending::Vanishes {
        let reason =
            format!("{} failed to update snapshot in repository", state.label(repository, &snapshot));
        return Err(Failure::of(500, "snapshot_exception", reason).not_before(Some(ends)));
    }
    let info = snapshot_info(&state.dialect, repository, &snapshot, ends, Detail::default());
    Ok(Reply::ok(json!({"snapshot": info})).not_before(Some(ends)))
}

impl State {
    /// Checks and starts a snapshot; what it copies is the present.
    pub(crate) fn create_snapshot(&mut self, creation: &Creation) -> Result<Snapshot, Failure> {
        self.check_name(&creation.repository, &creation.name)?;
        self.check_writable(&creation.repository)?;
        self.check_contents(&creation.repository, &creation.name)?;
        self.check_name_is_free(&creation.repository, &creation.name)?;
        self.check_concurrency(&creation.repository, &creation.name)?;
        let names = self.resolve(&creation.expressions, creation.expand)?;
        let indices: BTreeMap<String, Index> = names
            .into_iter()
            .filter_map(|name| self.indices.get(&name).cloned().map(|index| (name, index)))
            .collect();
        let uuid = self.uuid();
        let fault = self.fault_for(&creation.name);
        let red: Vec<&String> = indices.iter().filter(|(_, index)| index.red).map(|(name, _)| name).collect();
        if fault == Some(SnapshotFault::RefusedAtStart) || (!creation.partial && !red.is_empty()) {
            let red = if red.is_empty() { indices.keys().take(1).collect() } else { red };
            return Err(self.unassigned(&creation.repository, &creation.name, &uuid, &red));
        }
        let snapshot = self.started(creation, uuid, indices, fault.as_ref());
        self.running.push(snapshot.clone());
        Ok(snapshot)
    }

    fn started(
        &self,
        creation: &Creation,
        uuid: String,
        indices: BTreeMap<String, Index>,
        fault: Option<&SnapshotFault>,
    ) -> Snapshot {
        let failures = self.failures(&indices, fault);
        let ending = match fault {
            Some(SnapshotFault::Vanish) => Ending::Vanishes,
            Some(SnapshotFault::UnknownState(word)) => Ending::State(word.clone()),
            Some(SnapshotFault::Failed) => Ending::State("FAILED".to_owned()),
            Some(SnapshotFault::Partial) => Ending::State("PARTIAL".to_owned()),
            _ if failures.is_empty() => Ending::State("SUCCESS".to_owned()),
            _ => Ending::State("PARTIAL".to_owned()),
        };
        // An index that is being restored is copied once that is done.
        let restored = indices.values().filter(|index| index.restoring(self.now));
        let begins = restored.map(|index| index.recovery.until).max().unwrap_or(self.now);
        let lasts = (self.snapshot_duration)(&creation.name, indices.len());
        let ends = (fault != Some(&SnapshotFault::NeverEnds)).then(|| begins.saturating_add(lasts));
        let repository = self.repositories.get(&creation.repository);
        Snapshot {
            repository: creation.repository.clone(),
            location: repository.map(|repository| repository.location.clone()).unwrap_or_default(),
            name: creation.name.clone(),
            uuid,
            written_by: self.dialect.clone(),
            indices,
            metadata: creation.metadata.clone(),
            global: creation.include_global_state.then(|| GlobalState {
                templates: self.templates.clone(),
                persistent: self.persistent.clone(),
                policies: self.policies.clone(),
            }),
            started: self.now,
            start_millis: self.cached_millis(self.now),
            ends,
            end_millis: ends.map_or(0, |ends| self.cached_millis(ends)),
            ending,
            failures,
            finished: false,
            damaged: false,
        }
    }

    fn failures(
        &self,
        indices: &BTreeMap<String, Index>,
        fault: Option<&SnapshotFault>,
    ) -> Vec<ShardFailure> {
        let uuid_shown = |name: &String, index: &Index| {
            if self.dialect.elasticsearch { index.uuid.clone() } else { name.clone() }
        };
        let mut failures = Vec::new();
        for (place, (name, index)) in indices.iter().enumerate() {
            let (shards, reason) = match fault {
                _ if index.red => (0..index.shards, "primary shard is not allocated"),
                Some(SnapshotFault::Failed) => (0..index.shards, "aborted"),
                Some(SnapshotFault::Partial) if place % 2 == 0 => (0..1, "primary shard is not allocated"),
                _ => continue,
            };
            failures.extend(shards.map(|shard| ShardFailure {
                index: name.clone(),
                index_uuid: uuid_shown(name, index),
                shard,
                reason,
                on_node: reason == "aborted",
            }));
        }
        failures
    }

    fn unassigned(&self, repository: &str, name: &str, uuid: &str, red: &[&String]) -> Failure {
        let label = format!("[{}{repository}:{name}/{uuid}]", self.dialect.project_prefix);
        let list: Vec<&str> = red.iter().map(|name| name.as_str()).collect();
        let list = list.join(", ");
        let reason = if self.dialect.modern_elasticsearch {
            format!(
                "{label} the following indices have unassigned primary shards and cannot be included in a snapshot \
                 unless [partial] is set to [true]: [{list}]; for help with troubleshooting unassigned shards see \
                 https://www.elastic.co/{}\n",
                self.help_on_health()
            )
        } else {
            format!("{label} Indices don't have primary shards [{list}]")
        };
        Failure::of(500, "snapshot_exception", reason)
    }

    fn help_on_health(&self) -> String {
        let (major, minor, _) = numbers(&self.dialect.version);
        if major >= 9 {
            return format!(
                "docs/troubleshoot/elasticsearch/red-yellow-cluster-status?version={major}.{minor}"
            );
        }
        format!("guide/en/elasticsearch/reference/{major}.{minor}/red-yellow-cluster-status.html")
    }

    /// The first write to a location that has vanished notices it and disables the repository.
    fn check_contents(&mut self, repository: &str, name: &str) -> Result<(), Failure> {
        let uuid = self.uuid();
        let disabled = self.disabled(repository);
        let Some(registered) = self.repositories.get_mut(repository) else { return Ok(()) };
        match registered.condition {
            Condition::Fine => return Ok(()),
            Condition::Disabled => return Err(disabled),
            Condition::Gone => registered.condition = Condition::Disabled,
        }
        let reason = format!("[{repository}:{name}/{uuid}] failed to update snapshot in repository");
        let inner = format!(
            "[{repository}] concurrent modification of the index-N file, expected current generation [2] but it was \
             not found in the repository. The last cluster to write to this repository was [_na_] at generation [-1]."
        );
        Err(Failure::of(500, "snapshot_exception", reason).rooted_in("repository_exception", inner))
    }

    fn check_writable(&self, name: &str) -> Result<(), Failure> {
        let repository = self.repository(name)?;
        if repository.readonly() {
            let (status, kind) = self.dialect.readonly_error;
            let reason = format!("[{name}] cannot create snapshot in a readonly repository");
            return Err(Failure::of(status, kind, reason));
        }
        Ok(())
    }

    pub(crate) fn check_name_is_free(&self, repository: &str, name: &str) -> Result<(), Failure> {
        let known = self.snapshots_of(repository)?;
        let Some(same) = known.iter().find(|snapshot| snapshot.name == name) else { return Ok(()) };
        let why = if same.running(self.now) {
            "snapshot with the same name is already in-progress"
        } else {
            "snapshot with the same name already exists"
        };
        let reason = format!("[{repository}:{name}] Invalid snapshot name [{name}], {why}");
        Err(Failure::of(400, self.dialect.duplicate_name_error, reason))
    }

    fn check_concurrency(&self, repository: &str, name: &str) -> Result<(), Failure> {
        let setting = self.setting("snapshot.max_concurrent_operations");
        let text = setting.and_then(|value| value.as_str().map(str::to_owned).or(Some(value.to_string())));
        let limit = text.and_then(|text| text.parse().ok()).unwrap_or(self.options.max_concurrent_snapshots);
        if self.running.len() < limit {
            return Ok(());
        }
        let reason = format!(
            "[{repository}:{name}] Cannot start another operation, already running [{}] operations and the current \
             limit for concurrent snapshot operations is set to [{limit}]",
            self.running.len()
        );
        Err(Failure::of(self.dialect.concurrency_status, "concurrent_snapshot_execution_exception", reason))
    }

    /// The rules for a new snapshot's name.
    pub(crate) fn check_name(&self, repository: &str, name: &str) -> Result<(), Failure> {
        let wrong = if name.chars().any(char::is_whitespace) {
            "must not contain whitespace"
        } else if name.contains(',') {
            "must not contain ','"
        } else if name.contains('#') {
            "must not contain '#'"
        } else if name.starts_with('_') {
            "must not start with '_'"
        } else if name.chars().any(char::is_uppercase) {
            "must be lowercase"
        } else if name.contains(['\\', '/', '*', '?', '"', '<', '>', '|']) {
            self.dialect.bad_characters
        } else {
            return Ok(());
        };
        let reason = format!("[{repository}:{name}] Invalid snapshot name [{name}], {wrong}");
        Err(Failure::of(400, "invalid_snapshot_name_exception", reason))
    }
}
