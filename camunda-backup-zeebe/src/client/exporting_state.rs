//! What exporting does, asked of every broker at the same time.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::{BrokerId, Component, Error, PartitionId};
use futures_util::future::join_all;
use serde::Serialize;

use super::Zeebe;
use crate::exporting::ExportingStatus;
use crate::partitions::{ExporterPhase, PartitionStatus};

/// How long one broker is waited for. A broker that hangs says nothing, and the others must not wait for it.
const ONE_BROKER: Duration = Duration::from_secs(10);

/// What exporting does, as far as it could be seen. It knows only the brokers whose addresses were given.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct ExportingState {
    /// The cluster's own word (8.10 over REST).
    pub status: Option<ExportingStatus>,
    /// What each broker that answered says of its replicas. One that shows none is starting, or broken.
    pub brokers: BTreeMap<BrokerId, BTreeMap<PartitionId, PartitionStatus>>,
    /// Who could not be asked, and why. What they do is not known.
    pub not_seen: BTreeMap<String, Error>,
}

impl ExportingState {
    /// Whether some replica, or the cluster's own word, says that it is paused, softly or hard.
    pub fn is_paused_anywhere(&self) -> bool {
        let paused =
            |phase: &ExporterPhase| matches!(phase, ExporterPhase::Paused | ExporterPhase::SoftPaused);
        let by_status = match &self.status {
            Some(ExportingStatus::Paused | ExportingStatus::SoftPaused | ExportingStatus::Mixed) => true,
            Some(_) | None => false,
        };
        by_status || self.phases().any(paused)
    }

    /// Whether everybody who was asked answered, every broker shows replicas, every phase that is shown is `EXPORTING` and
    /// there is at least one. Followers up to 8.2 show none.
    pub fn all_seen_export(&self) -> bool {
        let mut phases = self.phases().peekable();
        let says_something = self.status.is_some() || phases.peek().is_some();
        let by_status = self.status.as_ref().is_none_or(|status| *status == ExportingStatus::Exporting);
        let answered = self.not_seen.is_empty() && self.brokers.values().all(|shown| !shown.is_empty());
        says_something && by_status && answered && phases.all(|phase| *phase == ExporterPhase::Exporting)
    }

    fn phases(&self) -> impl Iterator<Item = &ExporterPhase> {
        self.brokers.values().flat_map(BTreeMap::values).filter_map(|status| status.exporter_phase.as_ref())
    }
}

impl fmt::Display for ExportingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        lines.extend(self.status.as_ref().map(|status| format!("the cluster says {status}")));
        for (broker, partitions) in &self.brokers {
            if partitions.is_empty() {
                lines.push(format!("broker {broker} shows no partition"));
            }
            let replicas = partitions
                .iter()
                .map(|(partition, status)| format!("broker {broker}, partition {partition}: {status}"));
            lines.extend(replicas);
        }
        lines.extend(self.not_seen.values().map(|error| format!("not seen: {error}")));
        f.write_str(if lines.is_empty() { "nobody was asked" } else { "" })?;
        f.write_str(&lines.join("\n"))
    }
}

impl Zeebe {
    pub(super) async fn ask_brokers(&self) -> ExportingState {
        let asked = self.brokers.iter().map(|(id, client)| async move {
            let answer = tokio::time::timeout(ONE_BROKER, client.statuses()).await;
            (id.clone(), answer.unwrap_or_else(|_| Err(late(id))))
        });
        let mut state = ExportingState::default();
        for (id, answer) in join_all(asked).await {
            match answer {
                Ok(statuses) => {
                    state.brokers.insert(id, statuses);
                }
                Err(error) => {
                    state.not_seen.insert(format!("broker {id}"), error);
                }
            }
        }
        state
    }
}

fn late(id: &BrokerId) -> Error {
    Error::new(ErrorKind::Timeout, format!("no answer within {} s", ONE_BROKER.as_secs()))
        .with_component(Component::Broker(id.clone()))
        .with_operation("broker.partitions.statuses")
        .with_outcome(Outcome::Refused)
        .with_advice("look whether the broker runs and its management port can be reached from here")
}
