//! What exporting does, without a plan that says which brokers there are: for a recovery with an empty journal.

use std::collections::BTreeMap;

use camunda_backup_core::{BrokerId, PartitionId};
use camunda_backup_zeebe::PartitionStatus;

use super::phases::{Exporting, Kind, ask_all, from_status, kind_of};
use crate::connection::clients::Clients;

/// Asks every configured broker and, where it exists, the cluster-wide status.
pub(crate) async fn look_without_plan(clients: &Clients) -> Seen {
    let (answers, status) = ask_all(clients).await;
    let mut found = Found::default();
    match status {
        Some(Ok(status)) => {
            found.add(&from_status(&status), || format!("the cluster's exporting status is {status}"));
        }
        Some(Err(error)) => found.unseen.push(error.to_string()),
        None => {}
    }
    for (broker, answer) in answers {
        match answer {
            Ok(statuses) => found.add_broker(broker, &statuses),
            Err(error) => found.unseen.push(error.to_string()),
        }
    }
    found.in_sum()
}

/// What exporting does, as far as it could be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Every configured broker has answered, and all of them export.
    Runs,
    /// A replica is paused: in words.
    Paused(String),
    /// No replica is paused, and one does not export either: in words.
    Stopped(String),
    /// No replica is seen to be paused, and not every broker could be asked: in words.
    Unseen(String),
}

/// What the answers say, by what it means.
#[derive(Debug, Default)]
struct Found {
    running: usize,
    paused: Vec<String>,
    stopped: Vec<String>,
    unseen: Vec<String>,
}

impl Found {
    fn add(&mut self, exporting: &Exporting, words: impl FnOnce() -> String) {
        match exporting {
            Exporting::Everywhere => self.running += 1,
            Exporting::Paused(_) => self.paused.push(words()),
            _ => self.stopped.push(words()),
        }
    }

    fn add_broker(&mut self, broker: &BrokerId, statuses: &BTreeMap<PartitionId, PartitionStatus>) {
        for (partition, status) in statuses {
            let Some(phase) = &status.exporter_phase else { continue };
            let words = format!("partition {partition} of broker {broker} is {phase}");
            match kind_of(phase) {
                Kind::Exporting => self.running += 1,
                Kind::Soft | Kind::Hard => self.paused.push(words),
                Kind::Other => self.stopped.push(words),
            }
        }
    }

    fn in_sum(self) -> Seen {
        if !self.paused.is_empty() {
            Seen::Paused(self.paused.join("; "))
        } else if !self.stopped.is_empty() {
            Seen::Stopped(self.stopped.join("; "))
        } else if !self.unseen.is_empty() {
            Seen::Unseen(self.unseen.join("; "))
        } else if self.running == 0 {
            Seen::Unseen("no broker with an address shows a phase".to_owned())
        } else {
            Seen::Runs
        }
    }
}
