//! Whether a backup is what its report says: in the report, and by looking at the servers without the library.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use camunda_backup::procedures::backup::evidence::Evidence;
use camunda_backup::procedures::engine::Entry;
use camunda_backup::procedures::exporting::{Certainty, Window};
use camunda_backup::zeebe::PauseMode;
use camunda_backup::{BackupId, ConditionStatus, Report, RunOutcome, Verdict};
use camunda_backup_live::{LiveStack, PARTITIONS, REPOSITORY, log, manifests, wait_for_phase};
use serde_json::Value;

/// The backup id of a report.
pub fn id_of(report: &Report) -> Result<BackupId> {
    report.id.context("the report of a backup has no id")
}

/// A report of a backup that is complete and proven, with a pause confirmed on every replica twice.
pub fn of_report(report: &Report, brokers: usize) -> Result<()> {
    ensure!(report.outcome == RunOutcome::Completed, "the outcome is {:?}", report.outcome);
    let unproven: Vec<String> = report
        .conditions
        .iter()
        .filter(|c| matches!(c.standing, ConditionStatus::Unproven | ConditionStatus::Violated))
        .map(ToString::to_string)
        .collect();
    ensure!(report.verdict == Verdict::Proven, "the verdict is {}: {}", report.verdict, unproven.join("; "));
    ensure!(!report.owing && report.errors.is_empty() && report.leftovers.is_empty(), "{report}");
    ensure!(report.paused.is_some_and(|paused| paused > Duration::ZERO), "paused: {:?}", report.paused);

    let paused: Vec<Window> =
        report.timeline.iter().filter_map(|moment| paused_window(&moment.entry)).collect();
    ensure!(paused.len() == 2, "the pause was confirmed {} times", paused.len());
    for window in paused {
        let replicas: usize = window.partitions.values().map(|partitions| partitions.len()).sum();
        ensure!(window.certainty == Certainty::EveryReplica, "{window:?}");
        ensure!(replicas == brokers * PARTITIONS, "{replicas} replicas were asked: {window:?}");
    }
    Ok(())
}

fn paused_window(entry: &Entry) -> Option<Window> {
    let Entry::Reached { evidence, .. } = entry else { return None };
    let Evidence::Window(window) = Evidence::of(evidence)? else { return None };
    (window.mode == Some(PauseMode::Soft)).then_some(window)
}

/// The same by plain HTTP and in the bucket. Says what was found.
pub async fn of_servers(stack: &LiveStack, report: &Report) -> Result<String> {
    let named = report.snapshots().into_iter().collect();
    servers_have(stack, id_of(report)?.value(), Some(named)).await
}

/// Exporting runs, and every part of a backup is there: the store's snapshots (exactly the `named` ones), the brokers'
/// backup, and a manifest of every partition in the bucket. Says what was found.
pub async fn servers_have(stack: &LiveStack, id: i64, named: Option<BTreeSet<String>>) -> Result<String> {
    let (http, brokers) = (stack.http(), stack.zeebe_management());
    wait_for_phase(http, &brokers, "EXPORTING").await?;

    let snapshots = snapshots_of(stack, id).await?;
    for (name, snapshot) in &snapshots {
        let clean = snapshot["state"] == "SUCCESS" && snapshot["shards"]["failed"] == 0;
        ensure!(clean, "{name}: {snapshot}");
    }
    let names: BTreeSet<&str> = snapshots.keys().map(String::as_str).collect();
    let parts: &[&str] = if stack.line().web_applications {
        &["operate", "tasklist", "zeebe_records"]
    } else {
        &["zeebe_records"]
    };
    for part in parts {
        ensure!(names.iter().any(|name| name.contains(*part)), "no snapshot of {part} in {names:?}");
    }
    if let Some(named) = named {
        ensure!(names.iter().eq(named.iter()), "in the store {names:?}, in the report {named:?}");
    }

    let url = format!("{}/actuator/backups/{id}", brokers.first().context("no broker")?);
    let backup = http.get(&url).await?.success()?;
    ensure!(backup["state"] == "COMPLETED", "{backup}");
    let in_bucket = manifests(stack.s3_dir(), id)?;
    for partition in 1..=PARTITIONS {
        let complete = in_bucket.iter().any(|(path, content)| {
            path.contains(&format!("/{partition}/{id}/")) && content["statusCode"] == "completed"
        });
        ensure!(complete, "no complete manifest of partition {partition} among {in_bucket:?}");
    }
    let seen = format!(
        "snapshots SUCCESS: {}, Zeebe's backup COMPLETED, manifests in the bucket: {}",
        names.len(),
        in_bucket.len()
    );
    log(format!("seen without the library: {seen}"));
    Ok(seen)
}

/// The snapshots in the store whose name holds this backup id, by name.
pub async fn snapshots_of(stack: &LiveStack, id: i64) -> Result<BTreeMap<String, Value>> {
    let url = format!("{}/_snapshot/{REPOSITORY}/_all", stack.store());
    let all = stack.http().get(&url).await?.success()?;
    let mut snapshots = BTreeMap::new();
    for snapshot in all["snapshots"].as_array().into_iter().flatten() {
        let name = snapshot["snapshot"].as_str().unwrap_or_default();
        if name.split('_').any(|part| part == id.to_string()) {
            snapshots.insert(name.to_owned(), snapshot.clone());
        }
    }
    Ok(snapshots)
}
