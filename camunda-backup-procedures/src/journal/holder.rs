//! Who holds a lock or a claim, in words that let a person find the process.

use std::fmt;

use camunda_backup_core::Timestamp;
use serde::{Deserialize, Serialize};

/// Who holds a lock or a claim. Printed as `camunda-backup in process 4711 on host x since 2026-06-03T07:53:41.123Z`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// What the embedding program calls itself.
    pub name: String,
    /// The host's name as the process saw it; in Kubernetes the name of the pod.
    pub host: String,
    /// The process id on that host (in its container).
    pub pid: u32,
    /// When it took the lock or claim.
    pub started: Timestamp,
    /// The fencing token of its claim; 0 in a lock, which is taken before the token is known.
    #[serde(default)]
    pub token: u64,
}

impl Holder {
    /// This process under a name, with no token yet.
    pub fn this_process(name: impl Into<String>, started: Timestamp) -> Self {
        Self { name: name.into(), host: host_name(), pid: std::process::id(), started, token: 0 }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, host, pid, started, .. } = self;
        write!(f, "{name} in process {pid} on host {host} since {started}")
    }
}

/// The kernel's name of this host (Linux), else what the environment says. Only people read it.
fn host_name() -> String {
    let from_kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let from_environment = || std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME")).ok();
    from_kernel
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .or_else(from_environment)
        .unwrap_or_else(|| "of unknown name".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_can_find_the_process() {
        let holder = Holder {
            name: "camunda-backup".into(),
            host: "x".into(),
            pid: 4711,
            started: Timestamp::from_millis(1_748_937_221_123),
            token: 3,
        };
        assert_eq!(
            holder.to_string(),
            "camunda-backup in process 4711 on host x since 2025-06-03T07:53:41.123Z"
        );
        let text = serde_json::to_string(&holder).unwrap();
        assert_eq!(serde_json::from_str::<Holder>(&text).unwrap(), holder);
    }

    #[test]
    fn this_process_has_a_host_and_a_pid() {
        let holder = Holder::this_process("x", Timestamp::from_millis(1));
        assert_eq!(holder.pid, std::process::id());
        assert!(!holder.host.is_empty());
    }
}
