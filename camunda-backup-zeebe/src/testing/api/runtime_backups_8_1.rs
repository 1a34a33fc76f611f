//! The Zeebe backups of 8.1: the id in the path, 200 for everything, other names.

use camunda_backup_core::Component;
use http::Method;
use serde_json::{Value, json};

use crate::testing::api::runtime_backups::state_word;
use crate::testing::control::faults::{BucketState, ZeebeBackupOutcome};
use crate::testing::state::world::World;
use crate::testing::state::zeebe_backup::{BROKER_TIMEOUT, FEATURE_OFF, PartState, UNKNOWN_TOPOLOGY};
use crate::testing::wire::answer;
use crate::testing::wire::answer::Answer;
use crate::testing::wire::exchange::{self, Exchange, Number};

impl World {
    /// `/actuator/backups/{id}`.
    pub(crate) fn answer_backups_of_8_1(&mut self, exchange: &Exchange, rest: &[&str]) -> Answer {
        let [id] = rest else { return self.framework(exchange, 404, None) };
        // A body or a query overrides the path.
        let body = exchange.json();
        let overriding = body.as_ref().and_then(|body| body.get("id"));
        let number = match (overriding, exchange.parameter("id")) {
            (Some(id), _) => exchange::converted_number(Some(id)),
            (None, Some(text)) => exchange::number_in_text(text),
            (None, None) => exchange::number_in_text(id),
        };
        let Number::Is(id) = number else { return self.framework(exchange, 400, None) };
        let failed = |message: &str| answer::json_answer(500, &json!({"id": id, "failure": message}));
        match exchange.method {
            Method::POST => self.count_post(Component::Zeebe, id),
            Method::GET => {}
            _ => return self.framework(exchange, 405, None),
        }
        if self.gateway_is_ignorant() {
            return failed(UNKNOWN_TOPOLOGY);
        }
        if self.backups.bucket == BucketState::FeatureOff {
            return failed(FEATURE_OFF);
        }
        let late = failed("Request from gateway to broker timed out. Request timed out after PT15S");
        if self.partitions.iter().any(|partition| partition.leader.is_none()) {
            return answer::after(BROKER_TIMEOUT, late);
        }
        if exchange.method == Method::POST {
            if id >= 0 && id >= self.backups.latest && self.backups.find(id).is_none() {
                self.backups.latest = id;
                self.plan_backup(id);
                if self.backups.outcome == ZeebeBackupOutcome::GhostAfter504 {
                    return answer::after(BROKER_TIMEOUT, late);
                }
            }
            return answer::actuator_answer(exchange, 200, &json!({ "id": id }));
        }
        match self.backups.bucket {
            BucketState::NotConfigured => failed("No BackupStore is configured."),
            BucketState::Hanging => answer::after(BROKER_TIMEOUT, late),
            _ => answer::actuator_answer(exchange, 200, &self.status_of_8_1(id)),
        }
    }

    /// The object of 8.1: every key always there, `DOES_NOT_EXIST` for everything while the bucket is away.
    fn status_of_8_1(&mut self, id: i64) -> Value {
        let away = self.backups.bucket != BucketState::Ok;
        let backup = self.backups.find(id).filter(|_| !away).cloned();
        let parts = backup.map(|backup| backup.parts).unwrap_or_default();
        let entry = |partition: u32| -> Value {
            let Some(part) = parts.iter().find(|part| part.partition == partition) else {
                return json!({"partitionId": partition, "status": "DOES_NOT_EXIST", "description": null,
                              "failureReason": null, "createdAt": null, "lastUpdatedAt": null});
            };
            let failure = match &part.state {
                PartState::Failed(why) => json!(why),
                _ => Value::Null,
            };
            let description = json!({
                "snapshotId": self.dialect.snapshot_id(part.processed, part.exported, part.broker),
                "checkpointPosition": part.checkpoint, "brokerId": part.broker,
                "brokerVersion": self.options.version.to_string()
            });
            json!({
                "partitionId": partition, "status": state_word(&part.state),
                "description": if failure.is_null() { description } else { Value::Null },
                "failureReason": failure,
                "createdAt": answer::nano_time(self.wall(part.created)),
                "lastUpdatedAt": answer::nano_time(self.wall(part.completed.unwrap_or(part.created)))
            })
        };
        let entries: Vec<Value> = self.partitions.iter().map(|partition| entry(partition.id)).collect();
        let any = |word: &str| entries.iter().any(|entry| entry["status"] == word);
        let order = ["FAILED", "DOES_NOT_EXIST", "IN_PROGRESS"];
        let status = order.into_iter().find(|word| any(word)).unwrap_or("COMPLETED");
        let why = entries.iter().find(|entry| entry["status"] == "FAILED").map(|entry| {
            let reason = entry["failureReason"].as_str().unwrap_or_default();
            json!(format!("Backup on partition {} failed due to {reason}. ", entry["partitionId"]))
        });
        json!({"backupId": id, "status": status, "failureReason": why, "partitions": self.shuffled(entries)})
    }
}
