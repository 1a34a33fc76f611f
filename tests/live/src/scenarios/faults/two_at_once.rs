//! Two processes make a backup at the same time, on one journal.

use anyhow::{Result, ensure};
use camunda_backup_live::{Child, Fault, wait_for_phase};

use super::fixture::{Fixture, MAX_PAUSE, STEP};
use super::step::Step;
use crate::finding::Finding;
use crate::scenarios::kill9::named_in;
use crate::scenarios::{process, proof};

/// Protects: the claim is taken before anything is sent, and its lock is the kernel's, so that one of any two processes
/// is refused (I10). Without it both would pause, and the first to end would resume in the middle of the other's backup.
pub async fn run(fixture: &Fixture<'_>) -> Result<Finding> {
    let config = fixture.config()?;
    fixture.planned(&config).await?;
    let observation = fixture.observe().await?;
    let armed = fixture.arm(Step::Operate, Fault::HeldBefore);
    let environment = || fixture.proxy.environment(fixture.stack);
    let mut first = Child::start_with(environment(), process::BACK_UP)?;
    let mut second = Child::start_with(environment(), process::BACK_UP)?;
    // The winner is held at its first order, so that it lives for as long as the other needs to be refused.
    let refused = tokio::select! {
        line = first.line_with("FAILED", STEP) => (line?, 1),
        line = second.line_with("FAILED", STEP) => (line?, 2),
    };
    let (line, mut winner) = if refused.1 == 1 { (refused.0, second) } else { (refused.0, first) };
    ensure!(line.contains(&format!("process {} ", winner.pid())), "I10: the holder is not named: {line}");
    let begins = winner.line_with(" begins", STEP);
    let (_, id) = named_in(&begins.await?)?;
    armed.release();
    let ended = winner.line_with("of cluster", STEP).await?;
    ensure!(ended.contains("COMPLETED, PROVEN"), "{ended}");
    wait_for_phase(fixture.stack.http(), &fixture.stack.zeebe_management(), "EXPORTING").await?;
    fixture.nothing_was_ordered_twice()?;
    let paused = Fixture::bounded(observation, MAX_PAUSE).await?;
    proof::servers_have(fixture.stack, id.value(), None).await?;
    fixture.clean_up(&config, id, true, false).await?;
    Ok(Finding {
        found: "one COMPLETED, PROVEN; the other refused with the name of the first".to_owned(),
        paused,
    })
}
