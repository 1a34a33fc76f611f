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

/// What a client or a transport of your own needs beside the names above: HTTP, credentials, settings.
pub mod core {
    #[cfg(feature = "reqwest")]
    pub use camunda_backup_core::ReqwestTransport;
    #[cfg(feature = "testing")]
    pub use camunda_backup_core::SimulatedClock;
    pub use camunda_backup_core::http_client::{DEFAULT_MAX_BODY, path_segment, server_message};
    pub use camunda_backup_core::{
        Auth, AuthParts, Call, Effect, HttpClient, OidcConfig, TlsConfig, TransportConfig, settings, text,
    };

    /// The limits of a request, and why it got no answer.
    pub mod transport {
        #[cfg(feature = "testing")]
        pub use camunda_backup_core::transport::script;
        pub use camunda_backup_core::transport::{Reason, Timeouts, TransportErrorKind};
    }
}

/// The client for Elasticsearch and OpenSearch.
pub use camunda_backup_es as es;
/// What a journal of your own, and whoever reads plans, journals and reports in detail, needs beside the names above.
pub mod procedures {
    /// What a backup has reached, and how it is judged.
    pub mod backup {
        pub use camunda_backup_procedures::backup::evidence;
        pub use camunda_backup_procedures::backup::task::Pinned;

        /// The checks before anything is changed.
        pub mod preflight {
            pub use camunda_backup_procedures::backup::preflight::preflight;
        }
        /// The conditions of a verdict.
        pub mod verdict {
            pub use camunda_backup_procedures::backup::verdict::judge;
        }
    }
    /// What a run writes down.
    pub mod engine {
        pub use camunda_backup_procedures::engine::{Entry, Moment, Sent};
    }
    /// What exporting did at a moment.
    pub use camunda_backup_procedures::exporting;
    /// What was seen of a cluster.
    pub mod facts {
        pub use camunda_backup_procedures::facts::Probe;
    }
    /// Keys, locks, claims and records.
    pub mod journal {
        #[cfg(feature = "testing")]
        pub use camunda_backup_procedures::journal::PutFault;
        pub use camunda_backup_procedures::journal::{
            Claim, Damage, Holder, Key, Lock, LockGuard, MAX_BODY, Orphan, Put, Record, Removal, RunHistory,
            RunId, RunLog, Takeover, Unread, claim, histories, history, open_claims,
        };
    }
    /// The parts of a plan.
    pub mod plan {
        pub use camunda_backup_procedures::plan::{Bracket, Group, Stage, StepPlan};
    }
}
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
