//! Zeebe's own backup: one checkpoint over all partitions, stored by the brokers.

mod backup;
mod checkpoint;
mod refused;

pub use backup::{PartitionBackup, RuntimeBackup};
pub use checkpoint::{Checkpoint, CheckpointRange, CheckpointState};

use camunda_backup_core::{BackupId, Call, Effect, HttpClient, Result};
use serde_json::json;

use crate::answer::Answer;
use crate::dialect::{Dialect, RuntimeApi};
use crate::forbidden;
use crate::refusal::{self, LATE_ANSWERS};

const CREATE: &str = "zeebe.backups.create";
const STATUS: &str = "zeebe.backups.status";
const LIST: &str = "zeebe.backups.list";
const DELETE: &str = "zeebe.backups.delete";
const STATE: &str = "zeebe.backups.checkpoint-state";

/// Zeebe's backups: `/actuator/backups` (8.1–8.7), `/actuator/backupRuntime` (8.8+), `/v2/backups/runtime` (8.10).
///
/// Made for the management address of a gateway, or for the REST address when the dialect speaks REST.
#[derive(Debug, Clone)]
pub struct RuntimeBackups {
    http: HttpClient,
    dialect: Dialect,
}

impl RuntimeBackups {
    /// A client for one gateway. Sends nothing.
    pub fn new(http: HttpClient, dialect: Dialect) -> Self {
        Self { http, dialect }
    }

    /// The HTTP handle.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    fn path(&self) -> &'static str {
        match self.dialect.runtime {
            RuntimeApi::PathId81 | RuntimeApi::Backups => "/actuator/backups",
            RuntimeApi::BackupRuntime => "/actuator/backupRuntime",
            RuntimeApi::Rest => "/v2/backups/runtime",
        }
    }

    /// The request that starts a backup. 8.1 takes the id in the path and would take another one from a body, so there
    /// is none; later versions take it as a JSON number.
    pub fn create_call(&self, id: BackupId) -> Result<Call> {
        let call = match self.dialect.runtime {
            RuntimeApi::PathId81 => Call::post(CREATE, Effect::Once, format!("{}/{id}", self.path())),
            _ => Call::post(CREATE, Effect::Once, self.path()).json(&json!({ "backupId": id }))?,
        };
        Ok(call.subject(id).timeouts(LATE_ANSWERS))
    }

    /// Starts a backup of all partitions under an id that must be higher than every earlier one.
    ///
    /// # Guarantees
    /// The request leaves once. Success means that it was accepted, never that a backup will exist: the bucket may be
    /// missing (8.2+: 202; 8.1: 200 for everything, also for an id that is taken). Only [`Self::status`] tells.
    ///
    /// # Cancellation
    /// Dropping the future leaves the effect unknown.
    ///
    /// # Errors
    /// [`Conflict`](camunda_backup_core::ErrorKind::Conflict) when the id is not higher than all earlier ones (8.2+).
    /// A time-out, a 504 and every other 5xx have [`Outcome::Unknown`](camunda_backup_core::Outcome::Unknown): the
    /// brokers may carry it out half a minute later.
    pub async fn create(&self, id: BackupId) -> Result<()> {
        let sent = self.http.send(self.create_call(id)?).await;
        sent.map_err(|error| refused::creation(forbidden::explained(error, &self.http)))?;
        Ok(())
    }

    fn status_call(&self, id: BackupId) -> Call {
        let call = Call::get(STATUS, format!("{}/{id}", self.path())).subject(id).timeouts(LATE_ANSWERS);
        polled(call)
    }

    /// Reads one backup, with positions and snapshot ids.
    ///
    /// An id that is not known is `Ok` with [`BackupState::NotVisible`](crate::BackupState::NotVisible): in all
    /// versions this is what a backup looks like just after it was started.
    ///
    /// # Errors
    /// [`Unsupported`](camunda_backup_core::ErrorKind::Unsupported) when the endpoint is not there (or is switched off,
    /// 8.1). A 500 is [`Unavailable`](camunda_backup_core::ErrorKind::Unavailable): the brokers cannot reach the bucket
    /// or do not know their topology yet, which says nothing about the backup.
    pub async fn status(&self, id: BackupId) -> Result<RuntimeBackup> {
        match self.http.send(self.status_call(id)).await {
            Ok(response) => {
                let Answer(backup) =
                    self.http.decode(STATUS, Effect::Read, Some(&id.to_string()), &response)?;
                Ok(backup)
            }
            Err(error) if refusal::is_unknown_id(&error) => Ok(RuntimeBackup::not_visible(id)),
            Err(error) => Err(refused::reading(error)),
        }
    }

    /// Reads all backups, sorted by id. Entries are poorer than what [`Self::status`] reads: no positions, no snapshots.
    ///
    /// An empty list proves nothing while the topology is incomplete: a gateway that has just started answers `[]`
    /// (8.4, 8.5).
    ///
    /// # Errors
    /// [`Unsupported`](camunda_backup_core::ErrorKind::Unsupported) in 8.1, which has no list; nothing is sent.
    pub async fn list(&self) -> Result<Vec<RuntimeBackup>> {
        if self.dialect.runtime == RuntimeApi::PathId81 {
            return Err(refusal::unsupported(&self.http, LIST, "Zeebe 8.1 cannot list its backups"));
        }
        let call = Call::get(LIST, self.path()).timeouts(LATE_ANSWERS);
        let response = self.http.send(call).await.map_err(|error| match refused::reading(error) {
            // A list that should be there and is not must be seen: an absent one would look like "nothing to see".
            error if error.status() == Some(http::StatusCode::NOT_FOUND) => {
                error.with_kind(camunda_backup_core::ErrorKind::NotFound)
            }
            error => error,
        })?;
        let Answer::<Vec<RuntimeBackup>>(mut backups) =
            self.http.decode(LIST, Effect::Read, None, &response)?;
        backups.sort_by_key(|backup| backup.id);
        Ok(backups)
    }

    /// The request that deletes a backup from the brokers' store.
    ///
    /// # Errors
    /// [`Unsupported`](camunda_backup_core::ErrorKind::Unsupported) in 8.1.
    pub fn delete_call(&self, id: BackupId) -> Result<Call> {
        if self.dialect.runtime == RuntimeApi::PathId81 {
            let message = "Zeebe 8.1 cannot delete a backup";
            let advice = "remove the objects of this id from the bucket, with the bucket's own tools";
            return Err(refusal::unsupported(&self.http, DELETE, message)
                .with_subject(id)
                .with_advice(advice));
        }
        Ok(Call::delete(DELETE, format!("{}/{id}", self.path())).subject(id).timeouts(LATE_ANSWERS))
    }

    /// Deletes a backup.
    ///
    /// # Guarantees
    /// An id that does not exist is a success, as it is on the servers (204). The id stays used.
    ///
    /// # Cancellation
    /// Dropping the future leaves the effect unknown; deleting again is safe.
    pub async fn delete(&self, id: BackupId) -> Result<()> {
        match self.http.send(self.delete_call(id)?).await {
            Ok(_) => Ok(()),
            Err(error) if refusal::is_unknown_id(&error) => Ok(()),
            Err(error) => Err(refused::reading(forbidden::explained(error, &self.http))),
        }
    }

    /// Reads checkpoints, backups and restorable ranges of each partition (8.9+).
    ///
    /// # Errors
    /// [`Unsupported`](camunda_backup_core::ErrorKind::Unsupported) before 8.9.
    pub async fn checkpoint_state(&self) -> Result<CheckpointState> {
        if !self.dialect.checkpoint_state {
            let message = format!("Zeebe {} has no checkpoint state to read", self.dialect.name);
            return Err(refusal::unsupported(&self.http, STATE, message));
        }
        let call = Call::get(STATE, format!("{}/state", self.path())).timeouts(LATE_ANSWERS);
        let response = self.http.send(call).await.map_err(refused::reading)?;
        let Answer(state) = self.http.decode(STATE, Effect::Read, None, &response)?;
        Ok(state)
    }
}

/// Whoever polls has a loop and a bound of its own, and each attempt may take 15 s.
fn polled(mut call: Call) -> Call {
    call.max_retries = 1;
    call
}

#[cfg(test)]
mod tests;
