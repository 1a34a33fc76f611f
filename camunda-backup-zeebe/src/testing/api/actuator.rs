//! The actuator endpoints that every component has: links, info, health.

use camunda_backup_core::{BrokerId, Component};
use serde_json::{Map, Value, json};

use crate::testing::state::snapshot_queue::App;
use crate::testing::state::world::World;
use crate::testing::wire::answer;
use crate::testing::wire::answer::Answer;
use crate::testing::wire::exchange::Exchange;
use crate::testing::wire::route::Target;

impl World {
    pub(crate) fn framework(&self, exchange: &Exchange, status: u16, detail: Option<&str>) -> Answer {
        answer::framework_error(&self.dialect, self.wall(self.now), exchange, status, detail)
    }

    /// `/actuator`: what there is.
    pub(crate) fn answer_links(&self, exchange: &Exchange, target: Target) -> Answer {
        let mut names: Vec<(&str, &str)> = vec![
            ("self", ""),
            ("prometheus", "/prometheus"),
            ("health", "/health"),
            ("health-path", "/health/{*path}"),
            ("loggers", "/loggers"),
        ];
        let line = self.dialect.line();
        if self.dialect.has_info() {
            names.push(("info", "/info"));
        }
        match target {
            Target::App(_) if line <= (8, 1) => names.push(("backup", "/backup")),
            Target::App(_) => names.extend([("backups", "/backups"), ("usage-metrics", "/usage-metrics")]),
            _ => names.extend(self.zeebe_links(target)),
        }
        let entry = |(name, path): (&str, &str)| {
            let href = format!("{}/actuator{path}", exchange.origin);
            (name.to_owned(), json!({"href": href, "templated": path.contains('{')}))
        };
        let links: Map<String, Value> = names.into_iter().map(entry).collect();
        answer::actuator_answer(exchange, 200, &json!({ "_links": links }))
    }

    fn zeebe_links(&self, target: Target) -> Vec<(&'static str, &'static str)> {
        let line = self.dialect.line();
        let mut names = vec![("rebalance", "/rebalance")];
        if target != Target::Gateway || line >= (8, 8) {
            names
                .extend([("partitions", "/partitions"), ("partitions-operation", "/partitions/{operation}")]);
        }
        match line {
            line if line <= (8, 1) => names.push(("backups-id", "/backups/{id}")),
            line if line <= (8, 7) => {
                names.extend([("backups", "/backups"), ("backups-id", "/backups/{id}")]);
            }
            _ => names.extend([
                ("backupRuntime", "/backupRuntime"),
                ("backupRuntime-arguments", "/backupRuntime/{*arguments}"),
                ("backupHistory", "/backupHistory"),
            ]),
        }
        if self.dialect.wraps_exporting() || self.dialect.keeps_pause_in_configuration() {
            names.push(("exporting", "/exporting"));
        } else {
            names.push(("exporting-operationKey", "/exporting/{operationKey}"));
        }
        if self.dialect.has_cluster() {
            names.push(("cluster", "/cluster"));
        }
        if self.dialect.has_exporters() {
            names.push(("exporters", "/exporters"));
        }
        names
    }

    pub(crate) fn answer_info(&self, exchange: &Exchange, target: Target) -> Answer {
        if !self.dialect.has_info() {
            return self.framework(exchange, 404, None);
        }
        let component = match target {
            Target::Gateway | Target::Rest => Component::Zeebe,
            Target::Broker(id) => Component::Broker(BrokerId::from(id)),
            Target::App(app) => app.component(),
        };
        let version = self.version_of(&component).to_string();
        let build = json!({
            "java": {"version": "21.0.4"}, "description": "Zeebe Distribution", "version": version,
            "artifact": "camunda-zeebe", "name": "Zeebe Distribution", "time": "2024-10-02T11:04:00.970Z",
            "group": "io.camunda"
        });
        answer::actuator_answer(exchange, 200, &json!({ "build": build }))
    }

    /// `/actuator/health[/{group}]`.
    pub(crate) fn answer_health(&self, exchange: &Exchange, target: Target, group: Option<&str>) -> Answer {
        let up = match target {
            Target::Broker(id) => self.is_ready(id),
            Target::App(app) => !self.store_of(app).is_down(),
            Target::Gateway | Target::Rest => true,
        };
        if let (Target::Broker(_), true) = (target, self.dialect.line() <= (8, 4)) {
            // Always UP, even when the broker is not ready; no groups.
            return match group {
                None => answer::actuator_answer(exchange, 200, &json!({"status": "UP"})),
                Some(_) => answer::empty_answer(404),
            };
        }
        let known: &[&str] = match target {
            Target::Broker(_) => &["readiness", "startup", "status"],
            Target::Gateway | Target::Rest => &["liveness", "readiness", "startup"],
            Target::App(_) => &["liveness", "readiness"],
        };
        if group.is_some_and(|group| !known.contains(&group)) {
            return answer::empty_answer(404);
        }
        if matches!(group, Some("liveness" | "startup")) || up {
            let mut body = json!({"status": "UP"});
            if self.dialect.line() >= (8, 6) && group != Some("startup") && group != Some("status") {
                body["components"] = self.health_components(target);
            }
            if group.is_none() {
                body["groups"] = json!(known);
            }
            return answer::actuator_answer(exchange, 200, &body);
        }
        answer::actuator_answer(exchange, 503, &json!({"status": "DOWN"}))
    }

    fn health_components(&self, target: Target) -> Value {
        match target {
            Target::Broker(id) => json!({"brokerReady": {"status": "UP"}, "diskSpace": self.disk(id)}),
            Target::Gateway | Target::Rest => {
                let partitions: Map<String, Value> = self
                    .partitions
                    .iter()
                    .map(|partition| (format!("Partition {}", partition.id), json!("HEALTHY")))
                    .collect();
                json!({"clusterHealth": {"status": "UP", "details": partitions}})
            }
            Target::App(app) => {
                let check = if app == App::Tasklist { "searchEngineCheck" } else { "indicesCheck" };
                json!({check: {"status": "UP"}, "readinessState": {"status": "UP"}})
            }
        }
    }

    fn disk(&self, id: u32) -> Value {
        let free = self.broker(id).map_or(0, |broker| broker.free_disk_bytes);
        let total: u64 = 100 * 1024 * 1024 * 1024;
        json!({"status": "UP", "details": {"total": total, "free": free, "threshold": 10_485_760, "exists": true}})
    }

    /// `/ready`, `/health`, `/startup` of brokers up to 8.4.
    pub(crate) fn answer_old_probe(&self, exchange: &Exchange, broker: u32) -> Answer {
        if self.dialect.line() > (8, 4) {
            return self.framework(exchange, 404, None);
        }
        answer::empty_answer(if self.is_ready(broker) { 204 } else { 503 })
    }

    /// `/actuator/prometheus` of a broker, as far as disks go.
    pub(crate) fn answer_metrics(&self, broker: u32) -> Answer {
        let free = self.broker(broker).map_or(0, |broker| broker.free_disk_bytes);
        let text = format!(
            "# HELP disk_free_bytes Usable space for path\n# TYPE disk_free_bytes gauge\n\
             disk_free_bytes{{path=\"/usr/local/zeebe/.\"}} {free}\n\
             # HELP disk_total_bytes Total space for path\n# TYPE disk_total_bytes gauge\n\
             disk_total_bytes{{path=\"/usr/local/zeebe/.\"}} 107374182400\n"
        );
        answer::text_answer(200, "text/plain;version=0.0.4;charset=utf-8", text)
    }
}
