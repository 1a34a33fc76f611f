//! One request of a backup has bad luck on the wire. The run goes on and finds out by looking what became of it.

use anyhow::{Result, ensure};
use camunda_backup::Verdict;
use camunda_backup_live::{Fault, wait_for_phase};

use super::fixture::Fixture;
use super::invariants::Left;
use super::step::Step;
use crate::finding::Finding;

const ORDERS: [Step; 5] = [Step::Operate, Step::Pause, Step::Records, Step::Zeebe, Step::Resume];
const LOOKS: [Step; 3] = [Step::LookAtOperate, Step::LookAtPhases, Step::LookAtZeebe];

const ORDERS_SUFFER: [Fault; 6] = [
    Fault::AnswerDropped,
    Fault::ClosedBefore,
    Fault::Delayed,
    Fault::Truncated,
    Fault::Unavailable,
    Fault::Replayed,
];

/// Whether a look arrived makes no difference to anybody.
const LOOKS_SUFFER: [Fault; 3] = [Fault::Delayed, Fault::Truncated, Fault::Unavailable];

pub fn cases() -> impl Iterator<Item = (Step, Fault)> {
    let orders = ORDERS.into_iter().flat_map(|step| ORDERS_SUFFER.map(|fault| (step, fault)));
    // A pause that nobody has seen is waited for for a minute, so there are two ways to lose one and not four.
    let orders = orders.filter(|case| !matches!(case, (Step::Pause, Fault::Truncated | Fault::Unavailable)));
    let looks = LOOKS.into_iter().flat_map(|step| LOOKS_SUFFER.map(|fault| (step, fault)));
    orders.chain(looks)
}

/// Protects: an answer that leaves it open whether an order was carried out is neither success nor failure (engine:
/// `Sent::Unknown`, then look). Taking it for failure would leave a pause, taking it for success would believe in a part
/// that is not there, and sending again would order twice.
pub async fn strike(fixture: &Fixture<'_>, step: Step, fault: Fault) -> Result<Finding> {
    let config = fixture.config()?;
    let planned = fixture.planned(&config).await?;
    let observation = fixture.observe().await?;
    let armed = fixture.arm(step, fault);
    let ended = Fixture::run(&config, planned, armed, async || Ok(())).await?;
    let left = if refused(step, fault) { Left::Refused } else { Left::Missing };
    let finding = fixture.check_invariants(&config, &ended, observation, left).await?;
    let proven = ended.as_ref().is_ok_and(|report| report.verdict == Verdict::Proven);
    ensure!(proven == survives(step, fault), "expected otherwise: {}", finding.found);
    Ok(finding)
}

/// Protects: `max_pause` holds for a request that is never answered, too (I8). It is carried out when nobody waits for it
/// any more, and has to be found and removed.
pub async fn hang(fixture: &Fixture<'_>) -> Result<Finding> {
    let config = fixture.config()?;
    let planned = fixture.planned(&config).await?;
    let observation = fixture.observe().await?;
    let armed = fixture.arm(Step::Records, Fault::HeldBefore);
    let brokers = fixture.stack.zeebe_management();
    let running_again = async || wait_for_phase(fixture.stack.http(), &brokers, "EXPORTING").await;
    let ended = Fixture::run(&config, planned, armed, running_again).await?;
    let finding = fixture.check_invariants(&config, &ended, observation, Left::Whatever).await?;
    ensure!(ended.is_err(), "completed, and the snapshot of the records had not begun: {}", finding.found);
    Ok(finding)
}

/// A lost order is never sent again: it fails the run. Everything else is seen by looking, or asked again.
fn survives(step: Step, fault: Fault) -> bool {
    let order = matches!(step, Step::Operate | Step::Pause | Step::Records | Step::Zeebe);
    let never_arrived = matches!(fault, Fault::ClosedBefore | Fault::Unavailable);
    !(order && never_arrived || refused(step, fault))
}

/// Pausing twice is pausing; of the others the second one is refused, and a refusal is not ours to explain away.
fn refused(step: Step, fault: Fault) -> bool {
    fault == Fault::Replayed && matches!(step, Step::Operate | Step::Records | Step::Zeebe)
}
