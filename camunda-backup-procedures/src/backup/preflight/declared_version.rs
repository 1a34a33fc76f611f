//! Findings about a version that the configuration declares and the gateway does not tell (up to 8.3, or hidden).

use camunda_backup_core::CamundaVersion;

use crate::facts::Facts;
use crate::finding::{Finding, FindingCode};

const WHY: &str = "the version decides how exporting is paused and what is sent; a wrong one may pause hard instead of softly";
const ADVICE: &str =
    "compare `version` (CAMUNDA_VERSION) with the image's tag or the first lines of a broker's log";

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    if !facts.version_is_declared() {
        return Vec::new();
    }
    if let Some((id, newer)) = newest_backup(facts).filter(|(_, version)| *version > facts.version) {
        let seen = format!("the configuration says {}, and backup {id} was made by {newer}", facts.version);
        let finding = Finding::blocker(FindingCode::VersionsDiffer, "zeebe", seen);
        return vec![finding.because(WHY).advise(ADVICE)];
    }
    let said = format!("the configuration says {}, and the gateway does not tell its version", facts.version);
    let finding = match &facts.version_doubt {
        Some(doubt) => Finding::blocker(FindingCode::VersionUnconfirmed, "zeebe", format!("{said}; {doubt}")).advise(
            "correct `version`; if it is right, let the gateway show `info` (MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE), or override this",
        ),
        None => Finding::warning(
            FindingCode::VersionUnconfirmed,
            "zeebe",
            format!("{said}; nothing that it shows contradicts"),
        )
        .advise(ADVICE),
    };
    vec![finding.because(WHY)]
}

/// The newest version that a backup of Zeebe was made by, with the backup's id.
fn newest_backup(facts: &Facts) -> Option<(i64, CamundaVersion)> {
    let backups = facts.runtime_backups.seen().into_iter().flatten();
    let versions = backups.flat_map(|backup| {
        let told = backup.partitions.iter().filter_map(|partition| partition.broker_version.as_deref());
        told.filter_map(|version| Some((backup.id, version.parse().ok()?)))
    });
    versions.max_by(|(_, one), (_, other): &(i64, CamundaVersion)| one.cmp(other))
}
