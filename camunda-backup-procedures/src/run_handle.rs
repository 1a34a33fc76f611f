//! The handle to a run that is under way.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Component, Error};
use tokio::sync::watch;

use crate::engine::{Confirmations, Events, RunName, StopReason};
use crate::journal::RunId;
use crate::report::{Failure, Report};

/// How a run ended, for everybody who has a handle.
type End = Option<Arc<Result<Report, Failure>>>;

/// The handle to a run that is under way. Clones are handles to the same run.
///
/// Await it for the end, as [`RunHandle::finished`]; a clone can look or cancel meanwhile, from any task.
///
/// ```
/// # use camunda_backup_procedures as camunda_backup;
/// use camunda_backup::testing::{SimulatedCluster, StoreKind};
/// use camunda_backup::{BackupSpec, Cluster, Verdict};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), camunda_backup::Failure> {
/// let simulated = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8)?;
/// tokio::time::sleep(std::time::Duration::from_secs(10)).await;
/// let cluster = Cluster::connect_with(simulated.config()?, simulated.connect_options()).await?;
/// let run = cluster.start(cluster.plan_backup(BackupSpec::default())?).await;
/// println!("{run:?} is under way");
/// let elsewhere = run.clone(); // `elsewhere.cancel()` would stop it
/// let report = run.await?;
/// assert_eq!(report.verdict, Verdict::Proven);
/// assert!(elsewhere.is_finished());
/// # Ok(())
/// # }
/// ```
///
/// # Cancellation
/// Dropping the last handle means: stop at the next safe point, close what is open, and write into the journal how it ended.
/// An observer still gets the events.
/// That happens in the run's own task, so it needs the runtime to live on; use [`RunHandle::shutdown`] before a runtime
/// ends, and [`RunHandle::detach`] to let the run finish without a handle. When the runtime or the process dies first,
/// [`Cluster::recover`](crate::Cluster::recover) pays what is owed.
#[derive(Clone)]
#[must_use = "dropping the last handle stops the run"]
pub struct RunHandle {
    shared: Arc<Shared>,
}

struct Shared {
    id: Option<BackupId>,
    run: RunName,
    stop: watch::Sender<Option<StopReason>>,
    /// Never read; it only subscribes others.
    events: Events,
    end: watch::Receiver<End>,
    detached: AtomicBool,
    confirmations: Confirmations,
}

impl fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunHandle")
            .field("id", &self.shared.id)
            .field("run", &self.shared.run.get())
            .field("finished", &self.is_finished())
            .finish()
    }
}

impl RunHandle {
    pub(crate) fn new(
        id: Option<BackupId>,
        run: RunName,
        stop: watch::Sender<Option<StopReason>>,
        events: Events,
        end: watch::Receiver<End>,
        confirmations: Confirmations,
    ) -> Self {
        let detached = AtomicBool::new(false);
        Self { shared: Arc::new(Shared { id, run, stop, events, end, detached, confirmations }) }
    }

    /// The backup id that the run is about; `None` for a procedure that is about none.
    pub fn id(&self) -> Option<BackupId> {
        self.shared.id
    }

    /// The run's name in the journal; `None` before it has its claim, and for ever when the claim was refused.
    pub fn run_id(&self) -> Option<RunId> {
        self.shared.run.get().and_then(|name| name.parse().ok())
    }

    /// Whether the run has ended, so that [`RunHandle::finished`] returns at once.
    pub fn is_finished(&self) -> bool {
        self.shared.end.borrow().is_some() || self.shared.end.has_changed().is_err()
    }

    /// The events from the start of the run on; every call gives a stream of its own. It ends when the run has ended.
    pub fn events(&self) -> Events {
        self.shared.events.clone()
    }

    /// Gives the word from outside that a step waits for; [`RunEventKind::Asks`](crate::RunEventKind::Asks) says which one
    /// and what for. `by` is who gives it, `words` is what they say; both are recorded, with the time.
    ///
    /// # Guarantees
    /// `Ok` means that the word is durable in the journal. Nothing is done on the strength of a word that is not.
    ///
    /// # Errors
    /// `InvalidInput` when no such step waits; `Journal` when the word could not be recorded, and the step waits on.
    ///
    /// # Cancellation
    /// The word may or may not be taken.
    pub async fn confirm(&self, step: &str, by: &str, words: &str) -> Result<(), Error> {
        self.shared.confirmations.confirm(step, by, words).await
    }

    /// Asks the run to stop at the next safe point and to close what is open. Returns at once; wait for the end with
    /// [`RunHandle::finished`].
    pub fn cancel(&self) {
        self.shared.stop.send_replace(Some(StopReason::Cancelled));
    }

    /// Lets the run finish by itself, even when no handle is left. Its report is in the journal when it has ended
    /// ([`Cluster::stored_report`](crate::Cluster::stored_report)), and the observer is told how it ended. Other handles can still
    /// cancel it.
    pub fn detach(self) {
        self.shared.detached.store(true, Ordering::Release);
    }

    /// Waits for the end. As [`Cluster::run`](crate::Cluster::run), with the same guarantees. Every handle gets the result.
    ///
    /// # Errors
    /// As those of [`Cluster::run`](crate::Cluster::run); `Internal` when the task was ended from outside.
    ///
    /// # Cancellation
    /// Dropping this future drops the handle: if it was the last, the run stops at the next safe point and closes.
    pub async fn finished(self) -> Result<Report, Failure> {
        let mut end = self.shared.end.clone();
        let ended = match end.wait_for(Option::is_some).await {
            Ok(ended) => ended.clone(),
            Err(_) => None,
        };
        match ended {
            Some(result) => result.as_ref().clone(),
            None => Err(ended_from_outside().into()),
        }
    }

    /// Stops the run and waits for it to close, for at most `grace`: for the end of a runtime or process.
    ///
    /// Closing takes seconds when everything answers. It takes longer when a request is under way (each has its own
    /// time-out, five minutes for the records' snapshot), when the pause was never seen (a minute more), when brokers are
    /// away (`limits.max_resume`), and for the last look (a minute at most, not while something is owed).
    ///
    /// # Errors
    /// `NeedsOperator` without a report when the grace is over first. The run goes on closing as long as the runtime lives,
    /// and [`recover`](crate::recover) is `Claimed` until it has; what it still owes when the runtime ends is in the
    /// journal for the next [`recover`](crate::recover). Otherwise as those of [`Cluster::run`](crate::Cluster::run).
    pub async fn shutdown(self, grace: Duration) -> Result<Report, Failure> {
        self.shared.stop.send_replace(Some(StopReason::ShuttingDown));
        tokio::time::timeout(grace, self.finished()).await.unwrap_or_else(|_| {
            let message = format!("the run had not closed after the grace of {grace:?}");
            Err(Error::new(ErrorKind::NeedsOperator, message)
                .with_component(Component::Library)
                .with_advice("run `recover()` at the next start: the journal says what is still owed")
                .into())
        })
    }
}

impl IntoFuture for RunHandle {
    type Output = Result<Report, Failure>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// As [`RunHandle::finished`].
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.finished())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if *self.detached.get_mut() {
            // The wish to stop stays `None`: without a sender nothing can stop the run any more.
            return;
        }
        self.stop.send_if_modified(|wish| {
            let unset = wish.is_none();
            if unset {
                *wish = Some(StopReason::Dropped);
            }
            unset
        });
    }
}

fn ended_from_outside() -> Error {
    let message = "the run's task was ended from outside, by a panic or the end of its runtime";
    Error::new(ErrorKind::Internal, message)
        .with_component(Component::Library)
        .with_advice("run `recover()`: the journal says what is still owed")
}
