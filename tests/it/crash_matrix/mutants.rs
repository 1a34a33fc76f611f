//! What the matrix must catch.

use std::sync::Arc;

use camunda_backup::{Journal, Transport};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    None,
}

impl Mutant {
    pub(super) fn transport(self, wire: Arc<dyn Transport>) -> Arc<dyn Transport> {
        wire
    }

    pub(super) fn journal(self, journal: Arc<dyn Journal>) -> Arc<dyn Journal> {
        journal
    }
}
