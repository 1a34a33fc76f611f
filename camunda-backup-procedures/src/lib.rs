//! Plans, engine and journal of `camunda-backup`: one call for a consistent backup of a whole Camunda 8 cluster, proven,
//! and safe whatever happens.
//!
//! ```text
//! ClusterConfig ─► Cluster::connect ─► Facts ─┐
//!                            BackupSpec ──────┴─► Plan ─► run ─► Report
//!                                                            └─► Journal ─► recover()
//! ```
//!
//! # Features
//! * `reqwest`: the default transport, so that [`Cluster::connect`] needs none from outside.
//! * `testing`: the simulated cluster, and what injects faults into it. Outside semver.

pub mod backup;
mod cluster;
pub mod connection;
pub mod engine;
pub mod exporting;
pub mod facts;
mod finding;
mod formats;
pub mod journal;
mod leftover;
mod millis;
mod obligation;
pub mod plan;
mod procedure;
mod procedures;
mod recover;
mod replicas;
pub mod report;
mod reserved_ids;
mod run;
mod run_handle;
mod run_record;
mod stored_reports;
#[cfg(test)]
mod trial;
mod verdict;

#[cfg(feature = "testing")]
pub mod testing;

pub use backup::spec::{BackupSpec, Limits};
pub use backup::task::{BackupOrder, BackupTask, Goal};
pub use cluster::{Cluster, recover};
pub use connection::ConnectOptions;
pub use connection::config::{ClusterConfig, SecondaryStorage};
pub use engine::{Amount, Events, ProgressObserver, RunEvent, RunEventKind, RunOutcome, StepPosition, Unit};
pub use facts::Facts;
pub use finding::{Finding, FindingCode, Severity};
pub use journal::{FileJournal, Journal, MemoryJournal};
pub use leftover::{Abandoned, Leftover};
pub use obligation::Obligation;
pub use plan::{Plan, Task};
pub use recover::{
    ExportingSeen, PastRun, RecoveredEnd, RecoveredRun, RecoveryFailure, RecoveryReport, past_entries,
    past_runs,
};
pub use replicas::Replicas;
pub use report::{BackupDetails, Details, Failure, Report};
pub use run_handle::RunHandle;
pub use verdict::{Condition, ConditionStatus, Verdict};

/// The README, so that the doc tests compile and run its code.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
