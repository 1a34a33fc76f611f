//! The wish to stop, heard at safe points: between steps and while waiting, never around a request that changes
//! something.

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Component, Error, Result};
use tokio::sync::watch;

/// Why a run was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// [`RunHandle::cancel`](crate::RunHandle::cancel) was called.
    Cancelled,
    /// The handle was dropped.
    Dropped,
    /// The runtime is about to end.
    ShuttingDown,
    /// Another step of the same group failed.
    SiblingFailed,
}

/// Hears the wishes of a run and, inside a group, of its siblings.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    run: watch::Receiver<Option<StopReason>>,
    group: Option<watch::Receiver<Option<StopReason>>>,
}

impl Stop {
    pub(crate) fn new(run: watch::Receiver<Option<StopReason>>) -> Self {
        Self { run, group: None }
    }

    /// Nobody can want it to stop.
    pub(crate) fn never() -> Self {
        let (_, run) = watch::channel(None);
        Self { run, group: None }
    }

    pub(crate) fn with_group(&self, group: watch::Receiver<Option<StopReason>>) -> Self {
        Self { run: self.run.clone(), group: Some(group) }
    }

    fn reason(&self) -> Option<StopReason> {
        (*self.run.borrow()).or_else(|| self.group.as_ref().and_then(|group| *group.borrow()))
    }

    /// An error when stopping is wanted.
    pub(crate) fn check(&self) -> Result<()> {
        let Some(reason) = self.reason() else { return Ok(()) };
        let why = match reason {
            StopReason::Cancelled => "the run was cancelled",
            StopReason::Dropped => "the run's handle was dropped",
            StopReason::ShuttingDown => "the process is shutting down",
            StopReason::SiblingFailed => "another part of the same stage failed",
        };
        Err(Error::new(ErrorKind::Cancelled, why).with_component(Component::Library).with_advice(
            "the id may be used up; the report lists what was left behind, and `abandon` deletes it",
        ))
    }

    /// Returns when stopping is wanted; never if nobody can want it any more.
    pub(crate) async fn cancelled(&mut self) {
        let Self { run, group } = self;
        let run = async {
            if run.wait_for(Option::is_some).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let group = async {
            let wished = match group {
                Some(group) => group.wait_for(Option::is_some).await.is_ok(),
                None => false,
            };
            if !wished {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! { () = run => {}, () = group => {} }
    }
}
