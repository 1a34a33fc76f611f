//! Optimize's backups on port 8092: two parts, and errors of its own form.

use camunda_backup_core::{Component, Timestamp};
use http::Method;
use serde_json::{Value, json};

use crate::testing::state::app_backup::AppBackup;
use crate::testing::state::snapshot_queue::{App, AppRefusal};
use crate::testing::state::world::World;
use crate::testing::wire::answer;
use crate::testing::wire::answer::Answer;
use crate::testing::wire::exchange::{self, Exchange, Number};

fn error(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({"errorCode": code, "errorMessage": "The server could not process the request.",
                      "detailedMessage": message, "reportDefinition": null});
    answer::json_answer(status, &body)
}

impl World {
    /// `/actuator/backup` (3.9 = 8.1), `/actuator/backups` later.
    pub(crate) fn answer_optimize(&mut self, exchange: &Exchange, rest: &[&str]) -> Answer {
        let text_ids = self.dialect.line() <= (8, 1);
        match (rest, &exchange.method) {
            ([], &Method::POST) => self.post_optimize_backup(exchange),
            ([], &Method::GET) if !text_ids => match self.app_backups(App::Optimize) {
                Ok(backups) => {
                    let infos: Vec<Value> = backups.iter().map(optimize_info).collect();
                    answer::json_answer(200, &Value::Array(self.shuffled(infos)))
                }
                Err(refusal) => self.optimize_refused(&refusal),
            },
            ([id], &Method::GET) => match self.app_backup(App::Optimize, id) {
                Ok(backup) if text_ids => answer::json_answer(200, &json!({"State": backup.state})),
                Ok(backup) => answer::json_answer(200, &optimize_info(&backup)),
                Err(refusal) => self.optimize_refused(&refusal),
            },
            ([id], &Method::DELETE) if !text_ids => match self.delete_app_backup(App::Optimize, id) {
                Ok(_) => answer::empty_answer(204),
                Err(refusal) => self.optimize_refused(&refusal),
            },
            ([] | [_], _) => self.framework(exchange, 405, None),
            _ => self.framework(exchange, 404, None),
        }
    }

    fn post_optimize_backup(&mut self, exchange: &Exchange) -> Answer {
        if !exchange.sends_json() {
            return self.framework(exchange, 415, None);
        }
        let body = exchange.json().unwrap_or_default();
        let id = if self.dialect.line() <= (8, 1) {
            body["backupId"].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
        } else {
            match exchange::converted_number(body.get("backupId")) {
                Number::Is(id) if id >= 0 => Some(id.to_string()),
                _ => None,
            }
        };
        let Some(id) = id else {
            return error(400, "badRequestError", "backupId must be a non-negative number");
        };
        self.count_post(Component::Optimize, id.parse().unwrap_or_default());
        match self.schedule_app_backup(App::Optimize, &id) {
            Ok(names) if self.dialect.line() <= (8, 1) => {
                answer::json_answer(200, &json!({ "scheduledSnapshots": names }))
            }
            Ok(_) => {
                let text = format!(
                    "Backup creation for ID {id} has been scheduled. Use the GET API to monitor completion of backup \
                     process"
                );
                answer::message_answer(202, &text)
            }
            Err(refusal) => self.optimize_refused(&refusal),
        }
    }

    fn optimize_refused(&self, refusal: &AppRefusal) -> Answer {
        let text = self.refusal_text(App::Webapps, refusal);
        let (status, code) = match refusal {
            AppRefusal::NotConfigured | AppRefusal::NoRepository(_) => (400, "badRequestError"),
            AppRefusal::Duplicate { .. } | AppRefusal::Running => (409, "conflictError"),
            AppRefusal::Unknown(_) => (404, "notFoundError"),
            AppRefusal::StoreDown(..) => (502, "elasticsearchConnectionError"),
            AppRefusal::Unreadable(_) | AppRefusal::Poisoned { .. } => (500, "serverError"),
        };
        let after = match refusal {
            AppRefusal::StoreDown(_, after) => *after,
            _ => std::time::Duration::ZERO,
        };
        answer::after(after, error(status, code, &text))
    }
}

fn optimize_info(backup: &AppBackup) -> Value {
    let detail = |(name, facts): &(String, crate::testing::SnapshotFacts)| {
        let start = answer::offset_time(Timestamp::from_millis(facts.start_millis));
        json!({"snapshotName": name, "state": facts.state, "startTime": start, "failures": facts.failures})
    };
    let details: Vec<Value> = backup.parts.iter().map(detail).collect();
    json!({"backupId": backup.id.parse::<i64>().unwrap_or_default(), "failureReason": backup.failure,
           "state": backup.state, "details": details})
}
