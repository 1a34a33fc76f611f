//! The backups of Optimize, on its management port.

use camunda_backup_core::{BackupId, Call, Component, Effect, HttpClient, Result};
use serde_json::json;

use crate::answer::Answer;
use crate::dialect::{Dialect, OptimizeApi};
use crate::forbidden;
use crate::history_backups::{HistoryBackup, Scheduled, reading, refused};
use crate::refusal::{self, LATE_ANSWERS};

const CREATE: &str = "optimize.backups.create";
const STATUS: &str = "optimize.backups.status";
const LIST: &str = "optimize.backups.list";
const DELETE: &str = "optimize.backups.delete";

/// Optimize's backups: `/actuator/backup` (3.9, with 8.1), `/actuator/backups` (8.2+). Two snapshots each; between them
/// the state is briefly incomplete, and just after the start the id is unknown.
///
/// The shapes are from Optimize's sources; no real server was at hand.
#[derive(Debug, Clone)]
pub struct OptimizeBackups {
    http: HttpClient,
    dialect: Dialect,
}

impl OptimizeBackups {
    /// A client for Optimize's management address. Sends nothing.
    pub fn new(http: HttpClient, dialect: Dialect) -> Self {
        Self { http, dialect }
    }

    /// The HTTP handle.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// Optimize, as the handle names it.
    pub fn component(&self) -> &Component {
        self.http.component()
    }

    fn is_3_9(&self) -> bool {
        self.dialect.optimize == OptimizeApi::Backup39
    }

    fn path(&self) -> &'static str {
        if self.is_3_9() { "/actuator/backup" } else { "/actuator/backups" }
    }

    /// The request that starts a backup. The id is a JSON number, in 3.9 a text.
    pub fn create_call(&self, id: BackupId) -> Result<Call> {
        let body =
            if self.is_3_9() { json!({ "backupId": id.to_string() }) } else { json!({ "backupId": id }) };
        Ok(Call::post(CREATE, Effect::Once, self.path()).json(&body)?.subject(id).timeouts(LATE_ANSWERS))
    }

    /// Starts a backup.
    ///
    /// # Guarantees
    /// The request leaves once. Success means that it was accepted. The names of the snapshots are known for 3.9 only.
    ///
    /// # Cancellation
    /// Dropping the future leaves the effect unknown.
    ///
    /// # Errors
    /// [`Conflict`](camunda_backup_core::ErrorKind::Conflict) when the id is taken or another backup runs,
    /// [`Refused`](camunda_backup_core::ErrorKind::Refused) when there is no repository.
    pub async fn create(&self, id: BackupId) -> Result<Scheduled> {
        let sent = self.http.send(self.create_call(id)?).await;
        let response = sent.map_err(|error| refused::creation(error, &self.http))?;
        let Answer(scheduled) =
            self.http.decode(CREATE, Effect::Once, None, &response).unwrap_or(Answer(Scheduled::default()));
        Ok(scheduled)
    }

    /// Reads one backup. An id that is not known is `Ok` with
    /// [`BackupState::NotVisible`](crate::BackupState::NotVisible).
    ///
    /// # Errors
    /// [`Unavailable`](camunda_backup_core::ErrorKind::Unavailable) when Optimize cannot say: ask the store.
    pub async fn status(&self, id: BackupId) -> Result<HistoryBackup> {
        reading::status(&self.http, Call::get(STATUS, format!("{}/{id}", self.path())), id).await
    }

    /// Reads all backups that Optimize knows, sorted by id.
    ///
    /// # Errors
    /// [`Unsupported`](camunda_backup_core::ErrorKind::Unsupported) with 8.1, which has no list.
    pub async fn list(&self) -> Result<Vec<HistoryBackup>> {
        if self.is_3_9() {
            return Err(refusal::unsupported(&self.http, LIST, "Optimize 3.9 cannot list its backups"));
        }
        reading::list(&self.http, Call::get(LIST, self.path())).await
    }

    /// The request that deletes a backup.
    ///
    /// # Errors
    /// [`Unsupported`](camunda_backup_core::ErrorKind::Unsupported) with 8.1.
    pub fn delete_call(&self, id: BackupId) -> Result<Call> {
        if self.is_3_9() {
            let advice = "delete its snapshots in the store, by name";
            let error = refusal::unsupported(&self.http, DELETE, "Optimize 3.9 cannot delete a backup");
            return Err(error.with_subject(id).with_advice(advice));
        }
        Ok(Call::delete(DELETE, format!("{}/{id}", self.path())).subject(id).timeouts(LATE_ANSWERS))
    }

    /// Asks Optimize to delete a backup. An id that does not exist is a success; verify in the store.
    ///
    /// # Cancellation
    /// Dropping the future leaves the effect unknown; deleting again is safe.
    pub async fn delete(&self, id: BackupId) -> Result<()> {
        match self.http.send(self.delete_call(id)?).await {
            Ok(_) => Ok(()),
            Err(error) if refused::is_unknown_id(&error, self.component()) => Ok(()),
            Err(error) => Err(refused::reading(forbidden::explained(error, &self.http))),
        }
    }
}
