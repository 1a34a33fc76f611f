//! What a person should do about a file error.

use std::io;
use std::path::Path;
use std::time::Duration;

use camunda_backup_core::{Component, Error, ErrorKind, Outcome};

/// The error for `cause` while `operation` worked on `path`, with advice.
pub(super) fn explain(operation: &'static str, path: &Path, cause: io::Error) -> Error {
    let place = path.display();
    let (message, advice) = match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => (
            "there is no space to write the journal",
            format!(
                "free some space (or raise the quota or file size limit) on the file system of {place}, then try again"
            ),
        ),
        io::ErrorKind::PermissionDenied => (
            "this process may not use the journal's directory",
            format!(
                "give the user of this process read and write access to {place}, or choose another directory"
            ),
        ),
        io::ErrorKind::ReadOnlyFilesystem => (
            "the journal's directory is read-only",
            format!("mount the file system of {place} for writing, or choose another directory"),
        ),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists | io::ErrorKind::IsADirectory => (
            "a file is where the journal needs a directory, or the other way round",
            format!("look at {place}: move away what is not the journal's, or choose another directory"),
        ),
        io::ErrorKind::NotFound => (
            "the journal's directory is gone",
            format!("mount or restore the directory of {place}; without it nobody knows what is owed"),
        ),
        io::ErrorKind::InvalidData => {
            ("the journal holds a file that is none of ours", format!("look at {place} and move it away"))
        }
        _ => (
            "the file system failed under the journal",
            format!("check the disk or volume of {place} (the system log names the fault), then try again"),
        ),
    };
    let is_too_long = cause.kind() == io::ErrorKind::InvalidData;
    let kind = if is_too_long { ErrorKind::BodyTooLarge } else { ErrorKind::Journal };
    Error::new(kind, message)
        .with_component(Component::Journal)
        .with_operation(operation)
        .with_subject(place)
        .with_advice(advice)
        .with_source(cause)
}

/// The error for a disk that has not answered `operation` on `path`.
pub(super) fn hangs(operation: &'static str, path: &Path, patience: Duration) -> Error {
    let place = path.display();
    Error::new(ErrorKind::Journal, format!("the disk or mount has not answered within {patience:?}"))
        .with_component(Component::Journal)
        .with_operation(operation)
        .with_subject(&place)
        .with_outcome(Outcome::Unknown)
        .with_advice(format!(
            "look at the disk, volume or network mount of {place} (the system log names the fault), then run \
             `recover()`: it reads what is stored"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_names_path_operation_cause_and_what_to_do() {
        let cases = [
            (io::ErrorKind::StorageFull, "no space", "free some space"),
            (io::ErrorKind::ReadOnlyFilesystem, "read-only", "for writing"),
            (io::ErrorKind::PermissionDenied, "may not", "access to"),
            (io::ErrorKind::NotFound, "gone", "mount or restore"),
            (io::ErrorKind::Other, "failed", "check the disk"),
        ];
        for (kind, message, advice) in cases {
            let error = explain("journal.put", Path::new("j/runs/x"), io::Error::new(kind, "the cause"));
            let report = error.report();
            assert_eq!(error.kind(), ErrorKind::Journal);
            for part in [message, advice, "journal.put", "j/runs/x", "because: the cause"] {
                assert!(report.contains(part), "{part:?} is not in {report}");
            }
        }
    }
}
