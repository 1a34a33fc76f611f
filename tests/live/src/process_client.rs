//! How processes are deployed and instances created: over REST, or by Camunda's own `zbctl` before 8.6.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::broker::Broker;
use crate::http::Http;
use crate::line::Line;
use crate::servers::Commands;
use crate::sources::Sources;

/// The process that is deployed: it waits at a user task.
pub const PROCESS_ID: &str = "live-user-task";
const PROCESS: &str = include_str!("../user-task.bpmn");

/// Longer than a gateway waits for a broker.
const TIME_OUT: Duration = Duration::from_secs(30);

/// The gateways of a cluster; commands go to one after the other.
pub enum ProcessClient {
    Rest { http: Http, urls: Vec<String> },
    Zbctl { program: PathBuf, addresses: Vec<String> },
}

impl ProcessClient {
    pub fn of(line: Line, sources: &Sources, brokers: &[Broker], http: &Http) -> Self {
        match line.camunda.commands {
            Commands::Rest => Self::Rest {
                http: http.clone(),
                urls: brokers.iter().map(|broker| broker.web.rest_url()).collect(),
            },
            Commands::Zbctl => Self::Zbctl {
                program: sources.camunda.join("bin/zbctl"),
                addresses: brokers.iter().map(Broker::grpc_address).collect(),
            },
        }
    }

    pub async fn deploy(&self) -> Result<()> {
        match self {
            Self::Rest { http, urls } => {
                let form = Form::new().part("resources", Part::text(PROCESS).file_name("user-task.bpmn"));
                let url = format!("{}/v2/deployments", at(urls, 0)?);
                http.post_form(&url, form).await?.success().context("deployment")?;
                Ok(())
            }
            Self::Zbctl { program, addresses } => {
                let file = concat!(env!("CARGO_MANIFEST_DIR"), "/user-task.bpmn");
                let words = ["deploy", "resource", file];
                zbctl(program, at(addresses, 0)?, &words).await.context("deployment").map(drop)
            }
        }
    }

    /// Creates one instance, which has this number as a variable. Returns its key.
    pub async fn create(&self, number: u64) -> Result<u64> {
        match self {
            Self::Rest { http, urls } => {
                let body = json!({"processDefinitionId": PROCESS_ID, "variables": {"number": number}});
                let url = format!("{}/v2/process-instances", at(urls, number)?);
                key_in(&http.post(&url, &body).await?.success()?)
            }
            Self::Zbctl { program, addresses } => {
                let variables = json!({"number": number}).to_string();
                let words = ["create", "instance", PROCESS_ID, "--variables", &variables];
                key_in(&serde_json::from_str(&zbctl(program, at(addresses, number)?, &words).await?)?)
            }
        }
    }

    /// Whether Camunda has a running instance with this key: only then it takes a variable for it.
    pub async fn has(&self, instance: u64) -> Result<bool> {
        match self {
            Self::Rest { http, urls } => {
                let url = format!("{}/v2/element-instances/{instance}/variables", at(urls, instance)?);
                let answer = http.put(&url, &json!({"variables": {"asked": true}})).await?;
                if answer.status == 404 { Ok(false) } else { answer.success().map(|_| true) }
            }
            Self::Zbctl { program, addresses } => {
                let words = ["set", "variables", &instance.to_string(), "--variables", r#"{"asked": true}"#];
                match zbctl(program, at(addresses, instance)?, &words).await {
                    Err(error) if error.to_string().contains("NotFound") => Ok(false),
                    answer => answer.map(|_| true),
                }
            }
        }
    }
}

/// The address whose turn it is.
fn at(addresses: &[String], number: u64) -> Result<&str> {
    let index = number.checked_rem(addresses.len() as u64).context("no broker")?;
    Ok(&addresses[usize::try_from(index)?])
}

async fn zbctl(program: &PathBuf, address: &str, words: &[&str]) -> Result<String> {
    let process = Command::new(program)
        .env_clear() // it would take addresses and credentials from there
        .args(["--insecure", "--address", address])
        .args(words)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(TIME_OUT, process).await.context("zbctl did not end")?.context("starting zbctl")?;
    if !output.status.success() {
        bail!("zbctl {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn key_in(created: &Value) -> Result<u64> {
    key(&created["processInstanceKey"]).with_context(|| format!("no key in {created}"))
}

/// A key: a number over REST and in most indices, a string from the command line and in Tasklist's.
#[must_use]
pub fn key(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
