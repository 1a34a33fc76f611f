//! The process that makes a backup dies inside the pause, and another one ends what it began.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use camunda_backup::{BackupId, BackupSpec, Cluster, ConnectOptions, ErrorKind, Plan, recover};
use camunda_backup_live::{Child, LiveStack, log, wait_for_phase};

use super::{process, proof};
use crate::finding::Finding;

const STEP: Duration = Duration::from_secs(180);

pub async fn run(stack: &LiveStack) -> Result<Finding> {
    let load = stack.load().await?;
    let brokers = stack.zeebe_management();
    // Connected and planned before the other process begins, so that its claim is all that is in the way.
    let second = Cluster::connect(stack.config()?).await?;
    let second_plan = second.plan_backup(BackupSpec::default())?;

    let mut child = Child::start(stack, process::BACK_UP)?;
    let begins = child.line_with(" begins", STEP).await?;
    let (dead_run, dead_id) = named_in(&begins)?;
    refused_while_it_lives(stack, &second, second_plan, child.pid()).await?;
    child.line_with("pause-exporting: done", STEP).await?;
    child.kill_9().await?;
    wait_for_phase(stack.http(), &brokers, "SOFT_PAUSED").await?;
    let dead_since = Instant::now();

    refused_before_recovery(stack).await?;
    let recovered = recover(stack.config()?, ConnectOptions::default()).await?;
    let took = dead_since.elapsed();
    print!("{recovered}");
    let [run] = recovered.runs.as_slice() else {
        bail!("one run died, the report has {}", recovered.runs.len())
    };
    ensure!(
        run.run == dead_run && run.id == Some(dead_id),
        "run {dead_run} of backup {dead_id} died: {recovered}"
    );
    ensure!(!run.paid.is_empty() && recovered.damage.is_empty(), "{recovered}");
    wait_for_phase(stack.http(), &brokers, "EXPORTING").await?;
    log(format!("recovered {took:.2?} after the death was noticed"));

    let cluster = Cluster::connect(stack.config()?).await?;
    let again = cluster.recover().await?;
    ensure!(again.is_clean(), "recovered twice: {again}");
    let abandoned = cluster.abandon(dead_id).await?;
    print!("{abandoned}");
    ensure!(abandoned.remaining.is_empty(), "{abandoned}");
    let left = proof::snapshots_of(stack, dead_id.value()).await?;
    ensure!(left.is_empty(), "abandoned, and still in the store: {:?}", left.keys());

    let plan = cluster.plan_backup(BackupSpec::default())?;
    ensure!(plan.id() > Some(dead_id), "the next backup is {}, the dead one had {dead_id}", plan.task);
    let report = cluster.run(plan).await?;
    println!("{report}");
    proof::of_report(&report, brokers.len())?;
    proof::of_servers(stack, &report).await?;
    load.stop().await?;
    log(format!(
        "backup {} after the crash is proven; paused for {:.2?}",
        proof::id_of(&report)?,
        report.paused.unwrap_or_default()
    ));
    let found = format!(
        "`recover()` resumed exporting {:.1} s after the death, a second run was refused, nothing was left after \
         `abandon()`; next backup {}",
        took.as_secs_f64(),
        report.verdict
    );
    Ok(Finding { found, paused: report.paused })
}

/// Run and id in `… run <run> of backup <id> begins`.
pub fn named_in(line: &str) -> Result<(String, BackupId)> {
    let words = line.split(" run ").nth(1).and_then(|rest| rest.strip_suffix(" begins"));
    let (run, id) = words.and_then(|words| words.split_once(" of backup ")).context("no run and id")?;
    Ok((run.to_owned(), BackupId::new(id.parse()?)?))
}

/// Neither a second backup nor a recovery disturbs a living run; both are told who it is.
async fn refused_while_it_lives(stack: &LiveStack, second: &Cluster, plan: Plan, pid: u32) -> Result<()> {
    let Err(failure) = second.run(plan).await else { bail!("a second backup ran beside the first") };
    let Err(error) = recover(stack.config()?, ConnectOptions::default()).await else {
        bail!("recovered from a living run")
    };
    for error in [&failure.error, &error] {
        let words = error.to_string();
        ensure!(error.kind() == ErrorKind::Claimed && words.contains(&format!("process {pid} ")), "{words}");
    }
    log(format!("refused while it lives: {error}"));
    Ok(())
}

/// The pause that was left behind blocks the next backup, which does not take it for its own.
async fn refused_before_recovery(stack: &LiveStack) -> Result<()> {
    let cluster = Cluster::connect(stack.config()?).await?;
    let Err(error) = cluster.plan_backup(BackupSpec::default()) else {
        bail!("a backup was planned over a pause")
    };
    ensure!(error.kind() == ErrorKind::Blocked && error.to_string().contains("exporting-paused"), "{error}");
    log("a backup before recovery is refused");
    Ok(())
}
