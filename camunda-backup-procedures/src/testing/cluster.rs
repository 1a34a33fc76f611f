//! The simulated cluster: both fakes, one clock, one record of every request, and the faults that meet them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::transport::TransportErrorKind;
use camunda_backup_core::{
    Auth, CamundaVersion, Component, Endpoint, Error, RepositoryName, Request, Response, Result,
    SimulatedClock, Timestamp, Transport, TransportError,
};
use camunda_backup_es::testing::{FakeElasticsearch, StoreOptions};
use camunda_backup_zeebe::testing::{Answer, CamundaOptions, FakeCamunda};
use http::StatusCode;

use super::adapter::StoreOfCamunda;
use super::faults::{Fault, Rule, SeenRequest, seen};
use crate::connection::ConnectOptions;
use crate::connection::config::ClusterConfig;
use crate::journal::MemoryJournal;

/// The address of the simulated search store.
pub(super) const STORE_URL: &str = "http://store.sim:9200";
/// The host of the store that [`SimulationOptions::on_another_store`] is about.
pub(super) const OTHER_STORE_HOST: &str = "other-store.sim";

/// Which search store is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum StoreKind {
    /// Elasticsearch 7.17.
    Elasticsearch7,
    /// Elasticsearch 8.19.
    Elasticsearch8,
    /// Elasticsearch 9.4.
    Elasticsearch9,
    /// OpenSearch 1.3.
    OpenSearch1,
    /// OpenSearch 2.19.
    OpenSearch2,
    /// OpenSearch 3.6.
    OpenSearch3,
}

impl StoreKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Elasticsearch7,
        Self::Elasticsearch8,
        Self::Elasticsearch9,
        Self::OpenSearch1,
        Self::OpenSearch2,
        Self::OpenSearch3,
    ];

    fn options(self) -> StoreOptions {
        match self {
            Self::Elasticsearch7 => StoreOptions::elasticsearch("7.17.29"),
            Self::Elasticsearch8 => StoreOptions::elasticsearch("8.19.21"),
            Self::Elasticsearch9 => StoreOptions::elasticsearch("9.4.3"),
            Self::OpenSearch1 => StoreOptions::opensearch("1.3.13"),
            Self::OpenSearch2 => StoreOptions::opensearch("2.19.6"),
            Self::OpenSearch3 => StoreOptions::opensearch("3.6.0"),
        }
    }

    fn is_opensearch(self) -> bool {
        matches!(self, Self::OpenSearch1 | Self::OpenSearch2 | Self::OpenSearch3)
    }
}

/// What is simulated.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SimulationOptions {
    /// Brokers, applications, rates.
    pub camunda: CamundaOptions,
    /// The search store.
    pub store: StoreKind,
    /// Its exact version, such as `8.16.6`; `None` is the one that the kind names.
    pub store_version: Option<String>,
    /// How long every request takes on the way, there and back together.
    pub latency: Duration,
    /// Whether the configuration names every broker's management address.
    pub broker_addresses: bool,
    /// Applications that are configured with another store than the exporters. It is of the same kind, listens at
    /// `http://other-store.sim:9200`, and has the same repositories.
    pub on_another_store: Vec<Component>,
    /// The wall time at which the simulation begins.
    pub starts_at: Timestamp,
}

impl SimulationOptions {
    /// A usual installation of a version: two brokers, two partitions, replication 2, every application, a record exporter.
    pub fn new(version: CamundaVersion, store: StoreKind) -> Self {
        let mut camunda = CamundaOptions::for_version(version);
        (camunda.brokers, camunda.partitions, camunda.replication) = (2, 2, 2);
        Self {
            camunda,
            store,
            store_version: None,
            latency: Duration::from_millis(2),
            broker_addresses: true,
            on_another_store: Vec::new(),
            starts_at: Timestamp::from_millis(1_780_473_600_000),
        }
    }
}

/// A whole Camunda installation in memory. Cheap to clone; clones are the same cluster.
///
/// It follows tokio's clock: in a test with paused time hours pass in milliseconds.
///
/// ```
/// # use camunda_backup_procedures as camunda_backup;
/// use camunda_backup::testing::{Fault, Rule, SimulatedCluster, StoreKind};
/// use camunda_backup::{BackupSpec, Cluster, Verdict};
///
/// #[tokio::main(flavor = "current_thread", start_paused = true)] // in your project: #[tokio::test(start_paused = true)]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let simulated = SimulatedCluster::new("8.6.0", StoreKind::OpenSearch2)?;
///     tokio::time::sleep(std::time::Duration::from_secs(10)).await; // some data; takes no time
///
///     // The pause takes effect and its answer is lost.
///     let lost = Rule::operation("zeebe.exporting.pause", Fault::LoseAfter)?.times(1);
///     simulated.inject(lost.clone());
///
///     let cluster = Cluster::connect_with(simulated.config()?, simulated.connect_options()).await?;
///     let plan = cluster.plan_backup(BackupSpec::default())?;
///     let id = plan.id().ok_or("a backup has an id")?;
///     assert_eq!(cluster.run(plan).await?.verdict, Verdict::Proven);
///     assert_eq!(lost.hits(), 1);
///     assert!(simulated.check(id).is_consistent()); // the data inside the parts
///     assert!(simulated.requests().iter().any(|request| request.operation == "zeebe.exporting.resume"));
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct SimulatedCluster {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) options: SimulationOptions,
    pub(super) camunda: FakeCamunda,
    pub(super) store: FakeElasticsearch,
    other_store: FakeElasticsearch,
    pub(super) clock: SimulatedClock,
    traffic: Mutex<Traffic>,
    journal: MemoryJournal,
}

#[derive(Default)]
struct Traffic {
    requests: Vec<SeenRequest>,
    rules: Vec<Rule>,
    counted: usize,
}

impl fmt::Debug for SimulatedCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedCluster").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

impl SimulatedCluster {
    /// A usual installation of a version such as `8.6.0`. Must be called on the tokio runtime whose time it follows.
    pub fn new(version: &str, store: StoreKind) -> Result<Self> {
        Ok(Self::with(SimulationOptions::new(version.parse()?, store)))
    }

    /// An installation to order, with its repository registered and a few seconds of data in it.
    pub fn with(options: SimulationOptions) -> Self {
        let clock = SimulatedClock::starting_at(options.starts_at);
        let mut store_options = options.store.options();
        if let Some(version) = &options.store_version {
            store_options.version.clone_from(version);
        }
        let store = FakeElasticsearch::new(store_options.clone(), clock);
        let other_store = FakeElasticsearch::new(store_options, clock);
        for store in [&store, &other_store] {
            store.register_repository(&options.camunda.repository, false);
            for repository in options.camunda.repository_of.values() {
                store.register_repository(repository, false);
            }
        }
        let adapter = |store: &FakeElasticsearch| {
            Arc::new(StoreOfCamunda {
                store: store.clone(),
                opensearch: options.store.is_opensearch(),
                clock,
            })
        };
        let camunda = FakeCamunda::new(options.camunda.clone(), clock, adapter(&store));
        for application in &options.on_another_store {
            camunda.use_store(application, adapter(&other_store));
        }
        let (traffic, journal) = (Mutex::default(), MemoryJournal::new());
        Self { inner: Arc::new(Inner { options, camunda, store, other_store, clock, traffic, journal }) }
    }

    /// The simulated Camunda: brokers to kill, pauses to lose, versions to change.
    pub fn camunda(&self) -> &FakeCamunda {
        &self.inner.camunda
    }

    /// The simulated search store: snapshots to slow down or to fail.
    pub fn store(&self) -> &FakeElasticsearch {
        &self.inner.store
    }

    /// The store of the applications in [`SimulationOptions::on_another_store`].
    pub fn other_store(&self) -> &FakeElasticsearch {
        &self.inner.other_store
    }

    /// The simulated wall clock.
    pub fn clock(&self) -> SimulatedClock {
        self.inner.clock
    }

    /// The journal that [`SimulatedCluster::connect_options`] hands out. It outlives simulated processes.
    pub fn journal(&self) -> MemoryJournal {
        self.inner.journal.clone()
    }

    /// The configuration that reaches it through [`SimulatedCluster::transport`].
    pub fn config(&self) -> Result<ClusterConfig> {
        let addresses = self.inner.camunda.addresses();
        let mut config = ClusterConfig::new(Endpoint::new(&addresses.gateway)?);
        let endpoint = |url: &Option<String>| url.as_deref().map(Endpoint::new).transpose();
        let version = &self.inner.options.camunda.version;
        // Up to 8.4 nothing speaks REST, and up to 8.3 nothing tells its version.
        config.rest = (version.line() >= (8, 5)).then(|| Endpoint::new(&addresses.rest)).transpose()?;
        if self.inner.options.camunda.require_rest_auth {
            config.rest = config.rest.map(|rest| rest.with_auth(Auth::basic("demo", "demo")));
        }
        config.version = (version.line() <= (8, 3)).then(|| version.clone());
        config.operate = endpoint(&addresses.operate)?;
        config.tasklist = endpoint(&addresses.tasklist)?;
        config.webapps = endpoint(&addresses.webapps)?;
        config.optimize = endpoint(&addresses.optimize)?;
        config.store = Some(Endpoint::new(STORE_URL)?);
        config.repository = Some(RepositoryName::new(&self.inner.options.camunda.repository)?);
        if self.inner.options.broker_addresses {
            config.cluster_size = Some(addresses.brokers.len());
            for (id, url) in &addresses.brokers {
                config.brokers.insert(id.clone(), Endpoint::new(url)?);
            }
        }
        Ok(config)
    }

    /// Transport, journal and clock for [`Cluster::connect_with`](crate::Cluster::connect_with).
    pub fn connect_options(&self) -> ConnectOptions {
        ConnectOptions {
            transport: Some(self.transport()),
            journal: Some(Arc::new(self.journal())),
            clock: Some(Arc::new(self.inner.clock)),
            observer: None,
        }
    }

    /// The transport that ends in this cluster.
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(self.clone())
    }

    /// Adds a fault. The first rule that picks a request decides.
    pub fn inject(&self, rule: Rule) {
        self.traffic().rules.push(rule);
    }

    /// Forgets the faults.
    pub fn heal(&self) {
        self.traffic().rules.clear();
    }

    /// Forgets the requests seen so far; the next one has number 0.
    pub fn start_recording(&self) {
        let mut traffic = self.traffic();
        traffic.requests.clear();
        traffic.counted = 0;
    }

    /// The requests seen since the recording began.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.traffic().requests.clone()
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.inner.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, request: &Request) -> Option<Fault> {
        let mut traffic = self.traffic();
        let mut noted = seen(traffic.counted, request, self.inner.clock.elapsed());
        traffic.counted += 1;
        noted.fault = traffic.rules.iter().find_map(|rule| rule.apply(&noted));
        let fault = noted.fault;
        traffic.requests.push(noted);
        fault
    }

    /// Takes effect and answers, without any fault.
    async fn arrive(&self, request: &Request) -> Result<Response, TransportError> {
        let store = match request.url.host_str() {
            Some("store.sim") => Some(&self.inner.store),
            Some(OTHER_STORE_HOST) => Some(&self.inner.other_store),
            _ => None,
        };
        let answer = if let Some(store) = store {
            // The applications' queues go on while only the store is asked.
            self.inner.camunda.tick();
            if store.is_down() { Answer::NoConnection } else { Answer::Response(store.answer(request)) }
        } else {
            self.inner.camunda.answer(request)
        };
        let Some((delay, response)) = answer.settle() else {
            return Err(broken(TransportErrorKind::Connect));
        };
        if delay >= request.timeouts.total {
            tokio::time::sleep(request.timeouts.total).await;
            return Err(broken(TransportErrorKind::Timeout));
        }
        tokio::time::sleep(delay).await;
        Ok(response)
    }
}

fn broken(kind: TransportErrorKind) -> TransportError {
    TransportError::new(kind, "simulated")
}

fn envelope_500() -> Response {
    let body = r#"{"body":{"cause":null,"stackTrace":[],"message":"simulated failure"},"status":500,"contentType":null}"#;
    Response::new(StatusCode::OK, Bytes::from_static(body.as_bytes()))
}

fn bare(status: u16) -> Response {
    Response::new(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Bytes::new())
}

#[async_trait]
impl Transport for SimulatedCluster {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let fault = self.note(&request);
        tokio::time::sleep(self.inner.options.latency).await;
        match fault {
            None => self.arrive(&request).await,
            Some(Fault::Refuse) => Err(broken(TransportErrorKind::Connect)),
            Some(Fault::LoseBefore) => Err(broken(TransportErrorKind::Broken)),
            Some(Fault::Envelope500) => Ok(envelope_500()),
            Some(Fault::Status(status)) => Ok(bare(status)),
            Some(Fault::Hang) => {
                tokio::time::sleep(request.timeouts.total).await;
                Err(broken(TransportErrorKind::Timeout))
            }
            Some(Fault::Delay(delay)) if delay >= request.timeouts.total => {
                // The sender gives up first; the request takes effect all the same.
                let (cluster, late) = (self.clone(), request.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    let _ = cluster.arrive(&late).await;
                });
                tokio::time::sleep(request.timeouts.total).await;
                Err(broken(TransportErrorKind::Timeout))
            }
            Some(Fault::Delay(delay)) => {
                tokio::time::sleep(delay).await;
                self.arrive(&request).await
            }
            Some(after) => {
                let answer = self.arrive(&request).await?;
                match after {
                    Fault::Envelope500After => Ok(envelope_500()),
                    Fault::StatusAfter(status) => Ok(bare(status)),
                    Fault::Garbage => {
                        Ok(Response::new(StatusCode::OK, Bytes::from_static(b"\x00<garbage>{{")))
                    }
                    Fault::SlowDrip => {
                        tokio::time::sleep(request.timeouts.read).await;
                        Err(broken(TransportErrorKind::Timeout))
                    }
                    Fault::TruncatedBody if answer.body.is_empty() => Ok(answer),
                    _ => Err(broken(TransportErrorKind::Broken)),
                }
            }
        }
    }
}

/// A configuration error of the simulation itself.
pub(super) fn misuse(why: &str) -> Error {
    Error::new(ErrorKind::Config, why.to_owned())
}
