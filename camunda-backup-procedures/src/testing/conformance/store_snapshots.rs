//! Snapshots: taken, refused, damaged, aborted, deleted.

use camunda_backup_core::{Call, Effect, IndexName, IndexPrefix, RepositoryName, Result, SnapshotName};
use camunda_backup_es::{CreateSnapshot, PageRequest, SearchStore, SnapshotInfo};
use serde_json::json;

use super::observed::Observed;
use super::stage::{Seen, Stage};
use super::store_scratch::Scratch;
use super::world::World;

pub(super) async fn run(world: &World, store: &SearchStore) -> Observed {
    let mut stage = Stage::new(world, "store: snapshots");
    let done = everything(&mut stage, store).await;
    stage.end(done)
}

async fn everything(stage: &mut Stage<'_>, store: &SearchStore) -> Result<()> {
    let scratch = Scratch::clean(store).await?;
    let settings = Scratch::settings();
    let registered = store.create_repository(&scratch.repository, &settings);
    stage.step("register a repository", registered, |repository| repository.readonly.to_string()).await?;
    stage.ask("verify it", store.verify_repository(&scratch.repository)).await;
    let (a, b) = (scratch.index("conformance-a").await?, scratch.index("conformance-b").await?);
    taken(stage, &scratch, &[a.clone(), b]).await?;
    refused(stage, &scratch, &a).await?;
    listed(stage, &scratch).await?;
    running(stage, &scratch, &a).await?;
    partial(stage, &scratch, &a).await?;
    deleted(stage, &scratch).await?;
    scratch.remove().await
}

/// The state of each.
#[allow(clippy::ptr_arg)] // what a step gives to whom it asks for its word
pub(super) fn states(all: &Vec<SnapshotInfo>) -> String {
    all.iter().map(|one| one.state.to_string()).collect::<Vec<_>>().join(", ")
}

/// Waits for the end of a snapshot.
pub(super) async fn ended(
    stage: &mut Stage<'_>,
    what: &str,
    scratch: &Scratch<'_>,
    name: &SnapshotName,
) -> Result<()> {
    let look = async || scratch.store.snapshots(&scratch.repository, std::slice::from_ref(name)).await;
    let told = |found: &Vec<SnapshotInfo>| match found.first() {
        Some(snapshot) if snapshot.state.is_terminal() => {
            Seen::End(format!("{}, clean: {}", snapshot.state, snapshot.is_clean_success()))
        }
        Some(snapshot) => Seen::Passing(snapshot.state.to_string()),
        None => Seen::Passing("absent".to_owned()),
    };
    stage.watch(what, look, told).await?;
    Ok(())
}

async fn taken(stage: &mut Stage<'_>, scratch: &Scratch<'_>, indices: &[IndexName]) -> Result<()> {
    let (store, repository, name) =
        (scratch.store, &scratch.repository, SnapshotName::new("conformance-first")?);
    let mut wanted = CreateSnapshot::of(indices.iter().cloned());
    wanted.metadata = json!({"backupId": 1}).as_object().cloned().unwrap_or_default();
    stage
        .step("take a snapshot", store.create_snapshot(repository, &name, &wanted), |()| "ok".to_owned())
        .await?;
    ended(stage, "it ends", scratch, &name).await?;
    let progress = store.snapshot_progress(repository, &name);
    stage
        .step("its progress afterwards", progress, |found| {
            found.as_ref().map_or("none".to_owned(), |progress| format!("running: {}", progress.is_running()))
        })
        .await?;
    Ok(())
}

async fn refused(stage: &mut Stage<'_>, scratch: &Scratch<'_>, index: &IndexName) -> Result<()> {
    let (store, repository) = (scratch.store, &scratch.repository);
    let (taken, fresh) = (SnapshotName::new("conformance-first")?, SnapshotName::new("conformance-fresh")?);
    let one = CreateSnapshot::of([index.clone()]);
    stage.ask("a name that is taken", store.create_snapshot(repository, &taken, &one)).await;
    let unknown = CreateSnapshot::of([index.clone(), IndexName::new("conformance-unknown")?]);
    stage.ask("an index that there is not", store.create_snapshot(repository, &fresh, &unknown)).await;
    let elsewhere = RepositoryName::new("conformance-unknown")?;
    stage.ask("a repository that there is not", store.create_snapshot(&elsewhere, &fresh, &one)).await;
    // These never leave: the servers would read them as everything.
    stage.ask("no index at all", store.create_snapshot(repository, &fresh, &CreateSnapshot::default())).await;
    stage.ask("a wildcard", async { IndexName::new("conformance-*").map(|_| ()) }).await;
    stage.ask("a wildcard to delete", async { SnapshotName::new("conformance-*").map(|_| ()) }).await;
    let alias = json!({"actions": [{"add": {"index": "conformance-a", "alias": "conformance-alias"}}]});
    scratch.send(Call::post("conformance.alias", Effect::Once, "/_aliases"), &alias).await?;
    let prefix = IndexPrefix::new("conformance-a")?;
    stage.step("an alias", store.aliases(&prefix), |all| format!("{}", all.len())).await?;
    stage
        .ask(
            "delete an alias as if it were an index",
            store.delete_indices(&[IndexName::new("conformance-alias")?]),
        )
        .await;
    Ok(())
}

async fn listed(stage: &mut Stage<'_>, scratch: &Scratch<'_>) -> Result<()> {
    let (store, repository) = (scratch.store, &scratch.repository);
    let second = SnapshotName::new("conformance-second")?;
    let one = CreateSnapshot::of([IndexName::new("conformance-b")?]);
    stage.ask("a second snapshot", store.create_snapshot(repository, &second, &one)).await;
    ended(stage, "the second one ends", scratch, &second).await?;
    stage.step("the list", store.list_snapshots(repository), |all| all.len().to_string()).await?;
    stage.step("the names", store.snapshot_summaries(repository), |all| all.len().to_string()).await?;
    let beginning = store.snapshots_starting_with(repository, "conformance-sec");
    stage.step("by beginning", beginning, |all| all.len().to_string()).await?;
    let first = PageRequest { size: 1, ..PageRequest::default() };
    let page = stage
        .step("the first page", store.page_snapshots(repository, &first), |page| {
            page.snapshots.len().to_string()
        })
        .await?;
    let after = PageRequest { size: 1, after: page.next, ..PageRequest::default() };
    stage
        .step("the next page", store.page_snapshots(repository, &after), |page| {
            page.snapshots.len().to_string()
        })
        .await?;
    let both = [SnapshotName::new("conformance-first")?, SnapshotName::new("conformance-unknown")?];
    stage
        .step("one that is there and one that is not", store.snapshots(repository, &both), |all| {
            all.len().to_string()
        })
        .await?;
    Ok(())
}

/// A snapshot that takes a while, and what is refused meanwhile.
async fn running(stage: &mut Stage<'_>, scratch: &Scratch<'_>, other: &IndexName) -> Result<()> {
    let (store, repository) = (scratch.store, &scratch.repository);
    let big = scratch.big_index().await?;
    let slow = Scratch::slow_settings();
    stage
        .step("register it with a limit", store.create_repository(repository, &slow), |_| "ok".to_owned())
        .await?;
    let (slow, beside) = (SnapshotName::new("conformance-slow")?, SnapshotName::new("conformance-beside")?);
    let of_big = CreateSnapshot::of([big.clone()]);
    stage
        .step("a slow snapshot", store.create_snapshot(repository, &slow, &of_big), |()| "ok".to_owned())
        .await?;
    stage.ask("its name while it runs", store.create_snapshot(repository, &slow, &of_big)).await;
    stage
        .ask(
            "another one beside it",
            store.create_snapshot(repository, &beside, &CreateSnapshot::of([other.clone()])),
        )
        .await;
    stage.step("it runs", store.snapshots(repository, std::slice::from_ref(&slow)), states).await?;
    let progress = store.snapshot_progress(repository, &slow);
    stage
        .step("its progress", progress, |found| {
            format!("{:?}", found.as_ref().map(camunda_backup_es::SnapshotProgress::is_running))
        })
        .await?;
    stage.ask("the list meanwhile", store.list_snapshots(repository)).await;
    stage.ask("delete its index", store.delete_indices(std::slice::from_ref(&big))).await;
    stage.ask("close its index", store.close_indices(std::slice::from_ref(&big))).await;
    stage.ask("forget the repository", store.delete_repository(repository)).await;
    stage
        .step("delete it while it runs", store.delete_snapshot(repository, &slow), |deleted| {
            format!("{deleted:?}")
        })
        .await?;
    let gone = store.snapshots(repository, std::slice::from_ref(&slow));
    stage.step("it is gone", gone, states).await?;
    ended(stage, "the other one ends", scratch, &beside).await
}

/// A snapshot without the shards of an index that has none. The library never asks for a partial one.
async fn partial(stage: &mut Stage<'_>, scratch: &Scratch<'_>, good: &IndexName) -> Result<()> {
    let (store, repository) = (scratch.store, &scratch.repository);
    let nowhere = json!({"settings": {"number_of_replicas": 0, "index.routing.allocation.require.conformance": "nobody"}});
    let call =
        Call::put("conformance.index", Effect::Once, "/conformance-red").query("wait_for_active_shards", 0);
    scratch.send(call, &nowhere).await?;
    let red = IndexName::new("conformance-red")?;
    let health = |health: &camunda_backup_es::Health| health.status.to_string();
    stage
        .step("the health of an index without its shards", store.health(std::slice::from_ref(&red)), health)
        .await?;
    let (whole, part) = (SnapshotName::new("conformance-whole")?, SnapshotName::new("conformance-partial")?);
    let both = CreateSnapshot::of([good.clone(), red.clone()]);
    stage.ask("a snapshot of it", store.create_snapshot(repository, &whole, &both)).await;
    let body =
        json!({"indices": "conformance-a,conformance-red", "partial": true, "include_global_state": false});
    let call = Call::put("conformance.partial", Effect::Once, format!("/_snapshot/{repository}/{part}"));
    scratch.send(call, &body).await?;
    ended(stage, "a partial snapshot of it", scratch, &part).await?;
    let progress = store.snapshot_progress(repository, &part);
    stage
        .step("what _status says of it", progress, |found| {
            format!("{:?}", found.as_ref().map(camunda_backup_es::SnapshotProgress::is_running))
        })
        .await?;
    store.delete_indices(&[red]).await
}

async fn deleted(stage: &mut Stage<'_>, scratch: &Scratch<'_>) -> Result<()> {
    let (store, repository) = (scratch.store, &scratch.repository);
    let (first, unknown) =
        (SnapshotName::new("conformance-first")?, SnapshotName::new("conformance-unknown")?);
    let told = |deleted: &camunda_backup_es::Deleted| format!("{deleted:?}");
    stage.step("delete a snapshot", store.delete_snapshot(repository, &first), told).await?;
    stage.step("delete one that is not there", store.delete_snapshot(repository, &unknown), told).await?;
    stage.ask("clean the repository up", store.cleanup_repository(repository)).await;
    stage
        .ask(
            "delete indices that are not there",
            store.delete_indices(&[IndexName::new("conformance-unknown")?]),
        )
        .await;
    let elsewhere = RepositoryName::new("conformance-unknown")?;
    stage.ask("forget a repository that there is not", store.delete_repository(&elsewhere)).await;
    let settings = Scratch::settings().readonly();
    let readonly = store.create_repository(repository, &settings);
    stage
        .step("register it for reading only", readonly, |repository| repository.readonly.to_string())
        .await?;
    let second = SnapshotName::new("conformance-second")?;
    stage.ask("delete where only reading is allowed", store.delete_snapshot(repository, &second)).await;
    let one = CreateSnapshot::of([IndexName::new("conformance-b")?]);
    stage
        .ask(
            "write where only reading is allowed",
            store.create_snapshot(repository, &SnapshotName::new("conformance-no")?, &one),
        )
        .await;
    store.create_repository(repository, &Scratch::settings()).await.map(|_| ())
}
