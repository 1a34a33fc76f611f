//! How long exporting is paused, by a look of our own at every replica, also when only one of them is.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use camunda_backup_live::{Http, phases};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Half of it is what a measured time may be too short by, on each end.
const PACE: Duration = Duration::from_millis(100);

/// From the first to the last look that showed a replica not exporting, by `<broker>/<partition>`.
pub type Paused = BTreeMap<String, Duration>;

/// Looks at the brokers all the time while something else runs.
pub struct Watch {
    task: JoinHandle<Paused>,
    stop: watch::Sender<bool>,
}

impl Watch {
    pub fn start(http: Http, brokers: Vec<String>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut seen: BTreeMap<String, (Instant, Instant)> = BTreeMap::new();
            while !*stopped.borrow() {
                let now = Instant::now();
                for (replica, phase) in phases(&http, &brokers).await {
                    if phase != "EXPORTING" {
                        seen.entry(replica).or_insert((now, now)).1 = now;
                    }
                }
                sleep(PACE).await; // the pace of a look that ends with its case
            }
            seen.into_iter().map(|(replica, (first, last))| (replica, last - first)).collect()
        });
        Self { task, stop }
    }

    pub async fn stop(self) -> Result<Paused> {
        self.stop.send_replace(true);
        Ok(self.task.await?)
    }
}
