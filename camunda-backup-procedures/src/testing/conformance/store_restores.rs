//! Restores: refused, renamed, followed to their end.

use camunda_backup_core::{Call, Effect, IndexName, IndexPrefix, Result, SnapshotName};
use camunda_backup_es::{
    CreateSnapshot, Rename, RestoreProgress, RestoreSnapshot, RestoreTarget, SearchStore,
};
use serde_json::json;

use super::observed::Observed;
use super::stage::{Seen, Stage};
use super::store_scratch::Scratch;
use super::store_snapshots::ended;
use super::world::World;

pub(super) async fn run(world: &World, store: &SearchStore) -> Observed {
    let mut stage = Stage::new(world, "store: restores");
    let done = everything(&mut stage, store).await;
    stage.end(done)
}

async fn everything(stage: &mut Stage<'_>, store: &SearchStore) -> Result<()> {
    let scratch = Scratch::clean(store).await?;
    store.create_repository(&scratch.repository, &Scratch::settings()).await?;
    let index = scratch.index("conformance-a").await?;
    let name = SnapshotName::new("conformance-source")?;
    store.create_snapshot(&scratch.repository, &name, &CreateSnapshot::of([index.clone()])).await?;
    ended(stage, "a snapshot to restore from", &scratch, &name).await?;
    refused(stage, &scratch, &name, &index).await?;
    restored(stage, &scratch, &name, &index).await?;
    global_state(stage, &scratch, &index).await?;
    templates(stage, &scratch).await?;
    positions(stage, store).await?;
    scratch.remove().await
}

async fn refused(
    stage: &mut Stage<'_>,
    scratch: &Scratch<'_>,
    name: &SnapshotName,
    index: &IndexName,
) -> Result<()> {
    let (store, repository) = (scratch.store, &scratch.repository);
    let one = RestoreSnapshot::of([index.clone()]);
    stage.ask("onto an open index", store.restore_snapshot(repository, name, &one)).await;
    stage
        .ask(
            "an unknown snapshot",
            store.restore_snapshot(repository, &SnapshotName::new("conformance-unknown")?, &one),
        )
        .await;
    let elsewhere = camunda_backup_core::RepositoryName::new("conformance-unknown")?;
    stage.ask("from an unknown repository", store.restore_snapshot(&elsewhere, name, &one)).await;
    let absent = RestoreSnapshot::of([IndexName::new("conformance-unknown")?]);
    stage.ask("an index that is not in it", store.restore_snapshot(repository, name, &absent)).await;
    stage.ask("no index at all", store.restore_snapshot(repository, name, &RestoreSnapshot::default())).await;
    let unsaid = RestoreSnapshot { target: RestoreTarget::OnlyGlobalState, ..RestoreSnapshot::default() };
    stage.ask("the global state without saying so", store.restore_snapshot(repository, name, &unsaid)).await;
    let confirmed = RestoreSnapshot { include_global_state: true, ..unsaid };
    stage.ask("a global state that is not in it", store.restore_snapshot(repository, name, &confirmed)).await;
    // The client leaves this out where it is not understood.
    let body = json!({"indices": "conformance-unknown", "feature_states": ["none"]});
    let call = Call::post(
        "conformance.feature_states",
        Effect::Once,
        format!("/_snapshot/{repository}/{name}/_restore"),
    );
    stage.ask("feature states in the body", scratch.send(call, &body)).await;
    Ok(())
}

async fn restored(
    stage: &mut Stage<'_>,
    scratch: &Scratch<'_>,
    name: &SnapshotName,
    index: &IndexName,
) -> Result<()> {
    let (store, repository) = (scratch.store, &scratch.repository);
    let mut renamed = RestoreSnapshot::of([index.clone()]);
    renamed.rename =
        Some(Rename { pattern: "conformance-a".to_owned(), replacement: "conformance-copy".to_owned() });
    stage
        .step("under another name", store.restore_snapshot(repository, name, &renamed), |()| "ok".to_owned())
        .await?;
    let copy = [IndexName::new("conformance-copy")?];
    done(stage, "it is restored", store, &copy).await?;
    stage.ask("close the index", store.close_indices(std::slice::from_ref(index))).await;
    let again = RestoreSnapshot::of([index.clone()]);
    stage
        .step("onto the closed index", store.restore_snapshot(repository, name, &again), |()| "ok".to_owned())
        .await?;
    done(stage, "it is restored too", store, std::slice::from_ref(index)).await?;
    stage.ask("forbid writing", store.set_write_block(&copy, true)).await;
    let document = json!({"partitionId": 1, "position": 9});
    stage.ask("write where it is forbidden", scratch.document("conformance-copy", 9, &document)).await;
    stage.ask("allow writing", store.set_write_block(&copy, false)).await;
    let both = [copy[0].clone(), IndexName::new("conformance-unknown")?];
    let told = |progress: &RestoreProgress| {
        format!("done: {}, missing: {}", progress.is_done(), progress.missing().count())
    };
    stage.step("one that is restored and one that is not", store.restore_progress(&both), told).await?;
    Ok(())
}

/// Waits until these indices are restored.
pub(super) async fn done(
    stage: &mut Stage<'_>,
    what: &str,
    store: &SearchStore,
    indices: &[IndexName],
) -> Result<()> {
    let told = |progress: &RestoreProgress| {
        Seen::when(progress.is_done(), if progress.is_done() { "done" } else { "under way" })
    };
    stage.watch(what, async || store.restore_progress(indices).await, told).await?;
    Ok(())
}

/// Templates and persistent settings without any index, as they are at this moment.
async fn global_state(stage: &mut Stage<'_>, scratch: &Scratch<'_>, index: &IndexName) -> Result<()> {
    let (store, repository, name) =
        (scratch.store, &scratch.repository, SnapshotName::new("conformance-global")?);
    let with_state = CreateSnapshot { include_global_state: true, ..CreateSnapshot::of([index.clone()]) };
    stage.ask("a snapshot with global state", store.create_snapshot(repository, &name, &with_state)).await;
    ended(stage, "it ends too", scratch, &name).await?;
    let only = RestoreSnapshot {
        target: RestoreTarget::OnlyGlobalState,
        include_global_state: true,
        ..RestoreSnapshot::default()
    };
    stage.ask("the global state alone", store.restore_snapshot(repository, &name, &only)).await;
    Ok(())
}

/// Templates of every kind, as they are listed.
async fn templates(stage: &mut Stage<'_>, scratch: &Scratch<'_>) -> Result<()> {
    let (store, prefix) = (scratch.store, IndexPrefix::new("conformance-")?);
    let composable = json!({"index_patterns": ["conformance-template-*"], "template": {"settings": {"number_of_replicas": 0}}});
    let legacy = json!({"index_patterns": ["conformance-legacy-*"], "settings": {"number_of_replicas": 0}});
    let component = json!({"template": {"settings": {"number_of_replicas": 0}}});
    let all = [("_index_template", composable), ("_component_template", component), ("_template", legacy)];
    for (kind, body) in &all {
        let path = format!("/{kind}/conformance-template");
        scratch.send(Call::put("conformance.template", Effect::Idempotent, path), body).await?;
    }
    stage
        .step("index templates", store.index_template_names(std::slice::from_ref(&prefix)), |names| {
            names.len().to_string()
        })
        .await?;
    stage
        .step("component templates", store.component_template_names(&prefix), |names| names.len().to_string())
        .await?;
    stage
        .step("legacy templates", store.legacy_template_names(&prefix), |names| names.len().to_string())
        .await?;
    for (kind, _) in &all {
        store
            .http()
            .send(Call::delete("conformance.template", format!("/{kind}/conformance-template")))
            .await?;
    }
    Ok(())
}

/// What a backup reads of the records.
async fn positions(stage: &mut Stage<'_>, store: &SearchStore) -> Result<()> {
    let prefix = IndexPrefix::new("conformance-a")?;
    stage.ask("make everything visible", store.refresh(std::slice::from_ref(&prefix))).await;
    let highest = store.max_by_group(std::slice::from_ref(&prefix), "partitionId", "position");
    stage.step("the highest position of each partition", highest, |all| format!("{all:?}")).await?;
    stage.step("the indices", store.indices(&prefix), |all| all.len().to_string()).await?;
    stage.step("their settings", store.index_settings(&prefix), |all| all.len().to_string()).await?;
    Ok(())
}
