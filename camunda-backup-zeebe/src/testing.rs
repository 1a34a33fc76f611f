//! A simulated Camunda 8.1 … 8.10: brokers, gateway, Operate, Tasklist, combined web applications and Optimize.
//!
//! [`FakeCamunda`] is a state machine with data: partitions write records, exporters copy them into the store,
//! importers follow, backups freeze what was there. A backup taken in a wrong order is therefore really
//! inconsistent, and a checker can see it in the store. It speaks the wire format of the version it plays, with the
//! quirks that real servers showed. It is an independent second opinion: nothing of the client is used here.
//!
//! Time is a [`SimulatedClock`](camunda_backup_core::clock::SimulatedClock): nothing happens between two calls; each call
//! of [`FakeCamunda::answer`] and [`FakeCamunda::tick`] first catches up. Outside semver.

mod actuator;
mod app_backup;
mod backups_of_8_1;
mod brokers;
mod dialect;
mod exporting;
mod fake;
mod faults;
mod history_backups;
mod history_refusals;
mod memory_store;
mod observe;
mod optimize;
mod options;
mod partition;
mod rest;
mod router;
mod runtime_backups;
mod snapshot_queue;
mod store;
mod topology;
mod webapp_import;
mod wire;
mod world;
mod zeebe_backup;

#[cfg(test)]
mod tests;

pub use fake::{Addresses, Answer, FakeCamunda};
pub use faults::{BucketState, ZeebeBackupOutcome};
pub use memory_store::MemoryStore;
pub use observe::{PartitionBackupView, PauseEvent, PauseKind, PausedReplica, ZeebeBackupView};
pub use options::CamundaOptions;
pub use partition::Phase;
pub use store::{SecondaryStore, SnapshotFacts};
