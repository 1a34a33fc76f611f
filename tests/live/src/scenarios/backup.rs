//! A backup under load, from connecting to the report, and the servers looked at afterwards without the library.

use std::time::Duration;

use anyhow::{Result, ensure};
use camunda_backup::{BackupSpec, Cluster, Report};
use camunda_backup_live::{LiveStack, PARTITIONS, PauseWatch, Seen, log, until};

use super::proof;
use crate::finding::Finding;

pub async fn run(stack: &LiveStack) -> Result<Finding> {
    let load = stack.load().await?;
    load.more(50).await?;
    exported(stack).await?;

    let cluster = Cluster::connect(stack.config()?).await?;
    log("connected");
    let recovered = cluster.recover().await?;
    ensure!(recovered.is_clean(), "a fresh journal owes something: {recovered}");
    let plan = cluster.plan_backup(BackupSpec::default())?;
    println!("{plan}");

    let watch = PauseWatch::start(stack.http().clone(), stack.zeebe_management());
    let before = load.accepted().len();
    let report = cluster.run(plan).await?;
    println!("{report}");
    let seen = watch.stop().await?.everywhere()?;
    let meanwhile = load.stop().await?.len() - before;

    let brokers = stack.zeebe_management().len();
    proof::of_report(&report, brokers)?;
    let seen_there = proof::of_servers(stack, &report).await?;
    ensure!(meanwhile > 0, "no instance was accepted while the backup ran, so it was not under load");
    let paused = report.paused.unwrap_or_default();
    ensure!(seen <= paused, "the brokers showed a pause of {seen:?}, the report says {paused:?}");
    log(format!(
        "backup {} is proven: exporting was paused for {paused:.2?} (seen without the library: {seen:.2?}), the run took {:.2?}, \
         {meanwhile} instances were accepted meanwhile",
        proof::id_of(&report)?,
        report.ended.since(report.began)
    ));
    let found = format!(
        "COMPLETED, {}; the pause seen on {} replicas twice; {seen_there}; {meanwhile} instances meanwhile",
        report.verdict,
        brokers * PARTITIONS
    );
    Ok(Finding { found, paused: report.paused })
}

/// What was done to the cluster is over: nothing is owed, and a backup under load is what its report says.
pub(super) async fn the_next(stack: &LiveStack) -> Result<Report> {
    let load = stack.load().await?;
    load.more(5).await?;
    let cluster = Cluster::connect(stack.config()?).await?;
    let recovered = cluster.recover().await?;
    ensure!(recovered.is_clean(), "something is still owed: {recovered}");
    let report = cluster.run(cluster.plan_backup(BackupSpec::default())?).await?;
    proof::of_servers(stack, &report).await?;
    load.stop().await?;
    log(format!("the cluster works again: backup {} is {}", proof::id_of(&report)?, report.verdict));
    Ok(report)
}

/// Waits until the data has come as far as it can, so that no part of the backup is empty.
pub(super) async fn exported(stack: &LiveStack) -> Result<()> {
    let indices = if stack.line().web_applications { "operate-list-view-*" } else { "zeebe-record*" };
    let url = format!("{}/{indices}/_count", stack.store());
    let count = until("documents in the store", Duration::from_secs(120), async || {
        let answer = stack.http().get(&url).await?;
        Ok(match answer.body["count"].as_u64() {
            Some(count) if count > 0 => Seen::Done(count),
            _ => Seen::NotYet(answer.short()),
        })
    })
    .await?;
    log(format!("{count} documents in {indices}"));
    Ok(())
}
