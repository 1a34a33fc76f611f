//! `kill -9` of the search server while it makes a snapshot, and while it restores one.

use camunda_backup_core::{IndexName, Result, SnapshotName};
use camunda_backup_es::{
    CreateSnapshot, Health, HealthStatus, Rename, RestoreProgress, RestoreSnapshot, SearchStore,
    SnapshotProgress,
};

use super::hands::Hands;
use super::observed::Observed;
use super::stage::{Seen, Stage};
use super::store_restores::done;
use super::store_scratch::Scratch;
use super::store_snapshots::{ended, states};
use super::world::World;

pub(super) async fn run(world: &World, store: &SearchStore, hands: &mut impl Hands) -> Observed {
    let mut stage = Stage::new(world, "store: killed while it works");
    let came = everything(&mut stage, store, hands).await;
    stage.end(came)
}

async fn everything(stage: &mut Stage<'_>, store: &SearchStore, hands: &mut impl Hands) -> Result<()> {
    let scratch = Scratch::clean(store).await?;
    let slow = Slow {
        scratch: &scratch,
        index: scratch.big_index().await?,
        name: SnapshotName::new("conformance-slow")?,
    };
    slow.killed_during_a_snapshot(stage, hands).await?;
    slow.killed_during_a_restore(stage, hands).await?;
    scratch.remove().await
}

/// A snapshot that takes long enough to be interrupted.
struct Slow<'a> {
    scratch: &'a Scratch<'a>,
    index: IndexName,
    name: SnapshotName,
}

impl Slow<'_> {
    /// Q14: the snapshot is gone without a trace, and its name is free.
    async fn killed_during_a_snapshot(&self, stage: &mut Stage<'_>, hands: &mut impl Hands) -> Result<()> {
        let Self { scratch, index, name } = self;
        let (store, repository) = (scratch.store, &scratch.repository);
        store.create_repository(repository, &Scratch::slow_settings()).await?;
        let wanted = CreateSnapshot::of([index.clone()]);
        let created = store.create_snapshot(repository, name, &wanted);
        stage.step("a slow snapshot", created, |()| "ok".to_owned()).await?;
        let running = store.snapshots(repository, std::slice::from_ref(name));
        stage.step("it runs", running, states).await?;
        hands.kill_store().await?;
        let _ = store.list_snapshots(repository).await; // finds the connections of before broken, as many as there were
        stage.ask("a look while there is no server", store.list_snapshots(repository)).await;
        back(stage, store, hands, "the index after the return", index).await?;
        let after = store.snapshots(repository, std::slice::from_ref(name));
        stage.step("the snapshot after the return", after, states).await?;
        let progress = store.snapshot_progress(repository, name);
        stage
            .step("its progress after the return", progress, |found| {
                format!("{:?}", found.as_ref().map(SnapshotProgress::is_running))
            })
            .await?;
        stage
            .step("the list after the return", store.list_snapshots(repository), |all| all.len().to_string())
            .await?;
        store.create_repository(repository, &Scratch::settings()).await?;
        let again = store.create_snapshot(repository, name, &wanted);
        stage.step("the same name again", again, |()| "ok".to_owned()).await?;
        ended(stage, "it ends this time", scratch, name).await
    }

    /// Q19: the index stays red, its restore is listed nowhere, and it is in the way of the next one.
    async fn killed_during_a_restore(&self, stage: &mut Stage<'_>, hands: &mut impl Hands) -> Result<()> {
        let Self { scratch, index, name } = self;
        let (store, repository) = (scratch.store, &scratch.repository);
        store.create_repository(repository, &Scratch::slow_settings()).await?;
        let copy = [IndexName::new("conformance-copy")?];
        let mut wanted = RestoreSnapshot::of([index.clone()]);
        wanted.rename = Some(Rename { pattern: index.to_string(), replacement: copy[0].to_string() });
        let restored = store.restore_snapshot(repository, name, &wanted);
        stage.step("a slow restore", restored, |()| "ok".to_owned()).await?;
        let listed = |progress: &RestoreProgress| {
            let listed = progress.indices.values().any(|index| index.primaries_listed > 0);
            Seen::when(listed, format!("listed: {listed}, done: {}", progress.is_done()))
        };
        stage.watch("it is under way", async || store.restore_progress(&copy).await, listed).await?;
        hands.kill_store().await?;
        back(stage, store, hands, "the index after the second return", index).await?;
        let stuck = |progress: &RestoreProgress| {
            let stuck = progress.indices.values().all(camunda_backup_es::IndexRecovery::is_stuck);
            Seen::when(stuck, if stuck { "stuck" } else { "not yet" })
        };
        stage
            .watch("the restore after the return", async || store.restore_progress(&copy).await, stuck)
            .await?;
        stage.ask("restore again onto what is left", store.restore_snapshot(repository, name, &wanted)).await;
        stage.ask("delete what is left", store.delete_indices(&copy)).await;
        store.create_repository(repository, &Scratch::settings()).await?;
        let again = store.restore_snapshot(repository, name, &wanted);
        stage.step("restore again", again, |()| "ok".to_owned()).await?;
        done(stage, "it is restored", store, &copy).await
    }
}

/// Starts the server again and waits for an index that it had before.
async fn back(
    stage: &mut Stage<'_>,
    store: &SearchStore,
    hands: &mut impl Hands,
    what: &str,
    index: &IndexName,
) -> Result<()> {
    hands.start_store().await?;
    let told = |health: &Health| Seen::when(health.status != HealthStatus::Red, health.status.to_string());
    stage.watch(what, async || store.health(std::slice::from_ref(index)).await, told).await?;
    Ok(())
}
