//! Records that no exporter writes any more are no evidence: an exporter with another prefix writes elsewhere, and what is under ours
//! belongs to the past.
//!
//! Commands, rejections and what workers poll for are not exported by default, so on an idle cluster the exporter acknowledges ever
//! higher positions too, and nothing is written. That looks the same from here, so it never blocks; it is no proof either.

use std::collections::BTreeMap;

use camunda_backup_core::PartitionId;

use crate::facts::Facts;

/// On a cluster that works there is an exported record among so many.
const USUAL_GAP: i64 = 50;
/// Filtered records do not explain more than that.
const LARGEST_GAP: i64 = 10_000;

/// Whether the records' highest position `r` is far behind `e`, which the exporter has acknowledged.
fn is_far_behind(r: i64, e: i64) -> bool {
    let gap = e.saturating_sub(r);
    (gap > USUAL_GAP && gap > r) || gap > LARGEST_GAP
}

/// The partitions whose records are far behind what the exporter has acknowledged of them, with the numbers.
pub(super) fn far_behind(
    records: &BTreeMap<i64, i64>,
    acknowledged: impl Iterator<Item = (PartitionId, i64)>,
) -> Vec<String> {
    acknowledged
        .filter_map(|(partition, e)| match records.get(&i64::from(partition.0)) {
            Some(r) if is_far_behind(*r, e) => Some(format!("partition {partition}: R={r} E={e}")),
            None if is_far_behind(0, e) => Some(format!("partition {partition}: no record, E={e}")),
            _ => None,
        })
        .collect()
}

/// The same by what was seen in one look: the leaders' own words, and what searches see without a refresh.
pub(super) fn seen_far_behind(facts: &Facts) -> Vec<String> {
    let Some(records) = facts.record_positions.seen() else { return Vec::new() };
    let leaders = facts.leaders().into_iter();
    far_behind(
        records,
        leaders.filter_map(|(partition, status)| Some((partition, status.exported_position?))),
    )
}

/// All signs in one sentence; nothing without a sign.
pub(super) fn no_evidence(signs: &[String], prefix: &str) -> Option<String> {
    (!signs.is_empty()).then(|| {
        format!(
            "nothing is written to the records any more, or for long nothing has happened that is exported: {}; compare the exporter's \
             index.prefix with {prefix}",
            signs.join("; ")
        )
    })
}

/// The partitions whose logs have grown from one look to the next while nothing was written to their records, although the exporter
/// had acknowledged more than is in them already at the first look.
pub(super) fn stand_still(before: &Facts, after: &Facts) -> Vec<String> {
    let (Some(first), Some(last)) = (before.record_positions.seen(), after.record_positions.seen()) else {
        return Vec::new();
    };
    let at = |records: &BTreeMap<i64, i64>, partition: i64| records.get(&partition).copied().unwrap_or(0);
    let later = after.leaders();
    let leaders = before.leaders().into_iter();
    leaders
        .filter_map(|(partition, status)| {
            let p = i64::from(partition.0);
            let (r, then) = (at(first, p), at(last, p));
            let ahead = status.exported_position?.saturating_sub(r);
            let grown = later.get(&partition)?.processed_position?.saturating_sub(status.processed_position?);
            (r == then && ahead > USUAL_GAP && grown > USUAL_GAP).then(|| {
                format!("partition {partition}: R={r} all the time, while its log has grown by {grown}")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filtered_records_explain_a_small_gap_and_no_large_one() {
        for (r, e, dead) in [
            (0, 0, false),
            (0, 50, false),
            (0, 51, true),
            (40, 10_000, true),
            (5_000, 9_000, false),
            (1_000_000, 1_009_999, false),
            (1_000_000, 1_010_001, true),
            (900, 100, false),
            (5, -1, false),
        ] {
            assert_eq!(is_far_behind(r, e), dead, "R={r} E={e}");
        }
    }
}
