//! What a run tells while it runs. Telling cannot fail the run, and nobody has to listen.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::{BackupId, Clock, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc};

/// One event, with the time on our clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: RunEventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RunEventKind {
    /// The run has its claim and begins.
    Started {
        /// The backup id.
        id: BackupId,
        /// The run's name in the journal.
        run: String,
    },
    /// A step's request is about to be sent; its intent is durable.
    Sending {
        /// The step.
        step: String,
    },
    /// A step waits.
    Waiting {
        /// The step.
        step: String,
        /// How far it is, in words.
        text: String,
        /// How long it has waited.
        waited: Duration,
    },
    /// A step reached its goal.
    Reached {
        /// The step.
        step: String,
        /// How long it took.
        took: Duration,
    },
    /// A step failed.
    StepFailed {
        /// The step.
        step: String,
        /// Why, without secrets.
        why: String,
    },
    /// From now on something is owed.
    Owes {
        /// What, in words.
        what: String,
    },
    /// What was owed is done. Never told when it could not be done; see [`Report::owing`](crate::Report::owing).
    Paid {
        /// How long exporting was paused.
        paused: Duration,
    },
    /// The run has ended.
    Finished {
        /// How, in words.
        outcome: String,
    },
}

impl fmt::Display for RunEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.at)?;
        match &self.kind {
            RunEventKind::Started { id, run } => write!(f, "run {run} of backup {id} begins"),
            RunEventKind::Sending { step } => write!(f, "{step}: sending"),
            RunEventKind::Waiting { step, text, waited } => write!(f, "{step}: {text} (waited {waited:.1?})"),
            RunEventKind::Reached { step, took } => write!(f, "{step}: done after {took:.1?}"),
            RunEventKind::StepFailed { step, why } => write!(f, "{step}: failed: {why}"),
            RunEventKind::Owes { what } => write!(f, "from now on owes to {what}"),
            RunEventKind::Paid { paused } => write!(f, "owes nothing; exporting was paused for {paused:.1?}"),
            RunEventKind::Finished { outcome } => write!(f, "{outcome}"),
        }
    }
}

/// Gets the events, one after the other, on a thread of its own: it can neither stop a run nor slow it down. One that falls
/// 256 behind misses events, and the log says so.
pub trait ProgressObserver: fmt::Debug + Send + Sync {
    /// One event.
    fn observe(&self, event: &RunEvent);
}

/// The events of one run, from the moment of subscribing on.
#[derive(Debug)]
pub struct Events(broadcast::Receiver<RunEvent>);

impl Events {
    /// The same events for one more listener, from now on.
    pub(crate) fn for_another(&self) -> Self {
        Self(self.0.resubscribe())
    }

    /// The next event; `None` when the run has ended. A reader that falls 64 behind misses the oldest ones.
    ///
    /// # Cancellation
    /// Safe: no event is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<RunEvent> {
        loop {
            match self.0.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// Where a run tells its events.
#[derive(Clone)]
pub(crate) struct EventBus {
    sender: broadcast::Sender<RunEvent>,
    observer: Option<mpsc::Sender<Told>>,
    clock: Arc<dyn Clock>,
}

enum Told {
    Event(RunEvent),
    /// Everything before this was observed.
    Drained(std::sync::mpsc::Sender<()>),
}

/// How many events an observer may be behind.
const BACKLOG: usize = 256;
/// How long the end of a run waits for its observer.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl EventBus {
    pub(crate) fn new(clock: Arc<dyn Clock>, observer: Option<Arc<dyn ProgressObserver>>) -> Self {
        Self { sender: broadcast::Sender::new(64), observer: observer.and_then(listening), clock }
    }

    pub(crate) fn subscribe(&self) -> Events {
        Events(self.sender.subscribe())
    }

    pub(crate) fn emit(&self, kind: RunEventKind) {
        let event = RunEvent { at: self.clock.now(), kind };
        tracing::info!(target: "camunda_backup", "{event}");
        if let Some(observer) = &self.observer {
            if observer.try_send(Told::Event(event.clone())).is_err() {
                tracing::warn!("the progress observer is far behind and misses an event");
            }
        }
        // Nobody listening is fine.
        let _ = self.sender.send(event);
    }

    /// Waits until the observer has seen everything, but not for long.
    pub(crate) async fn drain(&self) {
        let Some(observer) = &self.observer else { return };
        let (drained, seen) = std::sync::mpsc::channel();
        if observer.try_send(Told::Drained(drained)).is_ok() {
            // The observer lives in real time, whatever time the run lives in.
            let _ = tokio::task::spawn_blocking(move || seen.recv_timeout(LAST_WORDS)).await;
        }
    }
}

/// The observer's own thread; it ends with the run.
fn listening(observer: Arc<dyn ProgressObserver>) -> Option<mpsc::Sender<Told>> {
    let (sender, mut told) = mpsc::channel(BACKLOG);
    let thread = std::thread::Builder::new().name("backup-observer".to_owned());
    let spawned = thread.spawn(move || {
        while let Some(told) = told.blocking_recv() {
            match told {
                Told::Event(event) => {
                    // Nothing of ours is half-changed here, and the observer's own state is its own business.
                    let telling = AssertUnwindSafe(|| observer.observe(&event));
                    if std::panic::catch_unwind(telling).is_err() {
                        tracing::warn!("the progress observer panicked; the run goes on");
                    }
                }
                Told::Drained(drained) => {
                    let _ = drained.send(());
                }
            }
        }
    });
    match spawned {
        Ok(_) => Some(sender),
        Err(error) => {
            tracing::warn!(%error, "the progress observer gets no thread and is not told anything");
            None
        }
    }
}
