//! Foundations of `camunda-backup`: ids that cannot be wrong, versions, errors that say what to do next,
//! and the one [`Transport`] seam through which every byte leaves.
//!
//! This crate knows no path of Camunda, Elasticsearch or OpenSearch; those live in `camunda-backup-zeebe`
//! and `camunda-backup-es`.
//!
//! # Features
//! * `reqwest` (default): `ReqwestTransport`, the transport over reqwest and rustls.
//! * `testing`: scripted transports and [`SimulatedClock`]. Outside semver.

pub mod clock;
pub mod component;
pub mod error;
pub mod http_client;
pub mod ids;
pub mod secret;
pub mod settings;
pub mod text;
pub mod transport;
pub mod version;

#[cfg(any(test, feature = "testing"))]
pub use clock::SimulatedClock;
pub use clock::{Clock, SystemClock, Timestamp};
pub use component::Component;
pub use error::{Error, ErrorKind, Outcome, Result};
pub use http_client::{Auth, AuthParts, Call, Endpoint, HttpClient, OidcConfig};
pub use ids::{
    BackupId, BrokerId, ExporterId, IndexName, IndexPrefix, PartitionId, RepositoryName, SnapshotName,
};
pub use secret::Secret;
#[cfg(feature = "reqwest")]
pub use transport::reqwest::ReqwestTransport;
pub use transport::{Effect, Request, Response, TlsConfig, Transport, TransportConfig, TransportError};
pub use version::CamundaVersion;

/// The README, so that the doc tests compile and run its code.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
