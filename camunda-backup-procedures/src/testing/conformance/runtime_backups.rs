//! Zeebe's own backups, from the request to the delete.

use camunda_backup_core::{BackupId, Result};
use camunda_backup_zeebe::{BackupState, RuntimeBackup};

use super::observed::Observed;
use super::stage::{Seen, Stage};
use super::world::World;

pub(super) async fn run(world: &World) -> Observed {
    let mut stage = Stage::new(world, "zeebe: backups");
    let done = life(&mut stage, world).await;
    stage.end(done)
}

fn state(backup: &RuntimeBackup) -> String {
    let parts: Vec<String> = backup.partitions.iter().map(|part| part.state.to_string()).collect();
    format!("{} of {}", backup.state, parts.join(", "))
}

async fn life(stage: &mut Stage<'_>, world: &World) -> Result<()> {
    let runtime = &world.clients.runtime;
    let id = world.unused_id().await?;
    let next = BackupId::new(id.value() + 1)?;
    stage.step("begin a backup", runtime.create(id), |()| "ok".to_owned()).await?;
    completed(stage, "it completes", id).await?;
    stage.ask("the same id again", runtime.create(id)).await;
    stage.ask("a lower id", runtime.create(BackupId::new(id.value() - 1)?)).await;
    let listed = |all: &Vec<RuntimeBackup>| {
        all.iter().find(|backup| backup.id == id.value()).map_or_else(|| "absent".to_owned(), state)
    };
    stage.step("the list", runtime.list(), listed).await?;
    stage.step("begin another one at once", runtime.create(next), |()| "ok".to_owned()).await?;
    completed(stage, "it completes too", next).await?;
    stage.ask("delete the first", runtime.delete(id)).await;
    let gone = async || runtime.status(id).await;
    let told = |backup: &RuntimeBackup| match backup.state {
        BackupState::NotVisible => Seen::End(state(backup)),
        _ => Seen::Passing(state(backup)),
    };
    stage.watch("it is gone", gone, told).await?;
    stage.ask("delete it again", runtime.delete(id)).await;
    stage.ask("its id is used up", runtime.create(id)).await;
    stage.step("the list without it", runtime.list(), listed).await?;
    stage.ask("delete the other one", runtime.delete(next)).await;
    Ok(())
}

async fn completed(stage: &mut Stage<'_>, what: &str, id: BackupId) -> Result<()> {
    let runtime = &stage.world.clients.runtime;
    let told = |backup: &RuntimeBackup| match backup.state {
        BackupState::Completed => Seen::End(state(backup)),
        _ if backup.state.is_terminal_failure() => Seen::End(state(backup)),
        _ => Seen::Passing(backup.state.to_string()),
    };
    stage.watch(what, async || runtime.status(id).await, told).await?;
    Ok(())
}
