//! The version that the configuration declares, beside what a gateway shows that does not tell its own.

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{CamundaVersion, Error, HttpClient, Result};
use camunda_backup_zeebe::{DetectedVersion, Dialect};

/// Compares them. Endpoints that are there contradict for certain; what is missing may be hidden, so that is a doubt, in words.
///
/// # Errors
/// `Config` when the gateway cannot be of the declared version. Nothing was sent then that changes anything.
pub(super) fn doubt(
    declared: &CamundaVersion,
    shown: &DetectedVersion,
    gateway: &HttpClient,
) -> Result<Option<String>> {
    let too_old = shown.at_least.as_ref().filter(|least| declared.line() < least.line());
    let too_new = shown.at_most.as_ref().filter(|most| declared.line() > most.line());
    let soft = Dialect::for_version(declared).ok().map(|dialect| dialect.soft_pause);
    let contradiction = match (too_old, too_new, soft, shown.soft_pause) {
        (Some(least), ..) => format!("the gateway has endpoints that came with {}", line(least)),
        (_, Some(most), ..) if shown.at_most_is_certain => {
            format!("the gateway has endpoints that only {} has", line(most))
        }
        (_, _, Some(true), Some(false)) => {
            "that version has a soft pause, and the gateway has none: to pause softly would pause hard"
                .to_owned()
        }
        (_, _, Some(false), Some(true)) => {
            "that version has no soft pause, and the gateway has one".to_owned()
        }
        (_, Some(most), ..) => {
            return Ok(Some(format!("the gateway shows no endpoint that is newer than {}", line(most))));
        }
        _ => return Ok(None),
    };
    Err(Error::new(ErrorKind::Config, format!("the configuration says {declared}, and {contradiction}"))
        .with_component(gateway.component().clone())
        .with_advice(
            "correct `version` (CAMUNDA_VERSION): read the image's tag, or the first lines of a broker's log",
        ))
}

fn line(version: &CamundaVersion) -> String {
    let (major, minor) = version.line();
    format!("{major}.{minor}")
}
