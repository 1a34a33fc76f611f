//! All servers together.

use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, ensure};
use tokio::net::TcpStream;

use crate::background_commands::BackgroundCommands;
use crate::broker::{Broker, sees_all};
use crate::gateway::{self, Gateway};
use crate::http::Http;
use crate::line::Line;
use crate::load::Load;
use crate::log::log;
use crate::ports::Ports;
use crate::process_client::ProcessClient;
use crate::s3::S3;
use crate::server::Server;
use crate::sources::Sources;
use crate::stack_context::StackContext;
use crate::store::SearchStore;
use crate::wait::{Seen, until};
use crate::web::Web;
use crate::webapp::Webapp;
use crate::workdir::Workdir;

/// The snapshot repository in the store, also in the configuration of Operate and Tasklist.
pub const REPOSITORY: &str = "live";
pub const PARTITIONS: usize = 2;
const BROKERS: usize = 2;

const FIRST_SIGN: Duration = Duration::from_secs(120);
const CLUSTER_READY: Duration = Duration::from_secs(180);

/// The running servers. [`LiveStack::stop`] ends a successful test and removes data and logs; a stack that is
/// dropped instead stops its servers too, but keeps the folder and names it.
pub struct LiveStack {
    pub(crate) line: Line,
    pub(crate) http: Http,
    sources: Sources,
    pub(crate) store: String,
    pub(crate) operate: Option<String>,
    pub(crate) tasklist: Option<String>,
    pub(crate) brokers: Vec<Broker>,
    /// Besides those in the brokers.
    pub(crate) gateway: Option<Gateway>,
    /// In the order in which they were started.
    servers: Vec<Server>,
    pub(crate) s3: S3,
    pub(crate) work: Workdir,
}

impl LiveStack {
    /// Starts one server after the other; returns when all of them can make backups.
    ///
    /// The servers end with the thread that calls this.
    pub async fn start(line: Line) -> Result<Self> {
        let sources = Sources::of(line)?;
        let http = Http::new()?;
        let work = Workdir::create()?;
        let mut ports = Ports::new();
        let s3 = S3::start(&work.folder("s3")?, ports.next()?)?;
        let brokers = (0..BROKERS).map(|node| Broker::new(node, &mut ports)).collect::<Result<_>>()?;
        let mut stack = Self {
            line,
            http,
            sources,
            store: String::new(),
            operate: None,
            tasklist: None,
            brokers,
            gateway: None,
            servers: Vec::new(),
            s3,
            work,
        };
        log(format!("data and logs in {}", stack.work.path().display()));
        stack.start_all(&mut ports).await?;
        Ok(stack)
    }

    async fn start_all(&mut self, ports: &mut Ports) -> Result<()> {
        log(format!("starting {}", self.line.store.package()));
        let store =
            SearchStore::start(self.line, &self.http, &self.sources, &self.work, ports, REPOSITORY).await?;
        self.store = store.url;
        self.servers.push(store.server);

        self.start_camunda(ports).await
    }

    pub(crate) async fn start_camunda(&mut self, ports: &mut Ports) -> Result<()> {
        for node in 0..BROKERS {
            self.launch_broker(node).await?;
        }
        self.ready().await?;

        if self.line.web_applications {
            self.operate = Some(self.start_webapp("operate", ports).await?);
            self.tasklist = Some(self.start_webapp("tasklist", ports).await?);
        }
        log("all servers are ready");
        Ok(())
    }

    /// Stops everything but the store.
    pub(crate) fn stop_camunda(&mut self) {
        self.gateway = None;
        let store = self.line.store.product.name();
        while self.servers.pop_if(|server| server.name != store).is_some() {}
    }

    pub(crate) fn context(&self) -> StackContext<'_> {
        StackContext {
            line: self.line,
            sources: &self.sources,
            work: &self.work,
            brokers: &self.brokers,
            store: &self.store,
            s3: &self.s3,
        }
    }

    async fn start_webapp(&mut self, name: &str, ports: &mut Ports) -> Result<String> {
        log(format!("starting {name}"));
        let broker = self.brokers.first().context("no broker")?;
        let webapp = Webapp::start(name, &self.http, &self.context(), broker, ports).await?;
        self.servers.push(webapp.server);
        Ok(webapp.management)
    }

    /// Starts a broker and waits until it listens for the others; without them it opens no HTTP port.
    async fn launch_broker(&mut self, node: usize) -> Result<()> {
        let broker = self.brokers.get(node).copied().context("no such broker")?;
        let name = broker.name();
        ensure!(self.servers.iter().all(|server| server.name != name), "{name} is running");
        log(format!("starting {name}"));
        let mut command = broker.command(&self.context(), PARTITIONS)?;
        let server = Server::start(&name, &mut command, self.work.log(&name))?;
        until(&name, FIRST_SIGN, async || {
            server.alive()?;
            Ok(match TcpStream::connect(broker.internal_address()).await {
                Ok(_) => Seen::Done(()),
                Err(error) => Seen::NotYet(format!("internal port: {error}")),
            })
        })
        .await
        .map_err(|e| server.explain(e))?;
        self.servers.push(server);
        Ok(())
    }

    /// Waits until every broker's gateway sees all brokers and a leader for every partition.
    pub async fn ready(&self) -> Result<()> {
        for broker in &self.brokers {
            self.complete_for(&broker.name(), broker.web).await?;
        }
        if let Some(gateway) = &self.gateway {
            self.complete_for(gateway::NAME, gateway.web).await?;
        }
        log("the cluster is complete");
        Ok(())
    }

    async fn complete_for(&self, name: &str, web: Web) -> Result<()> {
        let server = self.server(name)?;
        until(name, CLUSTER_READY, async || {
            server.alive()?;
            let topology = self.line.camunda.topology;
            sees_all(&self.http, web, topology, BROKERS, PARTITIONS).await
        })
        .await
        .map_err(|e| server.explain(e))
    }

    /// Starts a stand-alone gateway, through which the cluster is then reached; the same again if it was killed.
    pub async fn start_gateway(&mut self) -> Result<()> {
        self.launch_gateway()?;
        self.ready().await
    }

    fn launch_gateway(&mut self) -> Result<()> {
        let gateway = match self.gateway {
            Some(gateway) => gateway,
            None => Gateway::new(&mut Ports::new())?,
        };
        if self.server(gateway::NAME).is_err() {
            log("starting the gateway");
            let mut command = gateway.command(&self.context())?;
            self.servers.push(Server::start(gateway::NAME, &mut command, self.work.log(gateway::NAME))?);
        }
        self.gateway = Some(gateway);
        Ok(())
    }

    /// SIGKILL to the stand-alone gateway.
    pub fn kill_gateway(&mut self) -> Result<()> {
        self.kill(gateway::NAME)
    }

    /// Back to the gateways in the brokers.
    pub fn stop_gateway(&mut self) {
        self.servers.retain(|server| server.name != gateway::NAME);
        self.gateway = None;
    }

    /// SIGKILL to a broker.
    pub fn kill_broker(&mut self, node: usize) -> Result<()> {
        let name = self.brokers.get(node).context("no such broker")?.name();
        self.kill(&name)
    }

    /// SIGKILL to Elasticsearch or OpenSearch.
    pub fn kill_store(&mut self) -> Result<()> {
        self.kill(self.line.store.product.name())
    }

    fn kill(&mut self, name: &str) -> Result<()> {
        let index = self.servers.iter().position(|server| server.name == name);
        self.servers.remove(index.with_context(|| format!("{name} does not run"))?).kill();
        log(format!("killed {name}"));
        Ok(())
    }

    /// Starts a killed broker again, with its data, and waits until the cluster is complete.
    pub async fn start_broker(&mut self, node: usize) -> Result<()> {
        self.launch_broker(node).await?;
        self.ready().await
    }

    /// Starts a killed store again, with its data and at its address, and waits until it can make snapshots.
    pub async fn start_store(&mut self) -> Result<()> {
        let name = self.line.store.product.name();
        ensure!(self.servers.iter().all(|server| server.name != name), "{name} is running");
        log(format!("starting {name} again"));
        let (line, port) = (self.line, self.store.rsplit(':').next().context("no port")?.parse()?);
        let ports = [port, Ports::new().next()?];
        let again =
            SearchStore::launch(line, &self.http, &self.sources, &self.work, ports, REPOSITORY).await?;
        self.servers.insert(0, again.server); // the others need it while they stop
        Ok(())
    }

    /// Starts again whatever was killed and is still away.
    pub async fn start_missing(&mut self) -> Result<()> {
        if self.server(self.line.store.product.name()).is_err() {
            self.start_store().await?;
        }
        for node in 0..BROKERS {
            let name = self.brokers.get(node).context("no such broker")?.name();
            if self.server(&name).is_err() {
                self.launch_broker(node).await?;
            }
        }
        if self.gateway.is_some() {
            self.launch_gateway()?;
        }
        self.ready().await
    }

    /// Creates process instances in the background.
    pub async fn load(&self) -> Result<Load> {
        Load::start(self.client()).await
    }

    /// Whether Camunda has a running instance with this key. It gets a variable for it.
    pub async fn has_instance(&self, key: u64) -> Result<bool> {
        self.client().has(key).await
    }

    /// Keeps the partitions of these instances busy.
    pub fn background_commands(&self, instances: &[u64]) -> BackgroundCommands {
        BackgroundCommands::start(self.client(), instances)
    }

    fn client(&self) -> ProcessClient {
        ProcessClient::of(self.line, &self.sources, &self.brokers, &self.http)
    }

    /// Stops all servers and removes their data and logs.
    pub fn stop(mut self) -> Result<()> {
        self.stop_servers();
        self.work.remove()
    }

    /// Adds the end of the log of every server that has ended by itself to the error of a test.
    #[must_use]
    pub fn explain(&self, error: Error) -> Error {
        let ended = self.servers.iter().filter_map(|server| Some(server.explain(server.alive().err()?)));
        ended.fold(error, |error, ended| anyhow!("{error:#}\n{ended:#}"))
    }

    fn stop_servers(&mut self) {
        while self.servers.pop().is_some() {}
    }

    fn server(&self, name: &str) -> Result<&Server> {
        self.servers.iter().find(|server| server.name == name).with_context(|| format!("{name} does not run"))
    }
}

impl Drop for LiveStack {
    fn drop(&mut self) {
        self.stop_servers();
    }
}
