//! Every procedure there is: for each task its folder. A new procedure is a folder, and a line in each of these functions.

use std::sync::Arc;

use camunda_backup_core::Result;

use crate::backup::procedure as backup;
use crate::connection::Connection;
use crate::engine::Entry;
use crate::facts::discover::Discovery;
use crate::leftover::{Abandoned, Leftover};
use crate::plan::{Plan, Task};
use crate::procedure::Procedure;
#[cfg(test)]
use crate::trial;

/// The procedure of a plan.
pub(crate) fn procedure_of(
    connection: Arc<Connection>,
    discovery: Arc<Discovery>,
    plan: Arc<Plan>,
) -> Box<dyn Procedure> {
    match &plan.task {
        Task::Backup(task) => {
            let task = task.as_ref().clone();
            Box::new(backup::Backup::new(connection, discovery, plan, task))
        }
        #[cfg(test)]
        Task::Trial(task) => {
            let task = task.clone();
            Box::new(trial::Trial::new(connection, discovery, plan, task))
        }
    }
}

/// What a dead run left behind, by its own record.
pub(crate) fn leftovers(connection: &Connection, plan: &Plan, entries: &[Entry]) -> Result<Vec<Leftover>> {
    match &plan.task {
        Task::Backup(task) => backup::leftovers_of(connection, plan, task, entries),
        #[cfg(test)]
        Task::Trial(_) => Ok(Vec::new()),
    }
}

/// Deletes what a run that did not complete left behind.
pub(crate) async fn abandon(connection: &Connection, plan: &Plan, entries: &[Entry]) -> Result<Abandoned> {
    match &plan.task {
        Task::Backup(task) => backup::abandon(connection, plan, task, entries).await,
        #[cfg(test)]
        Task::Trial(_) => Ok(Abandoned::default()),
    }
}
