//! What the matrix must catch: the mistakes that other tools made, as broken wires and a broken journal around the
//! library, so that nothing in it has a switch for tests.

mod tests;
mod wires;

use std::sync::Arc;

use camunda_backup::{Journal, Transport};

use wires::{LateIntent, Lying};

/// One mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// None.
    None,
    /// `close` does nothing and believes that it did: resumes are swallowed, and brokers are heard to export.
    CloseDisabled,
    /// What is owed is written down after the request has left.
    ObligationAfterRequest,
    /// `?soft=true` is lost on the way: the pause is a hard one.
    SoftDropped,
    /// A 500 inside a 200 is taken for the 204 that it could have been.
    EnvelopeIgnored,
    /// There is no pause at all, and everybody says that there is.
    PauseDeleted,
}

impl Mutant {
    pub(super) fn transport(self, wire: Arc<dyn Transport>) -> Arc<dyn Transport> {
        match self {
            Self::None | Self::ObligationAfterRequest => wire,
            _ => Arc::new(Lying::new(self, wire)),
        }
    }

    pub(super) fn journal(self, journal: Arc<dyn Journal>) -> Arc<dyn Journal> {
        match self {
            Self::ObligationAfterRequest => Arc::new(LateIntent::new(journal)),
            _ => journal,
        }
    }
}
