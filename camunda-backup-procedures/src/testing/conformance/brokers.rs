//! A bucket that is not there, and a broker that is not there.

use std::time::Duration;

use camunda_backup_core::{BackupId, BrokerId, Error, Result};
use camunda_backup_zeebe::{PauseMode, RuntimeBackup};

use super::hands::Hands;
use super::observed::Observed;
use super::stage::{Seen, Stage};
use super::world::World;

pub(super) async fn run(world: &World, hands: &mut impl Hands) -> Vec<Observed> {
    let mut stage = Stage::new(world, "zeebe: no bucket");
    let done = no_bucket(&mut stage, hands).await;
    let back = hands.hide_bucket(false).await;
    let mut all = vec![stage.end(done.and(back))];
    // The last one: where the first is asked, the others are left.
    if let Some(broker) =
        world.clients.partitions.keys().next_back().filter(|_| world.clients.partitions.len() > 1)
    {
        let mut stage = Stage::new(world, "zeebe: a lost broker");
        let done = lost_broker(&mut stage, hands, broker).await;
        all.push(stage.end(done));
    }
    all
}

fn state(backup: &RuntimeBackup) -> String {
    backup.state.to_string()
}

/// Q1: accepted, and never made.
async fn no_bucket(stage: &mut Stage<'_>, hands: &mut impl Hands) -> Result<()> {
    let runtime = &stage.world.clients.runtime;
    let id = stage.world.unused_id().await?;
    hands.hide_bucket(true).await?;
    stage.ask("begin a backup without a bucket", runtime.create(id)).await;
    tokio::time::sleep(Duration::from_secs(5)).await; // longer than the brokers take to begin their parts
    stage.ask("what it is", runtime.status(id)).await;
    stage.ask("the list", runtime.list()).await;
    stage.ask("delete it", runtime.delete(id)).await;
    hands.hide_bucket(false).await?;
    let told = |backup: &RuntimeBackup| Seen::End(state(backup));
    stage.watch("what it is when the bucket is back", async || runtime.status(id).await, told).await?;
    stage.ask("the same id again", runtime.create(id)).await;
    let next = BackupId::new(id.value() + 1)?;
    stage.ask("the next id", runtime.create(next)).await;
    let told = |backup: &RuntimeBackup| Seen::when(backup.state.is_completed(), state(backup));
    stage.watch("it completes", async || runtime.status(next).await, told).await?;
    runtime.delete(next).await
}

/// Q5, Q10, and the marker that a restarted broker finds.
async fn lost_broker(stage: &mut Stage<'_>, hands: &mut impl Hands, broker: &BrokerId) -> Result<()> {
    let (exporting, runtime) = (&stage.world.clients.exporting, &stage.world.clients.runtime);
    let id = stage.world.unused_id().await?;
    exporting.pause(PauseMode::Soft).await?;
    hands.kill_broker(broker).await?;
    replicas(stage, "the others after its death", broker).await?;
    until_noticed(stage).await?;
    stage.ask("the list", runtime.list()).await;
    stage.ask("begin a backup", runtime.create(id)).await;
    stage.ask("a backup that is not there", runtime.status(BackupId::new(1)?)).await;
    stage.ask("resume", exporting.resume()).await;
    replicas(stage, "the others after the resume", broker).await?;
    for (_, other) in stage.world.clients.partitions.iter().filter(|(id, _)| *id != broker).take(1) {
        stage.ask("another one resumes by itself", other.resume_exporting()).await;
    }
    stage.ask("pause softly", exporting.pause(PauseMode::Soft)).await;
    replicas(stage, "the others after the pause", broker).await?;
    hands.start_broker(broker).await?;
    all_replicas(stage, "all after its return").await?;
    // The topology names the returned broker some seconds before the gateway finds all members of its partitions.
    let resumed = |(): &()| Seen::End("ok".to_owned());
    stage.watch("resume when all are there", async || exporting.resume().await, resumed).await?;
    all_replicas(stage, "all at the end").await
}

/// The gateway notices a death after a while, with answers that depend on the moment; from then on it waits for the
/// broker in vain.
async fn until_noticed(stage: &mut Stage<'_>) -> Result<()> {
    let runtime = &stage.world.clients.runtime;
    let look = async || Ok(runtime.list().await.map(|_| ()));
    let told = |answer: &Result<(), Error>| match answer {
        Err(error) if error.status() == Some(http::StatusCode::GATEWAY_TIMEOUT) => {
            Seen::End("504".to_owned())
        }
        _ => Seen::Passing("not yet".to_owned()),
    };
    let _ = stage.watch("the gateway notices", look, told).await?;
    Ok(())
}

/// What each replica on the brokers that are left does.
async fn replicas(stage: &mut Stage<'_>, what: &str, without: &BrokerId) -> Result<()> {
    let world = stage.world;
    let look = async { Ok(told(&phases(world, Some(without)).await?)) };
    stage.step(what, look, String::clone).await.map(|_| ())
}

/// What each replica does when every broker shows its own: one that has just returned shows none (Q9).
async fn all_replicas(stage: &mut Stage<'_>, what: &str) -> Result<()> {
    let world = stage.world;
    let seen = |phases: &Vec<(BrokerId, String)>| {
        let of = |id: &BrokerId| phases.iter().filter(|(broker, _)| broker == id).count();
        let counts: Vec<usize> = world.clients.partitions.keys().map(of).collect();
        let complete = counts.iter().all(|count| *count > 0 && Some(count) == counts.first());
        Seen::when(complete, if complete { told(phases) } else { "not all of them are shown".to_owned() })
    };
    stage.watch(what, async || phases(world, None).await, seen).await.map(|_| ())
}

fn told(phases: &[(BrokerId, String)]) -> String {
    phases.iter().map(|(_, told)| told.as_str()).collect::<Vec<_>>().join(", ")
}

/// Each replica with its broker and partition; of one broker nothing is asked.
async fn phases(world: &World, without: Option<&BrokerId>) -> Result<Vec<(BrokerId, String)>> {
    let mut phases = Vec::new();
    for (id, broker) in world.clients.partitions.iter().filter(|(id, _)| Some(*id) != without) {
        for (partition, status) in broker.statuses().await? {
            phases.push((id.clone(), format!("{id}/{partition} {:?}", status.exporter_phase)));
        }
    }
    Ok(phases)
}
