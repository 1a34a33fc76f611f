//! Looks at everything that a backup depends on, and changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{
    BackupId, CamundaVersion, Clock, Error, HttpClient, IndexPrefix, RepositoryName, Result,
};
use camunda_backup_es::{IndexStats, SearchStore, SnapshotState, StoreInfo};
use camunda_backup_zeebe::{DetectedVersion, Dialect, Topology, detect_version};

use crate::connection::clients::{Clients, Handles};
use crate::connection::config::{ClusterConfig, SecondaryStorage};
use crate::facts::{Facts, Probe, declared_version, lists, neighbours};

/// What discovery leaves behind: the clients for what was found, and what was seen.
#[derive(Debug, Clone)]
pub(crate) struct Discovery {
    pub(crate) clients: Arc<Clients>,
    pub(crate) facts: Facts,
}

/// Finds out version and store, then looks at everything else.
///
/// # Errors
/// Only what makes every further step impossible is an error: the gateway is not reachable or not a Zeebe, or its
/// version is not supported. Everything else becomes a fact that preflight judges.
pub(crate) async fn discover(
    config: &ClusterConfig,
    handles: &Handles,
    clock: &dyn Clock,
    journal_highest_id: Option<BackupId>,
) -> Result<Discovery> {
    let at = clock.now();
    let GatewayVersion { version, source: version_source, detected } =
        gateway_version(config, &handles.zeebe).await?;
    let version_doubt = match detected.version {
        Some(_) => None,
        None => declared_version::doubt(&version, &detected, &handles.zeebe)?,
    };
    let dialect = dialect_for(config, &version)?;
    let store = match &handles.store {
        Some(http) if config.repository.is_some() => {
            Probe::required(SearchStore::connect_over(http.clone()).await)
        }
        _ => Probe::Absent,
    };
    let store_info: Option<StoreInfo> = store.seen().map(|store| store.info().clone());
    let clients = Clients::new(handles, dialect, store_info.clone().zip(config.repository.clone()))?;
    let mut facts = Facts {
        at,
        cluster: config.name.clone(),
        gateway: config.zeebe.base().to_owned(),
        version,
        version_source,
        version_doubt,
        versions: component_versions(handles).await,
        apps: clients.history.iter().map(|client| client.component().clone()).collect(),
        cluster_size: config.cluster_size,
        optimize: clients.optimize.is_some(),
        rdbms: config.secondary_storage == SecondaryStorage::Rdbms,
        rest: dialect.speaks_rest(),
        topology: Probe::Absent,
        partitions: BTreeMap::new(),
        exporting: Probe::of(clients.exporting.status().await),
        exporters: maybe(clients.exporters.as_ref().map(camunda_backup_zeebe::Exporters::list)).await,
        cluster_state: maybe(clients.cluster.as_ref().map(camunda_backup_zeebe::ClusterApi::state)).await,
        runtime_backups: Probe::Absent,
        history_backups: BTreeMap::new(),
        unlistable: BTreeSet::new(),
        store: match store {
            Probe::Seen(_) => store_info.map_or(Probe::Absent, Probe::Seen),
            Probe::Failed { why, advice, answered } => Probe::Failed { why, advice, answered },
            Probe::Absent => Probe::Absent,
        },
        repository: Probe::Absent,
        verified: Probe::Absent,
        snapshots: Probe::Absent,
        slowest_parts: BTreeMap::new(),
        record_indices: Probe::Absent,
        record_positions: Probe::Absent,
        record_prefix: config.record_prefix.to_string(),
        app_prefixes: config.app_prefixes.clone(),
        foreign_indices: BTreeSet::new(),
        unknown_indices: BTreeSet::new(),
        app_indices: Probe::Absent,
        templates: Probe::Absent,
        disk: Probe::Absent,
        journal_highest_id,
    };
    lists::read(&clients, &mut facts).await;
    look_at_brokers(&clients, &mut facts).await;
    look_at_store(config, &clients, &mut facts).await;
    Ok(Discovery { clients: Arc::new(clients), facts })
}

async fn maybe<T>(look: Option<impl Future<Output = Result<T>>>) -> Probe<T> {
    match look {
        Some(look) => Probe::of(look.await),
        None => Probe::Absent,
    }
}

/// The gateway's version, and where it comes from.
pub(crate) struct GatewayVersion {
    pub(crate) version: CamundaVersion,
    source: String,
    detected: DetectedVersion,
}

/// What the gateway says, or else the configuration.
pub(crate) async fn gateway_version(config: &ClusterConfig, zeebe: &HttpClient) -> Result<GatewayVersion> {
    let detected = detect_version(zeebe).await?;
    let (version, source) = match (&config.version, detected.version.clone()) {
        (Some(told), Some(seen)) if *told != seen => {
            return Err(Error::new(
                ErrorKind::Config,
                format!("the configuration says {told}, the gateway says {seen}"),
            )
            .with_component(zeebe.component().clone())
            .with_advice("correct or remove `version` in the configuration"));
        }
        (_, Some(seen)) => (seen, detected.how.clone()),
        (Some(told), None) => (told.clone(), DECLARED.to_owned()),
        (None, None) => {
            return Err(Error::new(
                ErrorKind::Config,
                format!("the gateway does not tell its version ({})", detected.how),
            )
            .with_component(zeebe.component().clone())
            .with_advice(
                "set `version` (CAMUNDA_VERSION) to the exact version; brokers up to 8.3 do not tell it",
            ));
        }
    };
    Ok(GatewayVersion { version, source, detected })
}

/// The source of a version that nobody else tells.
const DECLARED: &str = "the configuration";

impl Facts {
    /// Whether the version is the configuration's alone.
    pub(crate) fn version_is_declared(&self) -> bool {
        self.version_source == DECLARED
    }
}

/// The dialect of a version; an unsupported one only when the configuration says so on purpose.
pub(crate) fn dialect_for(config: &ClusterConfig, version: &CamundaVersion) -> Result<Dialect> {
    let dialect = match Dialect::for_version(version) {
        Ok(dialect) => dialect,
        Err(_) if config.accept_unsupported_version => Dialect::nearest(version),
        Err(error) => {
            return Err(error.with_advice(
                "use a supported version, or set `accept-unsupported-version` to speak the nearest dialect on purpose",
            ));
        }
    };
    let rest = dialect.speaks_rest() && config.rest.is_some() && !config.prefer_actuators;
    Ok(if rest { dialect } else { dialect.without_rest() })
}

async fn component_versions(handles: &Handles) -> BTreeMap<String, Probe<Option<CamundaVersion>>> {
    let apps = [&handles.operate, &handles.tasklist, &handles.webapps];
    let clients = apps.into_iter().flatten().chain(handles.brokers.values());
    let mut versions = BTreeMap::new();
    for http in clients {
        let detected = detect_version(http).await.map(|detected| detected.version);
        versions.insert(http.component().to_string(), Probe::of(detected));
    }
    versions
}

async fn look_at_brokers(clients: &Clients, facts: &mut Facts) {
    for (broker, client) in &clients.partitions {
        facts.partitions.insert(broker.clone(), Probe::of(client.statuses().await));
    }
    facts.topology = topology(clients, facts).await;
}

/// From the REST API where there is one, else from what the brokers say about themselves (≤ 8.4).
async fn topology(clients: &Clients, facts: &Facts) -> Probe<Topology> {
    if let Some(client) = &clients.topology {
        return Probe::of(client.topology().await);
    }
    if facts.partitions.is_empty() {
        return Probe::Absent;
    }
    let unseen: Vec<_> =
        facts.partitions.iter().filter_map(|(id, probe)| Some((id, probe.failure()?))).collect();
    if let Some((broker, why)) = unseen.first() {
        return Probe::Failed { why: format!("broker {broker}: {why}"), advice: None, answered: false };
    }
    let seen = facts.partitions.iter().filter_map(|(id, probe)| Some((id.clone(), probe.seen()?.clone())));
    Probe::Seen(Topology::from_partitions(&seen.collect()))
}

async fn look_at_store(config: &ClusterConfig, clients: &Clients, facts: &mut Facts) {
    let Some((store, repository)) = &clients.store else { return };
    facts.repository = Probe::of(store.repository(repository).await);
    if matches!(facts.repository, Probe::Seen(Some(_))) {
        facts.verified = Probe::of(store.verify_repository(repository).await);
        facts.snapshots = Probe::of(snapshot_states(store, repository).await);
        // From 8.8 on no part is too long.
        if !clients.dialect.combined_webapps() {
            let names = facts.snapshots.seen().into_iter().flat_map(BTreeMap::keys);
            facts.slowest_parts =
                super::slow_parts::slowest_parts(store, repository, &clients.history, names).await;
        }
    }
    facts.templates = Probe::of(templates(config, store).await);
    look_at_indices_and_disks(config, store, facts).await;
}

async fn look_at_indices_and_disks(config: &ClusterConfig, store: &SearchStore, facts: &mut Facts) {
    let (records, apps) =
        (store.indices(&config.record_prefix.of_records()).await, app_indices(config, store).await);
    facts.foreign_indices.clear();
    facts.unknown_indices.clear();
    facts.record_indices = Probe::of(records.map(|live| our_records(&config.record_prefix, live, facts)));
    facts.app_indices = Probe::of(apps.map(|live| our_app_indices(&config.app_prefixes, live, facts)));
    facts.record_positions = record_positions(config, store, &facts.record_indices).await;
    facts.disk = Probe::of(store.disk().await);
}

/// How long the search may take: it is evidence, and nothing depends on it.
const LONGEST_SEARCH: Duration = Duration::from_secs(5);

async fn record_positions(
    config: &ClusterConfig,
    store: &SearchStore,
    indices: &Probe<Vec<IndexStats>>,
) -> Probe<BTreeMap<i64, i64>> {
    let names = indices.seen().into_iter().flatten().map(|index| index.name.as_str());
    let kinds = match record_kinds(&config.record_prefix, names) {
        Ok(kinds) if kinds.is_empty() => return Probe::Absent,
        Ok(kinds) => kinds,
        Err(error) => return Probe::of(Err(error)),
    };
    let search = store.max_by_group(&kinds, "partitionId", "position");
    match tokio::time::timeout(LONGEST_SEARCH, search).await {
        Ok(found) => Probe::of(found),
        Err(_) => Probe::Failed {
            why: format!("no answer within {LONGEST_SEARCH:?}"),
            advice: None,
            answered: false,
        },
    }
}

/// One beginning for each type and version: an underscore after the prefix may begin another cluster's prefix.
pub(crate) fn record_kinds<'a>(
    prefix: &IndexPrefix,
    names: impl Iterator<Item = &'a str>,
) -> Result<Vec<IndexPrefix>> {
    let kinds: BTreeSet<&str> = names.filter_map(|name| prefix.kind_of_record(name)).collect();
    kinds.into_iter().map(IndexPrefix::new).collect()
}

fn our_records(prefix: &IndexPrefix, live: Vec<IndexStats>, facts: &mut Facts) -> Vec<IndexStats> {
    let is_ours = |index: &IndexStats| prefix.kind_of_record(index.name.as_str()).is_some();
    let (ours, others): (Vec<_>, Vec<_>) = live.into_iter().partition(is_ours);
    for name in others.into_iter().map(|index| index.name.to_string()) {
        if prefix.is_record_of_longer_prefix(&name) {
            facts.foreign_indices.insert(name);
        } else {
            facts.unknown_indices.insert(name);
        }
    }
    ours
}

fn our_app_indices(prefixes: &[IndexPrefix], live: Vec<IndexStats>, facts: &mut Facts) -> Vec<IndexStats> {
    let names: Vec<&str> = live.iter().map(|index| index.name.as_str()).collect();
    let roots = neighbours::of_other_clusters(prefixes, &names);
    let is_foreign = |index: &IndexStats| roots.iter().any(|root| index.name.as_str().starts_with(root));
    let (foreign, ours): (Vec<_>, Vec<_>) = live.into_iter().partition(is_foreign);
    facts.foreign_indices.extend(foreign.into_iter().map(|index| index.name.to_string()));
    ours
}

async fn snapshot_states(
    store: &SearchStore,
    repository: &RepositoryName,
) -> Result<BTreeMap<String, SnapshotState>> {
    let summaries = store.snapshot_summaries(repository).await?;
    Ok(summaries.into_iter().map(|snapshot| (snapshot.name, snapshot.state)).collect())
}

async fn app_indices(
    config: &ClusterConfig,
    store: &SearchStore,
) -> Result<Vec<camunda_backup_es::IndexStats>> {
    let (mut all, mut names) = (Vec::new(), BTreeSet::new());
    for prefix in config.app_prefixes.iter().map(IndexPrefix::of_applications) {
        let found = store.indices(&prefix).await?;
        // One prefix may be the beginning of another.
        all.extend(found.into_iter().filter(|index| names.insert(index.name.clone())));
    }
    Ok(all)
}

async fn templates(config: &ClusterConfig, store: &SearchStore) -> Result<Vec<String>> {
    let apps = config.app_prefixes.iter().map(IndexPrefix::of_applications);
    let prefixes: Vec<IndexPrefix> = apps.chain([config.record_prefix.of_records()]).collect();
    Ok(store.index_template_names(&prefixes).await?.into_iter().collect())
}

/// Looks again at what may change while a run is under way: versions, topology, exporting, changes, backups, repository.
pub(crate) async fn look_again(
    config: &ClusterConfig,
    handles: &Handles,
    clients: &Clients,
    clock: &dyn Clock,
    before: &Facts,
) -> Result<Facts> {
    let mut facts = before.clone();
    facts.at = clock.now();
    facts.version = gateway_version(config, &handles.zeebe).await?.version;
    facts.exporting = Probe::of(clients.exporting.status().await);
    facts.exporters = maybe(clients.exporters.as_ref().map(camunda_backup_zeebe::Exporters::list)).await;
    facts.cluster_state = maybe(clients.cluster.as_ref().map(camunda_backup_zeebe::ClusterApi::state)).await;
    lists::read(clients, &mut facts).await;
    look_at_brokers(clients, &mut facts).await;
    if let Some((store, repository)) = &clients.store {
        // Another cluster may be behind the same address by now.
        let again = SearchStore::connect_over(store.http().clone()).await;
        facts.store = Probe::of(again.map(|store| store.info().clone()));
        facts.repository = Probe::of(store.repository(repository).await);
        facts.snapshots = Probe::of(snapshot_states(store, repository).await);
        look_at_indices_and_disks(config, store, &mut facts).await;
    }
    Ok(facts)
}
