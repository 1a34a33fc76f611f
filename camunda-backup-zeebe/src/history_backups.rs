//! The backups of Operate, Tasklist and the combined web applications: snapshots that the applications make in the
//! search store.

mod backup;
pub(crate) mod reading;
pub(crate) mod refused;

pub use backup::{HistoryBackup, HistoryPart, Scheduled};

use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::{BackupId, Call, Component, Effect, Error, HttpClient, Result};
use serde_json::json;

use crate::answer::Answer;
use crate::dialect::{Dialect, HistoryApi};
use crate::forbidden;
use crate::refusal::{self, LATE_ANSWERS};

const CREATE: &str = "history.backups.create";
const STATUS: &str = "history.backups.status";
const LIST: &str = "history.backups.list";
const DELETE: &str = "history.backups.delete";

/// The backups of one web application: `/actuator/backup` (8.1), `/actuator/backups` (8.2–8.7, Operate and Tasklist
/// each), `/actuator/backupHistory` (8.8+), `/v2/backups/history` (8.10).
///
/// What it says is hearsay until the store agrees: up to 8.7 it forgets parts, calls healthy backups incomplete and
/// answers 204 to deletes that do nothing.
#[derive(Debug, Clone)]
pub struct HistoryBackups {
    http: HttpClient,
    dialect: Dialect,
}

impl HistoryBackups {
    /// A client for the application that the handle's component names. Sends nothing.
    pub fn new(http: HttpClient, dialect: Dialect) -> Self {
        Self { http, dialect }
    }

    /// The HTTP handle.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// The application.
    pub fn component(&self) -> &Component {
        self.http.component()
    }

    fn path(&self) -> &'static str {
        match self.dialect.history {
            HistoryApi::Backup81 => "/actuator/backup",
            HistoryApi::Backups => "/actuator/backups",
            HistoryApi::BackupHistory => "/actuator/backupHistory",
            HistoryApi::Rest => "/v2/backups/history",
        }
    }

    /// The request that starts a backup. The id is a JSON number, in 8.1 a text.
    pub fn create_call(&self, id: BackupId) -> Result<Call> {
        let body = match self.dialect.history {
            HistoryApi::Backup81 => json!({ "backupId": id.to_string() }),
            _ => json!({ "backupId": id }),
        };
        Ok(Call::post(CREATE, Effect::Once, self.path()).json(&body)?.subject(id).timeouts(LATE_ANSWERS))
    }

    /// Starts a backup: snapshots that the application makes one after another, from a queue in its memory.
    ///
    /// # Guarantees
    /// The request leaves once. Success means that the parts are in the queue, not that they will exist.
    ///
    /// # Cancellation
    /// Dropping the future leaves the effect unknown.
    ///
    /// # Errors
    /// Judged by the server's words, because Operate answers 400 for everything:
    /// [`Conflict`](ErrorKind::Conflict) when the id is taken or another backup runs, [`Refused`](ErrorKind::Refused)
    /// when there is no repository, [`Unavailable`](ErrorKind::Unavailable) with
    /// [`Outcome::Refused`](camunda_backup_core::Outcome::Refused) when the store is away,
    /// [`WrongComponent`](ErrorKind::WrongComponent) when the parts that were scheduled belong to another application.
    pub async fn create(&self, id: BackupId) -> Result<Scheduled> {
        let sent = self.http.send(self.create_call(id)?).await;
        let response = sent.map_err(|error| refused::creation(error, &self.http))?;
        if self.dialect.history == HistoryApi::Backups && response.status == http::StatusCode::ACCEPTED {
            // The all-in-one of 8.6: this path is Zeebe's there, and it has begun a backup of Zeebe.
            return Err(self.wrong_application(id, "Zeebe answered, and has begun a backup of its own"));
        }
        // The request is accepted; what the body says is an extra.
        let Answer(scheduled) =
            self.http.decode(CREATE, Effect::Once, None, &response).unwrap_or(Answer(Scheduled::default()));
        match scheduled.of_another(self.component()) {
            None => Ok(scheduled),
            Some(name) => {
                Err(self.wrong_application(id, &format!("another application answered and scheduled {name}")))
            }
        }
    }

    fn wrong_application(&self, id: BackupId, what: &str) -> Error {
        Error::new(ErrorKind::WrongComponent, what)
            .with_component(self.component().clone())
            .with_operation(CREATE)
            .with_subject(id)
            .with_outcome(Outcome::Unknown)
            .with_advice(
                "correct the addresses: Operate and Tasklist are to be asked each on its own; the backup that was begun \
                 is of no use, and its id is used up",
            )
    }

    /// Reads one backup.
    ///
    /// An id that is not known is `Ok` with [`BackupState::NotVisible`](crate::BackupState::NotVisible), in all the
    /// forms in which servers say so: 404; on Elasticsearch a 400 of Operate 8.6 and a 500 without reason of Tasklist.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) when the application cannot say, among others Operate 8.6 on OpenSearch
    /// whenever a part is running: ask the store. [`Unsupported`](ErrorKind::Unsupported) when the endpoint is absent.
    pub async fn status(&self, id: BackupId) -> Result<HistoryBackup> {
        reading::status(&self.http, Call::get(STATUS, format!("{}/{id}", self.path())), id).await
    }

    /// Reads all backups that the application knows, sorted by id.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) in 8.1, which has no list. One snapshot with the application's prefix
    /// and without its metadata breaks the whole list up to 8.6; the advice says how to find it.
    pub async fn list(&self) -> Result<Vec<HistoryBackup>> {
        if self.dialect.history == HistoryApi::Backup81 {
            return Err(refusal::unsupported(
                &self.http,
                LIST,
                "the web applications of 8.1 cannot list their backups",
            ));
        }
        reading::list(&self.http, Call::get(LIST, self.path())).await
    }

    /// The request that deletes a backup.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) in 8.1.
    pub fn delete_call(&self, id: BackupId) -> Result<Call> {
        if self.dialect.history == HistoryApi::Backup81 {
            let message = "the web applications of 8.1 cannot delete a backup";
            let advice = "delete its snapshots in the store, by name";
            return Err(refusal::unsupported(&self.http, DELETE, message)
                .with_subject(id)
                .with_advice(advice));
        }
        Ok(Call::delete(DELETE, format!("{}/{id}", self.path())).subject(id).timeouts(LATE_ANSWERS))
    }

    /// Asks the application to delete a backup.
    ///
    /// # Guarantees
    /// An id that does not exist is a success. Success is no proof: 8.6 answers 204 when nothing is deleted, and works
    /// in the background. Verify in the store.
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

#[cfg(test)]
mod tests;
