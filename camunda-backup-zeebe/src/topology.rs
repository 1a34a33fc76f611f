//! Who leads what: the only truthful sign that a cluster is ready.

mod problems;

use std::collections::BTreeMap;

use camunda_backup_core::{BrokerId, Call, Effect, HttpClient, PartitionId, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Answer, FromAnswer, entries, id, number, text};
use crate::dialect::{Dialect, TopologyApi};
use crate::partitions::{PartitionStatus, Role};
use crate::refusal;

const TOPOLOGY: &str = "rest.topology";

/// The brokers that the gateway sees now, and what the cluster is configured to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Topology {
    /// The visible brokers, sorted by id. A dead one disappears after 10–14 s; "listed" is not "alive".
    pub brokers: Vec<TopologyBroker>,
    /// How many brokers the cluster is configured to have. Not a live count.
    pub cluster_size: u32,
    /// How many partitions there are; they are numbered from 1.
    pub partitions_count: u32,
    /// How many replicas each partition is configured to have.
    pub replication_factor: u32,
    /// The version of the gateway that answered.
    pub gateway_version: Option<String>,
}

/// A broker that the gateway sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TopologyBroker {
    /// Its id.
    pub id: BrokerId,
    /// Its host name inside the cluster's network.
    pub host: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its replicas, sorted by partition.
    pub partitions: Vec<PartitionReplica>,
}

/// A replica of a partition on one broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PartitionReplica {
    /// The partition.
    pub partition: PartitionId,
    /// What it is in its Raft group.
    pub role: Role,
    /// Whether its health is the word `healthy` (or, made [from partitions](Topology::from_partitions), is not said to
    /// be anything else).
    pub healthy: bool,
    /// The server's word, such as `healthy`, `unhealthy`, `dead`; empty when it says nothing.
    pub health: String,
}

impl Topology {
    /// A topology from what each broker says of its own partitions, for versions without REST (up to 8.4).
    ///
    /// The given brokers are taken for all of the cluster, the highest partition for the count, the widest partition
    /// for the replication factor. A broker that shows no partition counts as not visible: it is starting, or broken.
    pub fn from_partitions(seen: &BTreeMap<BrokerId, BTreeMap<PartitionId, PartitionStatus>>) -> Self {
        let brokers: Vec<TopologyBroker> = seen
            .iter()
            .filter(|(_, statuses)| !statuses.is_empty())
            .map(|(id, statuses)| TopologyBroker {
                id: id.clone(),
                host: None,
                version: None,
                partitions: statuses.iter().map(|(partition, status)| replica(*partition, status)).collect(),
            })
            .collect();
        let mut replicas: BTreeMap<PartitionId, u32> = BTreeMap::new();
        for replica in brokers.iter().flat_map(|broker| &broker.partitions) {
            *replicas.entry(replica.partition).or_default() += 1;
        }
        Self {
            brokers,
            cluster_size: u32::try_from(seen.len()).unwrap_or(u32::MAX),
            partitions_count: replicas.keys().next_back().map_or(0, |partition| partition.0),
            replication_factor: replicas.values().copied().max().unwrap_or(0),
            gateway_version: None,
        }
    }
}

fn replica(partition: PartitionId, status: &PartitionStatus) -> PartitionReplica {
    let health = status.health.clone().unwrap_or_default();
    let healthy = health.is_empty() || is_healthy(&health);
    PartitionReplica { partition, role: status.role.clone(), healthy, health }
}

fn is_healthy(word: &str) -> bool {
    word.eq_ignore_ascii_case("healthy")
}

impl FromAnswer for Topology {
    fn from_answer(json: &Value) -> Result<Self, String> {
        let listed = json.get("brokers").and_then(Value::as_array).ok_or("no brokers")?;
        let mut brokers: Vec<TopologyBroker> =
            listed.iter().map(TopologyBroker::from_answer).collect::<Result<_, _>>()?;
        brokers.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Self {
            brokers,
            cluster_size: number(json, "clusterSize").unwrap_or(0),
            partitions_count: number(json, "partitionsCount").unwrap_or(0),
            replication_factor: number(json, "replicationFactor").unwrap_or(0),
            gateway_version: text(json, "gatewayVersion"),
        })
    }
}

impl FromAnswer for TopologyBroker {
    fn from_answer(json: &Value) -> Result<Self, String> {
        // In 8.10 `nodeId` is unique within a zone only; `brokerId` is not there before.
        let id = id(json, "brokerId").or_else(|| id(json, "nodeId")).ok_or("a broker without id")?;
        let mut partitions: Vec<PartitionReplica> = entries(json, "partitions")
            .iter()
            .map(PartitionReplica::from_answer)
            .collect::<Result<_, _>>()?;
        partitions.sort_by_key(|replica| replica.partition);
        Ok(Self {
            id: BrokerId::new(id).map_err(|error| error.to_string())?,
            host: text(json, "host"),
            version: text(json, "version"),
            partitions,
        })
    }
}

impl FromAnswer for PartitionReplica {
    fn from_answer(json: &Value) -> Result<Self, String> {
        let health = text(json, "health").unwrap_or_default();
        Ok(Self {
            partition: PartitionId(number(json, "partitionId").ok_or("a replica without partitionId")?),
            role: Role::from_word(&text(json, "role").unwrap_or_default()),
            healthy: is_healthy(&health),
            health,
        })
    }
}

/// The topology over REST: `/v1/topology` (8.5), `/v2/topology` (8.6+), on the application port.
#[derive(Debug, Clone)]
pub struct TopologyClient {
    http: HttpClient,
    dialect: Dialect,
}

impl TopologyClient {
    /// A client for the REST address of a gateway. Sends nothing.
    pub fn new(http: HttpClient, dialect: Dialect) -> Self {
        Self { http, dialect }
    }

    /// The HTTP handle.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// Reads the topology as this gateway sees it; it may lag some seconds behind.
    ///
    /// # Errors
    /// [`Unsupported`](camunda_backup_core::ErrorKind::Unsupported) up to 8.4, which has it over gRPC only.
    pub async fn topology(&self) -> Result<Topology> {
        let path = match self.dialect.topology {
            TopologyApi::V1 => "/v1/topology",
            TopologyApi::V2 => "/v2/topology",
            TopologyApi::None => {
                let message = format!("Zeebe {} shows its topology over gRPC only", self.dialect.name);
                return Err(refusal::unsupported(&self.http, TOPOLOGY, message)
                    .with_advice("ask each broker for its partitions"));
            }
        };
        let response = self.http.send(Call::get(TOPOLOGY, path)).await?;
        let Answer(topology) = self.http.decode(TOPOLOGY, Effect::Read, None, &response)?;
        Ok(topology)
    }
}

#[cfg(test)]
mod tests;
