//! The simulated search store: [`FakeElasticsearch`], a state machine that answers like Elasticsearch 7.17, 8 and 9 or
//! OpenSearch 1, 2 and 3, oddities included. Outside semver.
//!
//! It shares no code with the client of this crate on purpose: it is a second opinion on the wire format, checked
//! against recordings of real servers.
//!
//! # What is simplified
//! * One node, no replicas, no near-real-time delay: a document is found as soon as it is written.
//! * An answer that a real server would hold back (`wait_for_completion=true`, health with a time-out, deleting a
//!   snapshot while another runs) is computed at once for the time at which it would be sent;
//!   [`Transport::send`](camunda_backup_core::Transport::send) then waits until that time,
//!   [`FakeElasticsearch::answer`] does not.
//! * Repositories hold whole documents. Damage is simulated by [`FakeElasticsearch::break_repository`].
//! * Pipelines, data streams, SLM, tasks and security do not exist.

mod aggregations;
mod aliases;
mod answer;
mod cat;
mod cat_rows;
mod checkers;
mod clone;
mod closing;
mod cluster;
mod create;
mod delete;
mod dialect;
mod documents;
mod exchange;
mod fake;
mod faults;
mod filter_path;
mod health;
mod indices;
mod info;
mod list;
mod listing_order;
mod media;
mod names;
mod options;
mod recovery;
mod rename;
mod repositories;
mod restore;
mod restore_body;
mod route;
mod search;
mod searchable;
mod settings;
mod shard_limit;
mod snapshots;
mod state;
mod status;
mod storage;
mod templates;
mod view;

#[cfg(test)]
mod quirks;
#[cfg(test)]
mod replay;

pub use fake::FakeElasticsearch;
pub use faults::SnapshotFault;
pub use options::{StoreFlavor, StoreOptions, TemplateKind};
pub use storage::FakeStorage;
pub use view::SnapshotView;
