//! Pausing and resuming: for the whole cluster through a gateway, or on one broker.

use serde_json::{Value, json};

use crate::testing::control::observe::PauseKind;
use crate::testing::state::world::World;
use crate::testing::wire::answer;
use crate::testing::wire::answer::Answer;
use crate::testing::wire::exchange::Exchange;

impl World {
    /// Sends a pause or resume to every replica. Fails on the first that cannot be reached; the others have done it.
    pub(crate) fn change_exporting(&mut self, what: PauseKind) -> Result<(), String> {
        if !self.topology_is_complete() {
            return Err(self.incomplete_topology());
        }
        let keys: Vec<(u32, u32)> = self.replicas.keys().copied().collect();
        let mut failed = None;
        for key in keys {
            if self.is_ready(key.0) {
                self.change_phase(key, what, false);
                self.keep_acknowledged(key, what);
            } else {
                failed = Some(key.0);
            }
        }
        failed.map_or(Ok(()), |broker| {
            Err(format!(
                "Failed to connect channel for address broker-{broker}.sim:26501 (resolved: unresolved) : \
                         io.netty.channel.AbstractChannel$AnnotatedConnectException: Connection refused"
            ))
        })
    }

    /// A resume lets the leader keep what was acknowledged during a soft pause.
    pub(crate) fn keep_acknowledged(&mut self, key: (u32, u32), what: PauseKind) {
        if let Some(partition) = self.partitions.iter_mut().find(|p| p.id == key.1) {
            if what == PauseKind::Resume && partition.leader == Some(key.0) {
                partition.persisted = partition.exported;
            }
        }
    }

    fn incomplete_topology(&self) -> String {
        for (index, partition) in self.partitions.iter().enumerate() {
            let known = partition.replicas.iter().filter(|id| self.is_ready(**id)).count();
            if known == partition.replicas.len() {
                continue;
            }
            if partition.leader.is_none() || !self.has_majority(index) {
                return self.unknown_leader(partition.id);
            }
            let expected = partition.replicas.len();
            return format!("Expected {expected} members of partition {} but found {known}", partition.id);
        }
        format!("Found 0 partitions but expected {}, current topology: Topology{{}}", self.partitions.len())
    }

    fn unknown_leader(&self, partition: u32) -> String {
        let ready = |id: &&u32| self.is_ready(**id);
        let all: Vec<u32> = self.brokers.iter().map(|broker| broker.id).collect();
        let brokers: Vec<&u32> = all.iter().filter(ready).collect();
        let partitions: Vec<u32> = self.partitions.iter().map(|partition| partition.id).collect();
        format!(
            "Leader -2 of partition {partition} is not known, current topology: \
             BrokerClusterStateImpl{{partitionLeaders={{}}, brokers={brokers:?}, partitions={partitions:?}, \
             clusterSize={}, partitionsCount={}, replicationFactor={}}}",
            all.len(),
            partitions.len(),
            self.options.replication
        )
    }

    /// `/actuator/exporting/{operation}`.
    pub(crate) fn answer_exporting(&mut self, exchange: &Exchange, operation: &str) -> Answer {
        if exchange.method != http::Method::POST {
            return self.framework(exchange, if operation.is_empty() { 404 } else { 405 }, None);
        }
        let soft = match exchange.parameter("soft") {
            _ if !self.dialect.knows_soft_pause() => false,
            None => false,
            Some(word) if word.eq_ignore_ascii_case("true") => true,
            Some(word) if word.is_empty() || word.eq_ignore_ascii_case("false") => false,
            Some(_) => return self.framework(exchange, 400, Some("Parameter mapping failure")),
        };
        let what = match operation {
            "pause" if soft => PauseKind::Soft,
            "pause" => PauseKind::Hard,
            "resume" => PauseKind::Resume,
            _ => return self.exporting_failed(None),
        };
        if self.gateway_is_ignorant() {
            let found = format!("Found 0 partitions but expected {}", self.partitions.len());
            let lies = self.dialect.lies_after_start();
            return if lies { self.exporting_done() } else { self.exporting_failed(Some(&found)) };
        }
        match self.change_exporting(what) {
            Ok(()) => self.exporting_done(),
            Err(message) => self.exporting_failed(Some(&message)),
        }
    }

    fn exporting_done(&self) -> Answer {
        if self.dialect.wraps_exporting() {
            answer::json_answer(200, &json!({"body": null, "status": 204, "contentType": null}))
        } else {
            answer::empty_answer(204)
        }
    }

    fn exporting_failed(&self, message: Option<&str>) -> Answer {
        let class = if message.is_some() {
            "java.util.concurrent.CompletionException"
        } else {
            "UnsupportedOperation"
        };
        let exception = answer::exception(class, message);
        if self.dialect.wraps_exporting() {
            answer::json_answer(200, &json!({"body": exception, "status": 500, "contentType": null}))
        } else if self.dialect.keeps_pause_in_configuration() {
            answer::message_answer(500, message.unwrap_or("Unknown operation"))
        } else {
            answer::json_answer(500, &exception)
        }
    }

    /// `/actuator/partitions/{operation}` of one broker: reaches its own replicas only. Unknown operations are 204.
    pub(crate) fn answer_partition_operation(
        &mut self,
        exchange: &Exchange,
        broker: u32,
        operation: &str,
    ) -> Answer {
        if exchange.method != http::Method::POST {
            return self.framework(exchange, 405, None);
        }
        let what = match operation {
            "pauseExporting" => Some(PauseKind::Hard),
            "softPauseExporting" if self.dialect.knows_soft_pause() => Some(PauseKind::Soft),
            "resumeExporting" => Some(PauseKind::Resume),
            "pauseProcessing" | "resumeProcessing" | "takeSnapshot" => None,
            _ => return answer::empty_answer(204),
        };
        if let Some(what) = what {
            if self.dialect.keeps_pause_in_configuration() {
                return answer::message_answer(400, "Exporting is controlled by the cluster configuration");
            }
            let own: Vec<(u32, u32)> = self.replicas.keys().copied().filter(|key| key.0 == broker).collect();
            let ready = self.is_ready(broker);
            for key in own.into_iter().filter(|_| ready) {
                self.change_phase(key, what, false);
                self.keep_acknowledged(key, what);
            }
        }
        let body = self.partitions_of(broker);
        answer::actuator_answer(exchange, 200, &body)
    }

    /// `/actuator/partitions` of one broker; an empty object while it starts.
    pub(crate) fn partitions_of(&self, broker: u32) -> Value {
        if !self.is_ready(broker) {
            return json!({});
        }
        let own = self.partitions.iter().filter(|partition| partition.replicas.contains(&broker));
        Value::Object(own.map(|p| (p.id.to_string(), self.partition_status(p, broker))).collect())
    }
}
