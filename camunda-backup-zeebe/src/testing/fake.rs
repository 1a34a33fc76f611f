//! The simulated installation as the outside sees it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use camunda_backup_core::clock::SimulatedClock;
use camunda_backup_core::{BrokerId, Component, PartitionId, Request};

use crate::testing::control::observe::{PartitionBackupView, PauseEvent, ZeebeBackupView};
use crate::testing::control::options::CamundaOptions;
use crate::testing::state::partition::Phase;
use crate::testing::state::world::World;
use crate::testing::state::zeebe_backup::PartState;
use crate::testing::store::SecondaryStore;
use crate::testing::wire::answer::Answer;

/// Base URLs, without a trailing slash. Everything is plain HTTP without a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// Management port of the gateway (8.8+: of the orchestration cluster).
    pub gateway: String,
    /// REST API on the application port. Nobody listens there up to 8.4.
    pub rest: String,
    /// Management port of each broker.
    pub brokers: Vec<(BrokerId, String)>,
    /// Operate's management port, if it runs.
    pub operate: Option<String>,
    /// Tasklist's management port, if it runs.
    pub tasklist: Option<String>,
    /// Management port of the combined web applications (8.8+), the gateway's.
    pub webapps: Option<String>,
    /// Optimize's management port, if it runs.
    pub optimize: Option<String>,
}

/// A simulated Camunda installation. Clones share one state.
#[derive(Clone, Debug)]
pub struct FakeCamunda {
    world: Arc<Mutex<World>>,
}

impl FakeCamunda {
    /// A running installation in which nothing has happened yet.
    pub fn new(options: CamundaOptions, clock: SimulatedClock, store: Arc<dyn SecondaryStore>) -> Self {
        let mut world = World::new(options, clock, store);
        world.tick();
        world.write_documents();
        Self { world: Arc::new(Mutex::new(world)) }
    }

    /// Caught up with the clock, and locked.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.tick();
        world
    }

    /// Where everything listens.
    pub fn addresses(&self) -> Addresses {
        let world = self.world();
        let options = &world.options;
        let port = world.dialect.webapp_port();
        let gateway = "http://zeebe.sim:9600".to_owned();
        let broker = |id: u32| (BrokerId::from(id), format!("http://broker-{id}.sim:9600"));
        Addresses {
            rest: "http://zeebe.sim:8080".to_owned(),
            brokers: world.brokers.iter().map(|b| broker(b.id)).collect(),
            operate: options.operate.then(|| format!("http://operate.sim:{port}")),
            tasklist: options.tasklist.then(|| format!("http://tasklist.sim:{port}")),
            webapps: options.webapps.then(|| gateway.clone()),
            optimize: options.optimize.then(|| "http://optimize.sim:8092".to_owned()),
            gateway,
        }
    }

    /// Answers a request by its URL's host and port. The effect takes place now, also behind [`Answer::Hang`].
    pub fn answer(&self, request: &Request) -> Answer {
        self.world().answer(request)
    }

    /// Catches up with the clock: writes and exports records, imports them, runs snapshot queues, ends backups.
    pub fn tick(&self) {
        self.world().write_documents();
    }

    /// Whether each replica exports.
    pub fn phases(&self) -> BTreeMap<(BrokerId, PartitionId), Phase> {
        let world = self.world();
        let named = |(key, phase): (&(u32, u32), Phase)| ((BrokerId::from(key.0), PartitionId(key.1)), phase);
        world.replicas.iter().map(|(key, replica)| named((key, replica.phase))).collect()
    }

    /// Every effect of a pause or resume on a replica, in order.
    pub fn pause_history(&self) -> Vec<PauseEvent> {
        self.world().history.clone()
    }

    /// A Zeebe backup as the partitions hold it; `None` before any has begun and after a delete.
    pub fn backup(&self, id: i64) -> Option<ZeebeBackupView> {
        let world = self.world();
        let backup = world.backups.find(id)?;
        let parts = backup.parts.iter().map(|part| PartitionBackupView {
            partition: PartitionId(part.partition),
            state: match &part.state {
                PartState::InProgress => "IN_PROGRESS",
                PartState::Completed => "COMPLETED",
                PartState::Failed(_) => "FAILED",
            }
            .to_owned(),
            checkpoint_position: part.checkpoint,
            exported_position: part.exported,
            processed_position: part.processed,
            created: part.created,
            completed: part.completed,
        });
        Some(ZeebeBackupView { id, partitions: parts.collect() })
    }

    /// The ids of all Zeebe backups that exist.
    pub fn backup_ids(&self) -> Vec<i64> {
        self.world().backups.taken.iter().map(|backup| backup.id).collect()
    }

    /// How often a request that starts a backup was received, refused ones included, per component and id.
    pub fn backup_posts(&self) -> BTreeMap<(Component, i64), u32> {
        self.world().posts.clone()
    }

    /// `X_p`: the position acknowledged by the exporter, per partition.
    pub fn exported_positions(&self) -> BTreeMap<PartitionId, u64> {
        self.world().partitions.iter().map(|p| (PartitionId(p.id), p.exported)).collect()
    }

    /// The position that a snapshot taken now would contain, per partition.
    pub fn persisted_positions(&self) -> BTreeMap<PartitionId, u64> {
        self.world().partitions.iter().map(|p| (PartitionId(p.id), p.persisted)).collect()
    }

    /// The highest position that has ever reached the store, per partition.
    pub fn written_positions(&self) -> BTreeMap<PartitionId, u64> {
        self.world().partitions.iter().map(|p| (PartitionId(p.id), p.written)).collect()
    }

    /// The position of the last record, per partition.
    pub fn log_positions(&self) -> BTreeMap<PartitionId, u64> {
        self.world().partitions.iter().map(|p| (PartitionId(p.id), p.position)).collect()
    }
}
