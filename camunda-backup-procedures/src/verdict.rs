//! The judgement of a run: conditions, how each stands, and what follows from all of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The judgement over all conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
#[non_exhaustive]
pub enum Verdict {
    /// N1–N8, N12 and T1–T7 hold: the backup is a consistent recovery point.
    Proven,
    /// Nothing speaks against it, and something that would prove it could not be seen, or a blocker was overridden.
    Plausible,
    /// A necessary condition is violated. The backup is not complete, whatever the servers say.
    Inconsistent,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Proven => "PROVEN",
            Self::Plausible => "PLAUSIBLE",
            Self::Inconsistent => "INCONSISTENT",
        })
    }
}

/// How one condition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ConditionStatus {
    /// It holds.
    Holds,
    /// It is violated.
    Violated,
    /// It could not be seen.
    Unproven,
    /// It does not apply to this backup.
    NotApplicable,
}

/// One condition and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Condition {
    /// Its number: N1–N12 necessary, T1–T7 about the window.
    pub number: String,
    /// What it demands.
    pub demands: String,
    /// How it stands.
    pub standing: ConditionStatus,
    /// Why, with the numbers.
    pub reason: String,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let standing = match self.standing {
            ConditionStatus::Holds => "holds",
            ConditionStatus::Violated => "VIOLATED",
            ConditionStatus::Unproven => "unproven",
            ConditionStatus::NotApplicable => "not applicable",
        };
        write!(f, "{:<4}{:<15}{} — {}", self.number, standing, self.demands, self.reason)
    }
}
