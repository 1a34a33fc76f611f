//! A simulated Camunda 8.1 … 8.10: brokers, gateway, Operate, Tasklist, combined web applications and Optimize.
//!
//! [`FakeCamunda`] is a state machine with data: partitions write records, exporters copy them into the store,
//! importers follow, backups freeze what was there. A backup taken in a wrong order is therefore really
//! inconsistent, and a checker can see it in the store. It speaks the wire format of the version it plays, with the
//! quirks that real servers showed. It is an independent second opinion: nothing of the client is used here.
//!
//! Time is a [`SimulatedClock`](camunda_backup_core::clock::SimulatedClock): nothing happens between two calls; each call
//! of [`FakeCamunda::answer`] and [`FakeCamunda::tick`] first catches up. Outside semver.
//!
//! # Where things are
//! `api/` has one file for each group of endpoints, `wire/` what lies between bytes and endpoints, `state/` what the
//! installation holds and how it moves in time, `control/` what tests set and read without HTTP, `store/` the search
//! store behind it. [`FakeCamunda`] puts them together.
//!
//! | Endpoint | File |
//! |---|---|
//! | `/actuator`, `/actuator/info`, `/actuator/health`, `/ready` | `api/actuator.rs` |
//! | `/actuator/exporting/…`, `/actuator/partitions/{operation}` | `api/exporting.rs` |
//! | `/actuator/partitions`, `/actuator/cluster`, `/actuator/exporters`, `/actuator/prometheus` | `api/topology.rs` |
//! | `/actuator/backups`, `/actuator/backupRuntime` | `api/runtime_backups.rs`, for 8.1 `api/runtime_backups_8_1.rs` |
//! | `/actuator/backups`, `/actuator/backupHistory` of Operate, Tasklist, web applications | `api/history_backups.rs` (`wire/history_refusals.rs`) |
//! | `/actuator/backups` of Optimize | `api/optimize.rs` |
//! | `/v1/topology`, `/v2/topology`, `/v2/exporting`, `/v2/backups` | `api/rest.rs` |
//! | everything else: refused as the servers refuse it | `wire/route.rs` |

mod api;
mod control;
mod fake;
mod state;
mod store;
mod transport;
mod wire;

#[cfg(test)]
mod tests;

pub use control::faults::{BucketState, ZeebeBackupOutcome};
pub use control::observe::{PartitionBackupView, PauseEvent, PauseKind, PausedReplica, ZeebeBackupView};
pub use control::options::CamundaOptions;
pub use fake::{Addresses, FakeCamunda};
pub use state::partition::Phase;
pub use store::memory::MemoryStore;
pub use store::{SecondaryStore, SnapshotFacts};
pub use wire::answer::Answer;
