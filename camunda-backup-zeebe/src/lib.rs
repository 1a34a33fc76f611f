//! Client for the management and REST APIs of Camunda 8 Self-Managed, 8.1 … 8.10, as backup and recovery need them.
//!
//! Every request is built by a pure function that returns a [`Call`](camunda_backup_core::Call), and every answer is
//! decoded by a pure function. What differs between versions is one row of a table of [`Dialect`]s; states and phases
//! that a server may invent are open enums, and an unknown one is kept and never taken for success.
//!
//! ```text
//! detect_version ─► CamundaVersion ─► Dialect ─┬► RuntimeBackups   Zeebe's own backup
//!                                              ├► HistoryBackups   Operate, Tasklist, combined web applications
//!                                              ├► OptimizeBackups
//!                                              ├► Exporting        pause, resume, status
//!                                              ├► Partitions       what one broker's replicas do
//!                                              ├► TopologyClient   who leads what
//!                                              └► ClusterApi, Exporters, Health
//! ```
//!
//! [`Zeebe::connect`] makes those of one Zeebe from its address.
//!
//! # Features
//! * `reqwest` (default): `Zeebe::connect` without a transport of your own.
//! * `testing`: a simulated Camunda that shares no code with this client. Outside semver.

mod answer;
mod backup_state;
mod client;
#[cfg(test)]
mod client_against_fake;
mod cluster;
mod detect;
mod dialect;
mod display;
mod exporters;
mod exporting;
mod forbidden;
mod health;
mod history_backups;
mod missing_endpoint;
mod open_enum;
mod optimize_backups;
mod partitions;
mod refusal;
mod runtime_backups;
#[cfg(test)]
mod scripted;
mod server_time;
mod snapshot_names;
mod topology;

#[cfg(feature = "testing")]
pub mod testing;

pub use backup_state::BackupState;
pub use client::{ExportingState, Zeebe, ZeebeOptions};
pub use cluster::{ClusterApi, ClusterChange, ClusterMember, ClusterState};
pub use detect::{DetectedVersion, detect_version};
pub use dialect::{Dialect, ExportingApi, HistoryApi, OptimizeApi, RuntimeApi, TopologyApi};
pub use exporters::{Exporter, ExporterStatus, Exporters};
pub use exporting::{Exporting, ExportingStatus, PauseAnswer, PauseMode};
pub use health::{Health, HealthState};
pub use history_backups::{HistoryBackup, HistoryBackups, HistoryPart, Scheduled};
pub use optimize_backups::OptimizeBackups;
pub use partitions::{ExporterPhase, PartitionStatus, Partitions, Role};
pub use runtime_backups::{
    Checkpoint, CheckpointRange, CheckpointState, PartitionBackup, RuntimeBackup, RuntimeBackups,
};
pub use server_time::ServerTime;
pub use snapshot_names::{PartName, expected_names, records_snapshot_name};
pub use topology::{PartitionReplica, Topology, TopologyBroker, TopologyClient};

/// The README, so that the doc tests compile and run its code.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
