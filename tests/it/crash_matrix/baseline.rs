//! The run without any fault: how long it is, and that it is sound.

use camunda_backup::testing::SeenRequest;

use super::cases::{Case, Place};
use super::explore::explore;
use super::mutants::Mutant;
use super::scenes::Scene;

/// One fault-free run.
pub(super) struct Baseline {
    seen: Vec<SeenRequest>,
    /// How many journal records it tried to store, claim and release included.
    pub(super) puts: usize,
    /// What is wrong with it already.
    pub(super) violations: Vec<String>,
}

impl Baseline {
    pub(super) fn of(scene: &Scene, mutant: Mutant) -> Self {
        let explored = explore(scene, None, mutant);
        let mut violations = explored.violations;
        if !explored.completed {
            violations.push(format!("it does not complete: {}", explored.words));
        }
        Self { seen: explored.requests, puts: explored.puts, violations }
    }

    /// How many requests the run sends, connecting not counted.
    pub(super) fn requests(&self) -> usize {
        self.seen.len()
    }

    /// The number of the first request of an operation.
    pub(super) fn place_of(&self, operation: &str) -> usize {
        self.seen.iter().position(|request| request.operation == operation).unwrap()
    }

    pub(super) fn cases(&self) -> impl Iterator<Item = Case> {
        Case::all(self.requests(), self.puts)
    }

    /// A case, with the request that stands there without faults.
    pub(super) fn label(&self, case: &Case) -> String {
        match case.place {
            Place::Request(n) => format!("{case} ({})", self.seen[n].line),
            Place::Put(_) => case.to_string(),
        }
    }
}
