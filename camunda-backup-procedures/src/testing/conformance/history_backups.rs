//! The backups of the web applications: each one's own snapshots, part by part.

use camunda_backup_core::{BackupId, Call, Effect, Result, SnapshotName};
use camunda_backup_zeebe::{BackupState, Health, HistoryBackup, HistoryBackups, detect_version};

use serde_json::{Value, json};

use super::observed::Observed;
use super::stage::{Seen, Stage};
use super::world::World;

/// What is read of every application.
pub(super) async fn reads(world: &World) -> Vec<Observed> {
    let mut all = Vec::new();
    for app in &world.clients.history {
        let mut stage = Stage::new(world, &format!("{}: reads", app.component()));
        let done = looks(&mut stage, app).await;
        all.push(stage.end(done));
    }
    all
}

/// A backup of every application, after all of them were read: each in its own scenario.
pub(super) async fn effects(world: &World) -> Vec<Observed> {
    let mut all = Vec::new();
    for app in &world.clients.history {
        let mut stage = Stage::new(world, &format!("{}: backups", app.component()));
        let done = life(&mut stage, app).await;
        all.push(stage.end(done));
    }
    all
}

fn state(backup: &HistoryBackup) -> String {
    backup.state.to_string()
}

async fn looks(stage: &mut Stage<'_>, app: &HistoryBackups) -> Result<()> {
    let version = |found: &camunda_backup_zeebe::DetectedVersion| match &found.version {
        Some(version) => format!("{:?}", version.line()),
        None => "not told".to_owned(),
    };
    stage.step("its version", detect_version(app.http()), version).await?;
    let health = Health::new(app.http().clone(), stage.world.clients.dialect);
    stage.step("whether it is ready", health.readiness(), |state| state.as_str().to_owned()).await?;
    stage.ask("all backups", app.list()).await;
    stage.step("a backup that is not there", app.status(BackupId::new(1)?), state).await?;
    Ok(())
}

async fn life(stage: &mut Stage<'_>, app: &HistoryBackups) -> Result<()> {
    let id = stage.world.unused_id().await?;
    let next = BackupId::new(id.value() + 1)?;
    let scheduled = stage
        .step("begin a backup", app.create(id), |parts| format!("{} parts", parts.snapshots.len()))
        .await?;
    stage.ask("another one meanwhile", app.create(next)).await;
    let told = |backup: &HistoryBackup| match &backup.state {
        BackupState::Completed => Seen::End(format!("{} of {}", state(backup), backup.parts.len())),
        other if other.is_terminal_failure() => Seen::End(state(backup)),
        other => Seen::Passing(other.to_string()),
    };
    stage.watch("it completes", async || app.status(id).await, told).await?;
    stage.ask("the same id again", app.create(id)).await;
    let listed = |all: &Vec<HistoryBackup>| {
        all.iter().find(|backup| backup.id == Some(id.value())).map_or_else(|| "absent".to_owned(), state)
    };
    stage.step("the list", app.list(), listed).await?;
    stage.step("a lower id", app.create(BackupId::new(id.value() - 1)?), |_| "ok".to_owned()).await?;
    stage.watch("it completes too", async || app.status(BackupId::new(id.value() - 1)?).await, told).await?;
    stage.ask("delete a backup that there is not", app.delete(next)).await;
    stage.ask("delete the first", app.delete(id)).await;
    if let Some((store, repository)) = &stage.world.clients.store {
        let look = async || store.snapshots(repository, &scheduled.snapshots).await;
        let told = |left: &Vec<camunda_backup_es::SnapshotInfo>| match left.len() {
            0 => Seen::End("none".to_owned()),
            _ => Seen::Passing("some".to_owned()),
        };
        stage.watch("its snapshots in the store", look, told).await?;
    }
    stage.step("what it is then", app.status(id), state).await?;
    stage.ask("delete the lower one", app.delete(BackupId::new(id.value() - 1)?)).await;
    poisoned(stage, app, next).await?;
    without_repository(stage, app, next).await
}

/// A snapshot of the application's name without its metadata (Q24).
async fn poisoned(stage: &mut Stage<'_>, app: &HistoryBackups, id: BackupId) -> Result<()> {
    let Some((store, repository)) = &stage.world.clients.store else { return Ok(()) };
    let poison = SnapshotName::new(format!("camunda_{}_{id}_8.6.0_part_1_of_6", app.component()))?;
    let body = json!({"indices": "-*", "include_global_state": false});
    let path = format!("/_snapshot/{repository}/{poison}");
    let call = Call::put("conformance.poison", Effect::Once, path).query("wait_for_completion", true);
    store.http().send(call.json(&body)?).await?;
    stage.ask("the list with somebody's snapshot in it", app.list()).await;
    let _ = stage.step("what somebody's snapshot is", app.status(id), state).await;
    store.delete_snapshot(repository, &poison).await.map(|_| ())
}

/// Somebody has unregistered the repository. It is registered again with the same settings.
async fn without_repository(stage: &mut Stage<'_>, app: &HistoryBackups, id: BackupId) -> Result<()> {
    let Some((store, repository)) = &stage.world.clients.store else { return Ok(()) };
    let path = format!("/_snapshot/{repository}");
    let shown = store.http().json::<Value>(Call::get("conformance.repository", &path)).await?;
    store.delete_repository(repository).await?;
    stage.ask("the list without a repository", app.list()).await;
    stage.ask("a backup without a repository", app.create(id)).await;
    let _ = stage.step("the state without a repository", app.status(id), state).await;
    stage.ask("a delete without a repository", app.delete(id)).await;
    let settings = json!({"type": shown[repository.as_str()]["type"], "settings": shown[repository.as_str()]["settings"]});
    let call = Call::put("conformance.repository", Effect::Idempotent, &path);
    store.http().send(call.json(&settings)?).await.map(|_| ())
}
