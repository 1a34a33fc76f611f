//! Where a run tells its events: to subscribers, to the observer, and to the log.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use camunda_backup_core::{BackupId, Clock};
use tokio::sync::mpsc;

use super::event_feed::{Events, Feed};
use super::events::{ProgressObserver, RunEvent, RunEventKind, StepPosition};

/// The name of a run, as soon as it has one.
pub(crate) type RunName = Arc<OnceLock<Arc<str>>>;

/// Whose events these are.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) cluster: Arc<str>,
    pub(crate) backup_id: Option<BackupId>,
    pub(crate) run: RunName,
    /// The names of the plan's steps, in order.
    pub(crate) steps: Arc<[String]>,
}

impl Source {
    fn position_of(&self, step: &str) -> Option<StepPosition> {
        let place = self.steps.iter().position(|name| name == step)?;
        let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        Some(StepPosition { number: number(place + 1), of: number(self.steps.len()) })
    }
}

/// Where a run tells its events. The subscribers' streams end with its last clone.
#[derive(Clone)]
pub(crate) struct EventBus(Arc<Bus>);

struct Bus {
    source: Source,
    feed: Arc<Feed>,
    observer: Option<Observer>,
    clock: Arc<dyn Clock>,
    /// How many there were. Held while one is told, so that all readers get the same order.
    told: Mutex<u64>,
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.feed.end();
    }
}

impl EventBus {
    pub(crate) fn new(
        source: Source,
        clock: Arc<dyn Clock>,
        observer: Option<Arc<dyn ProgressObserver>>,
    ) -> Self {
        let observer = observer.and_then(Observer::listening);
        Self(Arc::new(Bus { source, feed: Arc::default(), observer, clock, told: Mutex::default() }))
    }

    pub(crate) fn subscribe(&self) -> Events {
        self.0.feed.subscribe()
    }

    /// Tells how many steps there are.
    pub(crate) fn emit_start(&self) {
        let steps = u32::try_from(self.0.source.steps.len()).unwrap_or(u32::MAX);
        self.emit(RunEventKind::Started { steps });
    }

    pub(crate) fn emit(&self, kind: RunEventKind) {
        let Bus { source, feed, observer, clock, told } = self.0.as_ref();
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        *told += 1;
        let event = RunEvent {
            number: *told,
            at: clock.now(),
            cluster: Arc::clone(&source.cluster),
            run: source.run.get().cloned(),
            backup_id: source.backup_id,
            step: kind.step().and_then(|step| source.position_of(step)),
            kind,
        };
        log(&event);
        if let Some(observer) = observer {
            observer.tell(&event);
        }
        feed.push(event);
    }

    /// Waits until the observer has seen everything, but not for long.
    pub(crate) async fn drain(&self) {
        if let Some(observer) = &self.0.observer {
            observer.drain().await;
        }
    }
}

/// One line of the log, with fields to search by: failures at WARN or ERROR.
fn log(event: &RunEvent) {
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(
                target: "camunda_backup",
                $level,
                cluster = %event.cluster,
                run = event.run.as_deref(),
                backup_id = event.backup_id.map(BackupId::value),
                step = event.kind.step(),
                "{}",
                event.kind
            )
        };
    }
    match &event.kind {
        RunEventKind::Finished { completed: false, .. } => line!(tracing::Level::ERROR),
        RunEventKind::StepFailed { .. } | RunEventKind::Refused { .. } => line!(tracing::Level::WARN),
        _ => line!(tracing::Level::INFO),
    }
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

/// The observer on a thread of its own, which ends with the run.
struct Observer {
    sender: mpsc::Sender<Told>,
    missed: AtomicU64,
}

impl Observer {
    fn listening(observer: Arc<dyn ProgressObserver>) -> Option<Self> {
        let (sender, told) = mpsc::channel(BACKLOG);
        let thread = std::thread::Builder::new().name("backup-observer".to_owned());
        match thread.spawn(move || listen(observer.as_ref(), told)) {
            Ok(_) => Some(Self { sender, missed: AtomicU64::new(0) }),
            Err(error) => {
                tracing::warn!(%error, "the progress observer gets no thread and is not told anything");
                None
            }
        }
    }

    fn tell(&self, event: &RunEvent) {
        let count = self.missed.load(Ordering::Relaxed);
        if count > 0 {
            let kind = RunEventKind::Lost { count };
            let mark = RunEvent { number: event.number - 1, step: None, kind, ..event.clone() };
            if self.sender.try_send(Told::Event(mark)).is_ok() {
                self.missed.store(0, Ordering::Relaxed);
            }
        }
        if self.missed.load(Ordering::Relaxed) > 0
            || self.sender.try_send(Told::Event(event.clone())).is_err()
        {
            self.missed.fetch_add(1, Ordering::Relaxed);
            if count == 0 {
                tracing::warn!(cluster = %event.cluster, run = event.run.as_deref(), "the progress observer is far behind and misses events");
            }
        }
    }

    async fn drain(&self) {
        let (drained, seen) = std::sync::mpsc::channel();
        if self.sender.try_send(Told::Drained(drained)).is_ok() {
            // The observer lives in real time, whatever time the run lives in.
            let _ = tokio::task::spawn_blocking(move || seen.recv_timeout(LAST_WORDS)).await;
        }
    }
}

fn listen(observer: &dyn ProgressObserver, mut told: mpsc::Receiver<Told>) {
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
}
