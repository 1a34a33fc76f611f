//! What is backed up: every dialect on both flavours of the store, shrunk until a run is short.

use std::fmt;
use std::time::Duration;

use camunda_backup::testing::{SimulatedCluster, SimulationOptions, StoreKind};
use camunda_backup::zeebe::Dialect;
use camunda_backup::{BackupSpec, CamundaVersion, ClusterConfig};

/// One installation and how it is reached.
#[derive(Clone)]
pub(super) struct Scene {
    version: CamundaVersion,
    store: StoreKind,
    /// 8.10 on its actuators instead of its REST API.
    actuators: bool,
    /// Whether every broker can be asked. Without it the topology is the last witness.
    witnesses: bool,
}

impl Scene {
    /// 8.6.0 on Elasticsearch 8, with every witness.
    pub(super) fn eight_six() -> Self {
        let (version, store) = (CamundaVersion::new(8, 6, 0), StoreKind::Elasticsearch8);
        Self { version, store, actuators: false, witnesses: true }
    }

    /// The same without the brokers' addresses.
    pub(super) fn without_witnesses(self) -> Self {
        Self { witnesses: false, ..self }
    }

    /// Every dialect, 8.10 on its actuators too, on both flavours of the store.
    pub(super) fn all() -> Vec<Self> {
        let mut spoken: Vec<(CamundaVersion, bool)> =
            Dialect::all().into_iter().map(|(version, _)| (version, false)).collect();
        let rest: Vec<_> = Dialect::all().into_iter().filter(|(_, dialect)| dialect.speaks_rest()).collect();
        spoken.extend(rest.into_iter().map(|(version, _)| (version, true)));
        let stores = [StoreKind::Elasticsearch8, StoreKind::OpenSearch2];
        let on = |store: StoreKind| {
            spoken.iter().map(move |(version, actuators)| {
                let (version, actuators) = (version.clone(), *actuators);
                Self { version, store, actuators, witnesses: true }
            })
        };
        stores.into_iter().flat_map(on).collect()
    }

    /// The installation with two seconds of data in it: everything is quick, nothing is left out.
    pub(super) async fn build(&self) -> SimulatedCluster {
        let mut options = SimulationOptions::new(self.version.clone(), self.store);
        options.broker_addresses = self.witnesses;
        options.camunda.parts = 2;
        options.camunda.zeebe_backup_duration = Duration::from_millis(30);
        // Whoever exports does so at once here: a second between two flushes would be longer than a whole run, and each flush
        // of the minutes that a recovery waits would be simulated tens of thousands of times.
        options.camunda.exporter_flush = Duration::ZERO;
        let cluster = SimulatedCluster::with(options);
        cluster.store().set_snapshot_duration(|_, _| Duration::from_millis(30));
        tokio::time::sleep(Duration::from_secs(2)).await; // virtual time
        cluster
    }

    pub(super) fn config(&self, cluster: &SimulatedCluster) -> ClusterConfig {
        let mut config = cluster.config().unwrap();
        config.prefer_actuators = self.actuators;
        config
    }

    /// A whole backup with tight limits, so that a bound which does not hold is seen.
    pub(super) fn spec() -> BackupSpec {
        let mut spec = BackupSpec::default();
        spec.limits.max_pause = MAX_PAUSE;
        spec.limits.stall = Duration::from_secs(60);
        spec.limits.grace = Duration::from_secs(10);
        spec
    }
}

/// How long exporting may stay paused in these runs.
pub(super) const MAX_PAUSE: Duration = Duration::from_secs(60);

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match (self.actuators, self.witnesses) {
            (true, _) => " by actuators",
            (_, false) => " without brokers' addresses",
            _ => "",
        };
        write!(f, "{}{how} on {:?}", self.version, self.store)
    }
}
