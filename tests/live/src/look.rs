//! What the brokers say about exporting, by plain HTTP: the test's own look, independent of the library.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinHandle;

use crate::http::Http;
use crate::say::say;
use crate::stack::PARTITIONS;
use crate::wait::{Seen, until};

/// The exporter phase of each replica, by `<broker>/<partition>`; a broker that does not answer is absent.
pub type Phases = BTreeMap<String, String>;

const BOUND: Duration = Duration::from_secs(60);
const PACE: Duration = Duration::from_millis(50);

/// Asks every broker once.
pub async fn phases(http: &Http, brokers: &[String]) -> Phases {
    let mut phases = Phases::new();
    for (broker, url) in brokers.iter().enumerate() {
        let Ok(answer) = http.get(&format!("{url}/actuator/partitions")).await else { continue };
        for (partition, status) in answer.body.as_object().into_iter().flatten() {
            let phase = status["exporterPhase"].as_str().unwrap_or("?");
            phases.insert(format!("{broker}/{partition}"), phase.to_owned());
        }
    }
    phases
}

fn everywhere(phases: &Phases, brokers: &[String], wanted: &str) -> bool {
    phases.len() == brokers.len() * PARTITIONS && phases.values().all(|phase| phase == wanted)
}

/// Waits until every replica on these brokers is in this phase.
pub async fn wait_for_phase(http: &Http, brokers: &[String], wanted: &str) -> Result<()> {
    until(&format!("{wanted} everywhere"), BOUND, async || {
        let seen = phases(http, brokers).await;
        let done = everywhere(&seen, brokers, wanted);
        Ok(if done { Seen::Done(()) } else { Seen::NotYet(format!("{seen:?}")) })
    })
    .await?;
    say(format!("our own look: all {} replicas are {wanted}", brokers.len() * PARTITIONS));
    Ok(())
}

/// Looks at the brokers all the time while something else runs.
pub struct PauseWatch {
    task: JoinHandle<Option<Duration>>,
    stop: tokio::sync::watch::Sender<bool>,
}

impl PauseWatch {
    pub fn start(http: Http, brokers: Vec<String>) -> Self {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let task = tokio::spawn(async move {
            let (mut first, mut last) = (None, None);
            while !*stopped.borrow() {
                let now = Instant::now();
                if everywhere(&phases(&http, &brokers).await, &brokers, "SOFT_PAUSED") {
                    first = first.or(Some(now));
                    last = Some(now);
                }
                tokio::time::sleep(PACE).await; // the pace of a bounded wait
            }
            Some(last? - first?)
        });
        Self { task, stop }
    }

    /// For how long every replica was seen paused; an error if that was never so.
    pub async fn stop(self) -> Result<Duration> {
        self.stop.send_replace(true);
        let seen = self.task.await?;
        ensure!(seen.is_some(), "our own look never saw every replica paused");
        Ok(seen.unwrap_or_default())
    }
}
