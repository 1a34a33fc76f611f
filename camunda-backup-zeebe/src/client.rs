//! One Zeebe with all that it can be asked for, from its address.

mod exporting_state;
mod options;

use std::collections::BTreeMap;
use std::sync::Arc;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{
    BackupId, BrokerId, CamundaVersion, Component, Endpoint, Error, HttpClient, Result, Transport,
};

use crate::cluster::{ClusterApi, ClusterState};
use crate::detect::detect_version;
use crate::dialect::Dialect;
use crate::exporters::{Exporter, Exporters};
use crate::exporting::Exporting;
use crate::partitions::Partitions;
use crate::runtime_backups::{RuntimeBackup, RuntimeBackups};
use crate::topology::{Topology, TopologyClient};

pub use exporting_state::ExportingState;
pub use options::ZeebeOptions;

/// A Zeebe whose version is known: its topology, what exporting does on every broker, its backups and its exporters.
///
/// ```
/// use std::sync::Arc;
///
/// use camunda_backup_core::{SimulatedClock, Timestamp};
/// use camunda_backup_zeebe::testing::{CamundaOptions, FakeCamunda, MemoryStore};
/// use camunda_backup_zeebe::{Zeebe, ZeebeOptions};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> camunda_backup_core::Result<()> {
/// # let clock = SimulatedClock::starting_at(Timestamp::from_millis(1_780_473_600_000));
/// # let store = Arc::new(MemoryStore::new(clock, "backups"));
/// # let simulated = Arc::new(FakeCamunda::new(CamundaOptions::default(), clock, store));
/// let mut options = ZeebeOptions::default()
///     .with_transport(simulated) // leave it out for real servers
///     .with_broker("0".parse()?, "http://broker-0.sim:9600".parse()?)
///     .with_broker("1".parse()?, "http://broker-1.sim:9600".parse()?)
///     .with_broker("2".parse()?, "http://broker-2.sim:9600".parse()?);
/// let zeebe = Zeebe::connect_with("http://zeebe.sim:9600".parse()?, options).await?;
///
/// println!("{zeebe}"); // Zeebe 8.6.0 at http://zeebe.sim:9600
/// println!("{}", zeebe.topology().await?);
/// println!("{}", zeebe.exporting_state().await?); // every replica of every broker
/// for backup in zeebe.backups().await? {
///     println!("{backup}");
/// }
/// assert!(zeebe.exporting_state().await?.all_seen_export());
/// # Ok(())
/// # }
/// ```
///
/// Clones are cheap and share credentials and connections. What changes something is behind [`runtime_backups`] and
/// [`exporting`]: nothing here repeats it or takes it back, a [`Cluster`] of `camunda-backup` does.
///
/// [`runtime_backups`]: Self::runtime_backups
/// [`exporting`]: Self::exporting
/// [`Cluster`]: https://docs.rs/camunda-backup
#[derive(Debug, Clone)]
pub struct Zeebe {
    gateway: HttpClient,
    version: CamundaVersion,
    dialect: Dialect,
    exporting: Exporting,
    runtime_backups: RuntimeBackups,
    brokers: BTreeMap<BrokerId, Partitions>,
    topology: Option<TopologyClient>,
}

impl Zeebe {
    /// A client of the Zeebe whose gateway has this management address, over reqwest with the system's certificates.
    /// Reads the version, changes nothing.
    ///
    /// ```no_run
    /// # async fn example() -> camunda_backup_core::Result<()> {
    /// let zeebe = camunda_backup_zeebe::Zeebe::connect("http://zeebe:9600".parse()?).await?;
    /// println!("{}: {} backups", zeebe.version(), zeebe.backups().await?.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`connect_with`](Self::connect_with).
    #[cfg(feature = "reqwest")]
    pub async fn connect(gateway: Endpoint) -> Result<Self> {
        Self::connect_with(gateway, ZeebeOptions::default()).await
    }

    /// Like `connect`, and with more addresses, a declared version or a transport of the caller's.
    ///
    /// # Errors
    /// `WrongComponent` when something else answers, `Config` when the gateway does not tell its version (up to 8.3) and none
    /// is declared, or tells another one, `Unsupported` for a version outside 8.1 … 8.10, else what the HTTP layer says.
    pub async fn connect_with(gateway: Endpoint, options: ZeebeOptions) -> Result<Self> {
        let transport = match options.transport {
            Some(transport) => transport,
            None => default_transport()?,
        };
        let http = |component, endpoint| HttpClient::new(Arc::clone(&transport), component, endpoint);
        let gateway = http(Component::Zeebe, gateway)?;
        let rest = options.rest.map(|endpoint| http(Component::Rest, endpoint)).transpose()?;
        let version = version_of(&gateway, options.version).await?;
        let dialect = Dialect::for_version(&version)?;
        let speaks_rest = dialect.speaks_rest() && !options.prefer_actuators;
        let (management, dialect) = match rest.clone().filter(|_| speaks_rest) {
            Some(rest) => (rest, dialect),
            None => (gateway.clone(), dialect.without_rest()),
        };
        let partitions = |(id, endpoint): (BrokerId, Endpoint)| {
            let http = http(Component::Broker(id.clone()), endpoint)?;
            Ok((id, Partitions::new(http, dialect)))
        };
        Ok(Self {
            version,
            dialect,
            exporting: Exporting::new(management.clone(), dialect),
            runtime_backups: RuntimeBackups::new(management, dialect),
            brokers: options.brokers.into_iter().map(partitions).collect::<Result<_>>()?,
            topology: rest.filter(|_| dialect.has_topology()).map(|http| TopologyClient::new(http, dialect)),
            gateway,
        })
    }

    /// The version: the gateway's own word, or the declared one where it does not tell.
    pub fn version(&self) -> &CamundaVersion {
        &self.version
    }

    /// What this version offers.
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// Who leads what: over REST where its address is known and the version has it (8.5+), else from what each broker says
    /// of its partitions.
    ///
    /// # Errors
    /// `Config` when there is neither a REST address nor one of a broker; the error of the first broker that could not be
    /// asked, because a topology without it would lie.
    pub async fn topology(&self) -> Result<Topology> {
        if let Some(client) = &self.topology {
            return client.topology().await;
        }
        self.some_broker("the topology", ", or the REST address (8.5 and later)")?;
        let mut seen = self.ask_brokers().await;
        match seen.not_seen.pop_first() {
            Some((_, error)) => Err(error),
            None => Ok(Topology::from_partitions(&seen.brokers)),
        }
    }

    /// What exporting does on every broker whose address is known, all asked at the same time, each for at most ten
    /// seconds; and the cluster's own word where the version has one (8.10 over REST). Who could not be asked is in the
    /// result, not an error.
    ///
    /// # Errors
    /// `Config` when nobody can be asked.
    pub async fn exporting_state(&self) -> Result<ExportingState> {
        let has_status = self.dialect.speaks_rest();
        if !has_status {
            self.some_broker("what exporting does", "")?;
        }
        let mut state = self.ask_brokers().await;
        if has_status {
            match self.exporting.status().await {
                Ok(status) => state.status = Some(status),
                Err(error) => {
                    state.not_seen.insert("the cluster's status".to_owned(), error);
                }
            }
        }
        Ok(state)
    }

    /// All backups that Zeebe has, sorted by id; see [`RuntimeBackups::list`].
    ///
    /// # Errors
    /// `Unsupported` in 8.1, which has no list.
    pub async fn backups(&self) -> Result<Vec<RuntimeBackup>> {
        self.runtime_backups.list().await
    }

    /// One backup with positions and snapshot ids; see [`RuntimeBackups::status`].
    ///
    /// # Errors
    /// Those of [`RuntimeBackups::status`]. An id that is not known is no error.
    pub async fn backup(&self, id: BackupId) -> Result<RuntimeBackup> {
        self.runtime_backups.status(id).await
    }

    /// All exporters and whether they are enabled, sorted by id.
    ///
    /// # Errors
    /// `Unsupported` before 8.6.
    pub async fn exporters(&self) -> Result<Vec<Exporter>> {
        Exporters::new(self.gateway.clone(), self.dialect).list().await
    }

    /// The members and the change that is pending.
    ///
    /// # Errors
    /// `Unsupported` before 8.4.
    pub async fn cluster_state(&self) -> Result<ClusterState> {
        ClusterApi::new(self.gateway.clone(), self.dialect).state().await
    }

    /// The client that starts and deletes Zeebe's backups.
    pub fn runtime_backups(&self) -> &RuntimeBackups {
        &self.runtime_backups
    }

    /// The client that pauses and resumes exporting.
    pub fn exporting(&self) -> &Exporting {
        &self.exporting
    }

    /// The client of each broker whose address is known.
    pub fn brokers(&self) -> &BTreeMap<BrokerId, Partitions> {
        &self.brokers
    }

    fn some_broker(&self, what: &str, or: &str) -> Result<()> {
        if !self.brokers.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Config,
            format!("nobody can be asked for {what}: no broker has an address"),
        )
        .with_component(Component::Zeebe)
        .with_advice(format!("give the management address of each broker{or} in `ZeebeOptions`")))
    }
}

impl std::fmt::Display for Zeebe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Zeebe {} at {}", self.version, self.gateway.base())
    }
}

async fn version_of(gateway: &HttpClient, declared: Option<CamundaVersion>) -> Result<CamundaVersion> {
    let detected = detect_version(gateway).await?;
    let (message, advice) = match (declared, detected.version) {
        (Some(declared), Some(seen)) if declared != seen => (
            format!("{declared} is declared, the gateway says {seen}"),
            "correct the declared version, or leave it out",
        ),
        (_, Some(seen)) => return Ok(seen),
        (Some(declared), None) => return Ok(declared),
        (None, None) => (
            format!("the gateway does not tell its version ({})", detected.how),
            "declare it with `ZeebeOptions::with_version`; Zeebe up to 8.3 does not tell it",
        ),
    };
    Err(Error::new(ErrorKind::Config, message).with_component(Component::Zeebe).with_advice(advice))
}

#[cfg(feature = "reqwest")]
fn default_transport() -> Result<Arc<dyn Transport>> {
    Ok(Arc::new(camunda_backup_core::ReqwestTransport::new(camunda_backup_core::TransportConfig::default())?))
}

#[cfg(not(feature = "reqwest"))]
fn default_transport() -> Result<Arc<dyn Transport>> {
    Err(Error::new(ErrorKind::Config, "no transport was given, and the `reqwest` feature is off")
        .with_advice("give one with `ZeebeOptions::with_transport`, or turn the feature on"))
}

#[cfg(test)]
mod tests;
