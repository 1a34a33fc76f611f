//! The handle: what users construct, share and send requests to.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use camunda_backup_core::transport::TransportErrorKind;
use camunda_backup_core::{Clock as _, Request, Response, Transport, TransportError, clock::SimulatedClock};

use crate::testing::control::options::StoreOptions;
use crate::testing::state::server::State;
use crate::testing::state::storage::FakeStorage;
use crate::testing::wire::route;

/// An in-memory Elasticsearch or OpenSearch with one node. Clones are the same server.
///
/// It answers over HTTP through [`Transport`] or [`FakeElasticsearch::answer`], and lets tests look inside and interfere
/// through its other methods. The time is the simulated clock's; nothing happens in the background, every call first
/// brings the state up to the present.
#[derive(Clone)]
pub struct FakeElasticsearch {
    state: Arc<Mutex<State>>,
    clock: SimulatedClock,
}

impl FakeElasticsearch {
    /// An empty server with its own storage.
    pub fn new(options: StoreOptions, clock: SimulatedClock) -> Self {
        Self::with_storage(options, clock, &FakeStorage::new())
    }

    /// An empty server on given storage: what another server (or an earlier life of this one) has written there can be
    /// registered, listed and, where versions allow, restored.
    pub fn with_storage(options: StoreOptions, clock: SimulatedClock, storage: &FakeStorage) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(options, storage.clone()))), clock }
    }

    /// Answers one request at the current simulated time. The path is taken from the URL as it is, without a prefix.
    ///
    /// An answer that a real server would hold back is given at once, for the time at which it would come; see
    /// [`FakeElasticsearch::answer_later`].
    pub fn answer(&self, request: &Request) -> Response {
        self.answer_later(request).0
    }

    /// Answers one request at the current simulated time, and says how long a real server would take for it: zero for
    /// most, until its end for a snapshot that is waited for, the time-out for a health that is not reached.
    pub fn answer_later(&self, request: &Request) -> (Response, Duration) {
        let mut state = self.lock();
        let (response, not_before) = route::answer(&mut state, request);
        (response, not_before.unwrap_or_default().saturating_sub(state.now))
    }

    /// Ends (as with `kill -9`) or starts the process. Snapshots that run when it ends vanish without a trace, indices
    /// that are being restored stay red; all else is kept. While it is down, [`Transport::send`] finds no connection.
    pub fn set_down(&self, down: bool) {
        let mut state = self.lock();
        if down && !state.down {
            state.crash();
        }
        state.down = down;
    }

    /// Whether the process is down.
    pub fn is_down(&self) -> bool {
        self.lock().down
    }

    /// Takes the elected master away: nearly every call is answered 503 with a null `reason`; `GET /` still works.
    pub fn set_no_master(&self, no_master: bool) {
        self.lock().no_master = no_master;
    }

    /// Fills the disk: document writes are refused with 429 by the flood-stage block.
    pub fn set_flood_stage(&self, full: bool) {
        self.lock().flood_stage = full;
    }

    /// What `/_cat/allocation` says about the node's disk, in bytes. Blocks nothing by itself.
    pub fn set_disk(&self, used: u64, total: u64) {
        self.lock().disk = (used, total);
    }

    /// The state, brought up to the present.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.advance(self.clock.elapsed(), self.clock.now());
        state
    }
}

#[async_trait]
impl Transport for FakeElasticsearch {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if self.is_down() {
            return Err(TransportError::new(TransportErrorKind::Connect, "the simulated store is down"));
        }
        let (response, wait) = self.answer_later(&request);
        if wait > request.timeouts.total {
            tokio::time::sleep(request.timeouts.total).await;
            return Err(TransportError::new(TransportErrorKind::Timeout, "the simulated store still works"));
        }
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        if self.is_down() {
            return Err(TransportError::new(TransportErrorKind::Broken, "the simulated store went down"));
        }
        Ok(response)
    }
}

impl fmt::Debug for FakeElasticsearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FakeElasticsearch").field(&*self.lock()).finish()
    }
}
