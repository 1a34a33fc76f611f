//! Reading backups of an application, the same for Operate, Tasklist, the combined web applications and Optimize.

use camunda_backup_core::{BackupId, Call, Effect, HttpClient, Result};

use super::{HistoryBackup, refused};
use crate::answer::Answer;
use crate::missing_endpoint;
use crate::refusal::LATE_ANSWERS;

/// One backup; an id that is not known is `NotVisible`.
pub(crate) async fn status(http: &HttpClient, call: Call, id: BackupId) -> Result<HistoryBackup> {
    let operation = call.operation;
    let mut call = call.subject(id).timeouts(LATE_ANSWERS);
    call.max_retries = 1;
    match http.send(call).await {
        Ok(response) => {
            let Answer::<HistoryBackup>(backup) =
                http.decode(operation, Effect::Read, Some(&id.to_string()), &response)?;
            Ok(backup.or_id(id))
        }
        Err(error) if refused::is_unknown_id(&error, http.component()) => Ok(HistoryBackup::not_visible(id)),
        Err(error) => Err(refused::reading(error)),
    }
}

/// All backups, sorted by id.
pub(crate) async fn list(http: &HttpClient, call: Call) -> Result<Vec<HistoryBackup>> {
    let operation = call.operation;
    let path = call.path.clone();
    let response = match http.send(call.timeouts(LATE_ANSWERS)).await {
        Ok(response) => response,
        Err(error) => {
            let error = refused::listing(error, http.component());
            return Err(missing_endpoint::explained(http, missing_endpoint::endpoint_of(&path), error).await);
        }
    };
    let Answer::<Vec<HistoryBackup>>(mut backups) = http.decode(operation, Effect::Read, None, &response)?;
    backups.sort_by_key(|backup| backup.id);
    Ok(backups)
}
