//! Topology, partitions, the cluster's configuration and its exporters.

use std::time::Duration;

use serde_json::{Value, json};

use crate::testing::control::options::CamundaOptions;
use crate::testing::state::partition::{Partition, Phase};
use crate::testing::state::world::World;
use crate::testing::wire::answer;
use crate::testing::wire::answer::Answer;
use crate::testing::wire::exchange::Exchange;

/// The dynamic configuration, as far as backups look at it.
#[derive(Debug)]
pub(crate) struct ClusterConfiguration {
    version: i64,
    exporters: Vec<(String, bool)>,
    last_change: Option<(i64, Duration)>,
    pending: Option<i64>,
}

impl ClusterConfiguration {
    pub(crate) fn new(options: &CamundaOptions) -> Self {
        let mut exporters = Vec::new();
        if options.webapps {
            exporters.push(("camundaexporter".to_owned(), true));
        }
        if options.record_exporter {
            exporters.push(("elasticsearch".to_owned(), true));
        }
        Self { version: 1, exporters, last_change: None, pending: None }
    }

    pub(crate) fn exporters_run(&self) -> bool {
        self.exporters.iter().all(|(_, enabled)| *enabled)
    }

    pub(crate) fn set_exporters_enabled(&mut self, enabled: bool) {
        for exporter in &mut self.exporters {
            exporter.1 = enabled;
        }
    }

    pub(crate) fn set_pending(&mut self, pending: bool, at: Duration) {
        if pending {
            self.pending = Some(self.version + 1);
        } else if let Some(id) = self.pending.take() {
            self.version = id;
            self.last_change = Some((id, at));
        }
    }

    /// Enables or disables one exporter as a change of its own; the new version.
    fn change_exporter(&mut self, id: &str, enabled: bool, at: Duration) -> i64 {
        if let Some(exporter) = self.exporters.iter_mut().find(|(known, _)| known == id) {
            exporter.1 = enabled;
        }
        let change = self.version + 1;
        self.version += 2;
        self.last_change = Some((change, at));
        change
    }
}

impl World {
    /// One entry of `/actuator/partitions`.
    pub(crate) fn partition_status(&self, partition: &Partition, broker: u32) -> Value {
        let leads = partition.leader == Some(broker);
        let hidden = self.dialect.hides_followers() && !leads;
        let phase =
            self.replicas.get(&(broker, partition.id)).map_or(Phase::Exporting, |replica| replica.phase);
        let processed = partition.position.saturating_sub(1);
        let id = self.dialect.snapshot_id(processed, partition.persisted, broker);
        let shown = |value: Value| if hidden { Value::Null } else { value };
        let other = self.other_phases.get(&(broker, partition.id));
        let exported = match phase {
            _ if self.exporter_is_closed(broker, partition) => json!(-1),
            Phase::SoftPaused => json!(partition.persisted),
            _ => json!(partition.exported),
        };
        let mut status = json!({
            "role": if leads { "LEADER" } else { "FOLLOWER" },
            "processedPosition": shown(json!(processed)),
            "snapshotId": id,
            "processedPositionInSnapshot": processed,
            "streamProcessorPhase": shown(json!(if leads { "PROCESSING" } else { "REPLAY" })),
            "exporterPhase": shown(json!(other.map_or(phase.word(), String::as_str))),
            "exportedPosition": shown(exported)
        });
        if self.dialect.line() >= (8, 6) {
            let instant = self.wall(self.now).to_string();
            status["clock"] = json!({"instant": instant, "modificationType": "None", "modification": {}});
        }
        if self.dialect.line() >= (8, 7) {
            status["health"] =
                json!({"id": format!("Partition-{}", partition.id), "status": "HEALTHY", "children": []});
        }
        status
    }

    /// `/v1/topology`, `/v2/topology`.
    pub(crate) fn topology_body(&mut self) -> Value {
        let ignorant = self.gateway_is_ignorant();
        let visible: Vec<u32> = self.brokers.iter().map(|b| b.id).filter(|id| self.is_visible(*id)).collect();
        let brokers: Vec<Value> =
            visible.iter().filter(|_| !ignorant).map(|id| self.broker_in_topology(*id)).collect();
        let mut body = json!({
            "brokers": self.shuffled(brokers),
            "clusterSize": self.brokers.len(),
            "partitionsCount": self.partitions.len(),
            "replicationFactor": self.options.replication,
            "gatewayVersion": self.version_of(&camunda_backup_core::Component::Zeebe).to_string()
        });
        if self.dialect.line() >= (8, 8) {
            let id = self.cluster.last_change.map_or(-1, |(id, _)| id);
            body["lastCompletedChangeId"] = json!(id.to_string());
        }
        if self.dialect.line() >= (8, 9) {
            body["clusterId"] = Value::Null;
        }
        body
    }

    fn broker_in_topology(&self, id: u32) -> Value {
        let starting = self.is_alive(id) && !self.is_ready(id);
        let held = self.partitions.iter().filter(|p| p.replicas.contains(&id) && !starting);
        let partitions: Vec<Value> = held
            .map(|partition| {
                // A dead broker is shown with its old role until it is forgotten or another one leads.
                let leads = partition.leader.unwrap_or(partition.last_leader) == id
                    && (partition.leader.is_some() || !self.is_alive(id));
                let role = if leads { "leader" } else { "follower" };
                let mut entry = json!({"partitionId": partition.id, "role": role, "health": "healthy"});
                if self.dialect.line() >= (8, 10) {
                    entry["state"] = json!("active");
                }
                entry
            })
            .collect();
        let component = camunda_backup_core::Component::Broker(camunda_backup_core::BrokerId::from(id));
        let mut broker = json!({
            "nodeId": id, "host": format!("broker-{id}.sim"), "port": 26501,
            "partitions": partitions, "version": self.version_of(&component).to_string()
        });
        if self.dialect.line() >= (8, 10) {
            broker["brokerId"] = json!(id.to_string());
        }
        broker
    }

    /// `/actuator/cluster`; dead brokers stay ACTIVE.
    pub(crate) fn answer_cluster(&mut self, exchange: &Exchange) -> Answer {
        if exchange.method != http::Method::GET {
            return self.framework(exchange, 405, None);
        }
        if self.gateway_is_ignorant() {
            return answer::message_answer(
                502,
                "Expected to send a message with subject 'topology-query' to member '0', but member is not known. \
                 Known members are '[]'.",
            );
        }
        let ids: Vec<u32> = self.brokers.iter().map(|broker| broker.id).collect();
        let brokers: Vec<Value> = ids.iter().map(|id| self.member(*id)).collect();
        let mut body = json!({"version": self.cluster.version, "brokers": self.shuffled(brokers)});
        if let Some((id, at)) = self.cluster.last_change {
            let at = answer::nano_time(self.wall(at));
            body["lastChange"] = json!({"id": id, "status": "COMPLETED", "startedAt": at, "completedAt": at});
        }
        if let Some(id) = self.cluster.pending {
            let operation = json!({"operation": "PARTITION_JOIN", "brokerId": 0, "partitionId": 1, "priority": 1,
                                   "brokers": []});
            body["pendingChange"] =
                json!({"id": id, "status": "IN_PROGRESS", "completed": [], "pending": [operation]});
        }
        if self.dialect.line() >= (8, 8) {
            let every = json!({"strategy": "AllPartitions", "partitionCount": self.partitions.len()});
            let hash = json!({"strategy": "HashMod", "partitionCount": self.partitions.len()});
            body["routing"] = json!({"version": 1, "requestHandling": every, "messageCorrelation": hash});
        }
        answer::json_answer(200, &body)
    }

    fn member(&self, id: u32) -> Value {
        let held = self.partitions.iter().filter(|partition| partition.replicas.contains(&id));
        let partitions: Vec<Value> = held
            .map(|partition| {
                let mut entry = json!({"id": partition.id, "state": "ACTIVE", "priority": 1});
                if self.dialect.has_exporters() {
                    let state = |enabled: bool| if enabled { "ENABLED" } else { "DISABLED" };
                    let exporters: Vec<Value> = self
                        .cluster
                        .exporters
                        .iter()
                        .map(|(id, enabled)| json!({"id": id, "state": state(*enabled)}))
                        .collect();
                    entry["config"] = json!({"exporting": {"exporters": exporters}});
                }
                entry
            })
            .collect();
        json!({"id": id, "state": "ACTIVE", "version": 0, "lastUpdatedAt": "0000-01-01T00:00:00Z",
               "partitions": partitions})
    }

    /// `/actuator/exporters[/{id}/{operation}]`.
    pub(crate) fn answer_exporters(&mut self, exchange: &Exchange, rest: &[&str]) -> Answer {
        let post = exchange.method == http::Method::POST;
        match rest {
            [] if exchange.method == http::Method::GET => {
                let entry = |(id, enabled): &(String, bool)| {
                    let status = if *enabled { "ENABLED" } else { "DISABLED" };
                    let mut entry = json!({"exporterId": id, "status": status});
                    if self.dialect.line() >= (8, 10) {
                        entry["physicalTenant"] = json!("default");
                    }
                    entry
                };
                let entries: Vec<Value> = self.cluster.exporters.iter().map(entry).collect();
                answer::json_answer(200, &Value::Array(self.shuffled(entries)))
            }
            [id, "disable"] if post => self.switch_exporter(exchange, id, false),
            [id, "enable"] if post => self.switch_exporter(exchange, id, true),
            [_, _] => self.framework(exchange, 404, None),
            _ => self.framework(exchange, 405, None),
        }
    }

    fn switch_exporter(&mut self, exchange: &Exchange, id: &str, enable: bool) -> Answer {
        let known = self.cluster.exporters.iter().find(|(known, _)| known == id).map(|(_, enabled)| *enabled);
        let verb = if enable { "enable" } else { "disable" };
        match known {
            None => {
                let text = format!(
                    "Expected to {verb} exporter, but the partition '1' does not have the exporter '{id}'"
                );
                return answer::message_answer(400, &text);
            }
            Some(true) if enable => {
                let text = format!("Expected to enable exporter, but the exporter '{id}' is already enabled");
                return answer::message_answer(400, &text);
            }
            Some(_) => {}
        }
        if self.cluster.pending.is_some() {
            let text = "Cannot apply configuration change. Another configuration change \
                        [ClusterConfiguration[version=12]] is in progress.";
            return answer::message_answer(409, text);
        }
        let operation = if enable { "PARTITION_ENABLE_EXPORTER" } else { "PARTITION_DISABLE_EXPORTER" };
        let planned: Vec<Value> = self
            .replicas
            .keys()
            .map(|(broker, partition)| {
                json!({"operation": operation, "brokerId": broker, "partitionId": partition, "brokers": [],
                       "exporterId": id})
            })
            .collect();
        let ids: Vec<u32> = self.brokers.iter().map(|broker| broker.id).collect();
        let before: Vec<Value> = ids.iter().map(|id| self.member(*id)).collect();
        let dry_run = exchange.parameter("dryRun") == Some("true");
        let change = if dry_run {
            self.cluster.version + 1
        } else {
            self.cluster.change_exporter(id, enable, self.now)
        };
        let expected: Vec<Value> = ids.iter().map(|id| self.member(*id)).collect();
        let body = json!({"changeId": change, "currentTopology": before, "plannedChanges": planned,
                          "expectedTopology": expected});
        answer::json_answer(202, &body)
    }
}
