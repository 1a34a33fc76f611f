//! A user's program: connects to a store in two lines, prints what it reads and keeps it as JSON.

use std::sync::Arc;

use camunda_backup_core::{
    Endpoint, IndexName, IndexPrefix, RepositoryName, SimulatedClock, SnapshotName, Timestamp,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::testing::{FakeElasticsearch, StoreOptions};
use crate::{
    CreateSnapshot, Flavor, HealthStatus, PageRequest, RepositorySettings, SearchStore, ShardFailure,
    SnapshotState,
};

/// What a value prints and what it is as JSON; neither may be empty.
fn shown<T: Serialize + std::fmt::Display>(value: &T) -> (String, Value) {
    let (text, json) = (value.to_string(), serde_json::to_value(value).unwrap());
    assert!(!text.trim().is_empty() && !text.contains("  ") && !text.ends_with([' ', ':', ',']), "{text:?}");
    assert!(!json.is_null());
    (text, json)
}

#[tokio::test(start_paused = true)]
async fn everything_that_the_client_returns_prints_and_serialises() {
    let clock = SimulatedClock::starting_at(Timestamp::from_millis(1_780_473_600_000));
    let fake = FakeElasticsearch::new(StoreOptions::elasticsearch("8.19.21"), clock);
    fake.put_document("operate-x", "1", json!({"a": 1}));
    let endpoint: Endpoint = "http://store:9200".parse().unwrap();
    let store = SearchStore::connect_with(endpoint, Arc::new(fake.clone())).await.unwrap();
    assert!(shown(store.info()).0.starts_with("Elasticsearch 8.19.21, cluster simulated"));

    let repository = RepositoryName::new("backups").unwrap();
    store.create_repository(&repository, &RepositorySettings::fs("/backups")).await.unwrap();
    assert_eq!(shown(&store.repositories().await.unwrap()[0]).0, "backups (fs)");
    let indices = store.indices(&IndexPrefix::new("operate").unwrap()).await.unwrap();
    assert_eq!(shown(&indices[0]).0, "operate-x: open, green, 1 document, 1 primary shard");

    let (name, index) = (SnapshotName::new("s1").unwrap(), IndexName::new("operate-x").unwrap());
    store.create_snapshot(&repository, &name, &CreateSnapshot::of([index.clone()])).await.unwrap();
    let running = store.snapshots(&repository, std::slice::from_ref(&name)).await.unwrap();
    assert_eq!(shown(&running[0]).0, "s1: IN_PROGRESS, 1 index");
    shown(&store.snapshot_progress(&repository, &name).await.unwrap().unwrap());
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    let ended = store.snapshots(&repository, std::slice::from_ref(&name)).await.unwrap();
    assert_eq!(shown(&ended[0]).0, "s1: SUCCESS, 1 index, 1 of 1 shard");
    assert_eq!(shown(&store.list_snapshots(&repository).await.unwrap()[0]).0, "s1: SUCCESS, 1 index");
    let (text, json) = shown(&store.snapshot_summaries(&repository).await.unwrap()[0]);
    assert!(text.starts_with("s1: SUCCESS") && json["snapshot"] == "s1", "{text} {json}");
    let first = PageRequest { size: 1, ..PageRequest::default() };
    let page = store.page_snapshots(&repository, &first).await.unwrap();
    assert!(shown(&page).0.starts_with("s1: SUCCESS, 1 index"));
    assert_eq!(shown(&crate::SnapshotPage::default()).0, "no snapshots");

    assert!(shown(&store.health(&[]).await.unwrap()).0.starts_with("green, 1 node, "));
    let disk = store.disk().await.unwrap();
    assert!(shown(&disk).0.contains("% used"));
    shown(&disk.nodes[0]);
    shown(&crate::DiskState::default());
    let missing = IndexName::new("operate-y").unwrap();
    let progress = store.restore_progress(&[index, missing.clone()]).await.unwrap();
    assert!(shown(&progress).0.ends_with("; missing: operate-y"));
    assert_eq!(shown(&progress.indices[&missing]).0, "does not exist");
    shown(&store.cleanup_repository(&repository).await.unwrap());
    assert_eq!(shown(&store.delete_snapshot(&repository, &name).await.unwrap()).0, "removed");
    assert_eq!(shown(&store.delete_snapshot(&repository, &name).await.unwrap()).1, "was-absent");
}

#[test]
fn what_a_server_left_out_is_said_and_never_empty() {
    assert_eq!(SnapshotState::default().to_string(), "no state");
    assert_eq!(HealthStatus::default().to_string(), "no health");
    assert_eq!(shown(&ShardFailure::default()).0, "(without a name): no reason was given");
    let snapshot: crate::SnapshotInfo = serde_json::from_str(r#"{"snapshot": "s"}"#).unwrap();
    assert_eq!(shown(&snapshot).0, "s: no state, 0 indices");
}

#[test]
fn words_that_people_type_are_read_and_unknown_ones_are_refused_with_the_known() {
    assert_eq!("in-progress".parse::<SnapshotState>().unwrap(), SnapshotState::InProgress);
    assert_eq!("Green".parse::<HealthStatus>().unwrap(), HealthStatus::Green);
    assert_eq!("OpenSearch".parse::<Flavor>().unwrap(), Flavor::OpenSearch);
    assert!("succes".parse::<SnapshotState>().unwrap_err().report().contains("SUCCESS"));
    assert!("".parse::<HealthStatus>().unwrap_err().report().contains("yellow"));
    assert!("solr".parse::<Flavor>().unwrap_err().report().contains("elasticsearch"));
}
