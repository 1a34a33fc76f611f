//! What a step may use.

use std::fmt;
use std::sync::Arc;

use camunda_backup_core::{Clock, IndexPrefix};

use crate::backup::record_list::RecordList;
use crate::backup::task::BackupTask;
use crate::connection::clients::Clients;
use crate::journal::RunId;

/// The clients and facts of one run, used by all of its steps.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) clients: Arc<Clients>,
    /// The cluster's name.
    pub(crate) cluster: Arc<str>,
    pub(crate) task: Arc<BackupTask>,
    pub(crate) run: RunId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) record_prefix: IndexPrefix,
    pub(crate) record_list: RecordList,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("run", &self.run)
            .field("backup", &self.task.id)
            .finish_non_exhaustive()
    }
}
