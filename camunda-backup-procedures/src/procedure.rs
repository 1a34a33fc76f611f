//! What a run asks of the procedure that its plan is of.

use std::sync::Arc;

use async_trait::async_trait;
use camunda_backup_core::{Error, Result};

use crate::engine::{Moment, Steps};
use crate::journal::RunId;
use crate::leftover::Leftover;
use crate::report::Details;
use crate::verdict::{Condition, Verdict};

/// A procedure that is about to run. One folder holds all that is its own; [`procedures`](crate::procedures) lists them.
///
/// A run calls it in the order of its methods.
#[async_trait]
pub(crate) trait Procedure: Send + Sync {
    /// Looks whether what was planned is still so, and whether the plan is what the planner makes of it. Reads only. In
    /// every process that begins or continues a run, behind the claim.
    async fn recheck(&mut self) -> Result<()>;

    /// Takes what no other run may have, such as a backup id. Once in a run, after its plan is on record.
    async fn reserve(&self, run: &RunId) -> Result<()>;

    /// The steps, for the engine.
    fn steps(&self, run: &RunId) -> Arc<dyn Steps>;

    /// Looks at the cluster once more, and judges what was done.
    async fn judge(&self, ended: Ended<'_>) -> Judged;

    /// What it leaves behind when it has failed.
    fn leftovers(&self, timeline: &[Moment]) -> Vec<Leftover>;
}

/// How the engine's part ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended<'a> {
    /// Everything that was sent and seen, by all processes of the run.
    pub(crate) timeline: &'a [Moment],
    /// Whether something is still owed.
    pub(crate) is_owing: bool,
    /// Whether something owed could not be paid in the usual way, and was in another.
    pub(crate) by_detour: bool,
}

/// The judgement of a run.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    pub(crate) conditions: Vec<Condition>,
    /// What only this procedure's report has.
    pub(crate) details: Details,
    /// Why the run fails although all of its steps succeeded.
    pub(crate) error: Option<Error>,
}
