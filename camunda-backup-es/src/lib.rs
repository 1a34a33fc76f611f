//! Client for the snapshot and index APIs of Elasticsearch 7.17/8/9 and OpenSearch 1/2/3, as a Camunda backup needs them.
//!
//! [`SearchStore`] is the client. Every request is built by a pure function that returns a
//! [`Call`](camunda_backup_core::Call), every answer is decoded by a pure function in [`decode`]. What differs between
//! flavours and versions is one table, with a row of [`Traits`] for each.
//!
//! The rules that all of it follows: the verdict of a snapshot is the `state` of `GET /_snapshot/…`, never `_status`;
//! unknown states are kept and are never success; no wildcard leaves in a request that changes something; an empty list
//! of indices, which the servers read as "everything", cannot be sent.
//!
//! # Features
//! * `reqwest` (default): `SearchStore::connect`, over reqwest and rustls. Without it bring a
//!   [`Transport`](camunda_backup_core::Transport) and use [`SearchStore::connect_with`].
//! * `testing`: a simulated store that shares no code with this client. Outside semver.

// First, because its macros serve the tests of all others.
#[cfg(test)]
#[macro_use]
mod goldens;

mod aliases;
mod client;
mod create_snapshot;
pub mod decode;
mod delete_snapshot;
mod detect;
mod disk;
mod display;
mod failure;
mod flavor;
mod health;
mod index_changes;
mod indices;
mod managed_service;
mod max_by_group;
mod missing_right;
mod name_chunks;
mod repository;
mod repository_settings;
mod restore;
mod restore_progress;
mod snapshot_info;
mod snapshot_listing;
mod snapshot_page;
mod snapshot_progress;
mod snapshot_state;
mod snapshots;
mod store_info;
mod templates;
#[cfg(feature = "testing")]
pub mod testing;
mod tolerant;

#[cfg(test)]
mod client_against_fake;
#[cfg(test)]
mod hostile_json;

pub use client::SearchStore;
pub use create_snapshot::{CreateSnapshot, MAX_METADATA_BYTES};
pub use delete_snapshot::Deleted;
pub use disk::{DiskState, NodeDisk};
pub use flavor::{Flavor, StoreVersion, Traits};
pub use health::{Health, HealthStatus};
pub use indices::IndexStats;
pub use repository::{Cleanup, Repository};
pub use repository_settings::{
    AzureRepository, FsRepository, GcsRepository, RepositoryOptions, RepositorySettings, S3Repository,
    SourceRepository, UrlRepository,
};
pub use restore::{Rename, RestoreSnapshot, RestoreTarget};
pub use restore_progress::{IndexRecovery, RestoreProgress};
pub use snapshot_info::{ShardFailure, Shards, SnapshotInfo};
pub use snapshot_listing::{SnapshotEntry, SnapshotSummary};
pub use snapshot_page::{PageRequest, SnapshotPage};
pub use snapshot_progress::SnapshotProgress;
pub use snapshot_state::SnapshotState;
pub use store_info::StoreInfo;

/// The README, so that the doc tests compile and run its code.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
