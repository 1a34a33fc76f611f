//! Pause and resume in every order, and what each replica does after each.

use camunda_backup_core::{Call, Effect, Result};
use camunda_backup_zeebe::{Exporting, PauseMode};

use super::observed::Observed;
use super::stage::{Seen, Stage};
use super::world::World;

pub(super) async fn run(world: &World) -> Observed {
    let mut stage = Stage::new(world, "zeebe: exporting");
    let done = orders(&mut stage, world).await;
    // Whatever was seen: nobody is left paused.
    let resumed = world.clients.exporting.resume().await;
    stage.end(done.and(resumed))
}

async fn orders(stage: &mut Stage<'_>, world: &World) -> Result<()> {
    let exporting = &world.clients.exporting;
    after(stage, "resume what is not paused", exporting, None).await?;
    after(stage, "pause softly", exporting, Some(PauseMode::Soft)).await?;
    after(stage, "pause softly again", exporting, Some(PauseMode::Soft)).await?;
    broker_resumes(stage, world).await?;
    after(stage, "resume", exporting, None).await?;
    after(stage, "pause hard", exporting, Some(PauseMode::Hard)).await?;
    after(stage, "pause softly over a hard pause", exporting, Some(PauseMode::Soft)).await?;
    after(stage, "resume from both", exporting, None).await?;
    after(stage, "pause softly before a hard pause", exporting, Some(PauseMode::Soft)).await?;
    // Corrupts the marker files (Q6); the resume that follows at once writes them anew.
    after(stage, "pause hard over a soft pause", exporting, Some(PauseMode::Hard)).await?;
    after(stage, "resume at the end", exporting, None).await?;
    let unknown = Call::post("zeebe.exporting.unknown", Effect::Once, "/actuator/exporting/stop");
    stage.ask("an operation that there is not", exporting.http().send(unknown)).await;
    Ok(())
}

/// Pauses or resumes, then looks at every replica until all do the same.
async fn after(
    stage: &mut Stage<'_>,
    what: &str,
    exporting: &Exporting,
    mode: Option<PauseMode>,
) -> Result<()> {
    match mode {
        Some(mode) => {
            stage.step(what, exporting.pause(mode), |answer| format!("{answer:?}")).await.map(|_| ())
        }
        None => stage.step(what, exporting.resume(), |()| "ok".to_owned()).await,
    }?;
    settled(stage, what).await
}

/// What all replicas do, as soon as they do the same. A gateway's answer comes when all of them have done it.
async fn settled(stage: &mut Stage<'_>, after: &str) -> Result<()> {
    let world = stage.world;
    if world.clients.partitions.is_empty() {
        return Ok(());
    }
    let look = async || {
        let mut phases = Vec::new();
        for broker in world.clients.partitions.values() {
            phases.extend(broker.statuses().await?.into_values().map(|status| status.exporter_phase));
        }
        phases.dedup();
        Ok(phases)
    };
    let told = |phases: &Vec<_>| match &phases[..] {
        [Some(phase)] => Seen::End(format!("{phase:?}")),
        _ => Seen::Passing("not the same everywhere".to_owned()),
    };
    stage.watch(&format!("the replicas after: {after}"), look, told).await?;
    Ok(())
}

/// One broker resumes by itself, which the others do not notice.
async fn broker_resumes(stage: &mut Stage<'_>, world: &World) -> Result<()> {
    for broker in world.clients.partitions.values().take(1) {
        let phases = |all: &std::collections::BTreeMap<_, camunda_backup_zeebe::PartitionStatus>| {
            let phases: Vec<String> =
                all.values().map(|status| format!("{:?}", status.exporter_phase)).collect();
            phases.join(", ")
        };
        stage.step("one broker resumes by itself", broker.resume_exporting(), phases).await?;
    }
    Ok(())
}
