//! Load: process instances, created one after the other in the background.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::entrance::Entrance;
use crate::say::say;

/// At most twenty instances a second: enough to move all positions, and the servers keep some CPU.
const PACE: Duration = Duration::from_millis(50);
const MOST: u64 = 50_000;

/// A running load; it ends with [`Load::stop`], or without the last answer when dropped.
pub struct Load {
    task: JoinHandle<()>,
    accepted: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Load {
    /// Deploys a process, then creates instances of it at the brokers in turn.
    pub(crate) async fn start(entrance: Entrance) -> Result<Self> {
        entrance.deploy().await?;
        let accepted = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(create_all(entrance, accepted.clone(), stop.clone()));
        Ok(Self { task, accepted, stop })
    }

    /// How many instances Camunda has accepted. A refused one is not tried again.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Waits for the instance under way; returns how many were accepted.
    pub async fn stop(mut self) -> Result<u64> {
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

async fn create_all(entrance: Entrance, accepted: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    let mut refused = 0;
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0..MOST {
        pace.tick().await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        match entrance.create(number).await {
            Ok(()) => {
                accepted.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                refused += 1;
                if refused == 1 {
                    say(format!("first refused instance: {error:#}"));
                }
            }
        }
    }
}
