//! The REST API on the application port: topology, and from 8.10 backups and exporting.

use camunda_backup_core::{Component, Timestamp};
use http::Method;
use serde_json::{Value, json};

use crate::testing::control::observe::PauseKind;
use crate::testing::state::app_backup::AppBackup;
use crate::testing::state::partition::Phase;
use crate::testing::state::snapshot_queue::{App, AppRefusal};
use crate::testing::state::world::World;
use crate::testing::state::zeebe_backup::Refusal;
use crate::testing::wire::answer;
use crate::testing::wire::answer::Answer;
use crate::testing::wire::exchange::{self, Exchange, Number};

fn problem(exchange: &Exchange, status: u16, detail: &str) -> Answer {
    let title = http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("Error");
    let body = json!({"type": "about:blank", "title": title, "status": status, "detail": detail,
                      "instance": exchange.path});
    answer::problem_answer(status, &body)
}

fn refused(exchange: &Exchange, refusal: &Refusal) -> Answer {
    let status = if refusal.status == 502 { 503 } else { refusal.status };
    answer::after(refusal.after, problem(exchange, status, &refusal.message))
}

impl World {
    pub(crate) fn answer_rest(&mut self, exchange: &Exchange) -> Answer {
        let segments = exchange.segments();
        let prefix = self.dialect.rest_prefix().unwrap_or_default();
        if segments.first() != Some(&prefix) {
            return self.rest_not_found(exchange);
        }
        if segments.get(1..) == Some(&["status"]) && self.dialect.line() >= (8, 8) {
            let led = self.partitions.iter().any(|partition| partition.leader.is_some());
            return answer::empty_answer(if led { 204 } else { 503 });
        }
        if self.options.require_rest_auth && !exchange.has_credentials {
            return self.rest_unauthorized(exchange);
        }
        let (method, is_8_10) = (&exchange.method, self.dialect.line() >= (8, 10));
        match (&segments[1..], method) {
            (["topology"], &Method::GET) => {
                let body = self.topology_body();
                answer::json_answer(200, &body)
            }
            (["exporting", rest @ ..], _) if is_8_10 => self.rest_exporting(exchange, rest),
            (["backups", "runtime", rest @ ..], _) if is_8_10 => self.rest_runtime(exchange, rest),
            (["backups", "history", rest @ ..], _) if is_8_10 => self.rest_history(exchange, rest),
            _ => self.rest_not_found(exchange),
        }
    }

    fn rest_not_found(&self, exchange: &Exchange) -> Answer {
        if self.dialect.line() <= (8, 5) {
            return self.framework(exchange, 404, None);
        }
        problem(exchange, 404, &format!("No endpoint {} {}.", exchange.method, exchange.path))
    }

    fn rest_unauthorized(&self, exchange: &Exchange) -> Answer {
        if self.dialect.line() <= (8, 7) {
            return answer::message_answer(401, "");
        }
        let mut answer =
            problem(exchange, 401, "An Authentication object was not found in the SecurityContext");
        if let Answer::Response(response) = &mut answer {
            let challenge = http::HeaderValue::from_static("Basic realm=\"Camunda\"");
            response.headers.insert(http::header::WWW_AUTHENTICATE, challenge);
        }
        answer
    }

    fn rest_exporting(&mut self, exchange: &Exchange, rest: &[&str]) -> Answer {
        let what = match (rest, &exchange.method) {
            ([], &Method::GET) => {
                return answer::json_answer(200, &json!({"status": self.exporting_status()}));
            }
            (["pause"], &Method::POST) => match exchange.parameter("soft") {
                Some("true") => PauseKind::Soft,
                None | Some("false" | "") => PauseKind::Hard,
                Some(_) => return problem(exchange, 400, "Failed to convert 'soft' with value"),
            },
            (["resume"], &Method::POST) => PauseKind::Resume,
            _ => return self.rest_not_found(exchange),
        };
        if self.gateway_is_ignorant() {
            return problem(exchange, 503, "The cluster configuration is not known yet");
        }
        match self.change_exporting(what) {
            Ok(()) => answer::empty_answer(204),
            Err(message) => problem(exchange, 500, &message),
        }
    }

    /// One word over every replica.
    fn exporting_status(&self) -> &'static str {
        let mut phases = self.replicas.values().map(|replica| replica.phase);
        let first = phases.next().unwrap_or(Phase::Exporting);
        let known = self.other_phases.is_empty();
        if known && phases.all(|phase| phase == first) { first.word() } else { "MIXED" }
    }

    fn rest_runtime(&mut self, exchange: &Exchange, rest: &[&str]) -> Answer {
        match (rest, &exchange.method) {
            ([], &Method::POST) => self.rest_post_runtime(exchange),
            ([], &Method::GET) => {
                let prefix =
                    exchange.parameter("prefix").map(|prefix| prefix.trim_end_matches('*').to_owned());
                if let Err(refusal) = self.reach_bucket() {
                    return refused(exchange, &refusal);
                }
                let mut backups = self.visible_backups(prefix.as_deref());
                backups.sort_by_key(|backup| std::cmp::Reverse(backup.id));
                let infos: Vec<Value> = backups.iter().map(|b| self.backup_info(b, false, true)).collect();
                answer::json_answer(200, &Value::Array(infos))
            }
            (["state"], &Method::GET) | (["state", "sync"], &Method::POST) => {
                answer::json_answer(200, &self.backup_state(true))
            }
            (["state"], &Method::DELETE) => answer::empty_answer(204),
            ([id], &Method::GET) => self.rest_get_runtime(exchange, id),
            ([id], &Method::DELETE) => {
                let Number::Is(id) = exchange::number_in_text(id) else {
                    return problem(exchange, 400, "Bad id");
                };
                if let Err(refusal) = self.reach_bucket() {
                    return refused(exchange, &refusal);
                }
                self.backups.taken.retain(|backup| backup.id != id);
                answer::empty_answer(204)
            }
            _ => self.rest_not_found(exchange),
        }
    }

    fn rest_post_runtime(&mut self, exchange: &Exchange) -> Answer {
        let body = exchange.json().unwrap_or_default();
        let id = match exchange::converted_number(body.get("backupId")) {
            Number::Is(id) => Some(id),
            Number::Missing => None,
            Number::Unreadable => {
                return problem(exchange, 400, "Request property [backupId] cannot be parsed");
            }
        };
        let taken = self.take_zeebe_backup(id);
        self.count_post(Component::Zeebe, id.or(taken.as_ref().ok().copied()).unwrap_or_default());
        match taken {
            Ok(id) => answer::json_answer(202, &json!({ "backupId": id })),
            Err(refusal) => refused(exchange, &refusal),
        }
    }

    fn rest_get_runtime(&mut self, exchange: &Exchange, id: &str) -> Answer {
        let Number::Is(id) = exchange::number_in_text(id) else { return problem(exchange, 400, "Bad id") };
        if let Err(refusal) = self.reach_bucket() {
            return refused(exchange, &refusal);
        }
        match self.backups.find(id).cloned() {
            Some(backup) => answer::json_answer(200, &self.backup_info(&backup, true, true)),
            None => problem(exchange, 404, &format!("Backup with id {id} does not exist")),
        }
    }

    fn rest_history(&mut self, exchange: &Exchange, rest: &[&str]) -> Answer {
        if !self.apps.contains_key(&App::Webapps) {
            return problem(exchange, 403, "Secondary storage is not Elasticsearch or OpenSearch");
        }
        match (rest, &exchange.method) {
            ([], &Method::POST) => {
                let body = exchange.json().unwrap_or_default();
                let id = match exchange::converted_number(body.get("backupId")) {
                    Number::Is(id) if id > 0 => id,
                    _ => return problem(exchange, 400, "backupId must be greater than 0"),
                };
                self.count_post(Component::Webapps, id);
                match self.schedule_app_backup(App::Webapps, &id.to_string()) {
                    Ok(names) => {
                        answer::json_answer(202, &json!({"backupId": id, "scheduledSnapshots": names}))
                    }
                    Err(refusal) => self.rest_history_refused(exchange, &refusal),
                }
            }
            ([], &Method::GET) => match self.app_backups(App::Webapps) {
                Ok(backups) => {
                    let prefix = exchange.parameter("prefix").unwrap_or_default().trim_end_matches('*');
                    let wanted = backups.iter().filter(|backup| backup.id.starts_with(prefix));
                    let verbose = exchange.parameter("verbose") != Some("false");
                    let infos: Vec<Value> = wanted.map(|backup| rest_info(backup, verbose)).collect();
                    answer::json_answer(200, &Value::Array(infos))
                }
                Err(refusal) => self.rest_history_refused(exchange, &refusal),
            },
            ([id], &Method::GET) => match self.app_backup(App::Webapps, id) {
                Ok(backup) => answer::json_answer(200, &rest_info(&backup, true)),
                Err(refusal) => self.rest_history_refused(exchange, &refusal),
            },
            ([id], &Method::DELETE) => match self.delete_app_backup(App::Webapps, id) {
                Ok(true) => answer::empty_answer(204),
                Ok(false) => problem(exchange, 404, &format!("No backup with id [{id}] found.")),
                Err(refusal) => self.rest_history_refused(exchange, &refusal),
            },
            _ => self.rest_not_found(exchange),
        }
    }

    fn rest_history_refused(&self, exchange: &Exchange, refusal: &AppRefusal) -> Answer {
        let text = self.refusal_text(App::Webapps, refusal);
        let status = match refusal {
            AppRefusal::NotConfigured | AppRefusal::NoRepository(_) => 403,
            AppRefusal::Duplicate { .. } | AppRefusal::Running => 409,
            AppRefusal::Unknown(_) => 404,
            AppRefusal::StoreDown(..) => 503,
            AppRefusal::Unreadable(_) | AppRefusal::Poisoned { .. } => 500,
        };
        problem(exchange, status, &text)
    }
}

fn rest_info(backup: &AppBackup, verbose: bool) -> Value {
    let detail = |(name, facts): &(String, crate::testing::SnapshotFacts)| {
        let start = Timestamp::from_millis(facts.start_millis).to_string();
        if verbose {
            json!({"snapshotName": name, "state": facts.state, "startTime": start, "failures": facts.failures})
        } else {
            json!({"snapshotName": name, "state": null, "startTime": null, "failures": []})
        }
    };
    let details: Vec<Value> = backup.parts.iter().map(detail).collect();
    json!({"backupId": backup.id.parse::<i64>().unwrap_or_default(), "state": backup.state,
           "failureReason": backup.failure, "details": details})
}
