//! What must be undone, whatever happens. A closed list, apart from all plans: any debt can be paid by somebody who does not
//! understand the plan that made it.

use std::collections::BTreeSet;
use std::fmt;

use camunda_backup_core::CamundaVersion;
use camunda_backup_zeebe::PauseMode;
use serde::{Deserialize, Serialize};

use crate::replicas::Replicas;

/// Something that must be undone, whatever happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Obligation {
    /// Exporting was, or may have been, paused: every replica must be seen exporting again.
    ResumeExporting {
        /// The gateway's address: the cluster that is owed to.
        #[serde(default)]
        gateway: String,
        /// The version whose dialect pauses and resumes.
        version: CamundaVersion,
        /// How it was to be paused.
        mode: PauseMode,
        /// The replicas that must be seen exporting, by broker, as the topology was at the start.
        replicas: Replicas,
    },
}

impl fmt::Display for Obligation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResumeExporting { replicas, .. } => {
                let count: usize = replicas.values().map(BTreeSet::len).sum();
                write!(f, "resume exporting on {count} replicas of {} brokers", replicas.len())
            }
        }
    }
}
