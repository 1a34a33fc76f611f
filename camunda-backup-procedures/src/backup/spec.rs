//! What the caller wants of a backup, and how long it may keep exporting paused.

use std::collections::BTreeSet;
use std::time::Duration;

use camunda_backup_core::BackupId;
use serde::{Deserialize, Serialize};

use crate::backup::preflight::FindingCode;

/// What a backup shall be. `BackupSpec::default()` is a whole, consistent backup under a fresh id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct BackupSpec {
    /// The id; `None` chooses one above every id known anywhere.
    pub id: Option<BackupId>,
    /// Blockers that shall not stop this backup, by name. Each override is recorded in plan, journal and report.
    pub overrides: BTreeSet<FindingCode>,
    /// Back up Zeebe only, although web applications or a store are configured.
    pub zeebe_only: bool,
    /// Time limits.
    pub limits: Limits,
}

/// Time limits of a backup. Each has a default that fits most clusters. As data each is `{secs, nanos}`, serde's form of a
/// [`Duration`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct Limits {
    /// When resuming begins at the latest, from the moment before the pause is sent: the run fails then. How long resuming
    /// takes depends on the brokers; `max_resume` is how long the run tries.
    pub max_pause: Duration,
    /// How long a part that says it is running may show no movement at all.
    pub stall: Duration,
    /// How long a part may be invisible or incomplete while nothing runs anywhere, before it counts as failed.
    ///
    /// Web applications from 8.7 on call a dead backup `IN_PROGRESS` for five minutes; that is under `stall`.
    pub grace: Duration,
    /// How long the parts outside the pause may take, each.
    pub max_part: Duration,
    /// How long resuming is tried within the run before it is left to `recover()` and an operator; at least 10 s.
    pub max_resume: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pause: Duration::from_secs(15 * 60),
            stall: Duration::from_secs(10 * 60),
            grace: Duration::from_secs(60),
            max_part: Duration::from_secs(6 * 60 * 60),
            max_resume: Duration::from_secs(30 * 60),
        }
    }
}
