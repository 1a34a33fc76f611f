//! Everything that is simulated, and how it moves in time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::clock::SimulatedClock;
use camunda_backup_core::{BrokerId, CamundaVersion, Clock, Component, PartitionId, Timestamp};

use crate::testing::api::topology::ClusterConfiguration;
use crate::testing::control::observe::{PauseEvent, PauseKind, PausedReplica};
use crate::testing::control::options::CamundaOptions;
use crate::testing::state::partition::{MarkerStyle, Partition, Phase, Replica};
use crate::testing::state::snapshot_queue::{App, WebApp};
use crate::testing::state::zeebe_backup::ZeebeBackups;
use crate::testing::store::SecondaryStore;
use crate::testing::wire::dialect::Dialect;

/// Until a dead broker disappears from the topology.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10);
/// How long a gateway knows nothing after its start.
const GATEWAY_START: Duration = Duration::from_secs(6);

/// One broker process.
#[derive(Debug, Clone)]
pub(crate) struct Broker {
    pub id: u32,
    pub alive: bool,
    /// When it has joined its partitions; later than now while it starts.
    pub ready_at: Duration,
    pub died_at: Duration,
    pub free_disk_bytes: u64,
}

#[derive(Debug)]
pub(crate) struct World {
    pub options: CamundaOptions,
    pub dialect: Dialect,
    pub clock: SimulatedClock,
    pub store: Arc<dyn SecondaryStore>,
    /// Up to when everything has been simulated.
    pub now: Duration,
    pub brokers: Vec<Broker>,
    pub partitions: Vec<Partition>,
    pub replicas: BTreeMap<(u32, u32), Replica>,
    pub backups: ZeebeBackups,
    pub apps: BTreeMap<App, WebApp>,
    pub gateway_alive: bool,
    pub gateway_knows_at: Duration,
    pub cluster: ClusterConfiguration,
    pub versions: BTreeMap<Component, CamundaVersion>,
    pub history: Vec<PauseEvent>,
    pub posts: BTreeMap<(Component, i64), u32>,
    /// Grows with every list that is answered: nothing is sorted.
    pub shuffle: usize,
    /// The exporter's phase on a replica where it is neither running nor paused: the word that is shown.
    pub other_phases: BTreeMap<(u32, u32), String>,
    /// The store of an application that is configured with another one.
    pub other_stores: BTreeMap<App, Arc<dyn SecondaryStore>>,
    /// Positions that the documents in the store show, for records and for each importer.
    pub flushed: BTreeMap<(Option<App>, u32), u64>,
}

impl World {
    pub(crate) fn new(
        options: CamundaOptions,
        clock: SimulatedClock,
        store: Arc<dyn SecondaryStore>,
    ) -> Self {
        let brokers: Vec<Broker> = (0..options.brokers.max(1)).map(Broker::new).collect();
        let count = options.brokers.max(1);
        let partitions: Vec<Partition> = (1..=options.partitions.max(1))
            .map(|id| {
                let replicas = (0..options.replication.clamp(1, count)).map(|i| (id - 1 + i) % count);
                Partition::new(id, replicas.collect())
            })
            .collect();
        let replicas = partitions
            .iter()
            .flat_map(|partition| {
                partition.replicas.iter().map(|broker| ((*broker, partition.id), Replica::new()))
            })
            .collect();
        let apps = App::deployed(&options).into_iter().map(|app| (app, WebApp::new(app, &options))).collect();
        Self {
            dialect: Dialect::of(&options.version),
            now: clock.elapsed(),
            brokers,
            partitions,
            replicas,
            backups: ZeebeBackups::default(),
            apps,
            gateway_alive: true,
            gateway_knows_at: Duration::ZERO,
            cluster: ClusterConfiguration::new(&options),
            versions: BTreeMap::new(),
            history: Vec::new(),
            posts: BTreeMap::new(),
            shuffle: 0,
            other_phases: BTreeMap::new(),
            other_stores: BTreeMap::new(),
            flushed: BTreeMap::new(),
            options,
            clock,
            store,
        }
    }

    /// Wall time at a simulated moment that is not later than now.
    pub(crate) fn wall(&self, at: Duration) -> Timestamp {
        let ago = self.clock.elapsed().saturating_sub(at);
        let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
        Timestamp::from_millis(self.clock.now().millis().saturating_sub(ago))
    }

    pub(crate) fn store_of(&self, app: App) -> &Arc<dyn SecondaryStore> {
        self.other_stores.get(&app).unwrap_or(&self.store)
    }

    pub(crate) fn repository_of(&self, app: App) -> &str {
        self.options.repository_of.get(&app.component()).unwrap_or(&self.options.repository)
    }

    /// Whether a restarted broker has not opened its exporter of a partition yet.
    pub(crate) fn exporter_is_closed(&self, broker: u32, partition: &Partition) -> bool {
        let restarted = self.broker(broker).filter(|broker| !broker.ready_at.is_zero());
        let led_since = if partition.leader == Some(broker) { partition.led_since } else { Duration::ZERO };
        restarted.is_some_and(|broker| {
            self.now < broker.ready_at.max(led_since) + self.options.exporters_open_after
        })
    }

    pub(crate) fn version_of(&self, component: &Component) -> CamundaVersion {
        self.versions.get(component).unwrap_or(&self.options.version).clone()
    }

    pub(crate) fn count_post(&mut self, component: Component, id: i64) {
        *self.posts.entry((component, id)).or_default() += 1;
    }

    /// Catches up with the clock: records, exports, elections, partition backups, snapshot queues. The documents are
    /// written only when somebody can see them: before a snapshot and in [`FakeCamunda::tick`](crate::testing::FakeCamunda::tick).
    pub(crate) fn tick(&mut self) {
        let target = self.clock.elapsed();
        while let Some(at) = self.backups.next_event().filter(|at| *at <= target) {
            self.advance(at);
            self.run_backup_events();
        }
        self.advance(target);
        self.run_queues();
    }

    fn advance(&mut self, to: Duration) {
        let passed = to.saturating_sub(self.now);
        self.now = self.now.max(to);
        self.elect_leaders();
        let store_is_down = self.store.is_down();
        let exporters_run = self.cluster.exporters_run();
        for index in 0..self.partitions.len() {
            let phase = self.leader_phase(index);
            let has_majority = self.has_majority(index);
            let partition = &mut self.partitions[index];
            if phase.is_some() && has_majority {
                partition.write_records(self.options.records_per_second, passed);
                let runs =
                    partition.leader.is_none_or(|id| !self.other_phases.contains_key(&(id, partition.id)));
                let spacing = self.options.exporter_flush;
                match phase {
                    _ if !runs || store_is_down || !exporters_run => {}
                    Some(Phase::Exporting | Phase::SoftPaused) => {
                        partition.read_records();
                        partition.flush(to, spacing, phase == Some(Phase::Exporting));
                    }
                    Some(Phase::Paused) if partition.read > partition.exported => {
                        partition.flush(to, spacing, true);
                    }
                    _ => {}
                }
            }
            partition.sample(to);
        }
    }

    /// The phase of the replica that leads; `None` without a leader.
    fn leader_phase(&self, index: usize) -> Option<Phase> {
        let partition = &self.partitions[index];
        self.replicas.get(&(partition.leader?, partition.id)).map(|replica| replica.phase)
    }

    pub(crate) fn has_majority(&self, index: usize) -> bool {
        let replicas = &self.partitions[index].replicas;
        replicas.iter().filter(|id| self.is_ready(**id)).count() * 2 > replicas.len()
    }

    pub(crate) fn broker(&self, id: u32) -> Option<&Broker> {
        self.brokers.iter().find(|broker| broker.id == id)
    }

    pub(crate) fn is_alive(&self, id: u32) -> bool {
        self.broker(id).is_some_and(|broker| broker.alive)
    }

    pub(crate) fn is_ready(&self, id: u32) -> bool {
        let corrupt = self
            .replicas
            .iter()
            .any(|((broker, _), replica)| *broker == id && replica.phase == Phase::Corrupt);
        !corrupt && self.broker(id).is_some_and(|broker| broker.alive && broker.ready_at <= self.now)
    }

    /// Whether the gateway still (or again) lists the broker.
    pub(crate) fn is_visible(&self, id: u32) -> bool {
        self.broker(id).is_some_and(|broker| broker.alive || self.now < broker.died_at + FORGOTTEN_AFTER)
    }

    /// Whether the gateway knows all replicas of all partitions (dead brokers count until they are forgotten).
    pub(crate) fn topology_is_complete(&self) -> bool {
        self.replicas.keys().all(|(broker, _)| {
            self.is_visible(*broker) && (!self.is_alive(*broker) || self.is_ready(*broker))
        })
    }

    /// Whether the gateway has no partition in its topology yet.
    pub(crate) fn gateway_is_ignorant(&self) -> bool {
        self.now < self.gateway_knows_at
    }

    pub(crate) const fn marker_style(&self) -> MarkerStyle {
        match self.options.version.line() {
            (8, 1) => MarkerStyle::Empty,
            (8, minor) if minor >= 10 => MarkerStyle::None,
            _ => MarkerStyle::Word,
        }
    }

    pub(crate) fn note(&mut self, key: (u32, u32), what: PauseKind, foreign: bool) {
        let replica = PausedReplica { broker: BrokerId::from(key.0), partition: PartitionId(key.1) };
        self.history.push(PauseEvent { at: self.now, replica, what, foreign });
    }

    /// One replica pauses or resumes; the leader's exporter keeps what it had acknowledged when it resumes.
    pub(crate) fn change_phase(&mut self, key: (u32, u32), what: PauseKind, foreign: bool) {
        let marker = self.marker_style();
        let Some(replica) = self.replicas.get_mut(&key) else { return };
        match what {
            PauseKind::Hard => replica.pause(false, marker),
            PauseKind::Soft => replica.pause(true, marker),
            PauseKind::Resume | PauseKind::Lost => replica.resume(),
        }
        self.note(key, what, foreign);
    }

    pub(crate) fn restart_gateway(&mut self) {
        self.gateway_alive = true;
        self.gateway_knows_at = self.now + GATEWAY_START;
    }

    /// The next number for mixing up lists.
    pub(crate) fn shuffled<T>(&mut self, mut items: Vec<T>) -> Vec<T> {
        self.shuffle = self.shuffle.wrapping_add(1);
        if !items.is_empty() {
            let by = self.shuffle % items.len();
            items.rotate_left(by);
        }
        items
    }
}

impl Broker {
    pub(crate) fn new(id: u32) -> Self {
        Self {
            id,
            alive: true,
            ready_at: Duration::ZERO,
            died_at: Duration::ZERO,
            free_disk_bytes: 50 * 1024 * 1024 * 1024,
        }
    }
}
