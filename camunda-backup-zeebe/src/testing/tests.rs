//! The simulation against what real servers answered, driven over the wire.

use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::clock::SimulatedClock;
use camunda_backup_core::{Component, Effect, PartitionId, Request, Timestamp};
use http::{HeaderValue, Method, header};
use serde_json::Value;

use crate::testing::{Answer, CamundaOptions, FakeCamunda, MemoryStore, SecondaryStore};

mod consistency;
mod control;
mod exporting_quirks;
mod shapes;
mod versions;
mod webapp_quirks;
mod zeebe_quirks;

pub(crate) const OPERATE: &str = "http://operate.sim:9600";
pub(crate) const TASKLIST: &str = "http://tasklist.sim:9600";
pub(crate) const GATEWAY: &str = "http://zeebe.sim:9600";

/// One simulated installation on a store in memory.
pub(crate) struct Rig {
    pub store: Arc<MemoryStore>,
    pub camunda: FakeCamunda,
}

/// What came back: after how long, which status, which body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub after: Duration,
    pub status: u16,
    pub kind: String,
    pub body: Value,
}

impl Rig {
    pub(crate) fn of(version: &str) -> Self {
        Self::with(CamundaOptions::for_version(version.parse().unwrap()))
    }

    /// Two brokers with two partitions, as most recorded servers had.
    pub(crate) fn two(version: &str) -> Self {
        let mut options = CamundaOptions::for_version(version.parse().unwrap());
        (options.brokers, options.partitions, options.replication) = (2, 2, 2);
        Self::with(options)
    }

    pub(crate) fn with(options: CamundaOptions) -> Self {
        let clock = SimulatedClock::starting_at(Timestamp::from_millis(1_795_229_686_000));
        let store = Arc::new(MemoryStore::new(clock, "backups"));
        let camunda = FakeCamunda::new(options, clock, Arc::clone(&store) as Arc<dyn SecondaryStore>);
        Self { store, camunda }
    }

    pub(crate) fn answer(&self, method: Method, url: &str, body: Option<&str>) -> Answer {
        let url = url.parse().unwrap();
        let mut request = Request::new(Component::Zeebe, "test", Effect::Read, method, url);
        request.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(body) = body {
            request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request.body = body.to_owned().into();
        }
        self.camunda.answer(&request)
    }

    fn reply(&self, method: Method, url: &str, body: Option<&str>) -> Reply {
        let (after, response) = self.answer(method, url, body).settle().expect("somebody listens");
        let kind = response.headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
        Reply {
            after,
            status: response.status.as_u16(),
            kind: kind.unwrap_or_default(),
            body: serde_json::from_slice(&response.body).unwrap_or_default(),
        }
    }

    pub(crate) fn get(&self, url: &str) -> Reply {
        self.reply(Method::GET, url, None)
    }

    pub(crate) fn post(&self, url: &str, body: &str) -> Reply {
        self.reply(Method::POST, url, Some(body))
    }

    pub(crate) fn delete(&self, url: &str) -> Reply {
        self.reply(Method::DELETE, url, None)
    }

    /// The states that polls every 100 ms see, repetitions left out, until none of `transient` is seen.
    pub(crate) async fn watch(&self, url: &str, transient: &[&str]) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        for _ in 0..400 {
            let reply = self.get(url);
            let word = reply.body["state"].as_str().map_or_else(|| reply.status.to_string(), str::to_owned);
            if seen.last() != Some(&word) {
                seen.push(word.clone());
            }
            if !transient.contains(&word.as_str()) {
                return seen;
            }
            wait(100).await;
        }
        seen
    }

    /// The phases of all replicas, without repetition.
    pub(crate) fn phases(&self) -> Vec<crate::testing::Phase> {
        let mut phases: Vec<crate::testing::Phase> = self.camunda.phases().into_values().collect();
        phases.sort();
        phases.dedup();
        phases
    }
}

pub(crate) async fn wait(millis: u64) {
    tokio::time::advance(Duration::from_millis(millis)).await;
}
