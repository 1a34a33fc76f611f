//! The documented backup of Camunda 8.6, call by call: the web applications, then with exporting paused softly
//! the exported records and the brokers. Load runs all the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use camunda_backup_live::{Http, LiveStack, PARTITIONS, REPOSITORY, Seen, say, until};
use serde_json::{Value, json};

const COMPLETED: Duration = Duration::from_secs(180);
const PHASES: Duration = Duration::from_secs(30);

pub async fn run(stack: &LiveStack) -> Result<()> {
    let http = stack.http();
    let load = stack.load().await?;
    until("load", Duration::from_secs(120), async || {
        let accepted = load.accepted();
        Ok(if accepted >= 50 { Seen::Done(()) } else { Seen::NotYet(format!("{accepted} accepted")) })
    })
    .await?;
    imported(stack).await?;

    let id = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let webapps = [stack.operate_management(), stack.tasklist_management()];
    for management in webapps {
        post_backup(http, management, id).await?;
    }
    for management in webapps {
        completed(http, management, id).await?;
    }
    say("backups of Operate and Tasklist are complete");

    let brokers = stack.zeebe_management();
    exporting(http, &brokers[0], "pause?soft=true").await?;
    let paused = records_and_brokers(stack, &brokers, id).await;
    exporting(http, &brokers[0], "resume").await?;
    paused?;
    phases(http, &brokers, "EXPORTING").await?;
    say(format!("exporting again; {} instances were accepted meanwhile", load.stop().await?));

    let files = count_files(stack.s3_dir())?;
    ensure!(files > 0, "the backup store is empty");
    say(format!("backup {id} is complete, with {files} files in the backup store"));
    Ok(())
}

/// What must happen while exporting is paused.
async fn records_and_brokers(stack: &LiveStack, brokers: &[String], id: u64) -> Result<()> {
    let http = stack.http();
    phases(http, brokers, "SOFT_PAUSED").await?;
    let snapshot = format!("camunda_zeebe_records_backup_{id}");
    let url = format!("{}/_snapshot/{REPOSITORY}/{snapshot}?wait_for_completion=true", stack.elasticsearch());
    let body = json!({"indices": "zeebe-record*", "feature_states": ["none"]});
    let answer = http.put(&url, &body).await?.success().context("snapshot of the records")?;
    ensure!(answer["snapshot"]["state"] == "SUCCESS", "snapshot of the records: {answer}");
    let indices = answer["snapshot"]["indices"].as_array().map_or(0, Vec::len);
    ensure!(indices > 0, "no records were exported");
    say(format!("snapshot of {indices} indices with exported records"));

    post_backup(http, &brokers[0], id).await?;
    let backup = completed(http, &brokers[0], id).await?;
    let parts = backup["details"].as_array().map_or(0, Vec::len);
    ensure!(parts == PARTITIONS, "{backup}");
    phases(http, brokers, "SOFT_PAUSED").await?;
    say("backup of the brokers is complete");
    Ok(())
}

/// Waits until Operate has seen instances, so that its backup is not empty.
async fn imported(stack: &LiveStack) -> Result<()> {
    let url = format!("{}/operate-list-view-*/_count", stack.elasticsearch());
    let count = until("import by Operate", Duration::from_secs(120), async || {
        let answer = stack.http().get(&url).await?;
        Ok(match answer.body["count"].as_u64() {
            Some(count) if count > 0 => Seen::Done(count),
            _ => Seen::NotYet(answer.short()),
        })
    })
    .await?;
    say(format!("Operate has imported {count} documents"));
    Ok(())
}

async fn post_backup(http: &Http, management: &str, id: u64) -> Result<()> {
    let url = format!("{management}/actuator/backups");
    let answer = http.post(&url, &json!({"backupId": id})).await?;
    answer.success().with_context(|| format!("POST {url}"))?;
    Ok(())
}

async fn completed(http: &Http, management: &str, id: u64) -> Result<Value> {
    let url = format!("{management}/actuator/backups/{id}");
    until(&url, COMPLETED, async || {
        let answer = http.get(&url).await?;
        let state = answer.body["state"].as_str().unwrap_or_default();
        ensure!(!matches!(state, "FAILED" | "INCOMPATIBLE"), "{url}: {}", answer.short());
        Ok(if state == "COMPLETED" {
            Seen::Done(answer.body)
        } else {
            Seen::NotYet(format!("{} {}", answer.status, answer.short()))
        })
    })
    .await
}

/// Pauses or resumes; the true status is inside the answer.
async fn exporting(http: &Http, management: &str, operation: &str) -> Result<()> {
    let url = format!("{management}/actuator/exporting/{operation}");
    let answer = http.post(&url, &json!({})).await?.success()?;
    ensure!(answer["status"] == 204, "{operation}: {answer}");
    Ok(())
}

/// Waits until every partition on every broker is in this exporter phase.
async fn phases(http: &Http, brokers: &[String], wanted: &str) -> Result<()> {
    for broker in brokers {
        let url = format!("{broker}/actuator/partitions");
        until(&url, PHASES, async || {
            let answer = http.get(&url).await?.success()?;
            let partitions: Vec<&Value> =
                answer.as_object().into_iter().flat_map(|map| map.values()).collect();
            let done =
                partitions.len() == PARTITIONS && partitions.iter().all(|p| p["exporterPhase"] == wanted);
            Ok(if done { Seen::Done(()) } else { Seen::NotYet(answer.to_string()) })
        })
        .await?;
    }
    say(format!("every partition of every broker is {wanted}"));
    Ok(())
}

fn count_files(folder: &std::path::Path) -> Result<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        count += if path.is_dir() { count_files(&path)? } else { 1 };
    }
    Ok(count)
}
