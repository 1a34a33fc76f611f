//! The journal as `recover` and the runs use it: what it costs, what it forgets, and what it is when its store fails.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camunda_backup::Timestamp;
use camunda_backup::procedures::journal::{
    Holder, Key, Lock, LockGuard, Put, Removal, RunHistory, RunId, RunLog, claim, histories,
};
use camunda_backup::testing::{Fault, Rule, SimulatedCluster};
use camunda_backup::{
    Error, ErrorKind, Journal, MemoryJournal, RecoveryFailure, RecoveryReport, Result, recover,
};

use crate::world::{assert_running, backup, completed, eight_six, failed, is_paused};

mod growth;
mod past;
mod unowned_lock;
mod unread;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn recover_with(
    simulated: &SimulatedCluster,
    journal: impl Journal + 'static,
) -> Result<RecoveryReport, RecoveryFailure> {
    let mut parts = simulated.connect_options();
    parts.journal = Some(Arc::new(journal));
    recover(simulated.config().unwrap(), parts).await
}

async fn runs_of(simulated: &SimulatedCluster) -> Vec<RunHistory> {
    let name = simulated.config().unwrap().name;
    histories(&simulated.journal(), &name).await.unwrap()
}
