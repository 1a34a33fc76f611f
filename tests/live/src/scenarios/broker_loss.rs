//! A broker crashes inside the pause and comes back later.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use camunda_backup::{BackupSpec, Cluster, ConnectOptions, ErrorKind, RunEventKind, recover};
use camunda_backup_live::{LiveStack, all_export, log, phases, wait_for_phase};

use super::backup;
use crate::finding::Finding;

pub async fn run(stack: &mut LiveStack) -> Result<Finding> {
    let (http, brokers) = (stack.http().clone(), stack.zeebe_management());
    let cluster = Cluster::connect(stack.config()?).await?;
    let mut spec = BackupSpec::default();
    // The lost broker does not come back by itself, so waiting longer for anything is of no use.
    spec.limits.max_pause = Duration::from_secs(60);
    spec.limits.max_resume = Duration::from_secs(20);
    let plan = cluster.plan_backup(spec)?;
    let run = cluster.start(plan).await;
    let mut events = run.events();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if !matches!(event.kind, RunEventKind::Waiting { .. }) {
                log(event);
            }
        }
    });
    wait_for_phase(&http, &brokers, "SOFT_PAUSED").await?;
    stack.kill_broker(1)?;

    let Err(failure) = run.finished().await else { bail!("the backup completed without a broker") };
    println!("{failure}");
    let errors = || std::iter::once(&failure.error).chain(&failure.secondary);
    ensure!(
        errors().any(|error| error.kind() == ErrorKind::NeedsOperator),
        "nobody is told that a broker is paused"
    );
    ensure!(
        failure.report.as_ref().is_some_and(|report| report.owing),
        "the report says that nothing is owed"
    );
    // The gateway refuses while a broker is down; the living one was resumed by itself.
    let seen = phases(&http, &brokers).await;
    ensure!(all_export(&seen, 1), "the living broker: {seen:?}");
    log(format!("the living broker was resumed by itself: {seen:?}"));

    stack.start_broker(1).await?;
    log(format!("phases after the return: {:?}", phases(&http, &brokers).await));
    let recovered = recover(stack.config()?, ConnectOptions::default()).await?;
    print!("{recovered}");
    ensure!(recovered.runs.iter().any(|run| !run.paid.is_empty()), "nothing was owed: {recovered}");
    wait_for_phase(&http, &brokers, "EXPORTING").await?;

    let report = backup::the_next(stack).await?;
    let found = format!(
        "the run failed and said what it owed, the living broker was resumed, `recover()` resumed the other; next \
         backup {}",
        report.verdict
    );
    Ok(Finding { found, paused: report.paused })
}
