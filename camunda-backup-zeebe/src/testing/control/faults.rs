//! What can be done to the simulation: deaths, restarts, faults, and other people.

use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::{BrokerId, CamundaVersion, Component, PartitionId};

use crate::testing::control::observe::PauseKind;
use crate::testing::fake::FakeCamunda;
use crate::testing::state::partition::Replica;
use crate::testing::state::snapshot_queue::App;
use crate::testing::state::world::Broker;
use crate::testing::store::SecondaryStore;

/// The object store of the Zeebe backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BucketState {
    /// It works.
    #[default]
    Ok,
    /// It cannot be reached, or the bucket does not exist: POST is accepted, nothing is ever written.
    Missing,
    /// It takes connections and never answers: reads time out after 15 s.
    Hanging,
    /// The brokers have no store: 400 from 8.2 on.
    NotConfigured,
    /// 8.1 without its feature switch: 500 for everything.
    FeatureOff,
}

/// What becomes of the next Zeebe backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ZeebeBackupOutcome {
    /// They complete.
    #[default]
    Complete,
    /// The first partition fails at once.
    Fail,
    /// They stay `IN_PROGRESS`.
    NeverEnds,
    /// The POST is answered 504 after 15 s and runs 35 s later, on the first partition only.
    GhostAfter504,
}

fn number(id: &BrokerId) -> u32 {
    id.as_str().parse().unwrap_or(u32::MAX)
}

impl FakeCamunda {
    /// Kills a broker's process. Others take over after about 7 s, the topology forgets it after 10 s.
    pub fn kill_broker(&self, id: &BrokerId) {
        self.world().kill_broker(number(id));
    }

    /// Starts a broker (or restarts a running one); it is ready after 4 s. Pauses come back from its marker files; a
    /// file that says `PAUSEDAUSED` keeps it from ever getting ready.
    pub fn restart_broker(&self, id: &BrokerId) {
        self.world().start_broker(number(id));
    }

    /// Adds a broker that holds a further replica of partition 1, EXPORTING whatever the others do (8.10: it
    /// inherits the pause). Returns its id.
    pub fn join_fresh_replica(&self) -> BrokerId {
        let mut world = self.world();
        let id = world.brokers.iter().map(|broker| broker.id + 1).max().unwrap_or_default();
        world.brokers.push(Broker::new(id));
        let inherited = world.replicas.values().next().map(|replica| replica.phase);
        let mut replica = Replica::new();
        if let (true, Some(phase)) = (world.dialect.keeps_pause_in_configuration(), inherited) {
            replica.phase = phase;
        }
        if let Some(partition) = world.partitions.first_mut() {
            partition.replicas.push(id);
            let partition = partition.id;
            world.replicas.insert((id, partition), replica);
        }
        BrokerId::from(id)
    }

    /// Takes a broker out of the cluster for good, as a forced removal does: the configuration forgets it.
    pub fn remove_broker(&self, id: &BrokerId) {
        let (mut world, id) = (self.world(), number(id));
        world.kill_broker(id);
        world.brokers.retain(|broker| broker.id != id);
        for partition in &mut world.partitions {
            partition.replicas.retain(|replica| *replica != id);
        }
        world.replicas.retain(|(broker, _), _| *broker != id);
    }

    /// A broker loses its pauses without a resume, as on a new disk.
    pub fn lose_phase(&self, id: &BrokerId) {
        let mut world = self.world();
        let keys: Vec<(u32, u32)> =
            world.replicas.keys().copied().filter(|key| key.0 == number(id)).collect();
        for key in keys {
            world.change_phase(key, PauseKind::Lost, true);
        }
    }

    /// Restarts the stand-alone gateway (8.8+: the view of the cluster): for 6 s it knows no partition.
    pub fn restart_gateway(&self) {
        self.world().restart_gateway();
    }

    /// Stops the stand-alone gateway until [`FakeCamunda::restart_gateway`]. No effect from 8.8 on.
    pub fn kill_gateway(&self) {
        self.world().gateway_alive = false;
    }

    /// Changes the object store of the Zeebe backups.
    pub fn set_bucket(&self, bucket: BucketState) {
        self.world().change_bucket(bucket);
    }

    /// Decides what becomes of the next Zeebe backups.
    pub fn set_zeebe_backup_outcome(&self, outcome: ZeebeBackupOutcome) {
        self.world().backups.outcome = outcome;
    }

    /// 8.9+: continuous mode. Ids are generated, a POST with an id is refused.
    pub fn set_generated_ids(&self, generated: bool) {
        self.world().backups.generates_ids = generated;
    }

    /// Kills Operate.
    pub fn kill_operate(&self) {
        self.stop_app(App::Operate);
    }

    /// Starts Operate again; the parts it still had to snapshot are forgotten.
    pub fn restart_operate(&self) {
        self.restart_app(App::Operate);
    }

    /// Kills Tasklist.
    pub fn kill_tasklist(&self) {
        self.stop_app(App::Tasklist);
    }

    /// Starts Tasklist again; the parts it still had to snapshot are forgotten.
    pub fn restart_tasklist(&self) {
        self.restart_app(App::Tasklist);
    }

    /// Kills Optimize.
    pub fn kill_optimize(&self) {
        self.stop_app(App::Optimize);
    }

    /// Starts Optimize again; the parts it still had to snapshot are forgotten.
    pub fn restart_optimize(&self) {
        self.restart_app(App::Optimize);
    }

    /// The process with the combined web applications restarts (8.8+): its snapshot queue is gone.
    pub fn restart_webapps(&self) {
        self.restart_app(App::Webapps);
    }

    /// An application reads and writes another store than the exporters do. No effect on a component that is no
    /// application.
    pub fn use_store(&self, application: &Component, store: Arc<dyn SecondaryStore>) {
        let mut world = self.world();
        let found = world.apps.keys().copied().find(|app| app.component() == *application);
        if let Some(app) = found {
            world.other_stores.insert(app, store);
            world.flushed.retain(|(of, _), _| *of != Some(app));
        }
    }

    /// The exporter on one replica shows this phase (`CLOSED`, or a word of the future) and delivers nothing, whatever is
    /// paused or resumed, until the broker restarts; `None` ends it.
    pub fn set_exporter_phase(&self, id: &BrokerId, partition: PartitionId, phase: Option<&str>) {
        let (mut world, key) = (self.world(), (number(id), partition.0));
        match phase {
            Some(phase) => world.other_phases.insert(key, phase.to_owned()),
            None => world.other_phases.remove(&key),
        };
    }

    /// The raw records get this prefix from now on; those written before stay as they are.
    pub fn set_record_prefix(&self, prefix: &str) {
        let mut world = self.world();
        world.write_documents();
        prefix.clone_into(&mut world.options.record_prefix);
    }

    /// How many records per second each partition writes from now on.
    pub fn set_records_per_second(&self, rate: u32) {
        self.world().options.records_per_second = rate;
    }

    /// Whether the store takes the connections of all web applications and never answers: they give up after 30 s.
    pub fn set_store_hangs(&self, hangs: bool) {
        for app in self.world().apps.values_mut() {
            app.store_hangs = hangs;
        }
    }

    fn stop_app(&self, app: App) {
        if let Some(app) = self.world().apps.get_mut(&app) {
            app.alive = false;
            app.forget_queue();
        }
    }

    fn restart_app(&self, app: App) {
        if let Some(app) = self.world().apps.get_mut(&app) {
            app.alive = true;
            app.forget_queue();
        }
    }

    /// How long one part may take before Operate's, Tasklist's or Optimize's queue ends silently. At the start 30 s
    /// up to 8.7 and no limit from 8.8 on; `None` = no limit.
    pub fn set_part_timeout(&self, timeout: Option<Duration>) {
        for app in self.world().apps.values_mut() {
            app.part_timeout = timeout;
        }
    }

    /// Another actor pauses exporting through a gateway, now and successfully.
    pub fn foreign_pause(&self, soft: bool) {
        self.foreign_change(if soft { PauseKind::Soft } else { PauseKind::Hard });
    }

    /// Another actor resumes exporting, now and successfully.
    pub fn foreign_resume(&self) {
        self.foreign_change(PauseKind::Resume);
    }

    fn foreign_change(&self, what: PauseKind) {
        let mut world = self.world();
        let keys: Vec<(u32, u32)> = world.replicas.keys().copied().collect();
        for key in keys {
            world.change_phase(key, what, true);
            world.keep_acknowledged(key, what);
        }
    }

    /// A finished Zeebe backup that somebody else took; its id counts as the latest if it is.
    pub fn add_foreign_backup(&self, id: i64) {
        self.world().add_foreign_backup(id);
    }

    /// Whether a change of the cluster is pending (8.4+).
    pub fn set_pending_change(&self, pending: bool) {
        let mut world = self.world();
        let at = world.now;
        world.cluster.set_pending(pending, at);
    }

    /// Whether the exporters are enabled (8.6+ shows it); a disabled one delivers nothing.
    pub fn set_exporter_enabled(&self, enabled: bool) {
        self.world().cluster.set_exporters_enabled(enabled);
    }

    /// What a component says its version is. For [`Component::Zeebe`] the gateway's; brokers have their own.
    pub fn set_component_version(&self, component: Component, version: CamundaVersion) {
        self.world().versions.insert(component, version);
    }

    /// The free disk space that a broker's health reports, in bytes.
    pub fn set_free_disk(&self, id: &BrokerId, bytes: u64) {
        let mut world = self.world();
        if let Some(broker) = world.brokers.iter_mut().find(|broker| broker.id == number(id)) {
            broker.free_disk_bytes = bytes;
        }
    }
}
