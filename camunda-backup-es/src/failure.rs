//! From the search store's error types to kinds and outcomes: the one mapping of both flavours.
//!
//! The HTTP layer has already classified the status. Elasticsearch and OpenSearch use statuses loosely (500 for an
//! unknown snapshot in a restore, 503 or 409 for "too many operations", 400 for "it exists"), so their `type` decides.

use camunda_backup_core::{Error, ErrorKind, Outcome};
use serde::Deserialize;
use serde_json::Value;

use crate::tolerant::text_of;
use crate::{managed_service, missing_right};

/// Corrects kind and outcome of an error by the words of a managed service or by the server's `type`, and adds what to
/// do where that is known.
pub(crate) fn refine(error: Error) -> Error {
    match managed_service::refine(error) {
        Ok(error) => error,
        Err(error) if error.kind() == ErrorKind::Forbidden => by_missing_right(error),
        Err(error) => by_type(error),
    }
}

fn by_missing_right(error: Error) -> Error {
    match error.server_said().and_then(missing_right::advice) {
        Some(advice) => error.with_advice(advice),
        None => by_type(error),
    }
}

fn by_type(error: Error) -> Error {
    let Some(server_type) = error.server_type().map(str::to_owned) else {
        return error;
    };
    let operation = error.operation().unwrap_or_default();
    let Some((kind, outcome, advice)) = verdict(&server_type, operation, &error) else {
        return error;
    };
    let error = error.with_kind(kind);
    let error = match outcome {
        Some(outcome) => error.with_outcome(outcome),
        None => error,
    };
    match advice {
        Some(advice) => error.with_advice(advice),
        None => error,
    }
}

type Verdict = (ErrorKind, Option<Outcome>, Option<&'static str>);

fn verdict(server_type: &str, operation: &str, error: &Error) -> Option<Verdict> {
    let refused = Some(Outcome::Refused);
    let plain = |kind| Some((kind, refused, None));
    let status = error.status().map_or(0, |status| status.as_u16());
    match server_type {
        "snapshot_missing_exception"
        | "index_not_found_exception"
        | "aliases_not_found_exception"
        | "resource_not_found_exception"
        | "index_template_missing_exception" => plain(ErrorKind::NotFound),
        "repository_missing_exception" => {
            Some((ErrorKind::NotFound, refused, Some("register the repository, or correct its name")))
        }
        "snapshot_name_already_in_use_exception" | "repository_conflict_exception" => {
            plain(ErrorKind::Conflict)
        }
        "invalid_snapshot_name_exception" => plain(name_is_taken_or_bad(error)),
        "snapshot_in_progress_exception" => Some((
            ErrorKind::Conflict,
            refused,
            Some("wait until the running snapshot ends; it holds the index"),
        )),
        "concurrent_snapshot_execution_exception" => Some((
            ErrorKind::Unavailable,
            refused,
            Some("wait until other snapshot operations end (snapshot.max_concurrent_operations)"),
        )),
        "snapshot_restore_exception" => plain(ErrorKind::Refused),
        "snapshot_exception" if operation == "store.snapshots.create" => {
            Some((ErrorKind::Refused, refused, Some("check that every index has its primary shards")))
        }
        "repository_exception" if is_disabled(error) => {
            let (kind, outcome, _) = repository_failed(operation);
            Some((kind, outcome, Some(DISABLED)))
        }
        "repository_exception" => Some(repository_failed(operation)),
        "repository_verification_exception" => Some((
            ErrorKind::ServerError,
            None,
            Some(
                "give every node of the store read and write access to the repository's location; the store names the node",
            ),
        )),
        "illegal_state_exception" if operation.starts_with("store.repositories.") => Some((
            ErrorKind::Conflict,
            refused,
            Some("wait until the running snapshot or restore ends; it uses the repository"),
        )),
        "cluster_block_exception" => Some(blocked(status)),
        "master_not_discovered_exception" | "cluster_manager_not_discovered_exception" => Some((
            ErrorKind::Unavailable,
            None,
            Some("the search store has no elected master: bring its master-eligible nodes back"),
        )),
        "circuit_breaking_exception" => Some(circuit_broken(error)),
        _ => None,
    }
}

/// Elasticsearch 7.17 and OpenSearch use one type for a bad name and for a name that is taken. Names that the types of
/// this library can hold are not bad, except when a plugin has rules of its own.
fn name_is_taken_or_bad(error: &Error) -> ErrorKind {
    let said = error.server_said().unwrap_or_default();
    let taken = said.contains("already exists") || said.contains("already in-progress");
    if taken { ErrorKind::Conflict } else { ErrorKind::Refused }
}

/// The HTTP layer has seen whether the breaker says `"durability":"PERMANENT"`.
fn circuit_broken(error: &Error) -> Verdict {
    let (kind, advice) = if error.kind() == ErrorKind::Refused {
        let advice = "the store refuses this for ever: it is above a limit that its message names; raise that, or do without";
        (ErrorKind::Refused, advice)
    } else {
        (ErrorKind::Throttled, "the store is short of memory: wait, or give its nodes a larger heap")
    };
    (kind, Some(Outcome::Refused), Some(advice))
}

const DISABLED: &str = "something else than this cluster wrote to the repository's location, so the store has disabled the \
     repository: make sure that only this cluster writes there, then register the repository again (PUT /_snapshot/… with \
     the same settings)";

fn is_disabled(error: &Error) -> bool {
    error.server_said().is_some_and(|said| said.contains("has been disabled"))
}

/// A read-only, misconfigured, unreadable or moved repository. Registering and creating have done nothing then; a
/// delete may have been under way.
fn repository_failed(operation: &str) -> Verdict {
    match operation {
        "store.repositories.create" => {
            (ErrorKind::Refused, Some(Outcome::Refused), Some("check type, location and the store's own log"))
        }
        "store.snapshots.create" => (
            ErrorKind::Refused,
            Some(Outcome::Refused),
            Some("check that the repository is writable and that no other cluster writes to its location"),
        ),
        _ => (
            ErrorKind::ServerError,
            None,
            Some("the repository cannot be read as it is: if another cluster wrote to it, register it again"),
        ),
    }
}

/// A block answers before anything is done: 403 read-only, 429 flood stage, 503 no master.
fn blocked(status: u16) -> Verdict {
    let (kind, advice) = match status {
        429 => (ErrorKind::Throttled, "free disk space: the flood-stage watermark is exceeded"),
        503 => (ErrorKind::Unavailable, "the search store has no elected master or is still starting"),
        _ => (ErrorKind::Refused, "remove the write or read-only block from the index or the cluster"),
    };
    (kind, Some(Outcome::Refused), Some(advice))
}

/// An error object inside a 200: Elasticsearch 7.17 lists an unknown repository so.
#[derive(Debug, Deserialize)]
pub(crate) struct InnerFailure {
    #[serde(rename = "type", default)]
    server_type: Option<Value>,
    #[serde(default)]
    reason: Option<Value>,
}

impl InnerFailure {
    /// The error that other servers answer with a status of its own.
    pub(crate) fn into_error(self, repository: &str) -> Error {
        let mut error = Error::new(ErrorKind::ServerError, "the repository could not be listed")
            .with_outcome(Outcome::Refused)
            .with_subject(repository);
        if let Some(reason) = &self.reason {
            error = error.with_server_said(&text_of(reason));
        }
        if let Some(server_type) = &self.server_type {
            error = error.with_server_type(text_of(server_type));
        }
        refine(error)
    }
}

#[cfg(test)]
mod tests;
