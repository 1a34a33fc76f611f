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
//!
//! # Where things are
//! `api/` has one file for each group of endpoints, `wire/` what lies between bytes and endpoints, `state/` what the
//! server holds, `control/` what tests set and read without HTTP. [`FakeElasticsearch`] puts them together.
//!
//! | Endpoint | File |
//! |---|---|
//! | `GET /`, `GET /_nodes`, `GET /_tasks`, `/_ilm/policy`, `/_plugins/_ism/policies` | `api/cluster.rs` |
//! | `GET /_cluster/health` | `api/health.rs` |
//! | `/_cluster/settings`, `/{index}/_settings` | `api/settings.rs` |
//! | `GET /_cat/…` | `api/cat.rs`, the smaller tables in `api/cat_rows.rs` |
//! | `/_snapshot/{repository}`, `…/_verify`, `…/_cleanup` | `api/repositories.rs` |
//! | `GET /_snapshot/{repository}/{names}` | `api/snapshot_list.rs` (`wire/snapshot_info.rs`, `wire/listing_order.rs`) |
//! | `PUT /_snapshot/{repository}/{snapshot}` | `api/snapshot_create.rs` |
//! | `DELETE /_snapshot/{repository}/{names}` | `api/snapshot_delete.rs` |
//! | `GET /_snapshot/…/_status` | `api/snapshot_status.rs` |
//! | `POST /_snapshot/…/_restore` | `api/snapshot_restore.rs` (`wire/restore_body.rs`, `wire/rename.rs`) |
//! | `PUT /_snapshot/…/_clone/{target}` | `api/snapshot_clone.rs` |
//! | `/{index}`, `/{index}/_mapping`, `GET /_resolve/index/{pattern}` | `api/indices.rs` |
//! | `POST /{index}/_close`, `_open`, `_refresh`, `_flush` | `api/closing.rs` |
//! | `GET /{index}/_recovery` | `api/recovery.rs` |
//! | `/{index}/_doc`, `_create`, `_bulk`, `_count`, `_delete_by_query` | `api/documents.rs` |
//! | `/{index}/_search` | `api/search.rs`, `api/search_aggregations.rs` |
//! | `/_alias`, `/_aliases`, `/{index}/_alias` | `api/aliases.rs` |
//! | `/_index_template`, `/_component_template`, `/_template` | `api/templates.rs` |
//! | everything else: refused as the servers refuse it | `wire/route.rs` |

mod api;
mod control;
mod fake;
mod state;
mod wire;

#[cfg(test)]
mod tests;

pub use control::faults::SnapshotFault;
pub use control::options::{StoreFlavor, StoreOptions, TemplateKind};
pub use control::view::SnapshotView;
pub use fake::FakeElasticsearch;
pub use state::storage::FakeStorage;
