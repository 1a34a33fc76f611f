use camunda_backup_core::transport::script::ScriptedTransport;

use super::*;
use crate::goldens::scripted;

fn names(names: &[&str]) -> Vec<IndexName> {
    names.iter().map(|name| IndexName::new(name).unwrap()).collect()
}

#[test]
fn every_server_says_how_it_is() {
    for (server, body) in golden!("health.red") {
        let health = health(body.as_bytes()).unwrap();
        assert_eq!(health.status, HealthStatus::Red, "{server}");
        assert!(health.unassigned_shards > 0 && health.nodes == 1 && health.data_nodes == 1, "{server}");
    }
    for (server, body) in golden!("health.plain") {
        assert_eq!(health(body.as_bytes()).unwrap().status, HealthStatus::Green, "{server}");
    }
}

/// Q14.
#[test]
fn a_restore_that_died_is_red() {
    for (server, body) in golden!(
        "restore-health",
        "kill9-es7",
        "kill9-es8",
        "kill9-es9",
        "kill9-os1",
        "kill9-os2",
        "kill9-os3"
    ) {
        assert_eq!(health(body.as_bytes()).unwrap().status, HealthStatus::Red, "{server}");
    }
}

/// Q19.
#[test]
fn a_restore_in_the_middle_is_yellow() {
    for (server, body) in golden!("slowrestore.health") {
        let health = health(body.as_bytes()).unwrap();
        assert_eq!(health.status, HealthStatus::Yellow, "{server}");
        assert_eq!((health.active_primary_shards, health.initializing_shards), (0, 1), "{server}");
    }
}

#[test]
fn every_server_says_how_each_index_is() {
    for (server, body) in golden!("health.level") {
        let detailed = detailed_health(body.as_bytes()).unwrap();
        let index = &detailed.indices["t-a"];
        assert_eq!(index.status, HealthStatus::Green, "{server}");
        assert_eq!((index.primaries, index.active_primary_shards), (Some(1), 1), "{server}");
        let health = only_these(detailed, &names(&["t-a"])).health;
        assert_eq!((health.status, health.active_primary_shards), (HealthStatus::Green, 1), "{server}");
    }
}

#[test]
fn an_index_that_does_not_exist_is_red_as_on_the_wire() {
    for (server, body) in golden!("health.unknown") {
        let wire = health(body.as_bytes()).unwrap();
        let cluster = golden!("health.level").into_iter().find(|(name, _)| *name == server).unwrap().1;
        let mine = only_these(detailed_health(cluster.as_bytes()).unwrap(), &names(&["nope"])).health;
        assert_eq!((&mine.status, mine.timed_out), (&wire.status, wire.timed_out), "{server}");
        assert_eq!(mine.active_primary_shards, wire.active_primary_shards, "{server}");
    }
}

#[test]
fn unknown_words_are_kept_and_are_worse_than_yellow() {
    let body = br#"{"status":"purple","indices":{"a":{"status":"purple","number_of_shards":1}}}"#;
    let detailed = detailed_health(body).unwrap();
    assert_eq!(detailed.health.status.as_str(), "purple");
    assert_eq!(only_these(detailed, &names(&["a"])).health.status, HealthStatus::Other("purple".to_owned()));
    assert_ne!(health(b"{}").unwrap().status, HealthStatus::Green);
}

#[tokio::test]
async fn one_request_answers_for_any_number_of_names() {
    let body = r#"{"status":"red","number_of_nodes":3,"indices":{
        "a":{"status":"green","number_of_shards":2,"active_primary_shards":2,"unassigned_primary_shards":0},
        "b":{"status":"yellow","number_of_shards":1,"active_primary_shards":1,"unassigned_shards":1,"unassigned_primary_shards":0},
        "foreign":{"status":"red","number_of_shards":1,"active_primary_shards":0,"unassigned_shards":1}}}"#;
    let script = ScriptedTransport::new().answer("GET /_cluster/health?level=indices", 200, body).answer(
        "GET /_cluster/health",
        200,
        body,
    );
    let store = scripted("Elasticsearch 8.19.21", &script);
    let both = store.health(&names(&["a", "b"])).await.unwrap();
    assert_eq!((both.status, both.active_primary_shards, both.nodes), (HealthStatus::Yellow, 3, 3));
    assert_eq!(both.unassigned_primary_shards, Some(0));
    assert_eq!(store.health(&[]).await.unwrap().status, HealthStatus::Red);
    script.finish().unwrap();
}
