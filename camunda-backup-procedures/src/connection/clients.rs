//! All clients of one cluster, made from its configuration and a dialect. Making them sends nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{
    Auth, BrokerId, Component, Endpoint, Error, HttpClient, RepositoryName, Result, Transport,
};
use camunda_backup_es::{SearchStore, StoreInfo};
use camunda_backup_zeebe::{
    ClusterApi, Dialect, Exporters, Exporting, HistoryBackups, OptimizeBackups, Partitions, RuntimeBackups,
    TopologyClient,
};

use crate::connection::config::ClusterConfig;

/// The HTTP handles of every configured component, before any version is known.
#[derive(Debug, Clone)]
pub(crate) struct Handles {
    pub(crate) zeebe: HttpClient,
    pub(crate) rest: Option<HttpClient>,
    /// The REST API as the one that backs up the web applications (8.10).
    pub(crate) rest_webapps: Option<HttpClient>,
    pub(crate) brokers: BTreeMap<BrokerId, HttpClient>,
    pub(crate) operate: Option<HttpClient>,
    pub(crate) tasklist: Option<HttpClient>,
    pub(crate) webapps: Option<HttpClient>,
    pub(crate) optimize: Option<HttpClient>,
    pub(crate) store: Option<HttpClient>,
    pub(crate) cluster_size: Option<usize>,
}

impl Handles {
    /// One handle for each configured endpoint, all over one transport.
    pub(crate) fn new(config: &ClusterConfig, transport: &Arc<dyn Transport>) -> Result<Self> {
        let client = |component: Component, endpoint: &Endpoint| {
            let endpoint = with_tls_of(config, endpoint.clone());
            HttpClient::new(Arc::clone(transport), component, endpoint)
        };
        let optional = |component: Component, endpoint: &Option<Endpoint>| {
            endpoint.as_ref().map(|endpoint| client(component, endpoint)).transpose()
        };
        let brokers = config
            .brokers
            .iter()
            // Two brokers at one address are one witness; connecting refuses them, and recovering does without.
            .filter(|(id, endpoint)| {
                let mut before = config.brokers.iter().take_while(|(other, _)| other != id);
                before.all(|(_, other)| other.base() != endpoint.base())
            })
            .map(|(id, endpoint)| Ok((id.clone(), client(Component::Broker(id.clone()), endpoint)?)))
            .collect::<Result<_>>()?;
        Ok(Self {
            zeebe: client(Component::Zeebe, &config.zeebe)?,
            rest: optional(Component::Rest, &config.rest)?,
            rest_webapps: optional(Component::Webapps, &config.rest)?,
            brokers,
            operate: optional(Component::Operate, &config.operate)?,
            tasklist: optional(Component::Tasklist, &config.tasklist)?,
            webapps: optional(Component::Webapps, &config.webapps)?,
            optimize: optional(Component::Optimize, &config.optimize)?,
            store: optional(Component::Store, &config.store)?,
            cluster_size: config.cluster_size,
        })
    }
}

/// The cluster's TLS settings, where an `https` address has none of its own.
fn with_tls_of(config: &ClusterConfig, mut endpoint: Endpoint) -> Endpoint {
    let default_for = |scheme: &str| config.tls.clone().filter(|_| scheme == "https").map(Box::new);
    if endpoint.tls.is_none() {
        endpoint.tls = default_for(endpoint.url().scheme());
    }
    if let Auth::Oidc(provider) = &mut endpoint.auth {
        if provider.tls.is_none() {
            provider.tls = default_for(provider.token_url.scheme());
        }
    }
    endpoint
}

/// The typed clients of one cluster for one dialect.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    /// The dialect that all of them speak.
    pub(crate) dialect: Dialect,
    /// Pause and resume.
    pub(crate) exporting: Exporting,
    /// The Zeebe part.
    pub(crate) runtime: RuntimeBackups,
    /// Operate and Tasklist, or the combined web applications; in the order in which they are named in reports.
    pub(crate) history: Vec<HistoryBackups>,
    /// Optimize.
    pub(crate) optimize: Option<OptimizeBackups>,
    /// Per broker: what its partitions do.
    pub(crate) partitions: BTreeMap<BrokerId, Partitions>,
    /// The topology, where a REST address is configured and the version has one.
    pub(crate) topology: Option<TopologyClient>,
    /// Cluster changes (8.4+).
    pub(crate) cluster: Option<ClusterApi>,
    /// Exporters (8.6+).
    pub(crate) exporters: Option<Exporters>,
    /// How many brokers there are, where the configuration says so.
    pub(crate) cluster_size: Option<usize>,
    /// The search store and the repository in it.
    pub(crate) store: Option<(SearchStore, RepositoryName)>,
}

impl Clients {
    /// Clients for a dialect; `store` is what the search store said about itself, if there is one.
    pub(crate) fn new(
        handles: &Handles,
        dialect: Dialect,
        store: Option<(StoreInfo, RepositoryName)>,
    ) -> Result<Self> {
        let on_rest = dialect.speaks_rest();
        let management = if on_rest { rest_of(handles)? } else { handles.zeebe.clone() };
        let history: Vec<HttpClient> = match (dialect.combined_webapps(), on_rest) {
            (true, false) => handles.webapps.iter().cloned().collect(),
            (true, true) => {
                handles.webapps.as_ref().and(handles.rest_webapps.as_ref()).into_iter().cloned().collect()
            }
            (false, _) => handles.operate.iter().chain(&handles.tasklist).cloned().collect(),
        };
        let store = match (&handles.store, store) {
            (Some(http), Some((info, repository))) => {
                Some((SearchStore::with_info(http.clone(), info), repository))
            }
            _ => None,
        };
        Ok(Self {
            dialect,
            exporting: Exporting::new(management.clone(), dialect),
            runtime: RuntimeBackups::new(management, dialect),
            history: history.into_iter().map(|http| HistoryBackups::new(http, dialect)).collect(),
            optimize: handles.optimize.clone().map(|http| OptimizeBackups::new(http, dialect)),
            partitions: handles
                .brokers
                .iter()
                .map(|(id, http)| (id.clone(), Partitions::new(http.clone(), dialect)))
                .collect(),
            topology: handles
                .rest
                .clone()
                .filter(|_| dialect.has_topology())
                .map(|http| TopologyClient::new(http, dialect)),
            cluster: dialect.cluster.then(|| ClusterApi::new(handles.zeebe.clone(), dialect)),
            exporters: dialect.exporters.then(|| Exporters::new(handles.zeebe.clone(), dialect)),
            cluster_size: handles.cluster_size,
            store,
        })
    }

    /// Whether anybody tells who belongs to the cluster: the topology (8.5+) or the cluster's configuration (8.4+).
    pub(crate) fn tells_members(&self) -> bool {
        self.topology.is_some() || self.cluster.is_some()
    }

    /// The history client of a component.
    pub(crate) fn history_of(&self, component: &Component) -> Result<&HistoryBackups> {
        self.history.iter().find(|client| client.component() == component).ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("{component} has no address in this configuration"))
        })
    }

    /// The search store, or an error that says that none is configured.
    pub(crate) fn store(&self) -> Result<(&SearchStore, &RepositoryName)> {
        self.store.as_ref().map(|(store, repository)| (store, repository)).ok_or_else(|| {
            Error::new(ErrorKind::Config, "no search store and repository are configured")
                .with_advice("set `store` and `repository` (CAMUNDA_STORE_URL, CAMUNDA_REPOSITORY)")
        })
    }
}

fn rest_of(handles: &Handles) -> Result<HttpClient> {
    handles.rest.clone().ok_or_else(|| {
        Error::new(ErrorKind::Config, "this dialect speaks the REST API, and no REST address is configured")
            .with_advice("set `rest` (CAMUNDA_REST_URL), or `prefer-actuators`")
    })
}
