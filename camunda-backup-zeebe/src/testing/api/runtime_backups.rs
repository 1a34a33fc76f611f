//! The Zeebe backups on the management port: 8.1 with the id in the path, later with a body.

use camunda_backup_core::Component;
use http::Method;
use serde_json::{Map, Value, json};

use crate::testing::state::world::World;
use crate::testing::state::zeebe_backup::{PartBackup, PartState, Refusal, ZeebeBackup};
use crate::testing::wire::answer;
use crate::testing::wire::answer::Answer;
use crate::testing::wire::exchange::{self, Exchange, Number};

fn refused(refusal: &Refusal) -> Answer {
    answer::after(refusal.after, answer::message_answer(refusal.status, &refusal.message))
}

impl World {
    /// `/actuator/backups` of 8.2–8.7 and `/actuator/backupRuntime` of 8.8+.
    pub(crate) fn answer_runtime_backups(&mut self, exchange: &Exchange, rest: &[&str]) -> Answer {
        if self.dialect.line() <= (8, 1) {
            return self.answer_backups_of_8_1(exchange, rest);
        }
        let continuous = self.dialect.line() >= (8, 9);
        match (rest, &exchange.method) {
            ([], &Method::GET) => self.list_runtime_backups(exchange, None),
            ([], &Method::POST) => self.post_runtime_backup(exchange),
            (["state"], &Method::GET) | (["state", "sync"], &Method::POST) if continuous => {
                answer::json_answer(200, &self.backup_state(false))
            }
            (["state"], &Method::DELETE) if continuous => answer::empty_answer(204),
            ([id], &Method::GET) => self.get_runtime_backup(exchange, id),
            ([id], &Method::DELETE) => self.delete_runtime_backup(exchange, id),
            ([] | [_], _) => self.framework(exchange, 405, None),
            _ => self.framework(exchange, 404, None),
        }
    }

    fn post_runtime_backup(&mut self, exchange: &Exchange) -> Answer {
        if !exchange.sends_json() {
            return self.framework(exchange, 415, None);
        }
        let body = if exchange.body.is_empty() { Some(json!({})) } else { exchange.json() };
        let Some(Value::Object(body)) = body else {
            return self.framework(exchange, 400, Some("Failed to read HTTP message"));
        };
        let id = match exchange::converted_number(body.get("backupId")) {
            Number::Is(id) => Some(id),
            Number::Missing if self.dialect.line() >= (8, 9) => None,
            Number::Missing => return self.framework(exchange, 400, Some("Missing parameters: backupId")),
            Number::Unreadable => return self.framework(exchange, 400, Some("Parameter mapping failure")),
        };
        let taken = self.take_zeebe_backup(id);
        self.count_post(Component::Zeebe, id.or(taken.as_ref().ok().copied()).unwrap_or_default());
        match taken {
            Err(refusal) => refused(&refusal),
            Ok(id) => {
                let message = format!(
                    "A backup with id {id} has been scheduled. Use GET actuator/backups/{id} to monitor the status."
                );
                let mut body = json!({ "message": message });
                if self.dialect.line() >= (8, 9) {
                    body["backupId"] = json!(id);
                }
                if self.dialect.line() >= (8, 10) {
                    body["backupIds"] = json!({"default": id});
                }
                answer::json_answer(202, &body)
            }
        }
    }

    fn get_runtime_backup(&mut self, exchange: &Exchange, id: &str) -> Answer {
        if let (Some(prefix), true) = (id.strip_suffix('*'), self.dialect.line() >= (8, 8)) {
            return self.list_runtime_backups(exchange, Some(prefix));
        }
        let Number::Is(id) = exchange::number_in_text(id) else {
            return self.framework(exchange, 400, Some("Parameter mapping failure"));
        };
        match self.reach_bucket() {
            Err(refusal) => refused(&refusal),
            Ok(()) => match self.backups.find(id).cloned() {
                Some(backup) => {
                    answer::actuator_answer(exchange, 200, &self.backup_info(&backup, true, false))
                }
                None => answer::message_answer(404, &format!("Backup with id {id} does not exist")),
            },
        }
    }

    fn list_runtime_backups(&mut self, exchange: &Exchange, prefix: Option<&str>) -> Answer {
        if self.gateway_is_ignorant() && self.dialect.lies_after_start() {
            return answer::actuator_answer(exchange, 200, &json!([]));
        }
        if let Err(refusal) = self.reach_bucket() {
            return refused(&refusal);
        }
        let backups = self.visible_backups(prefix);
        let infos: Vec<Value> = backups.iter().map(|backup| self.backup_info(backup, false, false)).collect();
        answer::actuator_answer(exchange, 200, &Value::Array(infos))
    }

    /// The backups whose id begins with a prefix, in no order.
    pub(crate) fn visible_backups(&mut self, prefix: Option<&str>) -> Vec<ZeebeBackup> {
        let wanted = |backup: &&ZeebeBackup| prefix.is_none_or(|p| backup.id.to_string().starts_with(p));
        let found: Vec<ZeebeBackup> = self.backups.taken.iter().filter(wanted).cloned().collect();
        self.shuffled(found)
    }

    fn delete_runtime_backup(&mut self, exchange: &Exchange, id: &str) -> Answer {
        let Number::Is(id) = exchange::number_in_text(id) else {
            return self.framework(exchange, 400, Some("Parameter mapping failure"));
        };
        if let Err(refusal) = self.reach_bucket() {
            return refused(&refusal);
        }
        self.backups.taken.retain(|backup| backup.id != id);
        answer::empty_answer(204)
    }

    /// A backup as 8.2+ show it. In lists details are poorer. `nulls`: absent fields are written as null (`/v2`).
    pub(crate) fn backup_info(&mut self, backup: &ZeebeBackup, single: bool, nulls: bool) -> Value {
        let ids: Vec<u32> = self.partitions.iter().map(|partition| partition.id).collect();
        let details: Vec<Value> = ids
            .iter()
            .map(|id| {
                let part = backup.parts.iter().find(|part| part.partition == *id);
                self.detail(*id, part, single, nulls)
            })
            .collect();
        let reasons: Vec<String> = backup
            .parts
            .iter()
            .filter_map(|part| match &part.state {
                PartState::Failed(why) => {
                    Some(format!("Backup on partition {} failed due to {why}. ", part.partition))
                }
                _ => None,
            })
            .collect();
        let mut info = Map::new();
        info.insert("backupId".to_owned(), json!(backup.id));
        info.insert("state".to_owned(), json!(self.aggregated(backup)));
        if !reasons.is_empty() {
            info.insert("failureReason".to_owned(), json!(reasons.join(" ")));
        } else if nulls {
            info.insert("failureReason".to_owned(), Value::Null);
        }
        info.insert("details".to_owned(), Value::Array(self.shuffled(details)));
        Value::Object(info)
    }

    fn aggregated(&self, backup: &ZeebeBackup) -> &'static str {
        let all = self.partitions.len();
        let with = |wanted: fn(&PartState) -> bool| backup.parts.iter().filter(|p| wanted(&p.state)).count();
        if with(|state| *state == PartState::Completed) == all {
            "COMPLETED"
        } else if with(|state| matches!(state, PartState::Failed(_))) > 0 {
            "FAILED"
        } else if backup.parts.len() < all {
            "INCOMPLETE"
        } else {
            "IN_PROGRESS"
        }
    }

    fn detail(&self, partition: u32, part: Option<&PartBackup>, single: bool, nulls: bool) -> Value {
        let mut detail = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if value.is_some() || nulls {
                detail.insert(name.to_owned(), value.unwrap_or_default());
            }
        };
        put("partitionId", Some(json!(partition)));
        let Some(part) = part else {
            put("state", Some(json!("DOES_NOT_EXIST")));
            return Value::Object(detail);
        };
        let failure = match &part.state {
            PartState::Failed(why) => Some(json!(why)),
            _ => None,
        };
        let failed = failure.is_some();
        let ended = part.completed.unwrap_or(part.created);
        let snapshot = self.dialect.snapshot_id(part.processed, part.exported, part.broker);
        let single = single || nulls;
        put("state", Some(json!(state_word(&part.state))));
        put("failureReason", failure);
        put("createdAt", Some(json!(answer::nano_time(self.wall(part.created)))));
        if single {
            put("lastUpdatedAt", Some(json!(answer::nano_time(self.wall(ended)))));
            put("snapshotId", Some(json!(snapshot)));
            if self.dialect.line() >= (8, 9) {
                put("firstLogPosition", Some(json!(1)));
            }
            put("checkpointPosition", (!failed).then(|| json!(part.checkpoint)));
            if self.dialect.line() >= (8, 7) {
                put("brokerId", Some(json!(part.broker)));
            }
        }
        put("brokerVersion", (!failed).then(|| json!(self.options.version.to_string())));
        Value::Object(detail)
    }

    /// `state` of 8.9+: the last checkpoint of each partition and one range. `nulls` as in [`World::backup_info`].
    pub(crate) fn backup_state(&self, nulls: bool) -> Value {
        let (mut checkpoints, mut backups, mut ranges) = (Vec::new(), Vec::new(), Vec::new());
        for partition in &self.partitions {
            let done: Vec<(i64, &PartBackup)> = self
                .backups
                .taken
                .iter()
                .flat_map(|backup| backup.parts.iter().map(|part| (backup.id, part)))
                .filter(|(_, part)| part.partition == partition.id)
                .collect();
            let describe = |(id, part): &(i64, &PartBackup)| {
                json!({"checkpointId": id, "checkpointType": "MANUAL_BACKUP", "partitionId": partition.id,
                       "checkpointPosition": part.checkpoint, "firstLogPosition": 1,
                       "checkpointTimestamp": answer::nano_time(self.wall(part.created))})
            };
            let newest = done.iter().max_by_key(|(id, _)| *id).map(describe);
            checkpoints.extend(newest.clone());
            backups.extend(newest.clone());
            let first = done.iter().min_by_key(|(id, _)| *id).map(describe);
            if first.is_some() || nulls {
                ranges.push(json!({"partitionId": partition.id, "start": first, "end": newest}));
            }
        }
        json!({"checkpointStates": checkpoints, "backupStates": backups, "ranges": ranges})
    }
}

pub(crate) fn state_word(state: &PartState) -> &'static str {
    match state {
        PartState::InProgress => "IN_PROGRESS",
        PartState::Completed => "COMPLETED",
        PartState::Failed(_) => "FAILED",
    }
}
