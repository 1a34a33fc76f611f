//! The clients against the simulated Camunda, in every dialect: two independent readings of the same reference.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use camunda_backup_core::clock::SimulatedClock;
use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::transport::{Transport, TransportError, TransportErrorKind};
use camunda_backup_core::{
    Auth, BackupId, Component, Endpoint, HttpClient, Request, Response, Result, Timestamp,
};

use crate::testing::{Answer, CamundaOptions, FakeCamunda, MemoryStore, SecondaryStore};
use crate::{
    BackupState, ClusterApi, Dialect, ExporterPhase, Exporters, Exporting, ExportingStatus, HistoryBackups,
    OptimizeBackups, Partitions, PauseAnswer, PauseMode, RuntimeBackups, Topology, TopologyClient,
    detect_version,
};

#[derive(Debug, Clone)]
struct Simulation {
    camunda: FakeCamunda,
    store: Arc<MemoryStore>,
    dialect: Dialect,
}

#[async_trait]
impl Transport for Simulation {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let mut answer = self.camunda.answer(&request);
        loop {
            answer = match answer {
                Answer::Response(response) => return Ok(response),
                Answer::NoConnection => {
                    return Err(TransportError::new(TransportErrorKind::Connect, "nobody listens"));
                }
                Answer::Hang(delay, then) => {
                    tokio::time::sleep(delay).await;
                    *then
                }
            };
        }
    }
}

impl Simulation {
    fn new(version: &camunda_backup_core::CamundaVersion, dialect: Dialect) -> Self {
        let clock = SimulatedClock::starting_at(Timestamp::from_millis(1_795_229_686_000));
        let store = Arc::new(MemoryStore::new(clock, "backups"));
        let options = CamundaOptions::for_version(version.clone());
        let camunda = FakeCamunda::new(options, clock, Arc::clone(&store) as Arc<dyn SecondaryStore>);
        Self { camunda, store, dialect }
    }

    fn http(&self, component: Component, base: &str) -> HttpClient {
        let endpoint = Endpoint::new(base).unwrap().with_auth(Auth::basic("demo", "demo-password"));
        HttpClient::new(Arc::new(self.clone()), component, endpoint).unwrap()
    }

    /// Where backups and pauses are asked for in this dialect.
    fn management(&self, component: Component) -> HttpClient {
        let addresses = self.camunda.addresses();
        self.http(component, if self.dialect.speaks_rest() { &addresses.rest } else { &addresses.gateway })
    }

    fn partitions(&self) -> Vec<Partitions> {
        let brokers = self.camunda.addresses().brokers;
        let client = |(id, base)| Partitions::new(self.http(Component::Broker(id), base), self.dialect);
        brokers.iter().map(|(id, base)| client((id.clone(), base.as_str()))).collect()
    }

    fn history(&self) -> Vec<HistoryBackups> {
        let addresses = self.camunda.addresses();
        let clients = if self.dialect.combined_webapps() {
            vec![self.management(Component::Webapps)]
        } else {
            vec![
                self.http(Component::Operate, &addresses.operate.unwrap()),
                self.http(Component::Tasklist, &addresses.tasklist.unwrap()),
            ]
        };
        clients.into_iter().map(|http| HistoryBackups::new(http, self.dialect)).collect()
    }
}

/// Every dialect, and 8.10 a second time on its actuators.
fn simulations() -> Vec<(String, Simulation)> {
    let mut all = Vec::new();
    for (version, dialect) in Dialect::all() {
        all.push((version.to_string(), Simulation::new(&version, dialect)));
        if dialect.speaks_rest() {
            all.push((format!("{version} on actuators"), Simulation::new(&version, dialect.without_rest())));
        }
    }
    all
}

/// Looks every 100 ms of simulated time until the state is final; unavailable means "look again".
async fn end_of<F: Future<Output = Result<BackupState>>>(look: impl Fn() -> F) -> Result<BackupState> {
    for _ in 0..600 {
        match look().await {
            Ok(state) if state.is_completed() || state.is_terminal_failure() => return Ok(state),
            Err(error) if !error.kind().is_transient() => return Err(error),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    panic!("no end within a minute")
}

fn id() -> BackupId {
    BackupId::new(1_795_229_700).unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_dialect_is_detected() {
    for (name, simulation) in simulations() {
        let addresses = simulation.camunda.addresses();
        let mut all = vec![(Component::Zeebe, addresses.gateway.clone())];
        all.extend(addresses.brokers.into_iter().map(|(id, base)| (Component::Broker(id), base)));
        all.extend(addresses.operate.map(|base| (Component::Operate, base)));
        all.extend(addresses.tasklist.map(|base| (Component::Tasklist, base)));
        all.extend(addresses.webapps.map(|base| (Component::Webapps, base)));
        for (component, base) in all {
            let detected = detect_version(&simulation.http(component.clone(), &base)).await.unwrap();
            let line = simulation.dialect.line;
            match detected.version {
                Some(version) => assert_eq!(version.line(), line, "{name} {component}"),
                None => assert!(
                    detected.at_most.is_some_and(|most| line <= (8, 3) && line <= most.line()),
                    "{name}"
                ),
            }
        }
        let swapped =
            if simulation.dialect.combined_webapps() { Component::Operate } else { Component::Webapps };
        let error = detect_version(&simulation.http(swapped, &addresses.gateway)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongComponent, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn zeebe_backs_itself_up_in_every_dialect() {
    for (name, simulation) in simulations() {
        let client = RuntimeBackups::new(simulation.management(Component::Zeebe), simulation.dialect);
        assert_eq!(client.status(id()).await.unwrap().state, BackupState::NotVisible, "{name}");
        client.create(id()).await.unwrap();
        let end = end_of(|| async { Ok(client.status(id()).await?.state) }).await.unwrap();
        assert_eq!(end, BackupState::Completed, "{name}");
        let backup = client.status(id()).await.unwrap();
        assert_eq!((backup.id, backup.partitions.len()), (id().value(), 3), "{name}");
        for partition in &backup.partitions {
            let processed = partition.snapshot_processed_position();
            assert!(
                processed.is_none_or(|processed| Some(processed) < partition.checkpoint_position),
                "{name}"
            );
        }
        if simulation.dialect.line == (8, 1) {
            client.create(id()).await.expect("8.1 refuses nothing");
            continue;
        }
        assert_eq!(client.list().await.unwrap().len(), 1, "{name}");
        assert_eq!(client.create(id()).await.unwrap_err().kind(), ErrorKind::Conflict, "{name}");
        if simulation.dialect.checkpoint_state {
            client.checkpoint_state().await.unwrap();
        }
        client.delete(id()).await.unwrap();
        assert_eq!(client.status(id()).await.unwrap().state, BackupState::NotVisible, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn applications_back_themselves_up_in_every_dialect() {
    for (name, simulation) in simulations() {
        for client in simulation.history() {
            let name = format!("{name} {}", client.component());
            assert_eq!(client.status(id()).await.unwrap().state, BackupState::NotVisible, "{name}");
            let scheduled = client.create(id()).await.unwrap();
            assert!(!scheduled.snapshots.is_empty(), "{name}");
            let end = end_of(|| async { Ok(client.status(id()).await?.state) }).await.unwrap();
            assert_eq!(end, BackupState::Completed, "{name}");
            let again = client.create(id()).await.unwrap_err();
            assert_eq!(again.kind(), ErrorKind::Conflict, "{name}: {again}");
            if simulation.dialect.line > (8, 1) {
                let backup = client.status(id()).await.unwrap();
                assert_eq!(backup.parts.len(), scheduled.snapshots.len(), "{name}");
                assert_eq!(client.list().await.unwrap()[0].id, Some(id().value()), "{name}");
                client.delete(id()).await.unwrap();
                client.delete(id()).await.unwrap();
            }
        }
        let base = simulation.camunda.addresses().optimize.unwrap();
        let optimize = OptimizeBackups::new(simulation.http(Component::Optimize, &base), simulation.dialect);
        assert_eq!(optimize.status(id()).await.unwrap().state, BackupState::NotVisible, "{name}");
        optimize.create(id()).await.unwrap();
        let end = end_of(|| async { Ok(optimize.status(id()).await?.state) }).await.unwrap();
        assert_eq!(end, BackupState::Completed, "{name} optimize");
        assert_eq!(optimize.create(id()).await.unwrap_err().kind(), ErrorKind::Conflict, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn exporting_pauses_and_resumes_in_every_dialect() {
    for (name, simulation) in simulations() {
        let dialect = simulation.dialect;
        let client = Exporting::new(simulation.management(Component::Zeebe), dialect);
        let (mode, phase) = if dialect.soft_pause {
            (PauseMode::Soft, ExporterPhase::SoftPaused)
        } else {
            (PauseMode::Hard, ExporterPhase::Paused)
        };
        let answer = client.pause(mode).await.unwrap();
        let wanted = match dialect.line {
            (8, 10) => PauseAnswer::Rest,
            _ if dialect.soft_pause => PauseAnswer::Envelope,
            _ => PauseAnswer::Bare204,
        };
        assert_eq!(answer, wanted, "{name}");
        assert_eq!(phases(&simulation).await, [Some(phase)], "{name}");
        if dialect.speaks_rest() {
            assert_eq!(client.status().await.unwrap(), ExportingStatus::SoftPaused);
        } else {
            assert_eq!(client.status().await.unwrap_err().kind(), ErrorKind::Unsupported, "{name}");
        }
        client.resume().await.unwrap();
        assert_eq!(phases(&simulation).await, [Some(ExporterPhase::Exporting)], "{name}");
        let broker = &simulation.partitions()[0];
        match broker.resume_exporting().await {
            Ok(statuses) => assert!(!statuses.is_empty(), "{name}"),
            Err(error) => assert_eq!((dialect.line, error.kind()), ((8, 10), ErrorKind::Refused), "{name}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn q05_a_refused_resume_is_done_broker_by_broker() {
    for (name, simulation) in simulations() {
        if simulation.dialect.line == (8, 10) {
            continue; // Keeps the pause in the cluster configuration; brokers refuse.
        }
        let client = Exporting::new(simulation.management(Component::Zeebe), simulation.dialect);
        client.pause(PauseMode::Hard).await.unwrap();
        let dead = simulation.camunda.addresses().brokers[2].0.clone();
        simulation.camunda.kill_broker(&dead);
        let error = client.resume().await.unwrap_err();
        assert_eq!(error.outcome(), camunda_backup_core::Outcome::Unknown, "{name}: {error}");
        assert!(error.report().chars().count() < 1200, "{name}: {}", error.report());
        for broker in &simulation.partitions()[..2] {
            let statuses = broker.resume_exporting().await.unwrap();
            let mut shown = statuses.values().filter_map(|status| status.exporter_phase.clone());
            assert!(shown.all(|phase| phase == ExporterPhase::Exporting), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn q03_operate_on_opensearch_cannot_say_while_it_works_and_q24_a_foreign_snapshot_breaks_lists() {
    let version = camunda_backup_core::CamundaVersion::new(8, 6, 0);
    for opensearch in [true, false] {
        let simulation = Simulation::new(&version, Dialect::nearest(&version));
        simulation.store.set_opensearch(opensearch);
        for client in simulation.history() {
            let name = format!("{} on opensearch: {opensearch}", client.component());
            assert_eq!(client.status(id()).await.unwrap().state, BackupState::NotVisible, "{name}");
            client.create(id()).await.unwrap();
            let unsaid = std::sync::atomic::AtomicU32::new(0);
            let look = || async {
                let said = client.status(id()).await;
                if said.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unavailable) {
                    unsaid.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
                Ok(said?.state)
            };
            assert_eq!(end_of(look).await.unwrap(), BackupState::Completed, "{name}");
            let operate_on_opensearch = opensearch && *client.component() == Component::Operate;
            assert_eq!(unsaid.into_inner() > 0, operate_on_opensearch, "{name}");
        }
        if !opensearch {
            for client in simulation.history() {
                let foreign = format!("camunda_{}_by_hand", client.component());
                simulation.store.add_foreign_snapshot("backups", &foreign);
                let error = client.list().await.unwrap_err();
                assert!(
                    error
                        .advice()
                        .is_some_and(|advice| advice.contains("without the application's metadata"))
                );
            }
        }
    }
}

/// The distinct phases of all replicas that must show one.
async fn phases(simulation: &Simulation) -> Vec<Option<ExporterPhase>> {
    let mut phases = Vec::new();
    for broker in simulation.partitions() {
        let shown = broker.statuses().await.unwrap().into_values();
        let shown = shown.filter(|s| simulation.dialect.follower_phases || s.role == crate::Role::Leader);
        phases.extend(shown.map(|status| status.exporter_phase));
    }
    phases.sort();
    phases.dedup();
    phases
}

#[tokio::test(start_paused = true)]
async fn topology_members_and_exporters_are_seen_in_every_dialect() {
    for (name, simulation) in simulations() {
        let (dialect, addresses) = (simulation.dialect, simulation.camunda.addresses());
        let topology = if dialect.has_topology() {
            TopologyClient::new(simulation.http(Component::Rest, &addresses.rest), dialect)
                .topology()
                .await
                .unwrap()
        } else {
            let mut seen = std::collections::BTreeMap::new();
            for ((id, _), broker) in addresses.brokers.iter().zip(simulation.partitions()) {
                seen.insert(id.clone(), broker.statuses().await.unwrap());
            }
            Topology::from_partitions(&seen)
        };
        assert_eq!(topology.problems(), Vec::<String>::new(), "{name}");
        assert_eq!(
            (topology.cluster_size, topology.partitions_count, topology.replication_factor),
            (3, 3, 3)
        );
        let gateway = simulation.http(Component::Zeebe, &addresses.gateway);
        if dialect.cluster {
            let state = ClusterApi::new(gateway.clone(), dialect).state().await.unwrap();
            assert_eq!((state.brokers.len(), state.pending_change), (3, None), "{name}");
        }
        if dialect.exporters {
            assert!(!Exporters::new(gateway, dialect).list().await.unwrap().is_empty(), "{name}");
        }
    }
}
