//! The servers that a scenario talks to, real or simulated: it cannot tell.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, CamundaVersion, Component, Error, Result, Transport};
use camunda_backup_es::{Flavor, SearchStore, StoreVersion};
use camunda_backup_zeebe::detect_version;

use super::tape::Tape;
use super::words::Words;
use crate::connection::clients::{Clients, Handles};
use crate::connection::config::ClusterConfig;
use crate::facts::discover::dialect_for;
use crate::testing::{SimulatedCluster, SimulationOptions, StoreKind};

/// An installation with everything that the scenarios ask: the library's own clients over a transport that takes notes.
#[derive(Clone)]
pub struct World {
    pub(super) clients: Arc<Clients>,
    pub(super) handles: Arc<Handles>,
    pub(super) tape: Tape,
    version: CamundaVersion,
    /// What is deleted is not listed, and its id is used up all the same.
    highest_id: Arc<AtomicI64>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("zeebe", &self.handles.zeebe.base()).finish_non_exhaustive()
    }
}

impl World {
    /// Finds out the versions of an installation. Reads only.
    ///
    /// # Errors
    /// When the gateway or the store does not answer, or is of an unknown version; `Config` when the version is neither
    /// told nor configured, or there is a store and no repository.
    pub async fn connect(config: &ClusterConfig, transport: Arc<dyn Transport>) -> Result<Self> {
        let repository = config.repository.as_ref().map(ToString::to_string).unwrap_or_default();
        let tape = Tape::new(transport, Words::new(&repository));
        let notes: Arc<dyn Transport> = Arc::new(tape.clone());
        let handles = Handles::new(config, &notes)?;
        let version = match &config.version {
            Some(version) => version.clone(),
            None => detect_version(&handles.zeebe).await?.version.ok_or_else(|| {
                Error::new(ErrorKind::Config, "the gateway does not tell its version")
                    .with_advice("set `version` (CAMUNDA_VERSION)")
            })?,
        };
        let dialect = dialect_for(config, &version)?;
        let store = match (&handles.store, &config.repository) {
            (Some(http), Some(repository)) => {
                Some((SearchStore::connect_over(http.clone()).await?.info().clone(), repository.clone()))
            }
            _ => None,
        };
        let clients = Clients::new(&handles, dialect, store)?;
        let highest_id = Arc::new(AtomicI64::new(1_000_000));
        Ok(Self { clients: Arc::new(clients), handles: Arc::new(handles), tape, version, highest_id })
    }

    /// The simulated cluster.
    pub async fn simulated(cluster: &SimulatedCluster) -> Result<Self> {
        Self::connect(&cluster.config()?, cluster.transport()).await
    }

    /// A simulated cluster of the same versions and with the same components: what this one is to be compared with.
    ///
    /// # Errors
    /// `Unsupported` when the simulation does not know the store's major version.
    pub fn counterpart(&self) -> Result<SimulatedCluster> {
        let store = self.clients.store.as_ref().map(|(store, _)| store.info().version.clone());
        let kind = store.as_ref().map_or(Ok(StoreKind::Elasticsearch8), kind_of)?;
        let mut options = SimulationOptions::new(self.version.clone(), kind);
        options.store_version = store.map(|store| store.number);
        options.broker_addresses = !self.clients.partitions.is_empty();
        let has = |app: Component| self.clients.history.iter().any(|client| *client.component() == app);
        options.camunda.operate = has(Component::Operate);
        options.camunda.tasklist = has(Component::Tasklist);
        options.camunda.webapps = has(Component::Webapps);
        options.camunda.optimize = self.clients.optimize.is_some();
        Ok(SimulatedCluster::with(options))
    }

    /// A backup id far above every one that Zeebe or the applications know, or that was asked for before.
    pub(super) async fn unused_id(&self) -> Result<BackupId> {
        let mut known: Vec<i64> = self.clients.runtime.list().await?.iter().map(|backup| backup.id).collect();
        for app in &self.clients.history {
            known.extend(app.list().await?.iter().filter_map(|backup| backup.id));
        }
        let known = known.into_iter().max().unwrap_or_default();
        let highest = self.highest_id.fetch_max(known, Ordering::Relaxed).max(known);
        self.highest_id.fetch_max(highest + 10, Ordering::Relaxed);
        BackupId::new(highest + 10)
    }
}

fn kind_of(version: &StoreVersion) -> Result<StoreKind> {
    Ok(match (version.flavor, version.major()) {
        (Flavor::Elasticsearch, 7) => StoreKind::Elasticsearch7,
        (Flavor::Elasticsearch, 8) => StoreKind::Elasticsearch8,
        (Flavor::Elasticsearch, 9) => StoreKind::Elasticsearch9,
        (Flavor::OpenSearch, 1) => StoreKind::OpenSearch1,
        (Flavor::OpenSearch, 2) => StoreKind::OpenSearch2,
        (Flavor::OpenSearch, 3) => StoreKind::OpenSearch3,
        _ => return Err(Error::new(ErrorKind::Unsupported, format!("there is no simulation of {version}"))),
    })
}
