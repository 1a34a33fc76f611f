//! What the replicas of one broker do: the only truth about pause and resume.

use std::collections::BTreeMap;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Call, Effect, Error, HttpClient, PartitionId, Response, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Answer, FromAnswer, integer, text};
use crate::dialect::Dialect;
use crate::open_enum::open_enum;
use crate::{forbidden, missing_endpoint};

const STATUSES: &str = "broker.partitions.statuses";
const RESUME: &str = "broker.partitions.resume-exporting";

open_enum! {
    /// What a replica is in its partition's Raft group.
    Role {
        /// It leads: the only one that processes and exports.
        Leader = "LEADER",
        /// It follows.
        Follower = "FOLLOWER",
        /// It runs for leader.
        Candidate = "CANDIDATE",
        /// It takes no part.
        Inactive = "INACTIVE",
    }
}

open_enum! {
    /// What a replica's exporters do.
    ExporterPhase {
        /// They export.
        Exporting = "EXPORTING",
        /// Paused hard: nothing is exported.
        Paused = "PAUSED",
        /// Paused softly: exported, but the acknowledged position is frozen.
        SoftPaused = "SOFT_PAUSED",
        /// There is no exporter, or it has not been opened.
        Closed = "CLOSED",
    }
}

/// What one replica does. Up to 8.2 followers show no phase and no positions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PartitionStatus {
    /// What it is in its Raft group.
    pub role: Role,
    /// What its exporters do; `None` is not known, never "not paused".
    pub exporter_phase: Option<ExporterPhase>,
    /// The log position up to which every exporter has acknowledged.
    pub exported_position: Option<i64>,
    /// The log position up to which it has processed.
    pub processed_position: Option<i64>,
    /// The id of its latest snapshot.
    pub snapshot_id: Option<String>,
    /// The server's word, such as `PROCESSING`, `REPLAY`, `PAUSED`.
    pub stream_processor_phase: Option<String>,
    /// The server's word, such as `HEALTHY` (8.7+).
    pub health: Option<String>,
}

impl FromAnswer for PartitionStatus {
    fn from_answer(json: &Value) -> Result<Self, String> {
        let health = json.get("health").and_then(|health| match health {
            Value::String(word) => Some(word.clone()),
            tree => text(tree, "status"),
        });
        Ok(Self {
            role: Role::from_word(&text(json, "role").ok_or("a partition without role")?),
            exporter_phase: text(json, "exporterPhase").map(|word| ExporterPhase::from_word(&word)),
            exported_position: integer(json, "exportedPosition"),
            processed_position: integer(json, "processedPosition"),
            snapshot_id: text(json, "snapshotId"),
            stream_processor_phase: text(json, "streamProcessorPhase"),
            health,
        })
    }
}

type Statuses = BTreeMap<PartitionId, PartitionStatus>;

/// A map from partition to status; 8.10 with physical tenants puts one such map under each tenant's name.
impl FromAnswer for Statuses {
    fn from_answer(json: &Value) -> Result<Self, String> {
        let mut statuses = Self::new();
        for (key, value) in json.as_object().ok_or("not an object")? {
            let found = match key.parse() {
                Ok(partition) => Self::from([(PartitionId(partition), PartitionStatus::from_answer(value)?)]),
                Err(_) if value.is_object() && value.get("role").is_none() => one_tenant(value)?,
                Err(_) => return Err("a key that is no partition".to_owned()),
            };
            for (partition, status) in found {
                if statuses.insert(partition, status).is_some() {
                    return Err(format!("partition {partition} of several physical tenants"));
                }
            }
        }
        Ok(statuses)
    }
}

fn one_tenant(json: &Value) -> Result<Statuses, String> {
    let members = json.as_object().into_iter().flatten();
    members
        .map(|(key, value)| {
            let partition = key.parse().map_err(|_| "a key that is no partition")?;
            Ok((PartitionId(partition), PartitionStatus::from_answer(value)?))
        })
        .collect()
}

/// The partitions of one broker: `/actuator/partitions` on its own management address (8.1+). Behind a service that
/// balances over several brokers the answers would be anybody's.
#[derive(Debug, Clone)]
pub struct Partitions {
    http: HttpClient,
    dialect: Dialect,
}

impl Partitions {
    /// A client for one broker. Sends nothing.
    pub fn new(http: HttpClient, dialect: Dialect) -> Self {
        Self { http, dialect }
    }

    /// The HTTP handle.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// Reads what each replica of this broker does.
    ///
    /// An empty map is what a broker shows while it starts, when it is no member, and when its pause marker is broken:
    /// it proves nothing.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) from a stand-alone gateway, and where the endpoint is not exposed.
    pub async fn statuses(&self) -> Result<BTreeMap<PartitionId, PartitionStatus>> {
        match self.http.send(Call::get(STATUSES, "/actuator/partitions")).await {
            Ok(response) => self.decode(STATUSES, Effect::Read, &response),
            Err(error) => Err(missing_endpoint::explained(&self.http, "partitions", error).await),
        }
    }

    /// The request that resumes exporting on this broker alone, which works when the gateway refuses because another
    /// broker is down.
    pub fn resume_exporting_call(&self) -> Call {
        let call = Call::post(RESUME, Effect::Idempotent, "/actuator/partitions/resumeExporting");
        self.dialect.with_empty_body(call)
    }

    /// Resumes exporting on this broker alone and reads what its replicas do then.
    ///
    /// # Guarantees
    /// Only replicas on this broker are touched. Repeating it is harmless.
    ///
    /// # Cancellation
    /// Dropping the future leaves the effect unknown.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a 204, with which the servers answer operations that they do not
    /// know. Newer 8.10 builds keep the pause in the cluster configuration and refuse this.
    pub async fn resume_exporting(&self) -> Result<BTreeMap<PartitionId, PartitionStatus>> {
        let sent = self.http.send(self.resume_exporting_call()).await;
        let response = sent.map_err(|error| forbidden::explained(error, &self.http))?;
        if response.status == http::StatusCode::NO_CONTENT {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this broker does not know the operation and did nothing",
            )
            .with_component(self.http.component().clone())
            .with_operation(RESUME)
            .with_status(response.status)
            .with_outcome(camunda_backup_core::Outcome::Refused)
            .with_advice(
                "resume through the gateway, or restart the broker that is missing and then resume",
            ));
        }
        self.decode(RESUME, Effect::Idempotent, &response)
    }

    fn decode(&self, operation: &'static str, effect: Effect, response: &Response) -> Result<Statuses> {
        let Answer(statuses) = self.http.decode(operation, effect, None, response)?;
        Ok(statuses)
    }
}

#[cfg(test)]
mod tests;
