//! What the library reads from the search store, of things that are there and of things that are not.

use camunda_backup_core::{IndexName, IndexPrefix, RepositoryName, Result, SnapshotName};
use camunda_backup_es::PageRequest;
use camunda_backup_es::SearchStore;

use super::observed::Observed;
use super::stage::Stage;
use super::world::World;

pub(super) async fn run(world: &World, store: &SearchStore, repository: &RepositoryName) -> Observed {
    let mut stage = Stage::new(world, "store: reads");
    let done = reads(&mut stage, store, repository).await;
    stage.end(done)
}

#[allow(clippy::ptr_arg)] // what a step tells of what it got, which is a Vec
fn nothing_or_some<T>(all: &Vec<T>) -> String {
    if all.is_empty() { "nothing".to_owned() } else { "some".to_owned() }
}

async fn reads(stage: &mut Stage<'_>, store: &SearchStore, repository: &RepositoryName) -> Result<()> {
    let connected = SearchStore::connect_over(store.http().clone());
    stage.step("what it is", connected, |store| store.info().version.flavor.to_string()).await?;
    stage.step("its health", store.health(&[]), |health| format!("{}", health.timed_out)).await?;
    stage.ask("its disks", store.disk()).await;
    repositories(stage, store, repository).await?;
    snapshots(stage, store, repository).await?;
    indices(stage, store).await?;
    templates(stage, store).await
}

async fn repositories(stage: &mut Stage<'_>, store: &SearchStore, repository: &RepositoryName) -> Result<()> {
    let unknown = RepositoryName::new("conformance-unknown")?;
    stage.step("all repositories", store.repositories(), nothing_or_some).await?;
    let kind = |found: &Option<camunda_backup_es::Repository>| match found {
        Some(repository) => format!("readonly: {}", repository.readonly),
        None => "none".to_owned(),
    };
    stage.step("the repository of the applications", store.repository(repository), kind).await?;
    stage.step("an unknown repository", store.repository(&unknown), kind).await?;
    stage.ask("the snapshots of an unknown repository", store.list_snapshots(&unknown)).await;
    stage.ask("the names in an unknown repository", store.snapshot_summaries(&unknown)).await;
    let name = [SnapshotName::new("conformance-unknown")?];
    stage.ask("a snapshot of an unknown repository", store.snapshots(&unknown, &name)).await;
    stage
        .ask(
            "the progress of a snapshot of an unknown repository",
            store.snapshot_progress(&unknown, &name[0]),
        )
        .await;
    stage
        .ask("a page of an unknown repository", store.page_snapshots(&unknown, &PageRequest::default()))
        .await;
    Ok(())
}

async fn snapshots(stage: &mut Stage<'_>, store: &SearchStore, repository: &RepositoryName) -> Result<()> {
    let unknown = SnapshotName::new("conformance-unknown")?;
    let names = [unknown.clone()];
    stage.step("a snapshot that is not there", store.snapshots(repository, &names), nothing_or_some).await?;
    let progress = store.snapshot_progress(repository, &unknown);
    stage.step("its progress", progress, |found| format!("{}", found.is_some())).await?;
    let beginning = store.snapshots_starting_with(repository, "conformance-unknown");
    stage.step("a beginning that no name has", beginning, nothing_or_some).await?;
    let page = PageRequest { prefix: "conformance-unknown".to_owned(), ..PageRequest::default() };
    let page = store.page_snapshots(repository, &page);
    stage.step("a page of it", page, |page| nothing_or_some(&page.snapshots)).await?;
    Ok(())
}

async fn indices(stage: &mut Stage<'_>, store: &SearchStore) -> Result<()> {
    let unknown = IndexPrefix::new("conformance-unknown")?;
    stage.step("indices of a prefix that none has", store.indices(&unknown), nothing_or_some).await?;
    stage.step("their settings", store.index_settings(&unknown), |all| format!("{}", all.len())).await?;
    stage.step("their aliases", store.aliases(&unknown), |all| format!("{}", all.len())).await?;
    let highest = store.max_by_group(std::slice::from_ref(&unknown), "partitionId", "position");
    stage.step("the highest position in them", highest, |all| format!("{}", all.len())).await?;
    let names = [IndexName::new("conformance-unknown")?];
    stage
        .step("the health of an index that is not there", store.health(&names), |health| {
            format!("{} {}", health.status, health.timed_out)
        })
        .await?;
    let progress = store.restore_progress(&names);
    stage.step("the progress of its restore", progress, |progress| format!("{}", progress.is_done())).await?;
    Ok(())
}

async fn templates(stage: &mut Stage<'_>, store: &SearchStore) -> Result<()> {
    let prefix = IndexPrefix::new("conformance-unknown")?;
    stage
        .step("index templates", store.index_template_names(std::slice::from_ref(&prefix)), |all| {
            format!("{}", all.len())
        })
        .await?;
    stage
        .step("component templates", store.component_template_names(&prefix), |all| format!("{}", all.len()))
        .await?;
    stage
        .step("legacy templates", store.legacy_template_names(&prefix), |all| format!("{}", all.len()))
        .await?;
    let known =
        |names: &Option<_>| names.as_ref().map_or("no such module".to_owned(), |_| "a list".to_owned());
    stage.step("lifecycle policies", store.lifecycle_policy_names(), known).await?;
    Ok(())
}
