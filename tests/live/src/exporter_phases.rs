//! What the brokers say about exporting, by plain HTTP: the test's own look, independent of the library.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::http::Http;
use crate::log::log;
use crate::stack::PARTITIONS;
use crate::wait::{Seen, until};

/// The exporter phase of each replica, by `<broker>/<partition>`; a broker that does not answer is absent.
pub type Phases = BTreeMap<String, String>;

const EXPORTING: &str = "EXPORTING";

const BOUND: Duration = Duration::from_secs(60);
/// Longer than a broker takes to come back on a busy machine.
const LONG_BOUND: Duration = Duration::from_secs(180);
/// A measured time may be too short by one of these on each end.
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

fn everywhere(phases: &Phases, brokers: usize, wanted: &str) -> bool {
    phases.len() == brokers * PARTITIONS && phases.values().all(|phase| phase == wanted)
}

/// Whether these are the phases of so many brokers, and all of them export.
#[must_use]
pub fn all_export(phases: &Phases, brokers: usize) -> bool {
    everywhere(phases, brokers, EXPORTING)
}

/// Waits until every replica on these brokers is in this phase.
pub async fn wait_for_phase(http: &Http, brokers: &[String], wanted: &str) -> Result<()> {
    until(&format!("{wanted} everywhere"), BOUND, async || {
        let seen = phases(http, brokers).await;
        let done = everywhere(&seen, brokers.len(), wanted);
        Ok(if done { Seen::Done(()) } else { Seen::NotYet(format!("{seen:?}")) })
    })
    .await?;
    log(format!("seen without the library: all {} replicas are {wanted}", brokers.len() * PARTITIONS));
    Ok(())
}

/// Whether every replica on these brokers exports. A broker that does not answer yet says nothing, and is asked again.
pub async fn exporting_runs(http: &Http, brokers: &[String]) -> Result<bool> {
    until("the word of every broker", LONG_BOUND, async || {
        let seen = phases(http, brokers).await;
        let running = all_export(&seen, brokers.len());
        let stopped = seen.values().any(|phase| phase != EXPORTING);
        Ok(if running || stopped { Seen::Done(running) } else { Seen::NotYet(format!("{seen:?}")) })
    })
    .await
}

/// Looks at the brokers all the time while something else runs.
pub struct PauseWatch {
    brokers: usize,
    task: JoinHandle<Vec<(Instant, Phases)>>,
    stop: watch::Sender<bool>,
}

impl PauseWatch {
    pub fn start(http: Http, brokers: Vec<String>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let count = brokers.len();
        let task = tokio::spawn(async move {
            let mut looks = Vec::new();
            while !*stopped.borrow() {
                let now = Instant::now();
                looks.push((now, phases(&http, &brokers).await));
                tokio::time::sleep(PACE).await; // the pace of a bounded wait
            }
            looks
        });
        Self { brokers: count, task, stop }
    }

    pub async fn stop(self) -> Result<Watched> {
        self.stop.send_replace(true);
        Ok(Watched { brokers: self.brokers, looks: self.task.await? })
    }
}

/// What the brokers said, look by look.
pub struct Watched {
    brokers: usize,
    looks: Vec<(Instant, Phases)>,
}

impl Watched {
    /// From the first to the last look that showed every replica paused softly; an error if there was none.
    pub fn everywhere(&self) -> Result<Duration> {
        let paused = |(_, phases): &&(Instant, Phases)| everywhere(phases, self.brokers, "SOFT_PAUSED");
        let first =
            self.looks.iter().find(paused).context("the brokers never showed every replica paused")?;
        let last = self.looks.iter().rfind(paused).unwrap_or(first);
        Ok(last.0 - first.0)
    }

    /// From the first to the last look that showed a replica not exporting, by `<broker>/<partition>`.
    #[must_use]
    pub fn by_replica(&self) -> BTreeMap<String, Duration> {
        let mut seen: BTreeMap<&str, (Instant, Instant)> = BTreeMap::new();
        for (now, phases) in &self.looks {
            for (replica, _) in phases.iter().filter(|(_, phase)| *phase != EXPORTING) {
                seen.entry(replica).or_insert((*now, *now)).1 = *now;
            }
        }
        seen.into_iter().map(|(replica, (first, last))| (replica.to_owned(), last - first)).collect()
    }
}
