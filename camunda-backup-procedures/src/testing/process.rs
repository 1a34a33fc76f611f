//! A simulated process that can be killed like `kill -9`: from then on nothing of it leaves or is written any more.

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use camunda_backup_core::{Request, Response, Result, Transport, TransportError};
use tokio::sync::Notify;

use crate::connection::ConnectOptions;
use crate::journal::{Holder, Journal, Key, Lock, MemoryJournal, Put, Removal};

use super::SimulatedCluster;

/// When a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Death {
    Never,
    BeforeRequest(usize),
    AfterRequest(usize),
    BeforeAppend(usize),
    AfterAppend(usize),
}

/// One process that uses the library against a simulated cluster, and how it dies.
///
/// What it has not awaited yet hangs for ever after its death, so drop its futures. Its locks are released, as the
/// operating system does.
#[derive(Clone)]
pub struct SimulatedProcess {
    cluster: SimulatedCluster,
    state: Arc<State>,
}

struct State {
    death: Death,
    dead: AtomicBool,
    died: Notify,
    requests: AtomicUsize,
    appends: AtomicUsize,
    journal: MemoryJournal,
}

impl fmt::Debug for SimulatedProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedProcess").field("death", &self.state.death).finish_non_exhaustive()
    }
}

impl SimulatedProcess {
    fn with(cluster: &SimulatedCluster, death: Death) -> Self {
        let state = State {
            death,
            dead: AtomicBool::new(false),
            died: Notify::new(),
            requests: AtomicUsize::new(0),
            appends: AtomicUsize::new(0),
            journal: cluster.journal(),
        };
        Self { cluster: cluster.clone(), state: Arc::new(state) }
    }

    /// A process that lives.
    pub fn immortal(cluster: &SimulatedCluster) -> Self {
        Self::with(cluster, Death::Never)
    }

    /// Dies just before its nth request (from 0) leaves.
    pub fn dying_before_request(cluster: &SimulatedCluster, nth: usize) -> Self {
        Self::with(cluster, Death::BeforeRequest(nth))
    }

    /// Dies when its nth request (from 0) has taken effect, before the answer is there.
    pub fn dying_after_request(cluster: &SimulatedCluster, nth: usize) -> Self {
        Self::with(cluster, Death::AfterRequest(nth))
    }

    /// Dies just before its nth journal record (from 0) is stored.
    pub fn dying_before_append(cluster: &SimulatedCluster, nth: usize) -> Self {
        Self::with(cluster, Death::BeforeAppend(nth))
    }

    /// Dies when its nth journal record (from 0) is stored.
    pub fn dying_after_append(cluster: &SimulatedCluster, nth: usize) -> Self {
        Self::with(cluster, Death::AfterAppend(nth))
    }

    /// How many requests it has sent.
    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }

    /// How many journal records it has tried to store.
    pub fn appends(&self) -> usize {
        self.state.appends.load(Ordering::SeqCst)
    }

    /// Kills it now.
    pub fn kill(&self) {
        self.state.dead.store(true, Ordering::SeqCst);
        drop(self.state.journal.after_death());
        self.state.died.notify_waiters();
        self.state.died.notify_one();
    }

    /// Whether it is dead.
    pub fn is_dead(&self) -> bool {
        self.state.dead.load(Ordering::SeqCst)
    }

    /// Returns when it is dead.
    pub async fn died(&self) {
        while !self.is_dead() {
            self.state.died.notified().await;
        }
    }

    /// Transport, journal and clock of this process.
    pub fn connect_options(&self) -> ConnectOptions {
        ConnectOptions {
            transport: Some(Arc::new(self.clone())),
            journal: Some(Arc::new(self.clone())),
            clock: Some(Arc::new(self.cluster.clock())),
            observer: None,
        }
    }

    async fn die_when(&self, due: Death) {
        if self.state.death == due {
            self.kill();
        }
        if self.is_dead() {
            pending::<()>().await;
        }
    }
}

#[async_trait]
impl Transport for SimulatedProcess {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let number = self.state.requests.fetch_add(1, Ordering::SeqCst);
        self.die_when(Death::BeforeRequest(number)).await;
        let answer = self.cluster.send(request).await;
        self.die_when(Death::AfterRequest(number)).await;
        answer
    }
}

#[async_trait]
impl Journal for SimulatedProcess {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        let number = self.state.appends.fetch_add(1, Ordering::SeqCst);
        self.die_when(Death::BeforeAppend(number)).await;
        let put = self.state.journal.put_new(key, body).await;
        self.die_when(Death::AfterAppend(number)).await;
        put
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        self.state.journal.list(prefix).await
    }

    async fn read(&self, key: &Key) -> Result<Bytes> {
        self.state.journal.read(key).await
    }

    async fn remove(&self, key: &Key) -> Result<Removal> {
        if self.is_dead() {
            pending::<()>().await;
        }
        self.state.journal.remove(key).await
    }

    async fn lock(&self, name: &str, holder: &Holder) -> Result<Lock> {
        self.state.journal.lock(name, holder).await
    }
}
