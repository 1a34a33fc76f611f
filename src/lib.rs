//! Consistent backup and recovery of Camunda 8 Self-Managed, to be embedded in a Rust service.
//!
//! Camunda keeps its state in several places: Zeebe's partitions, the indices of Operate, Tasklist and Optimize, and the
//! exported records. A backup can be restored only if all of them belong to one moment. This crate gets there: it
//! plans, pauses exporting, snapshots, backs Zeebe up, resumes, and proves what it did. Whatever happens to the caller,
//! the process, the network or the servers, exporting is never left paused without a durable record and a way to end it,
//! and a backup is never called complete unless it is.
//!
//! ```no_run
//! use camunda_backup::{BackupSpec, Cluster, ClusterConfig, ConnectOptions, recover};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = ClusterConfig::from_env()?;
//! let recovered = recover(config.clone(), ConnectOptions::default()).await?; // once at start-up: what a dead process still owes
//! println!("{recovered}");
//! let cluster = Cluster::connect(config).await?; // reads versions, stores, topology
//! let plan = cluster.plan_backup(BackupSpec::default())?; // pure
//! println!("{plan}"); // the dry run
//! let report = cluster.run(plan).await?; // survives drop, panic, kill -9, lost answers
//! println!("{report}"); // id, parts, time paused, verdict with evidence
//! # Ok(())
//! # }
//! ```
//!
//! Where to go from here: [`Cluster`] is the usual way to make a backup, [`RunHandle`] follows and stops a run, [`recover`] pays what a
//! dead process owes.
//!
//! # Features
//! * `reqwest` (default): the HTTP transport over reqwest and rustls. Without it, bring a [`Transport`] of your own.
//! * `testing`: the simulated cluster and journals for your own tests. Outside semver.

pub use camunda_backup_core::{
    BackupId, BrokerId, CamundaVersion, Clock, Component, Endpoint, Error, ErrorKind, ExporterId, IndexName,
    IndexPrefix, Outcome, PartitionId, RepositoryName, Request, Response, Result, Secret, SnapshotName,
    SystemClock, Timestamp, Transport, TransportError,
};
pub use camunda_backup_procedures::{
    Abandoned, Amount, BackupDetails, BackupOrder, BackupSpec, BackupTask, Cluster, ClusterConfig, Condition,
    ConditionStatus, ConnectOptions, Details, Events, ExportingSeen, Facts, Failure, FileJournal, Finding,
    FindingCode, Goal, Journal, Leftover, Limits, MemoryJournal, Obligation, PastRun, Plan, ProgressObserver,
    RecoveredEnd, RecoveredRun, RecoveryFailure, RecoveryReport, Replicas, Report, RunEvent, RunEventKind,
    RunHandle, RunOutcome, SecondaryStorage, Severity, StepPosition, Task, Unit, Verdict, past_entries,
    past_runs, recover,
};

/// The foundations: ids, versions, errors, transports.
pub use camunda_backup_core as core;
/// The client for Elasticsearch and OpenSearch.
pub use camunda_backup_es as es;
/// Plans, engine, journal, evidence.
pub use camunda_backup_procedures as procedures;
/// The client for Camunda's management and REST APIs.
pub use camunda_backup_zeebe as zeebe;

/// The simulated cluster. Outside semver.
#[cfg(feature = "testing")]
pub use camunda_backup_procedures::testing;

/// The pages whose Rust code the doc tests compile and run.
#[cfg(all(doctest, feature = "testing", feature = "reqwest"))]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/embedding.md")]
    struct Embedding;
}
