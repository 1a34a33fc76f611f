//! The cluster's dynamic configuration: members, and the change that is pending.

use camunda_backup_core::{BrokerId, Call, Effect, HttpClient, PartitionId, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Answer, FromAnswer, entries, id, integer, number, text};
use crate::dialect::Dialect;
use crate::refusal;

const STATE: &str = "zeebe.cluster.state";

/// The configuration as its coordinator knows it. It lists dead brokers as `ACTIVE` and knows no leaders; the
/// [`Topology`](crate::Topology) does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClusterState {
    /// The configuration's version.
    pub version: Option<i64>,
    /// The members, sorted by id.
    pub brokers: Vec<ClusterMember>,
    /// The change that is under way; nothing is pending when it is absent.
    pub pending_change: Option<ClusterChange>,
    /// The last change that ended; absent before the first, and again after a restore.
    pub last_change: Option<ClusterChange>,
}

/// A member of the configuration, alive or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClusterMember {
    /// Its id.
    pub id: BrokerId,
    /// The server's word, such as `ACTIVE`, `JOINING`, `LEAVING`, `LEFT`.
    pub state: String,
    /// The partitions that it is configured to hold and has joined, sorted; whether it holds them now is not said.
    #[serde(default)]
    pub partitions: Vec<PartitionId>,
}

/// A change of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClusterChange {
    /// Its id, as text: a number on the actuator, a text over REST. Ids jump, and start again after a restore, so they
    /// are compared for equality only.
    pub id: String,
    /// The server's word, such as `IN_PROGRESS`, `COMPLETED`, `FAILED`, `CANCELLED`.
    pub status: String,
    /// When it began, in the server's own words.
    pub started_at: Option<String>,
    /// When it ended, in the server's own words.
    pub completed_at: Option<String>,
    /// How many of its operations are still to be done; 0 for a change that ended.
    pub operations_pending: usize,
}

impl FromAnswer for ClusterState {
    fn from_answer(json: &Value) -> Result<Self, String> {
        let listed = json.get("brokers").and_then(Value::as_array).ok_or("no brokers")?;
        if json.get("version").is_none() && entries(json, "physicalTenants").len() > 1 {
            // Then pending changes are not at the top, and "absent" would not mean "none".
            return Err("several physical tenants".to_owned());
        }
        let mut brokers: Vec<ClusterMember> =
            listed.iter().map(ClusterMember::from_answer).collect::<Result<_, _>>()?;
        brokers.sort_by(|a, b| a.id.cmp(&b.id));
        let change =
            |key: &str| json.get(key).filter(|change| !change.is_null()).map(ClusterChange::from_answer);
        Ok(Self {
            version: integer(json, "version"),
            brokers,
            pending_change: change("pendingChange").transpose()?,
            last_change: change("lastChange").transpose()?,
        })
    }
}

impl FromAnswer for ClusterMember {
    fn from_answer(json: &Value) -> Result<Self, String> {
        let id =
            BrokerId::new(id(json, "id").ok_or("a broker without id")?).map_err(|error| error.to_string())?;
        let joined =
            entries(json, "partitions").iter().filter(|p| text(p, "state").as_deref() == Some("ACTIVE"));
        let mut partitions: Vec<PartitionId> =
            joined.filter_map(|p| number(p, "id").map(PartitionId)).collect();
        partitions.sort_unstable();
        Ok(Self { id, state: text(json, "state").unwrap_or_default(), partitions })
    }
}

impl FromAnswer for ClusterChange {
    fn from_answer(json: &Value) -> Result<Self, String> {
        Ok(Self {
            id: id(json, "id").ok_or("a change without id")?,
            status: text(json, "status").unwrap_or_default(),
            started_at: text(json, "startedAt"),
            completed_at: text(json, "completedAt"),
            operations_pending: entries(json, "pending").len(),
        })
    }
}

/// The configuration of a cluster: `/actuator/cluster` (8.4+).
#[derive(Debug, Clone)]
pub struct ClusterApi {
    http: HttpClient,
    dialect: Dialect,
}

impl ClusterApi {
    /// A client for the management address of a gateway. Sends nothing.
    pub fn new(http: HttpClient, dialect: Dialect) -> Self {
        Self { http, dialect }
    }

    /// The HTTP handle.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// [`Unsupported`](camunda_backup_core::ErrorKind::Unsupported) before 8.4. While the broker with the lowest id is
    /// lost every gateway answers 502.
    pub async fn state(&self) -> Result<ClusterState> {
        if !self.dialect.cluster {
            let message = format!("Zeebe {} has no dynamic cluster configuration", self.dialect.name);
            return Err(refusal::unsupported(&self.http, STATE, message));
        }
        let response = self.http.send(Call::get(STATE, "/actuator/cluster")).await?;
        let Answer(state) = self.http.decode(STATE, Effect::Read, None, &response)?;
        Ok(state)
    }
}

#[cfg(test)]
mod tests;
