//! The lists of backups that Zeebe and the applications keep. They grow with the years, and what they show is shown elsewhere too: one
//! that is slow, too long or refused costs one short try, and whether its owner is well is asked in another way.

use std::collections::BTreeSet;
use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Error, Result};

use crate::connection::clients::Clients;
use crate::facts::{Facts, Probe};

/// How long a list may take.
const ONE_TRY: Duration = Duration::from_secs(20);
/// How long one may take that took too long before, and the question whether its owner is well.
const SHORT_TRY: Duration = Duration::from_secs(5);

/// Reads all of them into the facts.
pub(super) async fn read(clients: &Clients, facts: &mut Facts) {
    let mut lists = Lists { before: std::mem::take(&mut facts.unlistable), unlistable: BTreeSet::new() };
    let runtime = &clients.runtime;
    facts.runtime_backups =
        lists.read("zeebe", runtime.list(), async |id| runtime.status(id).await.map(drop)).await;
    facts.history_backups.clear();
    for client in &clients.history {
        let app = client.component().to_string();
        let list = lists.read(&app, client.list(), async |id| client.status(id).await.map(drop)).await;
        facts.history_backups.insert(app, list);
    }
    if let Some(client) = &clients.optimize {
        let list = lists.read("optimize", client.list(), async |id| client.status(id).await.map(drop)).await;
        facts.history_backups.insert("optimize".to_owned(), list);
    }
    facts.unlistable = lists.unlistable;
}

struct Lists {
    before: BTreeSet<String>,
    unlistable: BTreeSet<String>,
}

impl Lists {
    async fn read<T>(
        &mut self,
        owner: &str,
        list: impl Future<Output = Result<Vec<T>>>,
        status: impl AsyncFnOnce(BackupId) -> Result<()>,
    ) -> Probe<Vec<T>> {
        let limit = if self.before.contains(owner) { SHORT_TRY } else { ONE_TRY };
        let listed = tokio::time::timeout(limit, list).await;
        let error = match listed.unwrap_or_else(|_| Err(too_slow())) {
            Err(error) if is_about_the_list(&error) => error,
            other => return Probe::of(other),
        };
        let is_well = match BackupId::new(1) {
            Ok(any) => matches!(tokio::time::timeout(SHORT_TRY, status(any)).await, Ok(Ok(()))),
            Err(_) => false,
        };
        // In the same words, whoever's time was up first.
        let error = if error.kind() == ErrorKind::Timeout { too_slow() } else { error };
        if !is_well {
            return Probe::of(Err(error));
        }
        self.unlistable.insert(owner.to_owned());
        let advice =
            "delete backups that nobody needs, or raise the limits of what is between here and there";
        Probe::Failed { why: error.to_string(), advice: Some(advice.to_owned()), answered: true }
    }
}

/// Our own time and a proxy's may be up first: it is the same failure.
fn too_slow() -> Error {
    Error::new(ErrorKind::Timeout, "the list of backups did not come in time")
}

/// Whether the failure may be the list's alone.
fn is_about_the_list(error: &Error) -> bool {
    // Zeebe up to 8.2.3 with more than 255 backups.
    let too_many = error.server_said().is_some_and(|said| said.contains("count outside allowed range"));
    too_many
        || matches!(
            error.kind(),
            ErrorKind::Timeout | ErrorKind::BodyTooLarge | ErrorKind::Forbidden | ErrorKind::Refused
        )
}
