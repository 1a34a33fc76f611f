//! A transport that replays what a simulated cluster has answered, up to the moment at which a run waits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use camunda_backup::testing::{SimulatedCluster, SimulationOptions, StoreKind};
use camunda_backup::{
    BackupSpec, Cluster, ClusterConfig, Component, Request, Response, Transport, TransportError,
};

/// The first and the last answer to each request of a run, by method and address.
#[derive(Debug, Default)]
pub(crate) struct Recorded(HashMap<String, (Response, Response)>);

fn key(request: &Request) -> String {
    format!("{} {}", request.method, request.url)
}

/// Records a whole run up to its first waits, which take an hour.
pub(crate) async fn record(spec: BackupSpec) -> (Arc<Recorded>, ClusterConfig) {
    let options = SimulationOptions::new("8.6.0".parse().expect("a version"), StoreKind::Elasticsearch8);
    let simulated = SimulatedCluster::with(options);
    simulated.store().set_snapshot_duration(|_, _| Duration::from_secs(3600));
    tokio::time::sleep(Duration::from_secs(10)).await;

    let recorder = Arc::new(Recorder { to: simulated.transport(), answers: Mutex::default() });
    let config = simulated.config().expect("a configuration");
    let mut parts = simulated.connect_options();
    parts.transport = Some(recorder.clone());
    let cluster = Cluster::connect_with(config.clone(), parts).await.expect("a connection");
    let plan = cluster.plan_backup(spec).expect("a plan");
    let run = cluster.start(plan).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    // What comes after this, when the run stops, is not recorded.
    let answers = std::mem::take(&mut *recorder.answers.lock().unwrap_or_else(PoisonError::into_inner));
    drop(run);
    (Arc::new(Recorded(answers)), config)
}

#[derive(Debug)]
struct Recorder {
    to: Arc<dyn Transport>,
    answers: Mutex<HashMap<String, (Response, Response)>>,
}

#[async_trait]
impl Transport for Recorder {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let key = key(&request);
        let answer = self.to.send(request).await?;
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.entry(key).or_insert_with(|| (answer.clone(), answer.clone())).1 = answer.clone();
        Ok(answer)
    }
}

/// The replay for one run: a component answers as at first until its backup was asked for, then as at last.
#[derive(Debug)]
pub(crate) struct Replay {
    recorded: Arc<Recorded>,
    asked: AtomicU8,
}

impl Replay {
    /// A run of its own on the shared record.
    pub(crate) fn new(recorded: Arc<Recorded>) -> Self {
        Self { recorded, asked: AtomicU8::new(0) }
    }
}

#[async_trait]
impl Transport for Replay {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let component = match request.component {
            Component::Operate => 1,
            Component::Tasklist => 2,
            Component::Optimize => 4,
            _ => 0,
        };
        let asked = self.asked.load(Ordering::Relaxed) & component != 0;
        if request.operation.ends_with("backups.create") {
            self.asked.fetch_or(component, Ordering::Relaxed);
        }
        let (first, last) = self.recorded.0.get(&key(&request)).expect("a request that was recorded");
        Ok(if asked { last.clone() } else { first.clone() })
    }
}
