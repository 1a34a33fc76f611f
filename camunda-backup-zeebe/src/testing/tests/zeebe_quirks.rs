//! Backups of the partitions, topology and readiness.

use serde_json::json;

use super::*;
use crate::testing::{BucketState, ZeebeBackupOutcome};

const BACKUPS: &str = "http://zeebe.sim:9600/actuator/backups";

#[tokio::test(start_paused = true)]
async fn q01_a_202_with_the_bucket_away_is_followed_by_nothing() {
    let rig = Rig::of("8.6.0");
    rig.camunda.set_bucket(BucketState::Missing);
    assert_eq!(rig.post(BACKUPS, "{\"backupId\":7}").status, 202);
    wait(2000).await;
    for reply in [rig.get(&format!("{BACKUPS}/7")), rig.get(BACKUPS), rig.delete(&format!("{BACKUPS}/7"))] {
        assert_eq!(reply.status, 500);
    }
    rig.camunda.set_bucket(BucketState::Ok);
    wait(600_000).await;
    assert_eq!(rig.get(&format!("{BACKUPS}/7")).status, 404);
    assert_eq!(rig.post(BACKUPS, "{\"backupId\":7}").status, 409, "the id is burnt");
    assert_eq!(rig.post(BACKUPS, "{\"backupId\":8}").status, 202);
}

#[tokio::test(start_paused = true)]
async fn q02_404_then_incomplete_then_in_progress_then_completed() {
    let rig = Rig::of("8.6.0");
    rig.post(BACKUPS, "{\"backupId\":7}");
    let seen = rig.watch(&format!("{BACKUPS}/7"), &["404", "INCOMPLETE", "IN_PROGRESS"]).await;
    assert_eq!(seen, ["404", "INCOMPLETE", "IN_PROGRESS", "COMPLETED"]);
    let view = rig.camunda.backup(7).unwrap();
    assert_eq!(view.partitions.len(), 3);
    for part in view.partitions {
        assert!(part.processed_position < part.checkpoint_position);
        assert!(part.exported_position < part.checkpoint_position);
        assert!(part.completed.unwrap() > part.created);
    }
    assert_eq!(rig.camunda.backup_posts()[&(Component::Zeebe, 7)], 1);
}

#[tokio::test(start_paused = true)]
async fn q09_ready_without_a_leader_and_false_empty_lists() {
    let rig = Rig::two("8.5.8");
    rig.post(BACKUPS, "{\"backupId\":7}");
    wait(5000).await;
    rig.camunda.restart_gateway();
    let list = rig.get(BACKUPS);
    assert_eq!((list.status, list.body), (200, json!([])), "a lie");
    assert_eq!(rig.get(&format!("{BACKUPS}/7")).status, 502);
    assert_eq!(rig.get("http://zeebe.sim:8080/v1/topology").body["brokers"], json!([]));
    wait(7000).await;
    assert_eq!(rig.get(BACKUPS).body.as_array().unwrap().len(), 1);

    rig.camunda.kill_broker(&1.into());
    wait(20_000).await;
    assert_eq!(rig.get("http://broker-0.sim:9600/actuator/health/readiness").status, 200);
    let topology = rig.get("http://zeebe.sim:8080/v1/topology").body;
    assert_eq!(topology["brokers"].as_array().unwrap().len(), 1, "the dead one is forgotten");
    assert!(!topology.to_string().contains("leader"));
    assert_eq!(topology["clusterSize"], 2);
    let cluster = rig.get(&format!("{GATEWAY}/actuator/cluster")).body;
    assert!(cluster["brokers"].as_array().unwrap().iter().all(|broker| broker["state"] == "ACTIVE"));
    assert_eq!(cluster["brokers"].as_array().unwrap().len(), 2, "and still a member");

    rig.camunda.restart_broker(&1.into());
    assert_eq!(rig.get("http://broker-1.sim:9600/actuator/partitions").body, json!({}));
    let rig = Rig::two("8.6.0");
    rig.camunda.restart_gateway();
    assert_eq!(rig.get(BACKUPS).status, 502);
}

#[tokio::test(start_paused = true)]
async fn q09_another_leader_after_seven_seconds_when_there_is_a_majority() {
    let rig = Rig::of("8.6.0");
    rig.camunda.kill_broker(&0.into());
    let leaders = |rig: &Rig| {
        rig.get("http://zeebe.sim:8080/v2/topology").body.to_string().matches("\"leader\"").count()
    };
    let role = rig.get("http://broker-1.sim:9600/actuator/partitions").body["1"]["role"].clone();
    assert_eq!(role, "FOLLOWER");
    wait(8000).await;
    assert_eq!(leaders(&rig), 3, "one per partition");
    assert_eq!(rig.get("http://broker-1.sim:9600/actuator/partitions").body["1"]["role"], "LEADER");
}

#[tokio::test(start_paused = true)]
async fn q10_a_partition_without_leader_hangs_everything_for_15_seconds() {
    let rig = Rig::two("8.6.0");
    rig.camunda.kill_broker(&1.into());
    wait(8000).await;
    let id = format!("{BACKUPS}/7");
    for reply in [rig.get(BACKUPS), rig.get(&id), rig.delete(&id), rig.post(BACKUPS, "{\"backupId\":7}")] {
        assert_eq!((reply.status, reply.after), (504, Duration::from_secs(15)));
    }
}

#[tokio::test(start_paused = true)]
async fn q10_a_hanging_bucket_and_a_failed_backup_when_it_is_back() {
    let rig = Rig::of("8.6.0");
    rig.camunda.set_bucket(BucketState::Hanging);
    let taken = rig.post(BACKUPS, "{\"backupId\":7}");
    assert_eq!((taken.status, taken.after), (202, Duration::ZERO));
    wait(5000).await;
    let reply = rig.get(&format!("{BACKUPS}/7"));
    assert_eq!((reply.status, reply.after), (504, Duration::from_secs(15)));
    rig.camunda.set_bucket(BucketState::Ok);
    let reply = rig.get(&format!("{BACKUPS}/7"));
    assert_eq!(reply.body["state"], "FAILED");
    assert!(reply.body["failureReason"].as_str().unwrap().contains("Cannot find a snapshot"));
}

#[tokio::test(start_paused = true)]
async fn q11_failed_entries_lack_fields_lists_are_poorer_and_unsorted() {
    let rig = Rig::of("8.6.0");
    rig.camunda.set_zeebe_backup_outcome(ZeebeBackupOutcome::Fail);
    rig.post(BACKUPS, "{\"backupId\":7}");
    wait(3000).await;
    let body = rig.get(&format!("{BACKUPS}/7")).body;
    let details = body["details"].as_array().unwrap();
    let failed = details.iter().find(|detail| detail["state"] == "FAILED").unwrap();
    let good = details.iter().find(|detail| detail["state"] == "COMPLETED").unwrap();
    assert!(failed.get("checkpointPosition").is_none() && failed.get("brokerVersion").is_none());
    assert!(good.get("checkpointPosition").is_some() && good.get("failureReason").is_none());
    assert!(body["failureReason"].as_str().unwrap().starts_with("Backup on partition 1 failed due to "));

    rig.camunda.set_zeebe_backup_outcome(ZeebeBackupOutcome::Complete);
    for id in 8..12 {
        rig.camunda.add_foreign_backup(id);
    }
    let orders: Vec<String> = (0..3).map(|_| rig.get(BACKUPS).body[0]["backupId"].to_string()).collect();
    assert!(orders.windows(2).any(|pair| pair[0] != pair[1]), "{orders:?}");
    let entry = rig.get(BACKUPS).body[0]["details"][0].clone();
    assert!(entry.get("checkpointPosition").is_none() && entry.get("snapshotId").is_none());
    assert_eq!(rig.post(BACKUPS, "{\"backupId\":11}").status, 409, "another actor's id counts");
}

#[tokio::test(start_paused = true)]
async fn q29_deleted_ids_stay_used_up() {
    let rig = Rig::of("8.6.0");
    rig.post(BACKUPS, "{\"backupId\":7}");
    wait(5000).await;
    for _ in 0..2 {
        assert_eq!(rig.delete(&format!("{BACKUPS}/7")).status, 204);
    }
    assert_eq!(rig.get(&format!("{BACKUPS}/7")).status, 404);
    assert_eq!(rig.post(BACKUPS, "{\"backupId\":7}").status, 409);
}

#[tokio::test(start_paused = true)]
async fn q31_error_bodies_of_each_line() {
    let text = |version: &str| {
        let reply = Rig::of(version).get(&format!("{BACKUPS}/abc"));
        assert_eq!(reply.status, 400, "{version}");
        (reply.kind, reply.body)
    };
    let (kind, body) = text("8.2.29");
    assert_eq!((&kind[..], body.as_object().unwrap().len()), ("application/json", 4));
    assert!(text("8.4.9").1.get("requestId").is_some());
    let (kind, body) = text("8.5.8");
    assert_eq!((&kind[..], &body["title"]), ("application/problem+json", &json!("Bad Request")));
    let empty = Rig::of("8.6.0").get(&format!("{GATEWAY}/actuator/health/nonsense"));
    assert_eq!((empty.status, empty.body), (404, Value::Null));
}

#[tokio::test(start_paused = true)]
async fn q35_a_504_that_runs_later_on_one_partition_only() {
    let rig = Rig::of("8.6.0");
    rig.camunda.set_zeebe_backup_outcome(ZeebeBackupOutcome::GhostAfter504);
    let reply = rig.post(BACKUPS, "{\"backupId\":7}");
    assert_eq!((reply.status, reply.after), (504, Duration::from_secs(15)));
    wait(20_000).await;
    assert_eq!(rig.get(&format!("{BACKUPS}/7")).status, 404);
    wait(20_000).await;
    let seen = rig.get(&format!("{BACKUPS}/7")).body;
    assert_eq!(seen["state"], "INCOMPLETE");
    wait(600_000).await;
    assert_eq!(rig.get(&format!("{BACKUPS}/7")).body["state"], "INCOMPLETE", "for ever");
    assert_eq!(rig.post(BACKUPS, "{\"backupId\":7}").status, 409);
}

#[tokio::test(start_paused = true)]
async fn q36_8_1_refuses_nothing_and_sees_nothing() {
    let rig = Rig::of("8.1.27");
    let status = |id: i64| rig.get(&format!("{BACKUPS}/{id}")).body["status"].clone();
    for id in [5, 5, 3, -1] {
        let reply = rig.post(&format!("{BACKUPS}/{id}"), "");
        assert_eq!((reply.status, reply.body), (200, json!({ "id": id })));
    }
    assert_eq!(status(5), "DOES_NOT_EXIST");
    wait(400).await;
    assert_eq!(status(5), "DOES_NOT_EXIST", "only some partitions");
    wait(3000).await;
    assert_eq!((status(5), status(3)), (json!("COMPLETED"), json!("DOES_NOT_EXIST")));
    rig.camunda.set_bucket(BucketState::Missing);
    assert_eq!(status(5), "DOES_NOT_EXIST", "completed ones too");
    assert_eq!(rig.delete(&format!("{BACKUPS}/5")).status, 405);
    assert_eq!(rig.get(BACKUPS).status, 404);
    rig.camunda.set_bucket(BucketState::FeatureOff);
    let off = rig.get(&format!("{BACKUPS}/5"));
    assert_eq!(off.status, 500);
    assert!(off.body["failure"].as_str().unwrap().contains("Backup feature is disabled"));
    // A body or a query overrides the path.
    rig.camunda.set_bucket(BucketState::Ok);
    assert_eq!(rig.post(&format!("{BACKUPS}/50"), "{\"id\":60}").body["id"], 60);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_dies_while_it_uploads_fails_the_backup() {
    let rig = Rig::with(CamundaOptions {
        zeebe_backup_duration: Duration::from_secs(30),
        ..CamundaOptions::default()
    });
    rig.post(BACKUPS, "{\"backupId\":7}");
    wait(3000).await;
    assert_eq!(rig.get(&format!("{BACKUPS}/7")).body["state"], "IN_PROGRESS");
    rig.camunda.kill_broker(&0.into());
    wait(8000).await;
    let body = rig.get(&format!("{BACKUPS}/7")).body;
    assert_eq!(body["state"], "FAILED");
    assert!(body.to_string().contains("Backup is cancelled due to leader change."));
}

#[tokio::test(start_paused = true)]
async fn generated_ids_of_8_9() {
    let rig = Rig::of("8.9.0");
    rig.camunda.set_generated_ids(true);
    let url = format!("{GATEWAY}/actuator/backupRuntime");
    assert_eq!(rig.post(&url, "{\"backupId\":7}").status, 400);
    let id = rig.post(&url, "{}").body["backupId"].as_i64().unwrap();
    assert_eq!(id, 1_795_229_686_000);
    wait(3000).await;
    assert_eq!(rig.get(&format!("{url}/17952*")).body[0]["backupId"], id);
    let state = rig.get(&format!("{url}/state")).body;
    assert_eq!(state["ranges"].as_array().unwrap().len(), 3);
    assert_eq!(state["backupStates"][0]["checkpointId"], id);
}
