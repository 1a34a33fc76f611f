//! Load: process instances, created one after the other in the background.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::log::log;
use crate::process_client::ProcessClient;
use crate::wait::{Seen, until};

/// At most twenty instances a second: enough to move all positions, and the servers keep some CPU.
const PACE: Duration = Duration::from_millis(50);
const MOST: u64 = 50_000;
/// For a few instances on a busy machine.
const BOUND: Duration = Duration::from_secs(120);

/// A running load; it ends with [`Load::stop`], or without the last answer when dropped.
pub struct Load {
    task: JoinHandle<()>,
    accepted: Accepted,
    stop: Arc<AtomicBool>,
}

/// The keys of the instances that Camunda has accepted, oldest first. A refused one is not tried again.
type Accepted = Arc<Mutex<Vec<u64>>>;

impl Load {
    /// Deploys a process, then creates instances of it at the brokers in turn.
    pub(crate) async fn start(client: ProcessClient) -> Result<Self> {
        client.deploy().await?;
        let accepted = Accepted::default();
        let stop = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(create_all(client, accepted.clone(), stop.clone()));
        Ok(Self { task, accepted, stop })
    }

    /// The keys of the instances that Camunda has accepted so far, oldest first.
    #[must_use]
    pub fn accepted(&self) -> Vec<u64> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many more have been accepted.
    pub async fn more(&self, count: usize) -> Result<()> {
        let before = self.accepted().len();
        until("load", BOUND, async || {
            let more = self.accepted().len() - before;
            Ok(if more >= count { Seen::Done(()) } else { Seen::NotYet(format!("{more} accepted")) })
        })
        .await
    }

    /// Waits for the instance under way; returns the keys of all that were accepted.
    pub async fn stop(mut self) -> Result<Vec<u64>> {
        self.stop.store(true, Ordering::Relaxed);
        (&mut self.task).await?;
        Ok(self.accepted())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn create_all(client: ProcessClient, accepted: Accepted, stop: Arc<AtomicBool>) {
    let mut refused = 0;
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0..MOST {
        pace.tick().await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        match client.create(number).await {
            Ok(instance) => accepted.lock().unwrap_or_else(PoisonError::into_inner).push(instance),
            Err(error) => {
                refused += 1;
                if refused == 1 {
                    log(format!("first refused instance: {error:#}"));
                }
            }
        }
    }
}
