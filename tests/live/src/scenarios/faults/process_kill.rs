//! `kill -9` of the process that makes the backup, at each step: before its order leaves, and when it was carried out.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use camunda_backup::{ConnectOptions, RecoveredRun, recover};
use camunda_backup_live::{Child, Fault, Seen, log, until, wait_for_phase};
use tokio::time::sleep;

use super::fixture::{Fixture, MAX_RESUME, STEP};
use super::step::Step;
use crate::finding::Finding;
use crate::scenarios::kill9::named_in;
use crate::scenarios::process;

/// Protects: the record of what is owed is durable before the order leaves (I7). Without it, or written afterwards,
/// `recover()` would find nothing owed and leave exporting paused.
pub async fn kill(fixture: &Fixture<'_>, step: Step, fault: Fault) -> Result<Finding> {
    let config = fixture.config()?;
    fixture.planned(&config).await?; // a process of its own does not wait until it can begin
    let observation = fixture.observe().await?;
    let mut armed = fixture.arm(step, fault);
    let mut child = Child::start_with(fixture.proxy.environment(fixture.stack), process::BACK_UP)?;
    let (run, id) = named_in(&child.line_with(" begins", STEP).await?)?;
    armed.struck(STEP).await?;
    Fixture::second_is_refused(config.clone(), child.pid()).await?;
    child.kill_9().await?;
    let dead_since = Instant::now();
    drop(armed); // what was held is never sent

    let recovered = recover(config.clone(), ConnectOptions::default()).await?;
    let took = dead_since.elapsed();
    ensure!(fixture.exporting_runs().await?, "I1: recovered, and exporting is paused: {recovered}");
    let [dead] = recovered.runs.as_slice() else { bail!("one run died, the report has {recovered}") };
    ensure!(dead.run == run && dead.id == Some(id), "run {run} of backup {id} died: {recovered}");
    owed_as_recorded(dead, step)?;
    fixture.nothing_was_ordered_twice()?;
    let paused = Fixture::bounded(observation, MAX_RESUME).await?;
    fixture.clean_up(&config, id, false, false).await?;
    log(format!("recovered {took:.2?} after the death"));
    let paid = if dead.paid.is_empty() { "owed nothing" } else { "`recover()` resumed exporting" };
    Ok(Finding { found: format!("ABANDONED; {paid}, {:.1} s after the death", took.as_secs_f64()), paused })
}

/// Protects: a pause that was under way when its process died may be carried out after `recover()` has resumed. A load
/// balancer that has taken a request delivers it although nobody waits for the answer any more.
pub async fn late_pause(fixture: &Fixture<'_>) -> Result<Finding> {
    let config = fixture.config()?;
    fixture.planned(&config).await?;
    let observation = fixture.observe().await?;
    let mut armed = fixture.arm(Step::Pause, Fault::HeldBefore);
    let mut child = Child::start_with(fixture.proxy.environment(fixture.stack), process::BACK_UP)?;
    let (_, id) = named_in(&child.line_with(" begins", STEP).await?)?;
    armed.struck(STEP).await?;
    child.kill_9().await?;

    let recovery = tokio::spawn(recover(config.clone(), ConnectOptions::default()));
    until("a resume by `recover()`", STEP, async || {
        let resumed = fixture.proxy.asked().iter().any(|asked| asked.path == "/actuator/exporting/resume");
        Ok(if resumed { Seen::Done(()) } else { Seen::NotYet("none has come".to_owned()) })
    })
    .await?;
    sleep(RESUMED).await; // a pause that comes before the look behind the resume is not the late one
    armed.release();
    wait_for_phase(fixture.stack.http(), &fixture.stack.zeebe_management(), "SOFT_PAUSED").await?;
    let recovered = recovery.await??;
    ensure!(fixture.exporting_runs().await?, "I1: recovered, and exporting is paused: {recovered}");
    fixture.nothing_was_ordered_twice()?;
    let paused = Fixture::bounded(observation, LATE + MAX_RESUME).await?;
    fixture.clean_up(&config, id, false, false).await?;
    Ok(Finding {
        found: "ABANDONED; `recover()` resumed exporting again when the pause had come".to_owned(),
        paused,
    })
}

/// More than a resume and a look take, and much less than `recover()` waits.
const RESUMED: Duration = Duration::from_secs(5);
/// Longer than a request that nobody waits for can take to come.
const LATE: Duration = Duration::from_secs(60);

/// Owed from the moment before the pause is sent, and not before.
fn owed_as_recorded(dead: &RecoveredRun, step: Step) -> Result<()> {
    ensure!(dead.paid.is_empty() != step.owes(), "I7: died at {step}, and was owed: {:?}", dead.paid);
    Ok(())
}

/// Both moments of a step.
pub const MOMENTS: [Fault; 2] = [Fault::HeldBefore, Fault::HeldAfter];
