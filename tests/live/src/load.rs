//! Load: process instances, created one after the other in the background.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::multipart::{Form, Part};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::http::Http;
use crate::say::say;

/// The process that is deployed: it waits at a user task.
pub const PROCESS_ID: &str = "live-user-task";
const PROCESS: &str = include_str!("../user-task.bpmn");

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
    /// Deploys the process, then creates instances at the brokers in turn.
    pub(crate) async fn start(http: Http, rest_urls: Vec<String>) -> Result<Self> {
        deploy(&http, rest_urls.first().context("no broker")?).await?;
        let accepted = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(create_all(http, rest_urls, accepted.clone(), stop.clone()));
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

async fn create_all(http: Http, rest_urls: Vec<String>, accepted: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    let mut refused = 0;
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for (number, url) in (0..MOST).zip(rest_urls.iter().cycle()) {
        pace.tick().await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        match create(&http, url, number).await {
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

async fn deploy(http: &Http, rest_url: &str) -> Result<()> {
    let form = Form::new().part("resources", Part::text(PROCESS).file_name("user-task.bpmn"));
    http.post_form(&format!("{rest_url}/v2/deployments"), form).await?.success().context("deployment")?;
    Ok(())
}

async fn create(http: &Http, rest_url: &str, number: u64) -> Result<()> {
    let body = json!({"processDefinitionId": PROCESS_ID, "variables": {"number": number}});
    http.post(&format!("{rest_url}/v2/process-instances"), &body).await?.success()?;
    Ok(())
}
