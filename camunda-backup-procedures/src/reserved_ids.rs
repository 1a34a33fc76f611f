//! Backup ids that runs have taken in a journal: two runs of different clusters never share one, even when both were planned
//! in the same second. Clusters often share a repository, and their snapshots would have the same names there.
//!
//! ```text
//! ids/<backup id>.json     which run of which cluster took it
//! ```

use bytes::Bytes;
use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Component, Error, Result};
use serde::{Deserialize, Serialize};

use crate::journal::{Journal, Key, Put, RunId};

#[derive(Serialize, Deserialize)]
struct Taken {
    cluster: String,
    run: RunId,
}

/// Takes an id for a run. What the same cluster has done with it before is judged by the other checks.
///
/// # Errors
/// `Blocked` when a run of another cluster has it; `Journal` when that cannot be told.
pub(crate) async fn reserve(journal: &dyn Journal, id: BackupId, cluster: &str, run: &RunId) -> Result<()> {
    let key = Key::new(format!("ids/{id}.json"))?;
    let taken = Taken { cluster: cluster.to_owned(), run: run.clone() };
    let body = serde_json::to_vec(&taken).map_err(|cause| {
        Error::new(ErrorKind::Internal, "a reserved id cannot be written as JSON").with_source(cause)
    })?;
    if journal.put_new(&key, Bytes::from(body)).await? == Put::Written {
        return Ok(());
    }
    // What cannot be read was torn by the death of a process that had sent nothing yet, and another id costs nothing.
    let by = match serde_json::from_slice::<Taken>(&journal.read(&key).await?) {
        Ok(taken) if taken.cluster == cluster => return Ok(()),
        Ok(taken) => format!("run {} of cluster {}", taken.run, taken.cluster),
        Err(_) => "a run that cannot be named".to_owned(),
    };
    Err(Error::new(ErrorKind::Blocked, format!("the backup id is taken by {by}"))
        .with_component(Component::Journal)
        .with_subject(format!("backup {id}"))
        .with_advice("plan again, which takes another id; nothing was changed"))
}

#[cfg(test)]
mod tests {
    use camunda_backup_core::Timestamp;

    use super::*;
    use crate::journal::MemoryJournal;

    fn run(nonce: u32) -> RunId {
        RunId::new(Timestamp::from_millis(0), nonce)
    }

    #[tokio::test]
    async fn an_id_is_taken_once_among_clusters() {
        let (journal, id) = (MemoryJournal::new(), BackupId::new(7).unwrap());
        reserve(&journal, id, "one", &run(1)).await.unwrap();
        reserve(&journal, id, "one", &run(2)).await.unwrap();
        let refused = reserve(&journal, id, "two", &run(3)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Blocked);
        assert!(refused.to_string().contains("of cluster one"), "{refused}");
        reserve(&journal, BackupId::new(8).unwrap(), "two", &run(3)).await.unwrap();
    }

    #[tokio::test]
    async fn a_torn_reservation_is_somebodys() {
        let (journal, id) = (MemoryJournal::new(), BackupId::new(7).unwrap());
        let torn = Bytes::from_static(b"{\"clus");
        journal.put_new(&Key::new("ids/7.json").unwrap(), torn).await.unwrap();
        assert!(reserve(&journal, id, "one", &run(1)).await.is_err());
    }
}
