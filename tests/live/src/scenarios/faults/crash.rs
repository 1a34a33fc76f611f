//! `kill -9` of a server in the middle of a backup. It comes back with its data, as an operator or Kubernetes would see to.

use anyhow::{Context, Result, ensure};
use camunda_backup::{ErrorKind, Failure, Report};
use camunda_backup_live::{Fault, all_export, phases};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::fixture::{Fixture, STEP};
use super::invariants::Left;
use super::step::Step;
use crate::finding::Finding;

/// When: the order that has just come, or was just carried out. Broker 0 has the gateway that everything is asked of.
/// Each costs a minute, the restart included; a pause just confirmed is in the scenario `broker-loss`.
pub const BROKER_DEATHS: [(usize, Step, Fault); 6] = [
    (1, Step::Operate, Fault::HeldAfter),
    (1, Step::Pause, Fault::HeldBefore),
    (1, Step::Records, Fault::HeldAfter),
    (1, Step::Zeebe, Fault::HeldAfter),
    (1, Step::Resume, Fault::HeldBefore),
    (0, Step::Zeebe, Fault::HeldAfter),
];

/// The same for a stand-alone gateway, while all brokers live.
pub const GATEWAY_DEATHS: [(Step, Fault); 5] = [
    (Step::Operate, Fault::HeldAfter),
    (Step::Pause, Fault::HeldAfter),
    (Step::Records, Fault::HeldAfter),
    (Step::Zeebe, Fault::HeldAfter),
    (Step::Resume, Fault::HeldBefore),
];

/// The same for the store.
pub const STORE_DEATHS: [(Step, Fault); 6] = [
    (Step::Operate, Fault::HeldAfter),
    (Step::Pause, Fault::HeldAfter),
    (Step::Records, Fault::HeldBefore),
    (Step::Records, Fault::HeldAfter),
    (Step::Zeebe, Fault::HeldAfter),
    (Step::Resume, Fault::HeldBefore),
];

/// Protects: the gateway refuses to resume while a broker is down, so each broker is resumed by itself (Q5), and the one
/// that cannot be reached is owed until somebody has seen it export.
pub async fn broker(fixture: &mut Fixture<'_>, node: usize, step: Step, fault: Fault) -> Result<Finding> {
    let config = fixture.config()?;
    let planned = fixture.planned(&config).await?;
    let observation = fixture.observe().await?;
    let armed = fixture.arm(step, fault);
    let stack = &mut *fixture.stack;
    let ended = Fixture::run(&config, planned, armed, async || stack.kill_broker(node)).await?;
    let failure = ended.as_ref().err().context("the backup completed without a broker")?;
    let mut errors = std::iter::once(&failure.error).chain(&failure.secondary);
    let told = errors.any(|error| error.kind() == ErrorKind::NeedsOperator);
    ensure!(
        told == step.owes(),
        "told that a broker may be paused: {told}, with {step} under way: {failure}"
    );
    let living = phases(fixture.stack.http(), &fixture.stack.zeebe_management()).await;
    ensure!(all_export(&living, 1), "I1: the living broker: {living:?}");
    fixture.stack.start_broker(node).await?;
    fixture.check_invariants(&config, &ended, observation.without(node), Left::Whatever).await
}

/// Protects: without the gateway each broker is resumed by itself, and none of them stays paused until it is back.
pub async fn gateway(fixture: &mut Fixture<'_>, step: Step, fault: Fault) -> Result<Finding> {
    fixture.through_the_gateway().await?;
    let config = fixture.config()?;
    let planned = fixture.planned(&config).await?;
    let observation = fixture.observe().await?;
    let armed = fixture.arm(step, fault);
    let stack = &mut *fixture.stack;
    let ended = Fixture::run(&config, planned, armed, async || stack.kill_gateway()).await?;
    ensure!(fixture.exporting_runs().await?, "I1: all brokers live, and exporting is paused: {ended:?}");
    fixture.stack.start_gateway().await?;
    fixture.check_invariants(&config, &ended, observation, Left::Whatever).await
}

/// Protects: a snapshot that a crash has cut off is not taken for one, whatever the store calls it when it is back, and
/// a store that cannot be asked does not keep exporting paused.
pub async fn store(fixture: &mut Fixture<'_>, step: Step, fault: Fault) -> Result<Finding> {
    let config = fixture.config()?;
    let planned = fixture.planned(&config).await?;
    let observation = fixture.observe().await?;
    let armed = fixture.arm(step, fault);
    let stack = &mut *fixture.stack;
    let (killed, is_dead) = oneshot::channel();
    let (run, restarted) = tokio::join!(
        Fixture::run(&config, planned, armed, async || {
            // The answer may go on as soon as nobody is there any more.
            let (gone, wait) = oneshot::channel();
            let _ = killed.send(gone);
            Ok(wait.await?)
        }),
        async {
            let gone: oneshot::Sender<()> = timeout(STEP, is_dead).await??;
            stack.kill_store()?;
            let _ = gone.send(());
            stack.start_store().await
        }
    );
    restarted?;
    let ended: Result<Report, Failure> = run?;
    fixture.check_invariants(&config, &ended, observation, Left::Whatever).await
}
