//! What was seen of a cluster at one time: the raw material of preflight, planning and evidence.

mod declared_version;
pub(crate) mod discover;
mod lists;
mod neighbours;
mod slow_parts;

pub(crate) use neighbours::FIRST_WORDS;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{
    BackupId, BrokerId, CamundaVersion, Component, Error, IndexPrefix, PartitionId, Timestamp,
};
use camunda_backup_es::{DiskState, IndexStats, Repository, SnapshotState, StoreInfo};
use camunda_backup_zeebe::{
    ClusterState, Exporter, ExporterStatus, ExportingStatus, HistoryBackup, PartName, PartitionStatus, Role,
    RuntimeBackup, Topology,
};
use serde::{Deserialize, Serialize};

use crate::replicas::{Replicas, replicas_of, replicas_of_members};

/// The result of one look: seen, not to be had, or not there by configuration. Nothing is ever assumed for a look
/// that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Probe<T> {
    /// What was seen.
    Seen(T),
    /// The look failed, and these are the words.
    Failed {
        /// What the error said, without secrets.
        why: String,
        /// What to do about it, where the error knows.
        advice: Option<String>,
        /// Whether the component answered at all, and as itself.
        answered: bool,
    },
    /// There is nothing to look at: not configured, or this version does not have it.
    Absent,
}

impl<T> Probe<T> {
    /// From the result of a look. `Unsupported` means that this version has nothing to look at.
    pub fn of(result: Result<T, Error>) -> Self {
        match result {
            Ok(value) => Self::Seen(value),
            Err(error) if error.kind() == ErrorKind::Unsupported => Self::Absent,
            Err(error) => Self::Failed {
                why: error.to_string(),
                advice: error.advice().map(str::to_owned),
                // A 504 is a proxy's, or comes from whoever waits for somebody else.
                answered: error.status().is_some() && !is_not_itself(error.kind()),
            },
        }
    }

    /// From the result of a look at something that must be there: what is not supported is a failure, too.
    pub fn required(result: Result<T, Error>) -> Self {
        Self::of(result.map_err(|error| match error.kind() {
            ErrorKind::Unsupported => error.with_kind(ErrorKind::Config),
            _ => error,
        }))
    }

    /// What was seen, if something was.
    pub fn seen(&self) -> Option<&T> {
        match self {
            Self::Seen(value) => Some(value),
            _ => None,
        }
    }

    /// Why the look failed, if it did.
    pub fn failure(&self) -> Option<&str> {
        match self {
            Self::Failed { why, .. } => Some(why),
            _ => None,
        }
    }
}

/// An answer of another server, or of a proxy that lets the request not pass.
fn is_not_itself(kind: ErrorKind) -> bool {
    use ErrorKind::{Decode, Forbidden, NotFound, Timeout, Unauthorized, WrongComponent};
    // A list that is not found is an endpoint that is not there.
    matches!(kind, Decode | Forbidden | NotFound | Timeout | Unauthorized | WrongComponent)
}

/// Everything that was looked at, at one time. Serialisable, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Facts {
    /// When the looking began, on our clock.
    pub at: Timestamp,
    /// The cluster's name.
    pub cluster: String,
    /// The gateway's address.
    #[serde(default)]
    pub gateway: String,
    /// The version that the plan is made for: what the gateway says, or the configuration.
    pub version: CamundaVersion,
    /// How the version was found out.
    pub version_source: String,
    /// What speaks against a version that only the configuration tells, without disproving it.
    #[serde(default)]
    pub version_doubt: Option<String>,
    /// The version of every other component that says one.
    pub versions: BTreeMap<String, Probe<Option<CamundaVersion>>>,
    /// Which web applications are configured and speak this dialect.
    pub apps: Vec<Component>,
    /// How many brokers there are, where the configuration says so.
    #[serde(default)]
    pub cluster_size: Option<usize>,
    /// Whether Optimize is configured.
    pub optimize: bool,
    /// Whether the web applications' data is in a relational database.
    pub rdbms: bool,
    /// Whether the REST API of 8.10 is spoken.
    pub rest: bool,
    /// The topology.
    pub topology: Probe<Topology>,
    /// What each partition of each broker does.
    pub partitions: BTreeMap<BrokerId, Probe<BTreeMap<PartitionId, PartitionStatus>>>,
    /// The cluster-wide exporting status (8.10 REST).
    pub exporting: Probe<ExportingStatus>,
    /// The exporters (8.6+).
    pub exporters: Probe<Vec<Exporter>>,
    /// Pending and last cluster change (8.4+).
    pub cluster_state: Probe<ClusterState>,
    /// The backups that Zeebe knows (8.2+).
    pub runtime_backups: Probe<Vec<RuntimeBackup>>,
    /// The backups that each web application and Optimize know (8.2+).
    pub history_backups: BTreeMap<String, Probe<Vec<HistoryBackup>>>,
    /// Whose list cannot be read although they answer, and say how one backup stands.
    #[serde(default)]
    pub unlistable: BTreeSet<String>,
    /// The search store.
    pub store: Probe<StoreInfo>,
    /// The repository.
    pub repository: Probe<Option<Repository>>,
    /// The nodes on which the repository was verified.
    pub verified: Probe<Vec<String>>,
    /// Every snapshot in the repository, with its state.
    pub snapshots: Probe<BTreeMap<String, SnapshotState>>,
    /// The longest part of the last backup of Operate and Tasklist (up to 8.7): the snapshot and how long it took.
    #[serde(default, with = "slow_parts::as_data")]
    pub slowest_parts: BTreeMap<String, (String, Duration)>,
    /// The indices under the record prefix.
    pub record_indices: Probe<Vec<IndexStats>>,
    /// The highest exported position of each partition in the records, as far as searches see it.
    #[serde(default = "nothing_to_look_at")]
    pub record_positions: Probe<BTreeMap<i64, i64>>,
    /// The record prefix itself.
    pub record_prefix: String,
    /// The applications' prefixes themselves.
    #[serde(default)]
    pub app_prefixes: Vec<IndexPrefix>,
    /// Indices whose names begin like ours, and that are another cluster's by the rest of their names.
    #[serde(default)]
    pub foreign_indices: BTreeSet<String>,
    /// Indices below the prefix of the records that are not named like exported records.
    #[serde(default)]
    pub unknown_indices: BTreeSet<String>,
    /// The indices under the applications' prefixes.
    pub app_indices: Probe<Vec<IndexStats>>,
    /// Index templates under all prefixes, by name.
    pub templates: Probe<Vec<String>>,
    /// Disks of the store.
    pub disk: Probe<DiskState>,
    /// The highest id in this library's own journal.
    pub journal_highest_id: Option<BackupId>,
}

fn nothing_to_look_at<T>() -> Probe<T> {
    Probe::Absent
}

impl Facts {
    /// The highest backup id that anything knows: Zeebe, the applications, snapshot names, the journal.
    pub fn highest_id(&self) -> Option<BackupId> {
        self.known_ids().into_iter().next_back()
    }

    /// Every backup id that anything knows.
    pub fn known_ids(&self) -> BTreeSet<BackupId> {
        let runtime = self.runtime_backups.seen().into_iter().flatten().map(|backup| backup.id);
        let history =
            self.history_backups.values().filter_map(Probe::seen).flatten().filter_map(|backup| backup.id);
        let snapshots = self.snapshots.seen().into_iter().flatten().filter_map(|(name, _)| id_in_name(name));
        let numbers = runtime.chain(history).chain(snapshots);
        numbers.filter_map(|id| BackupId::new(id).ok()).chain(self.journal_highest_id).collect()
    }

    /// The lists of backups that could not be read, by who keeps them: an id could be hidden there. What an application
    /// has made is in the store too.
    pub(crate) fn unread_id_lists(&self) -> Vec<String> {
        let runtime = self.runtime_backups.failure().map(|_| "zeebe".to_owned());
        let in_store = self.snapshots.seen().is_some();
        let apps = self.history_backups.iter().filter(|(_, probe)| !in_store && probe.failure().is_some());
        runtime.into_iter().chain(apps.map(|(app, _)| app.clone())).collect()
    }

    /// Whether this is the id of the last backup that this library began here.
    pub(crate) fn is_our_last(&self, id: Option<i64>) -> bool {
        id.is_some() && self.journal_highest_id.map(BackupId::value) == id
    }

    /// The enabled exporters that write the web applications' indices themselves (8.8+). Ids are free words; only Camunda's
    /// own is known by it.
    pub(crate) fn camunda_exporters(&self) -> Vec<String> {
        let exporters = self.exporters.seen().into_iter().flatten();
        let enabled = exporters.filter(|exporter| exporter.status == ExporterStatus::Enabled);
        let ids = enabled.map(|exporter| exporter.id.to_string());
        ids.filter(|id| id.to_lowercase().contains("camunda")).collect()
    }

    /// The replicas of every partition by broker: from the topology, from the brokers themselves, or, where neither has
    /// an address, as the cluster is configured (8.4+).
    pub fn replicas(&self) -> Replicas {
        if let Some(topology) = self.topology.seen() {
            // Made of what the brokers say it has no broker without an address; the configuration lists those too.
            let mut replicas = replicas_of(topology);
            for (broker, partitions) in self.configured_replicas() {
                replicas.entry(broker).or_insert(partitions);
            }
            return replicas;
        }
        if matches!(self.topology, Probe::Absent) && self.partitions.is_empty() {
            return self.configured_replicas();
        }
        let seen = self.partitions.iter();
        seen.filter_map(|(broker, probe)| Some((broker.clone(), probe.seen()?.keys().copied().collect())))
            .collect()
    }

    /// The replicas that the cluster's dynamic configuration lists, dead brokers' included. Empty before 8.4.
    pub(crate) fn configured_replicas(&self) -> Replicas {
        self.cluster_state.seen().map(replicas_of_members).unwrap_or_default()
    }

    /// What the leader of each partition says of it.
    pub(crate) fn leaders(&self) -> BTreeMap<PartitionId, &PartitionStatus> {
        let all = self.partitions.values().filter_map(Probe::seen).flatten();
        all.filter(|(_, status)| status.role == Role::Leader).map(|(id, status)| (*id, status)).collect()
    }

    /// How many partitions the cluster has.
    pub fn partition_count(&self) -> u32 {
        match self.topology.seen() {
            Some(topology) => topology.partitions_count,
            None => self.replicas().values().flatten().map(|partition| partition.0).max().unwrap_or(0),
        }
    }
}

/// The backup id in a snapshot's name, if it is one of Camunda's or of a records snapshot.
pub(crate) fn id_in_name(name: &str) -> Option<i64> {
    let records = name.strip_prefix("camunda_zeebe_records_backup_").map(str::to_owned);
    let id = records.or_else(|| PartName::parse(name).map(|part| part.backup_id))?;
    id.parse().ok()
}
