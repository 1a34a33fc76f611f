//! What the checks before a procedure found.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a finding, by which a blocker can be overridden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FindingCode {
    /// A configured component did not answer, or not as itself.
    ComponentUnreachable,
    /// The topology is not complete: brokers, leaders or replicas are missing or unhealthy.
    TopologyIncomplete,
    /// The topology cannot be read: no address for it, or no answer. What would be paused is not known then.
    TopologyUnknown,
    /// Zeebe has no backup store, or it does not answer.
    BackupStoreUnusable,
    /// No search store is configured although web applications are.
    StoreNotConfigured,
    /// An application has written its backups to another repository, or to another store.
    OtherRepository,
    /// The repository is not registered.
    RepositoryMissing,
    /// The repository cannot be written.
    RepositoryReadonly,
    /// The repository could not be verified on the store's nodes.
    RepositoryUnverified,
    /// The id is used, or lower than one that is used.
    IdTaken,
    /// Another backup is running.
    BackupRunning,
    /// A snapshot is running in the repository.
    SnapshotRunning,
    /// A cluster change is pending.
    ChangePending,
    /// Exporting is paused, and not by us.
    ExportingPaused,
    /// Exporting neither runs nor is paused somewhere: a phase such as `CLOSED`, or one that is not known.
    ExportingStopped,
    /// What exporting does cannot be read from the brokers.
    ExportingUnknown,
    /// An exporter is not enabled.
    ExporterNotEnabled,
    /// Brokers and applications have different versions.
    VersionsDiffer,
    /// Only the configuration tells the version.
    VersionUnconfirmed,
    /// There are no indices under a prefix that should have some.
    PrefixWithoutIndices,
    /// An application's list of backups cannot be read, or Zeebe's, although they answer.
    HistoryUnreadable,
    /// An index is red.
    IndexRed,
    /// A disk of the store is over its flood stage.
    StoreDiskFull,
    /// The last backup had a part that took nearly as long as the applications' store time-out.
    PartsSlow,
    /// The applications store their data in a relational database.
    RelationalStorage,
    /// An application's or store's address is missing for this version.
    AddressMissing,
    /// There are live indices of an application that has no address, so its part would be missing.
    ApplicationForgotten,
    /// There are indices that begin like ours and are not taken for ours.
    IndicesOfOthers,
    /// The records are far behind what the exporter has acknowledged: it may write under another prefix.
    RecordsBehind,
}

impl fmt::Display for FindingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = serde_json::to_value(self).unwrap_or_default();
        f.write_str(name.as_str().unwrap_or("finding"))
    }
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Severity {
    /// The backup may go on; the verdict may be weaker.
    Warning,
    /// A blocker that the caller overrode by name.
    Overridden,
    /// The backup does not start.
    Blocker,
}

/// One finding: which component, what was seen, why it matters, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// Its name.
    pub code: FindingCode,
    /// Its weight.
    pub severity: Severity,
    /// The component it is about.
    pub component: String,
    /// What was seen.
    pub seen: String,
    /// Why it matters.
    pub why: String,
    /// What to do.
    pub advice: String,
}

impl Finding {
    /// A component of which nothing can be read.
    pub(crate) fn unreachable(component: impl fmt::Display, why: &str, advice: Option<&str>) -> Self {
        Self::blocker(FindingCode::ComponentUnreachable, component, why)
            .because("its part of the backup could not be made")
            .advise(advice.unwrap_or("check the address and that it is running"))
    }

    pub(crate) fn blocker(code: FindingCode, component: impl fmt::Display, seen: impl Into<String>) -> Self {
        Self::new(Severity::Blocker, code, component, seen)
    }

    pub(crate) fn warning(code: FindingCode, component: impl fmt::Display, seen: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, component, seen)
    }

    fn new(
        severity: Severity,
        code: FindingCode,
        component: impl fmt::Display,
        seen: impl Into<String>,
    ) -> Self {
        let (component, seen) = (component.to_string(), seen.into());
        Self { code, severity, component, seen, why: String::new(), advice: String::new() }
    }

    pub(crate) fn because(mut self, why: &str) -> Self {
        why.clone_into(&mut self.why);
        self
    }

    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// Whether naming it in [`BackupSpec::overrides`](crate::BackupSpec::overrides) lets the backup go on. A pause of somebody else, a used
    /// id, replicas that nobody knows and a store that does not show its indices can't be talked away.
    pub fn can_be_overridden(&self) -> bool {
        let hides_the_records = self.code == FindingCode::ComponentUnreachable && self.component == "store";
        !hides_the_records
            && !matches!(
                self.code,
                FindingCode::ExportingPaused
                    | FindingCode::IdTaken
                    | FindingCode::AddressMissing
                    | FindingCode::TopologyUnknown
            )
    }
}

impl Finding {
    /// The blockers that an error lists, such as that of [`Cluster::plan_backup`](crate::Cluster::plan_backup); empty for any
    /// other error.
    pub fn of_error(error: &camunda_backup_core::Error) -> Vec<Self> {
        let listed = error.details().and_then(|details| details.get("findings"));
        listed.and_then(|listed| serde_json::from_value(listed.clone()).ok()).unwrap_or_default()
    }
}

/// Findings as the details of an error; see [`Finding::of_error`].
pub(crate) fn details(findings: &[&Finding]) -> serde_json::Value {
    serde_json::json!({ "findings": findings })
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = match self.severity {
            Severity::Warning => "warning",
            Severity::Overridden => "overridden",
            Severity::Blocker => "blocker",
        };
        write!(f, "{weight} {} ({}): {}", self.code, self.component, self.seen)?;
        if !self.why.is_empty() {
            write!(f, "; {}", self.why)?;
        }
        if !self.advice.is_empty() {
            write!(f, "; do: {}", self.advice)?;
        }
        Ok(())
    }
}
