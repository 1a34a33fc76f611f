//! How each version speaks, independent of the client's own table of dialects.

use camunda_backup_core::CamundaVersion;

/// How the framework (not the endpoint) reports an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameworkErrors {
    /// `{timestamp,status,error,path}`.
    Plain,
    /// 8.4: with `requestId`, and `"message":null` on 404.
    WithRequestId,
    /// 8.5: `application/problem+json`.
    Problem,
}

/// What one version of Zeebe (and the web applications inside its process) does on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Dialect {
    version: CamundaVersion,
}

impl Dialect {
    pub(crate) fn of(version: &CamundaVersion) -> Self {
        Self { version: version.clone() }
    }

    pub(crate) fn line(&self) -> (u32, u32) {
        self.version.line()
    }

    /// From 8.2.27, 8.3.11, 8.4.7 and 8.5.1.
    pub(crate) fn knows_soft_pause(&self) -> bool {
        match self.line() {
            (8, 2) => self.version.patch() >= 27,
            (8, 3) => self.version.patch() >= 11,
            (8, 4) => self.version.patch() >= 7,
            (8, 5) => self.version.patch() >= 1,
            line => line >= (8, 6),
        }
    }

    /// Whether pause and resume are answered 200 with the real status inside.
    pub(crate) fn wraps_exporting(&self) -> bool {
        self.knows_soft_pause() && !self.keeps_pause_in_configuration()
    }

    /// 8.10: a pause is part of the cluster configuration, and there is a REST API for it.
    pub(crate) fn keeps_pause_in_configuration(&self) -> bool {
        self.line() >= (8, 10)
    }

    /// 8.4 and 8.5 claim success for pause and resume while the gateway knows no partition.
    pub(crate) fn lies_after_start(&self) -> bool {
        matches!(self.line(), (8, 4 | 5))
    }

    /// Up to 8.2 followers report null phases.
    pub(crate) fn hides_followers(&self) -> bool {
        self.line() <= (8, 2)
    }

    pub(crate) fn framework_errors(&self) -> FrameworkErrors {
        match self.line() {
            (8, 4) => FrameworkErrors::WithRequestId,
            (8, 5) => FrameworkErrors::Problem,
            _ => FrameworkErrors::Plain,
        }
    }

    /// The actuator id of the Zeebe backups.
    pub(crate) fn runtime_backups(&self) -> &'static str {
        if self.line() >= (8, 8) { "backupRuntime" } else { "backups" }
    }

    pub(crate) fn has_info(&self) -> bool {
        self.line() >= (8, 4)
    }

    pub(crate) fn has_cluster(&self) -> bool {
        self.line() >= (8, 4)
    }

    pub(crate) fn has_exporters(&self) -> bool {
        self.line() >= (8, 6)
    }

    /// The REST API's version prefix: none up to 8.4, `v1` in 8.5, `v2` from 8.6.
    pub(crate) fn rest_prefix(&self) -> Option<&'static str> {
        match self.line() {
            line if line <= (8, 4) => None,
            (8, 5) => Some("v1"),
            _ => Some("v2"),
        }
    }

    /// Where Operate and Tasklist serve their actuators.
    pub(crate) fn webapp_port(&self) -> u16 {
        if self.line() <= (8, 5) { 8080 } else { 9600 }
    }

    /// The actuator id of Operate's, Tasklist's and Optimize's backups.
    pub(crate) fn webapp_backups(&self) -> &'static str {
        if self.line() <= (8, 1) { "backup" } else { "backups" }
    }

    /// Whether an unfinished set of parts is `IN_PROGRESS` for five minutes before it is `INCOMPLETE`.
    pub(crate) fn waits_before_incomplete(&self) -> bool {
        self.line() >= (8, 7)
    }

    /// The id of a Raft snapshot: 4 parts up to 8.5, the broker id from 8.6, a checksum after it from 8.7.
    pub(crate) fn snapshot_id(&self, processed: u64, exported: u64, broker: u32) -> String {
        let base = format!("{}-1-{processed}-{exported}", processed / 4 + 1);
        match self.line() {
            line if line <= (8, 5) => base,
            (8, 6) => format!("{base}-{broker}"),
            _ => format!("{base}-{broker}-{:08x}", processed.wrapping_mul(2_654_435_761) & 0xffff_ffff),
        }
    }
}
