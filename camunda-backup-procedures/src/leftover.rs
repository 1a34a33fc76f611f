//! What a run that did not complete leaves behind, and what became of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that a run started and that is of no use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Leftover {
    /// Where it is.
    pub component: String,
    /// What it is.
    pub what: String,
    /// How to delete it by hand.
    pub delete: String,
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}: {}", self.what, self.component, self.delete)
    }
}

/// What abandoning a run did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Abandoned {
    /// Everything that was deleted and seen to be gone, each snapshot by its name.
    pub deleted: Vec<String>,
    /// What is still there, may still appear or could not be looked at, with the reason. Abandon again later.
    pub remaining: Vec<String>,
}

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.deleted {
            writeln!(f, "deleted {name}")?;
        }
        for why in &self.remaining {
            writeln!(f, "remains: {why}")?;
        }
        Ok(())
    }
}
