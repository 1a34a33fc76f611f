//! Foundations of `camunda-backup`: ids that cannot be wrong, versions, errors that say what to do next,
//! and the one [`Transport`] seam through which every byte leaves.
//!
//! This crate knows no path of Camunda, Elasticsearch or OpenSearch; those live in `camunda-backup-zeebe`
//! and `camunda-backup-es`.

pub mod clock;
pub mod component;
pub mod error;
pub mod http_client;
pub mod ids;
pub mod secret;
pub mod text;
pub mod transport;
pub mod version;

pub use clock::{Clock, SystemClock, Timestamp};
pub use component::Component;
pub use error::{Error, ErrorKind, Outcome, Result};
pub use http_client::{Auth, Call, Endpoint, HttpClient};
pub use ids::{
    BackupId, BrokerId, ExporterId, IndexName, IndexPrefix, PartitionId, RepositoryName, SnapshotName,
};
pub use secret::Secret;
pub use transport::{Effect, Request, Response, Transport, TransportError};
pub use version::CamundaVersion;
