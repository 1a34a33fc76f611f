//! Stands between the library and the transport and journal of one simulated process: counts what passes, checks it, and injects the fault of a case.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use camunda_backup::core::Effect;
use camunda_backup::procedures::journal::{Holder, Key, Lock, LockGuard, Put};
use camunda_backup::testing::{Rule, SimulatedCluster, SimulatedProcess};
use camunda_backup::{ConnectOptions, Journal, Request, Response, Result, Transport, TransportError};
use tokio::sync::Notify;

use super::cases::{Case, Place, Strike};
use super::journal_content::{Stored, stored};
use super::mutants::Mutant;

/// The operation that opens the bracket, in every dialect.
pub(super) const PAUSE: &str = "zeebe.exporting.pause";

/// One process and the fault that will meet it.
#[derive(Clone)]
pub(super) struct FaultInjector(Arc<Inner>);

struct Inner {
    cluster: SimulatedCluster,
    process: SimulatedProcess,
    transport: Arc<dyn Transport>,
    journal: Arc<dyn Journal>,
    case: Option<Case>,
    armed: AtomicBool,
    requests: AtomicUsize,
    puts: AtomicUsize,
    struck: AtomicBool,
    strikes: Notify,
    violations: Mutex<Vec<String>>,
}

impl std::fmt::Debug for FaultInjector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultInjector").field("case", &self.0.case).finish_non_exhaustive()
    }
}

impl FaultInjector {
    /// A process that meets what the case says, once it is armed.
    pub(super) fn new(cluster: &SimulatedCluster, case: Option<Case>, mutant: Mutant) -> Self {
        let process = SimulatedProcess::immortal(cluster);
        let wires = process.connect_options();
        Self(Arc::new(Inner {
            cluster: cluster.clone(),
            process,
            transport: mutant.transport(wires.transport.unwrap()),
            journal: mutant.journal(wires.journal.unwrap()),
            case,
            armed: AtomicBool::new(false),
            requests: AtomicUsize::new(0),
            puts: AtomicUsize::new(0),
            struck: AtomicBool::new(false),
            strikes: Notify::new(),
            violations: Mutex::default(),
        }))
    }

    pub(super) fn connect_options(&self) -> ConnectOptions {
        let mut parts = self.0.process.connect_options();
        parts.transport = Some(Arc::new(self.clone()));
        parts.journal = Some(Arc::new(self.clone()));
        parts
    }

    /// Counts from here on, and strikes.
    pub(super) fn arm(&self) {
        let inner = &self.0;
        inner.cluster.start_recording();
        let journal = inner.cluster.journal();
        let counted = journal.puts();
        match inner.case {
            Some(Case { place: Place::Request(n), strike: Strike::Net(fault), .. }) => {
                inner.cluster.inject(Rule::nth(n, fault));
            }
            Some(Case { place: Place::Put(n), strike: Strike::PutFails(fault), .. }) => {
                journal.fail_put(counted + n as u64 + 1, fault);
            }
            Some(Case { place: Place::Put(n), strike: Strike::DiskFull, .. }) => {
                journal.full_from_put(counted + n as u64 + 1);
            }
            _ => {}
        }
        inner.armed.store(true, Ordering::SeqCst);
    }

    /// Ends every fault; what is dead stays dead.
    pub(super) fn disarm(&self) {
        self.0.armed.store(false, Ordering::SeqCst);
        self.0.cluster.heal();
        self.0.cluster.journal().heal();
    }

    pub(super) fn process(&self) -> &SimulatedProcess {
        &self.0.process
    }

    pub(super) fn puts(&self) -> usize {
        self.0.puts.load(Ordering::SeqCst)
    }

    pub(super) fn has_struck(&self) -> bool {
        self.0.struck.load(Ordering::SeqCst)
    }

    /// Returns when it strikes.
    pub(super) async fn strikes(&self) {
        self.0.strikes.notified().await;
    }

    pub(super) fn violations(&self) -> Vec<String> {
        self.0.violations.lock().unwrap().clone()
    }

    /// Counts one event and says what strikes there.
    fn meets(&self, counter: &AtomicUsize, place: impl Fn(usize) -> Place) -> Option<Strike> {
        if !self.0.armed.load(Ordering::SeqCst) {
            return None;
        }
        let here = place(counter.fetch_add(1, Ordering::SeqCst));
        let case = self.0.case.filter(|case| case.place == here)?;
        self.0.struck.store(true, Ordering::SeqCst);
        self.0.strikes.notify_one();
        Some(case.strike)
    }

    /// What is not awaited any more by anybody hangs.
    async fn dies(&self) {
        self.0.process.kill();
        std::future::pending::<()>().await;
    }

    /// I7: when a request that changes something leaves, the journal says so already.
    async fn watch(&self, request: &Request) {
        let opens = request.operation == PAUSE;
        if !opens && request.effect != Effect::Once {
            return;
        }
        let runs = stored(&self.0.cluster.journal()).await;
        let intent = runs.last().is_some_and(Stored::has_open_intent);
        let owes = runs.last().is_some_and(Stored::owes);
        if !intent || (opens && !owes) {
            let line = format!("{} {}", request.method, request.url);
            self.0
                .violations
                .lock()
                .unwrap()
                .push(format!("I7: {line} leaves, and the journal has intent: {intent}, obligation: {owes}"));
        }
    }
}

#[async_trait]
impl Transport for FaultInjector {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if !self.0.process.is_dead() {
            self.watch(&request).await;
        }
        let strike = self.meets(&self.0.requests, Place::Request);
        if strike == Some(Strike::DieBefore) {
            self.dies().await;
        }
        let answer = self.0.transport.send(request).await;
        if strike == Some(Strike::DieAfter) {
            self.dies().await;
        }
        answer
    }
}

#[async_trait]
impl Journal for FaultInjector {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        let strike = self.meets(&self.0.puts, Place::Put);
        if strike == Some(Strike::DieBefore) {
            self.dies().await;
        }
        let put = self.0.journal.put_new(key, body).await;
        if strike == Some(Strike::DieAfter) {
            self.dies().await;
        }
        put
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        self.0.journal.list(prefix).await
    }

    async fn read(&self, key: &Key) -> Result<Bytes> {
        self.0.journal.read(key).await
    }

    async fn lock(&self, name: &str, holder: &Holder) -> Result<Lock> {
        self.0.journal.lock(name, holder).await
    }

    async fn unlock(&self, guard: LockGuard) -> Result<()> {
        self.0.journal.unlock(guard).await
    }
}
