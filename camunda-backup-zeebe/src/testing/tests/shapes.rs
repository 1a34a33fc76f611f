//! Same fields, same JSON types as the recorded bodies.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::*;
use crate::testing::{BucketState, ZeebeBackupOutcome};

/// A body with its values replaced by their types. Elements of a list are merged into one set of shapes; an object
/// whose keys are numbers is a list of its values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("bool"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("string"),
        Value::Array(items) => merged(items.iter()),
        Value::Object(fields)
            if !fields.is_empty() && fields.keys().all(|key| key.parse::<u32>().is_ok()) =>
        {
            merged(fields.values())
        }
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .collect(),
    }
}

fn merged<'a>(items: impl Iterator<Item = &'a Value>) -> Value {
    let shapes: BTreeSet<String> = items.map(|item| shape(item).to_string()).collect();
    Value::Array(shapes.into_iter().map(Value::String).collect())
}

fn fields(value: &Value) -> BTreeSet<&String> {
    value.as_object().unwrap().keys().collect()
}

macro_rules! same_shape {
    ($reply:expr, $status:expr, $golden:literal) => {{
        let reply: Reply = $reply;
        let golden = include_str!(concat!("../../../goldens/fake/", $golden, ".json"));
        let golden: Value = serde_json::from_str(golden).unwrap();
        assert_eq!(reply.status, $status, "{}: {}", $golden, reply.body);
        assert_eq!(shape(&reply.body), shape(&golden), "{}\nours: {:#}", $golden, reply.body);
        (reply, golden)
    }};
}

#[tokio::test(start_paused = true)]
async fn zeebe_backups_of_8_6() {
    let rig = Rig::two("8.6.0");
    let url = format!("{GATEWAY}/actuator/backups");
    let (taken, golden) = same_shape!(rig.post(&url, "{\"backupId\":100}"), 202, "860-taken");
    assert_eq!(taken.body, golden);
    wait(350).await;
    same_shape!(rig.get(&format!("{url}/100")), 200, "860-incomplete");
    wait(2000).await;
    same_shape!(rig.get(&format!("{url}/100")), 200, "860-completed");
    same_shape!(rig.get(&url), 200, "860-list");
    let (refused, _) = same_shape!(rig.post(&url, "{\"backupId\":100}"), 409, "860-conflict");
    let text = "Requested backup has id 100. The latest backup has id 100. Id of new backups must be higher than the \
                previous one. ";
    assert_eq!(refused.body["message"], text);
    same_shape!(rig.post(&format!("{GATEWAY}/actuator/backupRuntime"), "{}"), 404, "860-error-404");

    rig.camunda.set_zeebe_backup_outcome(ZeebeBackupOutcome::Fail);
    rig.post(&url, "{\"backupId\":700}");
    wait(3000).await;
    same_shape!(rig.get(&format!("{url}/700")), 200, "860-failed");
}

#[tokio::test(start_paused = true)]
async fn exporting_and_partitions_of_8_6() {
    let rig = Rig::two("8.6.0");
    let pause = format!("{GATEWAY}/actuator/exporting/pause?soft=true");
    let (done, golden) = same_shape!(rig.post(&pause, "{}"), 200, "860-exporting-done");
    assert_eq!(done.body, golden);
    same_shape!(rig.get("http://broker-0.sim:9600/actuator/partitions"), 200, "860-partitions");
    rig.camunda.kill_broker(&1.into());
    let failed = rig.post(&pause, "{}");
    let golden: Value =
        serde_json::from_str(include_str!("../../../goldens/fake/860-exporting-failed.json")).unwrap();
    assert_eq!((failed.status, &failed.body["status"]), (200, &golden["status"]));
    assert_eq!(fields(&failed.body["body"]["stackTrace"][0]), fields(&golden["body"]["stackTrace"][0]));
    assert!(failed.body.to_string().len() > 4000);
}

#[tokio::test(start_paused = true)]
async fn topology_cluster_exporters_and_info() {
    let rig = Rig::two("8.6.0");
    same_shape!(rig.get("http://zeebe.sim:8080/v2/topology"), 200, "860-topology");
    same_shape!(rig.get(&format!("{GATEWAY}/actuator/cluster")), 200, "860-cluster");
    same_shape!(rig.get(&format!("{GATEWAY}/actuator/exporters")), 200, "860-exporters");
    let disable = format!("{GATEWAY}/actuator/exporters/elasticsearch/disable");
    same_shape!(rig.post(&disable, "{}"), 202, "860-exporter-disabled");
    same_shape!(rig.get(&format!("{OPERATE}/actuator/info")), 200, "860-info");
    same_shape!(rig.get(&format!("{GATEWAY}/actuator/info")), 200, "860-info");
    rig.camunda.set_pending_change(true);
    let pending = rig.get(&format!("{GATEWAY}/actuator/cluster"));
    assert_eq!(pending.body["pendingChange"]["status"], "IN_PROGRESS");
    assert_eq!(rig.post(&format!("{GATEWAY}/actuator/exporters/elasticsearch/enable"), "{}").status, 409);

    same_shape!(Rig::two("8.4.9").get(&format!("{GATEWAY}/actuator/cluster")), 200, "849-cluster");
    same_shape!(Rig::two("8.5.8").get("http://zeebe.sim:8080/v1/topology"), 200, "858-topology");
}

#[tokio::test(start_paused = true)]
async fn older_zeebes() {
    let old = Rig::two("8.1.27");
    let url = format!("{GATEWAY}/actuator/backups");
    same_shape!(old.get(&format!("{url}/77")), 200, "8127-unknown");
    same_shape!(old.get(&url), 404, "8127-error-404");
    assert_eq!(old.post(&format!("{url}/5"), "").body, json!({"id": 5}));
    wait(3000).await;
    same_shape!(old.get(&format!("{url}/5")), 200, "8127-completed");
    // Broker 0 leads partition 1 and follows in partition 2.
    let partitions = old.get("http://broker-0.sim:9600/actuator/partitions").body;
    let leader = include_str!("../../../goldens/fake/8127-partitions.json").parse::<Value>().unwrap();
    let follower =
        include_str!("../../../goldens/fake/8127-partitions-follower.json").parse::<Value>().unwrap();
    assert_eq!(shape(&partitions["1"]), shape(&leader["1"]));
    assert_eq!(shape(&partitions["2"]), shape(&follower["1"]));
    old.camunda.kill_broker(&1.into());
    let failed = old.post(&format!("{GATEWAY}/actuator/exporting/pause"), "{}");
    let golden = include_str!("../../../goldens/fake/8127-exception-500.json").parse::<Value>().unwrap();
    assert_eq!(failed.status, 500);
    assert_eq!(fields(&failed.body["stackTrace"][0]), fields(&golden["stackTrace"][0]));

    let rig = Rig::two("8.4.9");
    same_shape!(rig.get(&format!("{url}/1*")), 400, "849-error-400");
    same_shape!(rig.get(&format!("{url}/")), 404, "849-error-404");
    same_shape!(rig.get(&format!("{GATEWAY}/actuator/exporters")), 404, "849-error-404");
    let rig = Rig::two("8.5.8");
    same_shape!(rig.post(&url, "{\"backupId\":\"abc\"}"), 400, "858-error-400");
    let (refused, _) = same_shape!(rig.reply(Method::POST, &url, None), 415, "858-error-415");
    assert_eq!(refused.kind, "application/problem+json");
    rig.post(&url, "{\"backupId\":100}");
    wait(3000).await;
    same_shape!(rig.get(&format!("{url}/100")), 200, "858-completed");
}

#[tokio::test(start_paused = true)]
async fn operate() {
    let rig = Rig::of("8.6.0");
    wait(5000).await;
    let url = format!("{OPERATE}/actuator/backups");
    let (unknown, golden) = same_shape!(rig.get(&format!("{url}/77")), 400, "operate-unknown-es");
    assert_eq!(
        (&unknown.body["message"], &unknown.kind[..]),
        (&golden["message"], "application/problem+json")
    );
    let (taken, _) = same_shape!(rig.post(&url, "{\"backupId\":5}"), 200, "operate-taken");
    assert_eq!(taken.body["scheduledSnapshots"][0], "camunda_operate_5_8.6.0_part_1_of_6");
    let (running, golden) = same_shape!(rig.post(&url, "{\"backupId\":6}"), 400, "operate-running");
    assert_eq!(running.body["message"], golden["message"]);
    rig.watch(&format!("{url}/5"), &["400", "INCOMPLETE", "IN_PROGRESS"]).await;
    same_shape!(rig.get(&format!("{url}/5")), 200, "operate-completed");
    same_shape!(rig.get(&url), 200, "operate-list");
    same_shape!(rig.post(&url, "{\"backupId\":5}"), 400, "operate-duplicate");
    rig.store.set_down(true);
    let (down, golden) = same_shape!(rig.get(&url), 400, "operate-store-down");
    let text = golden["message"].as_str().unwrap().replace("[r]", "[backups]");
    assert_eq!(down.body["message"], text);

    let rig = Rig::of("8.6.0");
    rig.store.set_opensearch(true);
    same_shape!(rig.get(&format!("{url}/77")), 404, "operate-unknown-os");
    rig.post(&url, "{\"backupId\":5}");
    rig.watch(&format!("{url}/5"), &["404", "400", "INCOMPLETE", "IN_PROGRESS"]).await;
    same_shape!(rig.get(&format!("{url}/5")), 200, "operate-completed-os");
}

#[tokio::test(start_paused = true)]
async fn tasklist() {
    let rig = Rig::of("8.6.0");
    wait(5000).await;
    let url = format!("{TASKLIST}/actuator/backups");
    same_shape!(rig.get(&format!("{url}/77")), 500, "tasklist-unknown-es");
    let (bad, golden) = same_shape!(rig.get(&format!("{url}/-1")), 400, "tasklist-bad-id");
    assert_eq!(bad.body["message"], golden["message"]);
    rig.post(&url, "{\"backupId\":5}");
    rig.watch(&format!("{url}/5"), &["500", "INCOMPLETE", "IN_PROGRESS"]).await;
    same_shape!(rig.get(&format!("{url}/5")), 200, "tasklist-completed");
    rig.store.set_repository("backups", false);
    same_shape!(rig.get(&url), 500, "tasklist-no-repository");
    rig.store.set_down(true);
    same_shape!(rig.get(&url), 502, "tasklist-store-down");

    let mut options = CamundaOptions::default();
    options.repository.clear();
    let rig = Rig::with(options);
    same_shape!(rig.get(&url), 404, "tasklist-not-configured");
}

#[tokio::test(start_paused = true)]
async fn no_store_is_told_by_every_call() {
    let rig = Rig::two("8.6.0");
    rig.camunda.set_bucket(BucketState::NotConfigured);
    let url = format!("{GATEWAY}/actuator/backups");
    for reply in [rig.get(&url), rig.post(&url, "{\"backupId\":1}"), rig.delete(&format!("{url}/1"))] {
        let text = reply.body["message"].as_str().unwrap();
        assert_eq!(reply.status, 400);
        assert!(text.starts_with("Cannot process backup requests. No backup store is configured."), "{text}");
    }
}
