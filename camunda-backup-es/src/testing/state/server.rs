//! What the simulated server knows: indices, repositories, running snapshots, templates, settings, and the time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::Timestamp;
use serde_json::{Map, Value};

use crate::testing::control::faults::{FaultRule, SnapshotFault};
use crate::testing::control::options::{StoreOptions, TemplateKind};
use crate::testing::state::snapshots::{Ending, Snapshot};
use crate::testing::state::storage::FakeStorage;
use crate::testing::wire::dialect::Dialect;

/// The documents of an index; shared until one side writes.
pub(crate) type Documents = Arc<BTreeMap<String, Value>>;
/// How long a snapshot of this name and number of indices takes.
pub(crate) type SnapshotDuration = Arc<dyn Fn(&str, usize) -> Duration + Send + Sync>;

/// How long restoring the index of this name in the snapshot takes.
pub(crate) type RestoreDuration = Arc<dyn Fn(&str) -> Duration + Send + Sync>;

/// The clock of a real server is cached for this long, so short snapshots begin and end at once.
const CLOCK_STEP_MILLIS: u64 = 200;

/// The whole state behind one [`FakeElasticsearch`](crate::testing::FakeElasticsearch).
pub(crate) struct State {
    pub(crate) options: StoreOptions,
    pub(crate) dialect: Dialect,
    pub(crate) storage: FakeStorage,
    /// Simulated time of the current step.
    pub(crate) now: Duration,
    /// Wall time at `now`.
    pub(crate) wall: Timestamp,
    pub(crate) indices: BTreeMap<String, Index>,
    pub(crate) repositories: BTreeMap<String, Repository>,
    pub(crate) running: Vec<Snapshot>,
    pub(crate) templates: BTreeMap<(TemplateKind, String), Value>,
    pub(crate) persistent: BTreeMap<String, Value>,
    pub(crate) transient: BTreeMap<String, Value>,
    pub(crate) policies: BTreeMap<String, Value>,
    pub(crate) faults: Vec<FaultRule>,
    pub(crate) snapshot_duration: SnapshotDuration,
    pub(crate) restore_duration: RestoreDuration,
    pub(crate) down: bool,
    pub(crate) no_master: bool,
    pub(crate) flood_stage: bool,
    /// Bytes of the node's disk: used, total.
    pub(crate) disk: (u64, u64),
    /// Seed and count of the uuids given out.
    pub(crate) uuid_seed: u64,
}

/// One index.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub(crate) uuid: String,
    pub(crate) provided_name: String,
    pub(crate) created_millis: u64,
    /// `index.version.created`: stays that of the server that made it.
    pub(crate) version_created: u64,
    pub(crate) shards: u32,
    pub(crate) replicas: u32,
    pub(crate) hidden: bool,
    pub(crate) closed: bool,
    /// Its primaries are unassigned.
    pub(crate) red: bool,
    /// `index.history.uuid`, present after a restore over a closed index.
    pub(crate) history_uuid: Option<String>,
    /// Other settings, flat names with `index.`.
    pub(crate) settings: BTreeMap<String, Value>,
    pub(crate) mappings: Value,
    pub(crate) aliases: BTreeMap<String, Value>,
    pub(crate) documents: Documents,
    pub(crate) recovery: Recovery,
}

/// How the shards of an index came to be.
#[derive(Debug, Clone)]
pub(crate) struct Recovery {
    /// The snapshot it comes from; `None` for an index made by hand.
    pub(crate) source: Option<RestoreSource>,
    pub(crate) started: Duration,
    pub(crate) started_millis: u64,
    pub(crate) until: Duration,
    /// A node restart afterwards hides the snapshot.
    pub(crate) restarted: bool,
}

/// Where a restored index comes from.
#[derive(Debug, Clone)]
pub(crate) struct RestoreSource {
    pub(crate) repository: String,
    pub(crate) snapshot: String,
    pub(crate) snapshot_uuid: String,
    pub(crate) version: String,
    pub(crate) index: String,
    pub(crate) restore_uuid: String,
}

/// A registered repository: a name for a location in the storage.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    pub(crate) kind: String,
    /// As on the wire: strings.
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) location: String,
    pub(crate) condition: Condition,
}

/// Whether the contents of a repository are what the server expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Fine,
    /// The location has vanished, and nobody has noticed.
    Gone,
    /// A write has noticed: nothing works until the repository is registered again.
    Disabled,
}

impl Repository {
    pub(crate) fn readonly(&self) -> bool {
        self.kind == "url" || self.settings.get("readonly").is_some_and(|value| value == "true")
    }
}

impl Index {
    /// Bytes on disk, as plausible as needed: grows with documents and text.
    pub(crate) fn bytes(&self) -> u64 {
        let text: usize = self.documents.values().map(|document| document.to_string().len()).sum();
        227 * u64::from(self.shards) + u64::try_from(text).unwrap_or(u64::MAX)
    }

    pub(crate) fn restoring(&self, now: Duration) -> bool {
        self.recovery.source.is_some() && self.recovery.until > now && !self.red
    }
}

impl State {
    pub(crate) fn new(options: StoreOptions, storage: FakeStorage) -> Self {
        Self {
            dialect: Dialect::of(&options),
            uuid_seed: storage.claim_seed(),
            storage,
            now: Duration::ZERO,
            wall: Timestamp::from_millis(0),
            indices: BTreeMap::new(),
            repositories: BTreeMap::new(),
            running: Vec::new(),
            templates: BTreeMap::new(),
            persistent: BTreeMap::new(),
            transient: BTreeMap::new(),
            policies: BTreeMap::new(),
            faults: Vec::new(),
            snapshot_duration: Arc::new(|_, _| Duration::from_millis(300)),
            restore_duration: Arc::new(|_| Duration::from_millis(200)),
            down: false,
            no_master: false,
            flood_stage: false,
            disk: (10 << 30, 100 << 30),
            options,
        }
    }

    /// Moves to a later time: snapshots that end until then are written to the storage, or vanish.
    pub(crate) fn advance(&mut self, now: Duration, wall: Timestamp) {
        self.now = self.now.max(now);
        self.wall = wall;
        let (mut ended, running): (Vec<Snapshot>, Vec<Snapshot>) = std::mem::take(&mut self.running)
            .into_iter()
            .partition(|snapshot| snapshot.ends.is_some_and(|ends| ends <= self.now));
        self.running = running;
        ended.sort_by_key(|snapshot| snapshot.ends);
        for snapshot in ended {
            let known = self.repositories.get(&snapshot.repository);
            let fine = known.is_some_and(|known| known.condition == Condition::Fine);
            if fine && snapshot.ending != Ending::Vanishes {
                let uuid = self.uuid();
                self.storage.finish(snapshot, uuid);
            }
        }
    }

    /// The server's cached clock at a simulated time, in milliseconds since the epoch.
    pub(crate) fn cached_millis(&self, at: Duration) -> u64 {
        let back = self.now.saturating_sub(at);
        let ahead = at.saturating_sub(self.now);
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let wall = self.wall.millis().saturating_sub(millis(back)).saturating_add(millis(ahead));
        wall - wall % CLOCK_STEP_MILLIS
    }

    /// A fresh uuid of 22 characters, the same in every run.
    pub(crate) fn uuid(&mut self) -> String {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut bits = 0u64;
        (0..22)
            .map(|place| {
                if place % 10 == 0 {
                    self.uuid_seed = self.uuid_seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
                    bits = mixed(self.uuid_seed);
                }
                let letter = usize::try_from(bits & 63).unwrap_or(0);
                bits >>= 6;
                char::from(LETTERS[letter])
            })
            .collect()
    }

    pub(crate) fn fault_for(&self, name: &str) -> Option<SnapshotFault> {
        let rule = self.faults.iter().rev().find(|rule| name.contains(&rule.name_contains));
        rule.map(|rule| rule.fault.clone())
    }

    pub(crate) fn new_index(&mut self, name: &str) -> Index {
        Index {
            uuid: self.uuid(),
            provided_name: name.to_owned(),
            created_millis: self.wall.millis(),
            version_created: self.dialect.version_id,
            shards: self.options.shards_per_index.max(1),
            replicas: 0,
            hidden: false,
            closed: false,
            red: false,
            history_uuid: None,
            settings: BTreeMap::new(),
            mappings: Value::Object(Map::new()),
            aliases: BTreeMap::new(),
            documents: Documents::default(),
            recovery: Recovery {
                source: None,
                started: self.now,
                started_millis: self.wall.millis(),
                until: self.now,
                restarted: false,
            },
        }
    }

    /// A cluster setting: transient before persistent.
    pub(crate) fn setting(&self, name: &str) -> Option<&Value> {
        self.transient.get(name).or_else(|| self.persistent.get(name))
    }

    /// The process dies: running snapshots leave no trace, restores stay red for ever.
    pub(crate) fn crash(&mut self) {
        self.running.clear();
        for index in self.indices.values_mut() {
            if index.restoring(self.now) {
                index.red = true;
            }
            index.recovery.restarted = true;
        }
    }
}

fn mixed(seed: u64) -> u64 {
    let a = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    b ^ (b >> 31)
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("options", &self.options)
            .field("now", &self.now)
            .field("indices", &self.indices.keys())
            .field("repositories", &self.repositories.keys())
            .field("running", &self.running.iter().map(|snapshot| &snapshot.name).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
