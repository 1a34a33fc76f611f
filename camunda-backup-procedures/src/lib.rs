//! Plans, engine and journal of `camunda-backup`: one call for a consistent backup of a whole Camunda 8 cluster, proven,
//! and safe whatever happens.
//!
//! ```text
//! ClusterConfig ─► Cluster::connect ─► Facts ─┐
//!                            BackupSpec ──────┴─► Plan ─► run ─► Report
//!                                                            └─► Journal ─► recover()
//! ```

mod clients;
mod cluster;
pub mod config;
mod discover;
pub mod engine;
pub mod evidence;
pub mod facts;
pub mod journal;
pub mod leftovers;
pub mod plan;
mod planner;
pub mod preflight;
mod recover;
pub mod report;
mod run;
pub mod spec;
mod steps;
pub mod verdict;

#[cfg(feature = "testing")]
pub mod testing;

pub use cluster::{Cluster, Parts, recover};
pub use config::{ClusterConfig, SecondaryStorage};
pub use engine::{Events, ProgressObserver, RunEvent, RunEventKind, RunOutcome};
pub use facts::Facts;
pub use journal::{FileJournal, Journal, MemoryJournal};
pub use leftovers::{Abandoned, Leftover};
pub use plan::{BackupOrder, Goal, Obligation, Plan};
pub use preflight::{Finding, FindingCode, Severity};
pub use recover::{RecoveredEnd, RecoveredRun, RecoveryReport};
pub use report::{Failure, Report};
pub use run::RunHandle;
pub use spec::{BackupSpec, Limits};
pub use verdict::{Condition, Standing, Verdict};
