//! What kind of installation is simulated.

use std::collections::BTreeMap;
use std::time::Duration;

use camunda_backup_core::{CamundaVersion, Component};

/// The simulated installation.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // independent switches, not states
pub struct CamundaOptions {
    /// The version of every component, until changed by
    /// [`FakeCamunda::set_component_version`](crate::testing::FakeCamunda::set_component_version).
    pub version: CamundaVersion,
    /// How many brokers there are; their ids are `0 .. brokers`.
    pub brokers: u32,
    /// How many partitions there are; their ids are `1 ..= partitions`.
    pub partitions: u32,
    /// How many replicas each partition has.
    pub replication: u32,
    /// Whether Operate runs (up to 8.7).
    pub operate: bool,
    /// Whether Tasklist runs (up to 8.7).
    pub tasklist: bool,
    /// Whether Optimize runs.
    pub optimize: bool,
    /// Whether the combined web applications run (8.8+), inside the brokers' processes.
    pub webapps: bool,
    /// Whether the Elasticsearch/OpenSearch exporter writes raw records. Up to 8.7 the importers need it.
    pub record_exporter: bool,
    /// The snapshot repository that the web applications are configured with; empty = not configured.
    pub repository: String,
    /// The repository of an application that is configured with another one than `repository`.
    pub repository_of: BTreeMap<Component, String>,
    /// How many snapshots one backup of a web application has (Optimize always has two).
    pub parts: u32,
    /// How many records per second each partition writes.
    pub records_per_second: u32,
    /// From the POST of a Zeebe backup to the first partition's checkpoint.
    pub checkpoint_after: Duration,
    /// How long one partition's backup is `IN_PROGRESS`.
    pub zeebe_backup_duration: Duration,
    /// Prefix of the raw record indices.
    pub record_prefix: String,
    /// Prefix of Operate's indices.
    pub operate_prefix: String,
    /// Prefix of Tasklist's indices.
    pub tasklist_prefix: String,
    /// Prefix in front of `operate-`, `tasklist-` and `camunda-` indices of 8.8+; empty by default, as there.
    pub orchestration_prefix: String,
    /// Prefix of Optimize's indices.
    pub optimize_prefix: String,
    /// How far apart the exporter's timed flushes are. What was read before a hard pause is acknowledged by the next one,
    /// so that positions move for up to this long after PAUSED. 1 s, as real servers showed it (8.1.27); zero: every record
    /// is acknowledged at once.
    pub exporter_flush: Duration,
    /// From the moment that a restarted broker is ready until it has opened its exporters; until then its exported
    /// position is −1. Some seconds on real servers; 2 s here.
    pub exporters_open_after: Duration,
    /// Whether `/v1` and `/v2` refuse requests without an `Authorization` header.
    pub require_rest_auth: bool,
}

impl CamundaOptions {
    /// A sensible stack for a version: three brokers, three partitions, three replicas, and the web applications
    /// that exist in that line, Optimize included.
    pub fn for_version(version: CamundaVersion) -> Self {
        let combined = version.line() >= (8, 8);
        Self {
            version,
            brokers: 3,
            partitions: 3,
            replication: 3,
            operate: !combined,
            tasklist: !combined,
            optimize: true,
            webapps: combined,
            record_exporter: true,
            repository: "backups".to_owned(),
            repository_of: BTreeMap::new(),
            parts: if combined { 7 } else { 6 },
            records_per_second: 100,
            checkpoint_after: Duration::from_millis(300),
            zeebe_backup_duration: Duration::from_millis(600),
            record_prefix: "zeebe-record".to_owned(),
            operate_prefix: "operate".to_owned(),
            tasklist_prefix: "tasklist".to_owned(),
            orchestration_prefix: String::new(),
            optimize_prefix: "optimize".to_owned(),
            exporter_flush: Duration::from_secs(1),
            exporters_open_after: Duration::from_secs(2),
            require_rest_auth: combined,
        }
    }
}

impl Default for CamundaOptions {
    /// The stack of 8.6.0.
    fn default() -> Self {
        Self::for_version(CamundaVersion::new(8, 6, 0))
    }
}
