//! The client against the simulated store, which shares no code with it: whole stories on every version.

use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::clock::{SimulatedClock, Timestamp};
use camunda_backup_core::{
    Component, Endpoint, ErrorKind, HttpClient, IndexName, IndexPrefix, Outcome, RepositoryName, SnapshotName,
};
use serde_json::json;

use crate::testing::{FakeElasticsearch, SnapshotFault, StoreOptions, TemplateKind};
use crate::{
    CreateSnapshot, Deleted, HealthStatus, PageRequest, Rename, RepositorySettings, RestoreSnapshot,
    SearchStore, SnapshotState,
};

fn all_servers() -> Vec<FakeElasticsearch> {
    let elasticsearch = ["7.17.29", "8.19.21", "9.4.3", "9.5.3"].map(StoreOptions::elasticsearch);
    let opensearch = ["1.3.13", "2.19.6", "3.6.0"].map(StoreOptions::opensearch);
    let all = elasticsearch.into_iter().chain(opensearch);
    all.map(|options| {
        FakeElasticsearch::new(
            options,
            SimulatedClock::starting_at(Timestamp::from_millis(1_795_000_000_000)),
        )
    })
    .collect()
}

async fn connected(fake: &FakeElasticsearch) -> SearchStore {
    let endpoint = Endpoint::new("http://store:9200").unwrap();
    let http = HttpClient::new(Arc::new(fake.clone()), Component::Store, endpoint).unwrap();
    SearchStore::connect_over(http).await.unwrap()
}

fn index(name: &str) -> IndexName {
    IndexName::new(name).unwrap()
}

fn repository() -> RepositoryName {
    RepositoryName::new("backups").unwrap()
}

fn snapshot(name: &str) -> SnapshotName {
    SnapshotName::new(name).unwrap()
}

fn prefix(prefix: &str) -> IndexPrefix {
    IndexPrefix::new(prefix).unwrap()
}

/// Two indices with documents, one foreign index, a repository.
async fn prepared(fake: &FakeElasticsearch) -> SearchStore {
    for (partition, position) in [(1, 10), (1, 20), (2, 2_251_799_813_685_250_i64)] {
        let record = json!({"partitionId": partition, "position": position});
        fake.put_document("zeebe-record_job", &position.to_string(), record);
    }
    fake.put_document("zeebe-record_process", "1", json!({"partitionId": 1, "position": 5}));
    fake.put_document("foreign", "1", json!({"x": 1}));
    let store = connected(fake).await;
    store.create_repository(&repository(), &RepositorySettings::fs("backups")).await.unwrap();
    store
}

async fn ended(store: &SearchStore, name: &SnapshotName) -> Option<crate::SnapshotInfo> {
    for _ in 0..1000 {
        let found = store.snapshots(&repository(), std::slice::from_ref(name)).await.unwrap();
        match found.into_iter().next() {
            Some(running) if !running.state.is_terminal() => tokio::time::sleep(Duration::from_secs(1)).await,
            other => return other,
        }
    }
    panic!("{name} never ends");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_taken_found_and_deleted() {
    for fake in all_servers() {
        let store = prepared(&fake).await;
        let on = store.info().version.to_string();
        fake.set_snapshot_duration(|_, _| Duration::from_secs(10));
        let mut options = CreateSnapshot::of([index("zeebe-record_job"), index("zeebe-record_process")]);
        options.metadata.insert("backupId".to_owned(), json!(7));
        let name = snapshot("part_1_of_1");
        store.create_snapshot(&repository(), &name, &options).await.unwrap();
        let running = store.list_snapshots(&repository()).await.unwrap();
        assert_eq!(running[0].state, SnapshotState::InProgress, "{on}");
        assert!(store.snapshot_progress(&repository(), &name).await.unwrap().unwrap().done < 2, "{on}");
        let again = store.create_snapshot(&repository(), &name, &options).await.unwrap_err();
        assert_eq!(
            (again.kind(), again.outcome()),
            (ErrorKind::Conflict, Outcome::Refused),
            "{on}: {again:?}"
        );
        let busy = store.cleanup_repository(&repository()).await.unwrap_err();
        assert_eq!(busy.kind(), ErrorKind::Conflict, "{on}: {busy:?}");
        let held = store.delete_indices(&[index("zeebe-record_job")]).await.unwrap_err();
        assert_eq!(held.kind(), ErrorKind::Conflict, "{on}: {held:?}");

        let done = ended(&store, &name).await.unwrap();
        assert!(done.is_clean_success(), "{on}: {done:?}");
        assert_eq!(done.metadata["backupId"], 7, "{on}");
        assert_eq!(done.indices.len(), 2, "{on}");
        assert_eq!(store.snapshot_summaries(&repository()).await.unwrap().len(), 1, "{on}");
        assert_eq!(store.snapshots_starting_with(&repository(), "part_").await.unwrap().len(), 1, "{on}");
        assert_eq!(store.delete_snapshot(&repository(), &name).await.unwrap(), Deleted::Removed, "{on}");
        assert_eq!(store.delete_snapshot(&repository(), &name).await.unwrap(), Deleted::WasAbsent, "{on}");
        assert_eq!(store.snapshot_progress(&repository(), &name).await.unwrap(), None, "{on}");
        assert!(store.list_snapshots(&repository()).await.unwrap().is_empty(), "{on}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_are_the_same_with_and_without_help_of_the_server() {
    for fake in all_servers() {
        let store = prepared(&fake).await;
        let on = store.info().version.to_string();
        for name in ["b3", "a", "b1", "b4", "b2", "b5"] {
            let options = CreateSnapshot::of([index("foreign")]);
            store.create_snapshot(&repository(), &snapshot(name), &options).await.unwrap();
            ended(&store, &snapshot(name)).await.unwrap();
        }
        let mut request = PageRequest { prefix: "b".to_owned(), size: 2, after: None };
        let mut pages = Vec::new();
        loop {
            let page = store.page_snapshots(&repository(), &request).await.unwrap();
            pages.push(page.snapshots.into_iter().map(|snapshot| snapshot.name).collect::<Vec<_>>());
            request.after = page.next;
            if request.after.is_none() {
                break;
            }
        }
        assert_eq!(pages, [vec!["b1", "b2"], vec!["b3", "b4"], vec!["b5"]], "{on}");
        let nothing = PageRequest { prefix: "zz".to_owned(), ..PageRequest::default() };
        assert!(store.page_snapshots(&repository(), &nothing).await.unwrap().snapshots.is_empty(), "{on}");
        let unknown = RepositoryName::new("nope").unwrap();
        let error = store.page_snapshots(&unknown, &PageRequest::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{on}");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_of_every_kind_are_no_success() {
    for fake in all_servers() {
        let store = prepared(&fake).await;
        let on = store.info().version.to_string();
        fake.set_snapshot_duration(|_, _| Duration::from_secs(10));
        fake.fail_snapshots_matching("partial", SnapshotFault::Partial);
        let options = CreateSnapshot::of([index("zeebe-record_job"), index("foreign")]);
        store.create_snapshot(&repository(), &snapshot("partial"), &options).await.unwrap();
        let partial = ended(&store, &snapshot("partial")).await.unwrap();
        assert!(!partial.is_clean_success() && partial.state == SnapshotState::Partial, "{on}: {partial:?}");

        store.create_snapshot(&repository(), &snapshot("victim"), &options).await.unwrap();
        fake.set_down(true);
        fake.set_down(false);
        assert!(ended(&store, &snapshot("victim")).await.is_none(), "{on}: it vanishes with the server");

        fake.set_red("foreign", true);
        let error = store.create_snapshot(&repository(), &snapshot("red"), &options).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Refused, Outcome::Refused),
            "{on}: {error:?}"
        );
        let missing = CreateSnapshot::of([index("nope")]);
        let error = store.create_snapshot(&repository(), &snapshot("missing"), &missing).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::NotFound, Outcome::Refused),
            "{on}: {error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_restore_is_followed_to_its_end() {
    for fake in all_servers() {
        let store = prepared(&fake).await;
        let on = store.info().version.to_string();
        let options = CreateSnapshot::of([index("zeebe-record_job")]);
        store.create_snapshot(&repository(), &snapshot("s"), &options).await.unwrap();
        ended(&store, &snapshot("s")).await.unwrap();
        fake.set_restore_duration(|_| Duration::from_secs(10));

        let same = RestoreSnapshot::of([index("zeebe-record_job")]);
        let open = store.restore_snapshot(&repository(), &snapshot("s"), &same).await.unwrap_err();
        assert_eq!((open.kind(), open.outcome()), (ErrorKind::Refused, Outcome::Refused), "{on}: {open:?}");
        let unknown = store.restore_snapshot(&repository(), &snapshot("nope"), &same).await.unwrap_err();
        assert_eq!((unknown.kind(), unknown.outcome()), (ErrorKind::Refused, Outcome::Refused), "{on}");

        let mut renamed = same;
        renamed.rename = Some(Rename { pattern: "zeebe-(.+)".into(), replacement: "re-$1".into() });
        let target = [index("re-record_job")];
        assert!(!store.restore_progress(&target).await.unwrap().is_done(), "{on}: not there yet");
        store.restore_snapshot(&repository(), &snapshot("s"), &renamed).await.unwrap();
        let running = store.restore_progress(&target).await.unwrap();
        assert!(!running.is_done(), "{on}: {running:?}");
        assert_eq!(store.health(&target).await.unwrap().status, HealthStatus::Yellow, "{on}");
        for _ in 0..100 {
            if store.restore_progress(&target).await.unwrap().is_done() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let done = store.restore_progress(&target).await.unwrap();
        assert!(done.is_done(), "{on}: {done:?}");
        assert_eq!(store.indices(&prefix("re-")).await.unwrap()[0].docs, Some(3), "{on}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restore_that_died_with_the_server_is_stuck() {
    for fake in all_servers() {
        let store = prepared(&fake).await;
        let on = store.info().version.to_string();
        let options = CreateSnapshot::of([index("foreign")]);
        store.create_snapshot(&repository(), &snapshot("s"), &options).await.unwrap();
        ended(&store, &snapshot("s")).await.unwrap();
        store.delete_indices(&[index("foreign")]).await.unwrap();
        fake.set_restore_duration(|_| Duration::from_secs(10));
        let restore = RestoreSnapshot::of([index("foreign")]);
        store.restore_snapshot(&repository(), &snapshot("s"), &restore).await.unwrap();
        fake.set_down(true);
        fake.set_down(false);
        let progress = store.restore_progress(&[index("foreign")]).await.unwrap();
        assert!(!progress.is_done() && progress.indices.values().all(crate::IndexRecovery::is_stuck), "{on}");
    }
}

#[tokio::test(start_paused = true)]
async fn indices_are_read_by_prefix_and_changed_by_name() {
    for fake in all_servers() {
        let store = prepared(&fake).await;
        let on = store.info().version.to_string();
        fake.put_alias("zeebe-record_job", "zeebe-alias");
        fake.put_template(TemplateKind::Index, "zeebe-record", json!({"index_patterns": ["zeebe-*"]}));
        fake.put_template(TemplateKind::Component, "zeebe-component", json!({"template": {}}));
        fake.put_template(TemplateKind::Legacy, "zeebe-old", json!({"index_patterns": ["zeebe-*"]}));
        let zeebe = prefix("zeebe-");
        let both = [index("zeebe-record_job"), index("zeebe-record_process")];
        assert_eq!(store.indices(&zeebe).await.unwrap().len(), 2, "{on}");
        assert_eq!(store.index_settings(&zeebe).await.unwrap().len(), 2, "{on}");
        assert!(store.aliases(&zeebe).await.unwrap()[&both[0]].contains("zeebe-alias"), "{on}");
        assert_eq!(store.index_template_names(std::slice::from_ref(&zeebe)).await.unwrap().len(), 1, "{on}");
        assert_eq!(store.component_template_names(&zeebe).await.unwrap().len(), 1, "{on}");
        assert_eq!(store.legacy_template_names(&zeebe).await.unwrap().len(), 1, "{on}");
        assert_eq!(store.lifecycle_policy_names().await.unwrap(), None, "{on}");

        store.refresh(std::slice::from_ref(&zeebe)).await.unwrap();
        let greatest =
            store.max_by_group(std::slice::from_ref(&zeebe), "partitionId", "position").await.unwrap();
        assert_eq!(greatest.into_iter().collect::<Vec<_>>(), [(1, 20), (2, 2_251_799_813_685_250)], "{on}");
        assert!(store.max_by_group(&[prefix("zz")], "a", "b").await.unwrap().is_empty(), "{on}");

        store.set_write_block(&both, true).await.unwrap();
        let settings = store.index_settings(&zeebe).await.unwrap();
        assert_eq!(settings[&both[1]]["index.blocks.write"], "true", "{on}");
        store.set_write_block(&both, false).await.unwrap();
        store.close_indices(&both).await.unwrap();
        assert!(store.indices(&zeebe).await.unwrap().iter().all(|index| !index.open), "{on}");
        store.open_indices(&both).await.unwrap();
        store.delete_indices(&[both[0].clone(), both[1].clone(), index("gone")]).await.unwrap();
        store.delete_indices(&both).await.unwrap();
        assert!(store.indices(&zeebe).await.unwrap().is_empty(), "{on}");
        assert_eq!(fake.index_names(), ["foreign"], "{on}");
    }
}

#[tokio::test(start_paused = true)]
async fn repositories_disks_and_a_lost_master() {
    for fake in all_servers() {
        let store = prepared(&fake).await;
        let on = store.info().version.to_string();
        assert_eq!(store.repositories().await.unwrap().len(), 1, "{on}");
        assert_eq!(store.verify_repository(&repository()).await.unwrap().len(), 1, "{on}");
        store.cleanup_repository(&repository()).await.unwrap();
        let readonly = RepositorySettings::fs("backups").readonly();
        assert!(store.create_repository(&repository(), &readonly).await.unwrap().readonly, "{on}");
        let options = CreateSnapshot::of([index("foreign")]);
        let error = store.create_snapshot(&repository(), &snapshot("s"), &options).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Refused, Outcome::Refused),
            "{on}: {error:?}"
        );
        store.delete_repository(&repository()).await.unwrap();
        store.delete_repository(&repository()).await.unwrap();
        assert_eq!(store.repository(&repository()).await.unwrap(), None, "{on}");
        let error = store.snapshots(&repository(), &[snapshot("s")]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{on}");

        fake.set_disk(97, 100);
        let disk = store.disk().await.unwrap();
        assert_eq!((disk.nodes.len(), disk.over_flood_stage.len()), (1, 1), "{on}: {disk:?}");
        fake.set_disk(10, 100);
        assert!(store.disk().await.unwrap().over_flood_stage.is_empty(), "{on}");

        fake.set_no_master(true);
        let error = store.list_snapshots(&repository()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{on}");
        assert!(error.advice().is_some_and(|advice| advice.contains("no elected master")), "{on}: {error:?}");
    }
}
