//! What the trial changes, the journal that it writes to, and the moments at which its process can die.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use camunda_backup_core::Result;
use serde_json::Value;
use tokio::sync::watch;

use crate::journal::{Holder, Journal, Key, Lock, LockGuard, MemoryJournal, Put};

/// Where a process dies: before or after the effect of something that it does, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Death {
    pub(super) at: usize,
    pub(super) after_the_effect: bool,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) is_true: BTreeSet<String>,
    /// How many looks the long work still needs.
    pub(super) work_left: u64,
    /// How often each act had its effect.
    pub(super) acts: BTreeMap<String, usize>,
    /// How often the time limits were asked for, and at which of these questions the answer is a panic.
    pub(super) limits_asked: usize,
    pub(super) panics_at: Option<usize>,
    /// Whether this process has passed the gate.
    pub(super) gate_passed: bool,
    /// What looks as failed, and why.
    pub(super) broken: BTreeMap<String, String>,
    /// How many acts run at this moment, and did at most.
    pub(super) at_once: (usize, usize),
    done: usize,
    death: Option<Death>,
}

/// What the trial changes. It survives the processes.
#[derive(Debug)]
pub(super) struct World {
    state: Mutex<State>,
    dead: watch::Sender<bool>,
}

impl World {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), dead: watch::Sender::new(false) })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A new process begins, which dies there, or not at all.
    pub(super) fn begin_process(&self, death: Option<Death>) {
        let mut state = self.state();
        (state.death, state.done, state.gate_passed, state.at_once) = (death, 0, false, (0, 0));
        self.dead.send_replace(false);
    }

    /// How many things the process has done so far, each of which it can die at.
    pub(super) fn done(&self) -> usize {
        self.state().done
    }

    pub(super) async fn dies(&self) {
        self.dead.subscribe().wait_for(|dead| *dead).await.unwrap();
    }

    /// Whether the answer to this question for the time limits is a panic.
    pub(super) fn limits_are_asked(&self) -> bool {
        let mut state = self.state();
        state.limits_asked += 1;
        state.panics_at == Some(state.limits_asked)
    }

    /// Looks at something.
    pub(super) async fn look(&self, name: &str) -> Option<Value> {
        let number = self.count();
        self.perhaps_die(number, false).await;
        let seen = {
            let mut state = self.state();
            if let Some(why) = state.broken.get(name) {
                Some(Value::String(why.clone()))
            } else if name == "build new" && state.is_true.contains(name) && state.work_left > 0 {
                state.work_left -= 1;
                Some(Value::from(state.work_left))
            } else {
                state.is_true.contains(name).then_some(Value::Bool(true))
            }
        };
        self.perhaps_die(number, true).await;
        seen
    }

    /// Changes something; it takes a moment.
    pub(super) async fn request<T>(&self, _what: &str, effect: impl FnOnce(&mut State) -> T) {
        let number = self.count();
        self.perhaps_die(number, false).await;
        {
            let mut state = self.state();
            state.at_once.0 += 1;
            state.at_once.1 = state.at_once.1.max(state.at_once.0);
        }
        tokio::time::sleep(Duration::from_millis(100)).await; // virtual time: requests that overlap
        {
            let mut state = self.state();
            state.at_once.0 -= 1;
            effect(&mut state);
        }
        self.perhaps_die(number, true).await;
    }

    fn count(&self) -> usize {
        let mut state = self.state();
        state.done += 1;
        state.done
    }

    async fn perhaps_die(&self, number: usize, after_the_effect: bool) {
        if self.state().death == Some(Death { at: number, after_the_effect }) {
            self.dead.send_replace(true);
            std::future::pending::<()>().await;
        }
    }
}

/// The journal of a process that dies.
#[derive(Debug)]
pub(super) struct DyingJournal {
    pub(super) journal: MemoryJournal,
    pub(super) world: Arc<World>,
}

#[async_trait]
impl Journal for DyingJournal {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        let number = self.world.count();
        self.world.perhaps_die(number, false).await;
        let passes = String::from_utf8_lossy(&body)
            .contains("{\"reached\":{\"evidence\":null,\"step\":\"all is saved\"");
        let put = self.journal.put_new(key, body).await;
        self.world.state().gate_passed |= passes;
        self.world.perhaps_die(number, true).await;
        put
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        self.journal.list(prefix).await
    }

    async fn read(&self, key: &Key) -> Result<Bytes> {
        self.journal.read(key).await
    }

    async fn lock(&self, name: &str, holder: &Holder) -> Result<Lock> {
        self.journal.lock(name, holder).await
    }

    async fn unlock(&self, guard: LockGuard) -> Result<()> {
        self.journal.unlock(guard).await
    }
}
