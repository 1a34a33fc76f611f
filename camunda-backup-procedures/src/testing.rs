//! The simulated cluster: a whole Camunda installation with its search store, in memory, behind [`Transport`] or on
//! loopback sockets. A product of its own: integration tests of other projects depend on it. Outside semver.
//!
//! It has data: records are exported with positions, snapshots hold what was in the indices at that moment. A backup
//! taken in a wrong order is therefore really inconsistent, and [`SimulatedCluster::check`] sees it.
//!
//! [`Transport`]: camunda_backup_core::Transport

mod adapter;
mod checker;
mod cluster;
pub mod conformance;
mod faults;
mod operations;
mod process;
mod serve;

pub use checker::{Inconsistency, Recoverability};
pub use cluster::{SimulatedCluster, SimulationOptions, StoreKind};
pub use faults::{Fault, Rule, SeenRequest};
pub use operations::operations;
pub use process::SimulatedProcess;
pub use serve::ServedCluster;
