//! What to do about a violated condition: starting again helps only where the cause is over by then.

use super::{Condition, ConditionStatus};

/// What to do about a backup with violated conditions. The first one that says more than "start again" decides.
pub(crate) fn advice(conditions: &[Condition]) -> String {
    let mut violated = conditions.iter().filter(|condition| condition.standing == ConditionStatus::Violated);
    let cure = violated.find_map(|condition| cure_of(&condition.number));
    let cure =
        cure.unwrap_or("start again; if it fails again, look into the log of the component that is named");
    format!("do not restore from it, its id is used up; {cure}")
}

fn cure_of(number: &str) -> Option<&'static str> {
    Some(match number {
        "N2" | "N7" | "N8" => {
            "look into the brokers' logs for a leader change or a partition that failed while the backup ran, then start again"
        }
        "N4" => {
            "find out why two parts hold the same index (one prefix for two applications?) before you start again"
        }
        "N5" => {
            "find out who deletes record indices while backups run (index lifecycle management, Optimize's clean-up) and let \
             it rest meanwhile, then start again"
        }
        "N6" => {
            "wait until an upgrade is over and every component runs one version, then connect and plan again"
        }
        "N9" | "N10" | "T5" => {
            "another try ends the same way unless the cause is found: exporters that flush later than 6 s after a hard pause \
             (lower their flush delay), somebody who resumes exporting, or brokers that restart while a backup runs. Look \
             into the brokers' logs of that time"
        }
        "N12" => {
            "wait until brokers, partitions and store are no longer being changed, then connect and plan again"
        }
        "T7" => {
            "find out who else takes backups of this cluster or pauses its exporting, and let only one of them do it"
        }
        _ => return None,
    })
}
