//! What Zeebe's refusals mean, and what to do next.

use camunda_backup_core::Error;
use camunda_backup_core::error::{ErrorKind, Outcome};

use crate::refusal::{no_such_endpoint, refused, says};

const CONFIGURE_STORE: &str = "configure the same backup store on every broker and gateway (zeebe.broker.data.backup), and restart them";
const ENABLE_IN_8_1: &str =
    "start every broker and gateway with ZEEBE_BROKER_EXPERIMENTAL_FEATURES_ENABLEBACKUP=true";
const HIGHER_ID: &str = "take an id that is higher than every earlier one, deleted and failed ones included; the id of a refused backup \
     that is not known to you belongs to somebody else";
const GENERATED_IDS: &str = "this cluster makes its own ids (continuous backups, or a schedule for backups or checkpoints): switch those off, \
     or use the backups that they make";
const LOOK_FIRST: &str = "it is not known whether the brokers make this backup, perhaps later and on some partitions only: the id stays \
     used; look at its status, and take a higher id for the next one";
const NOT_KNOWN_YET: &str = "this says nothing about the backup: check that every broker reaches its bucket and that every partition has a \
     leader, then look again";

/// For the request that starts a backup.
pub(super) fn creation(error: Error) -> Error {
    let error = setup(error);
    match error.kind() {
        ErrorKind::Conflict => error.with_advice(HIGHER_ID),
        ErrorKind::Refused if says(&error, &["predetermined", "generated", "must not be provided"]) => {
            error.with_advice(GENERATED_IDS)
        }
        ErrorKind::NotFound => no_such_endpoint(error),
        // 8.1 says 500 where later versions say 504.
        ErrorKind::ServerError if says(&error, &["timed out"]) => {
            error.with_kind(ErrorKind::Unavailable).with_advice(LOOK_FIRST)
        }
        _ if error.outcome() == Outcome::Unknown => error.with_advice(LOOK_FIRST),
        _ => error,
    }
}

/// For reads and deletes.
pub(super) fn reading(error: Error) -> Error {
    let error = setup(error);
    match error.kind() {
        ErrorKind::NotFound => no_such_endpoint(error),
        ErrorKind::ServerError => error.with_kind(ErrorKind::Unavailable).with_advice(NOT_KNOWN_YET),
        ErrorKind::Unavailable | ErrorKind::Timeout => error.with_advice(NOT_KNOWN_YET),
        _ => error,
    }
}

/// Setups without backups: 400 from 8.4 on, 500 in 8.1.
fn setup(error: Error) -> Error {
    if says(&error, &["No backup store is configured", "No BackupStore is configured"]) {
        refused(error, ErrorKind::Refused, CONFIGURE_STORE)
    } else if says(&error, &["Backup feature is disabled"]) {
        refused(error, ErrorKind::Unsupported, ENABLE_IN_8_1)
    } else {
        error
    }
}
