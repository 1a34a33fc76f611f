//! What a refusal means: an id that is not there, an endpoint that is not there, or something this version cannot do.

use std::time::Duration;

use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::transport::Timeouts;
use camunda_backup_core::{Error, HttpClient};

/// For calls that the servers answer late when a broker is dead (15 s) or the store hangs (30 s): their own answer is
/// to be seen.
pub(crate) const LATE_ANSWERS: Timeouts =
    Timeouts { read: Duration::from_secs(60), total: Duration::from_secs(60), ..Timeouts::DEFAULT };

/// An operation that this version does not have. Nothing was sent.
pub(crate) fn unsupported(http: &HttpClient, operation: &'static str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unsupported, message)
        .with_component(http.component().clone())
        .with_operation(operation)
        .with_advice("use another way for this version; nothing was sent")
}

/// The words with which frameworks, proxies and gateways say that there is no such path.
fn speaks_of_a_path(words: &str) -> bool {
    const PATHS: [&str; 14] = [
        "not found",
        "404",
        "page not found",
        "no static resource",
        "no endpoint",
        "no handler",
        "no route",
        "no such",
        "cannot get",
        "resource not found",
        "unknown resource",
        "the requested",
        "an html page",
        "default backend",
    ];
    let words = words.trim().to_ascii_lowercase();
    words.is_empty() || PATHS.iter().any(|path| words.starts_with(path))
}

/// Whether a 404 means that the endpoint is there and does not know the id: it says so in words of its own. Framework
/// defaults say `Not Found`, nothing, or name the path.
pub(crate) fn is_unknown_id(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound && error.server_said().is_some_and(|words| !speaks_of_a_path(words))
}

/// The error for a 404 that is not about an id.
pub(crate) fn no_such_endpoint(error: Error) -> Error {
    error.with_kind(ErrorKind::Unsupported).with_advice(
        "the address answers, but not with this endpoint: check that it is the management address of this component with \
         its base path (MANAGEMENT_SERVER_BASEPATH), that the endpoint is exposed \
         (MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE), and that the configured version is the right one",
    )
}

/// Whether the server's words contain one of these, whatever their case.
pub(crate) fn says(error: &Error, words: &[&str]) -> bool {
    let said = error.server_said().unwrap_or_default().to_ascii_lowercase();
    words.iter().any(|word| said.contains(&word.to_ascii_lowercase()))
}

/// The server looked and did nothing, whatever its status says.
pub(crate) fn refused(error: Error, kind: ErrorKind, advice: &str) -> Error {
    error.with_kind(kind).with_outcome(Outcome::Refused).with_advice(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_found(words: &str) -> Error {
        Error::new(ErrorKind::NotFound, "not found").with_server_said(words)
    }

    #[test]
    fn q31_an_unknown_id_is_told_from_an_absent_endpoint() {
        for words in [
            "Backup with id 100 does not exist",
            "No backup with id [77] found.",
            "No Optimize backup with ID",
        ] {
            assert!(is_unknown_id(&not_found(words)), "{words}");
        }
        for words in [
            "",
            "Not Found",
            "No static resource v2/backups/runtime/5.",
            "No endpoint GET /v2/backups.",
            "an HTML page titled \"404\"",
            "default backend - 404",
            "404 page not found",
            "no Route matched with those values",
            "The requested URL was not found on this server.",
            "Unknown resource.",
        ] {
            assert!(!is_unknown_id(&not_found(words)), "{words}");
        }
        assert!(!is_unknown_id(&Error::new(ErrorKind::NotFound, "empty body")));
        assert!(!is_unknown_id(&not_found("x").with_kind(ErrorKind::Refused)));
    }
}
