//! The backups of Operate, Tasklist and the combined web applications on their management ports.

use camunda_backup_core::Timestamp;
use http::Method;
use serde_json::{Value, json};

use crate::testing::state::app_backup::AppBackup;
use crate::testing::state::snapshot_queue::{App, AppRefusal};
use crate::testing::state::world::World;
use crate::testing::wire::answer;
use crate::testing::wire::answer::Answer;
use crate::testing::wire::exchange::{self, Exchange, Number};

const INSTANCE: &str = "b4c6dbf5-7dd4-41e1-ac73-c2349bb396ac";

impl World {
    /// `/actuator/backup` (8.1), `/actuator/backups` (8.2–8.7), `/actuator/backupHistory` (8.8+).
    pub(crate) fn answer_history_backups(&mut self, exchange: &Exchange, app: App, rest: &[&str]) -> Answer {
        let text_ids = self.dialect.line() <= (8, 1);
        match (rest, &exchange.method) {
            ([], &Method::POST) => self.post_history_backup(exchange, app),
            ([], &Method::GET) if !text_ids => match self.app_backups(app) {
                Ok(backups) => {
                    let backups: Vec<Value> =
                        backups.iter().map(|backup| self.history_info(app, backup, false)).collect();
                    app_json(app, 200, &Value::Array(backups))
                }
                Err(refusal) => self.history_refused(exchange, app, &refusal),
            },
            ([id], &Method::GET) => match self.path_id(app, id) {
                Err(message) => self.bad_request(exchange, app, &message),
                Ok(id) => match self.app_backup(app, &id) {
                    Ok(backup) if text_ids => app_json(app, 200, &json!({"State": backup.state})),
                    Ok(backup) => {
                        let info = self.history_info(app, &backup, true);
                        app_json(app, 200, &info)
                    }
                    Err(refusal) => self.history_refused(exchange, app, &refusal),
                },
            },
            ([id], &Method::DELETE) if !text_ids => match self.path_id(app, id) {
                Err(message) => self.bad_request(exchange, app, &message),
                Ok(id) => match self.delete_app_backup(app, &id) {
                    Ok(false) if self.dialect.line() >= (8, 8) => {
                        self.history_refused(exchange, app, &AppRefusal::Unknown(id))
                    }
                    Ok(_) => answer::empty_answer(204),
                    Err(refusal) => self.history_refused(exchange, app, &refusal),
                },
            },
            ([] | [_], _) => self.framework(exchange, 405, None),
            _ => self.framework(exchange, 404, None),
        }
    }

    fn post_history_backup(&mut self, exchange: &Exchange, app: App) -> Answer {
        if !exchange.sends_json() {
            let kind = exchange.content_type.as_deref().unwrap_or("application/octet-stream");
            let message = format!("Content-Type '{kind}' is not supported");
            return match app {
                App::Operate => self.bad_request(exchange, app, &message),
                _ => self.framework(exchange, 415, None),
            };
        }
        let Some(Value::Object(body)) = exchange.json() else {
            return self.bad_request(exchange, app, "JSON parse error: Unrecognized token");
        };
        let id = match self.posted_id(app, body.get("backupId")) {
            Ok(id) => id,
            Err(message) => return self.bad_request(exchange, app, &message),
        };
        self.count_post(app.component(), id.parse().unwrap_or_default());
        match self.schedule_app_backup(app, &id) {
            Ok(names) => app_json(app, 200, &json!({ "scheduledSnapshots": names })),
            Err(refusal) => self.history_refused(exchange, app, &refusal),
        }
    }

    /// 8.1: a lower-case text; later a number ≥ 0 (8.8+: > 0), where a fraction is cut off.
    fn posted_id(&self, app: App, value: Option<&Value>) -> Result<String, String> {
        let missing = || "BackupId must be provided".to_owned();
        if self.dialect.line() <= (8, 1) {
            let text = value.and_then(Value::as_str).ok_or_else(missing)?;
            let forbidden = |c: char| {
                c.is_uppercase() || " \"*\\<|,>/?".contains(c) || (c == '_' && app == App::Tasklist)
            };
            return if text.is_empty() || text.contains(forbidden) {
                Err("BackupId must not contain any uppercase letters or any of [ , \", *, \\, <, |, ,, >, /, ?]."
                    .to_owned())
            } else {
                Ok(text.to_owned())
            };
        }
        let number = match value {
            Some(Value::Number(number)) if number.is_f64() => truncated(number),
            other => exchange::converted_number(other),
        };
        match number {
            Number::Missing => Err(missing()),
            Number::Unreadable => {
                Err("JSON parse error: Cannot deserialize value of type `java.lang.Long`".to_owned())
            }
            Number::Is(id) => checked_id(app, id),
        }
    }

    fn path_id(&self, app: App, text: &str) -> Result<String, String> {
        if self.dialect.line() <= (8, 1) {
            return Ok(text.to_owned());
        }
        match exchange::number_in_text(text) {
            Number::Is(id) => checked_id(app, id),
            _ => Err(format!(
                "Failed to convert value of type 'java.lang.String' to required type 'java.lang.Long'; For input \
                 string: \"{text}\""
            )),
        }
    }

    fn bad_request(&self, exchange: &Exchange, app: App, message: &str) -> Answer {
        let reasonless = message.starts_with("JSON parse error") || message.starts_with("Failed to convert");
        match app {
            App::Operate => operate_error(400, message),
            App::Tasklist if reasonless => self.framework(exchange, 400, None),
            App::Tasklist => tasklist_error(400, message),
            App::Webapps | App::Optimize => answer::message_answer(400, message),
        }
    }

    fn history_refused(&mut self, exchange: &Exchange, app: App, refusal: &AppRefusal) -> Answer {
        let message = self.refusal_text(app, refusal);
        let opensearch = self.store_of(app).is_opensearch();
        let after = match refusal {
            AppRefusal::StoreDown(_, after) => *after,
            _ => std::time::Duration::ZERO,
        };
        let answer = match (app, refusal) {
            (App::Operate, AppRefusal::Unknown(_)) if opensearch => operate_error(404, &message),
            (App::Operate, _) => operate_error(400, &message),
            (App::Tasklist, AppRefusal::Unknown(_)) if opensearch => tasklist_error(404, &message),
            (
                App::Tasklist,
                AppRefusal::Unknown(_) | AppRefusal::Poisoned { single: true } | AppRefusal::Unreadable(_),
            ) => self.framework(exchange, 500, None),
            (App::Tasklist, AppRefusal::NotConfigured) => tasklist_error(404, &message),
            (App::Tasklist, AppRefusal::NoRepository(_) | AppRefusal::Poisoned { single: false }) => {
                tasklist_error(500, &message)
            }
            (App::Tasklist, AppRefusal::StoreDown(doing, _)) => {
                let reading = doing.starts_with("searching");
                tasklist_error(if opensearch && !reading { 500 } else { 502 }, &message)
            }
            (App::Tasklist, AppRefusal::Duplicate { .. } | AppRefusal::Running) => {
                tasklist_error(400, &message)
            }
            (App::Webapps | App::Optimize, _) => answer::message_answer(combined_status(refusal), &message),
        };
        answer::after(after, answer)
    }

    /// One backup. Parts are in order in the single answer and in none in the list.
    fn history_info(&mut self, app: App, backup: &AppBackup, single: bool) -> Value {
        let no_failures =
            if app == App::Operate && self.store_of(app).is_opensearch() { Value::Null } else { json!([]) };
        let details: Vec<Value> = backup
            .parts
            .iter()
            .map(|(name, facts)| {
                let failures =
                    if facts.failures.is_empty() { no_failures.clone() } else { json!(facts.failures) };
                let start = answer::offset_time(Timestamp::from_millis(facts.start_millis));
                json!({"snapshotName": name, "state": facts.state, "startTime": start, "failures": failures})
            })
            .collect();
        let details = if single { details } else { self.shuffled(details) };
        json!({
            "backupId": backup.id.parse::<i64>().unwrap_or_default(), "state": backup.state,
            "failureReason": backup.failure, "details": details
        })
    }
}

fn checked_id(app: App, id: i64) -> Result<String, String> {
    if app == App::Webapps && id <= 0 {
        return Err("A backupId must be provided and it must be > 0".to_owned());
    }
    let kind = if app == App::Operate { "Integer" } else { "Long" };
    if id < 0 {
        return Err(format!("BackupId must be a non-negative {kind}. Received value: {id}"));
    }
    Ok(id.to_string())
}

/// Tasklist prints its JSON on many lines.
fn app_json(app: App, status: u16, body: &Value) -> Answer {
    if app == App::Tasklist {
        answer::text_answer(status, "application/json", format!("{body:#}"))
    } else {
        answer::json_answer(status, body)
    }
}

#[allow(clippy::cast_possible_truncation)] // Jackson cuts 1.7 to 1, and so do we
fn truncated(number: &serde_json::Number) -> Number {
    number
        .as_f64()
        .filter(|value| value.abs() < 1e15)
        .map_or(Number::Unreadable, |value| Number::Is(value as i64))
}

/// The statuses of 8.8+.
pub(crate) fn combined_status(refusal: &AppRefusal) -> u16 {
    match refusal {
        AppRefusal::NotConfigured | AppRefusal::Duplicate { .. } | AppRefusal::Running => 400,
        AppRefusal::NoRepository(_) | AppRefusal::Unknown(_) => 404,
        AppRefusal::StoreDown(..) => 502,
        AppRefusal::Unreadable(_) | AppRefusal::Poisoned { .. } => 500,
    }
}

fn operate_error(status: u16, message: &str) -> Answer {
    let kind = if status == 404 { "Requested resource not found" } else { "Invalid request" };
    answer::problem_answer(
        status,
        &json!({"status": status, "message": message, "instance": INSTANCE, "type": kind}),
    )
}

fn tasklist_error(status: u16, message: &str) -> Answer {
    let instance = if status >= 500 { Value::Null } else { json!(INSTANCE) };
    let body = json!({"status": status, "message": message, "instance": instance});
    answer::text_answer(status, "application/problem+json", format!("{body:#}"))
}
