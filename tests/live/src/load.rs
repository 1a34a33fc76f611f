//! Load: process instances, created one after the other in the background.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::multipart::{Form, Part};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::http::Http;

/// The process that is deployed: it waits at a user task.
pub const PROCESS_ID: &str = "live-user-task";
const PROCESS: &str = include_str!("../user-task.bpmn");

/// At most twenty instances a second: enough to move all positions, and the servers keep some CPU.
const PACE: Duration = Duration::from_millis(50);
const MOST: u64 = 50_000;

/// A running load; it ends with [`Load::stop`] or when dropped.
pub struct Load {
    task: JoinHandle<()>,
    accepted: Arc<AtomicU64>,
}

impl Load {
    /// Deploys the process, then creates instances at the brokers in turn.
    pub(crate) async fn start(http: Http, rest_urls: Vec<String>) -> Result<Self> {
        deploy(&http, rest_urls.first().context("no broker")?).await?;
        let accepted = Arc::new(AtomicU64::new(0));
        let counter = accepted.clone();
        let task = tokio::spawn(async move {
            let mut pace = interval(PACE);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for (number, url) in (0..MOST).zip(rest_urls.iter().cycle()) {
                pace.tick().await;
                if create(&http, url, number).await.is_ok() {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Ok(Self { task, accepted })
    }

    /// How many instances Camunda has accepted. A refused one is not tried again.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Ends the load; returns how many instances were accepted, except for the one under way.
    #[must_use]
    pub fn stop(self) -> u64 {
        self.task.abort();
        self.accepted()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn deploy(http: &Http, rest_url: &str) -> Result<()> {
    let form = Form::new().part("resources", Part::text(PROCESS).file_name("user-task.bpmn"));
    http.post_form(&format!("{rest_url}/v2/deployments"), form).await?.success().context("deployment")?;
    Ok(())
}

async fn create(http: &Http, rest_url: &str, number: u64) -> Result<()> {
    let body = json!({"bpmnProcessId": PROCESS_ID, "variables": {"number": number}});
    http.post(&format!("{rest_url}/v2/process-instances"), &body).await?.success()?;
    Ok(())
}
