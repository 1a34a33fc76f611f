//! How each version speaks: one row per minor version, chosen at run time. A new version is a new row.

use bytes::Bytes;
use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Call, CamundaVersion, Error, Result};
use serde::Serialize;

/// Where and how Zeebe's own backups are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RuntimeApi {
    /// 8.1: `POST /actuator/backups/{id}` without a body, no list, no delete, 200 for everything.
    PathId81,
    /// 8.2–8.7: `/actuator/backups`, the id in the body.
    Backups,
    /// 8.8+: the same calls below `/actuator/backupRuntime`.
    BackupRuntime,
    /// 8.10: `/v2/backups/runtime` of the REST API.
    Rest,
}

/// Where and how the web applications' backups are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HistoryApi {
    /// 8.1: `/actuator/backup` with a text as id, no list, no delete.
    Backup81,
    /// 8.2–8.7: `/actuator/backups` of Operate and of Tasklist.
    Backups,
    /// 8.8+: `/actuator/backupHistory`, one for all web applications.
    BackupHistory,
    /// 8.10: `/v2/backups/history` of the REST API.
    Rest,
}

/// Where and how Optimize's backups are made. Its management port has no REST form in any version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OptimizeApi {
    /// Optimize 3.9, which belongs to 8.1: `/actuator/backup` with a text as id, no list, no delete.
    Backup39,
    /// 8.2+: `/actuator/backups`.
    Backups,
}

/// How pause and resume are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ExportingApi {
    /// Versions without soft pause: 204, or a real 500. `?soft=true` would be ignored: 204 and a hard pause.
    Plain204,
    /// 200 with the real status in the body, for success and for failure.
    Envelope,
    /// 8.10 on the management port: the envelope in early builds, a plain 204 in later ones; 204 is no bad sign here.
    EnvelopeOr204,
    /// 8.10: `/v2/exporting` of the REST API, 204, and a status to read.
    Rest,
}

/// Where the topology is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TopologyApi {
    /// Up to 8.4 there is none over HTTP.
    None,
    /// 8.5: `/v1/topology`.
    V1,
    /// 8.6+: `/v2/topology`.
    V2,
}

/// What one version of Camunda offers and how it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools)] // independent columns of a table, not states
pub struct Dialect {
    /// The row's name, such as `8.6`.
    pub name: &'static str,
    /// Major and minor number, such as `(8, 6)`.
    pub line: (u32, u32),
    /// Zeebe's own backups.
    pub runtime: RuntimeApi,
    /// The backups of Operate, Tasklist and the combined web applications.
    pub history: HistoryApi,
    /// Optimize's backups.
    pub optimize: OptimizeApi,
    /// Pause and resume.
    pub exporting: ExportingApi,
    /// Whether this exact version knows soft pause: from 8.2.27, 8.3.11, 8.4.7, 8.5.1, and every 8.6+.
    pub soft_pause: bool,
    /// The topology.
    pub topology: TopologyApi,
    /// Whether there is `/actuator/cluster` (8.4+).
    pub cluster: bool,
    /// Whether there is `/actuator/exporters` (8.6+).
    pub exporters: bool,
    /// Whether followers show their exporter phase; up to 8.2 they say null.
    pub follower_phases: bool,
    /// Whether the runtime backups have a checkpoint state to read (8.9+).
    pub checkpoint_state: bool,
}

/// One line of the table; the last column says from which patch on soft pause exists.
struct Row(Dialect, Option<u32>);

impl Row {
    fn resolved(&self, version: &CamundaVersion) -> Dialect {
        let Self(mut dialect, soft_pause_from) = *self;
        let (major, minor) = dialect.line;
        // A pre-release of the patch that brought it may not have it yet: 8.4.7-SNAPSHOT is not trusted.
        dialect.soft_pause = soft_pause_from
            .is_some_and(|patch| patch == 0 || *version >= CamundaVersion::new(major, minor, patch));
        if !dialect.soft_pause {
            dialect.exporting = ExportingApi::Plain204;
        }
        dialect
    }
}

const V8_1: Dialect = Dialect {
    name: "8.1",
    line: (8, 1),
    runtime: RuntimeApi::PathId81,
    history: HistoryApi::Backup81,
    optimize: OptimizeApi::Backup39,
    exporting: ExportingApi::Plain204,
    soft_pause: false,
    topology: TopologyApi::None,
    cluster: false,
    exporters: false,
    follower_phases: false,
    checkpoint_state: false,
};
const V8_2: Dialect = Dialect {
    name: "8.2",
    line: (8, 2),
    runtime: RuntimeApi::Backups,
    history: HistoryApi::Backups,
    optimize: OptimizeApi::Backups,
    exporting: ExportingApi::Envelope,
    ..V8_1
};
const V8_3: Dialect = Dialect { name: "8.3", line: (8, 3), follower_phases: true, ..V8_2 };
const V8_4: Dialect = Dialect { name: "8.4", line: (8, 4), cluster: true, ..V8_3 };
const V8_5: Dialect = Dialect { name: "8.5", line: (8, 5), topology: TopologyApi::V1, ..V8_4 };
const V8_6: Dialect =
    Dialect { name: "8.6", line: (8, 6), topology: TopologyApi::V2, exporters: true, ..V8_5 };
const V8_7: Dialect = Dialect { name: "8.7", line: (8, 7), ..V8_6 };
const V8_8: Dialect = Dialect {
    name: "8.8",
    line: (8, 8),
    runtime: RuntimeApi::BackupRuntime,
    history: HistoryApi::BackupHistory,
    ..V8_7
};
const V8_9: Dialect = Dialect { name: "8.9", line: (8, 9), checkpoint_state: true, ..V8_8 };
const V8_10: Dialect = Dialect {
    name: "8.10",
    line: (8, 10),
    runtime: RuntimeApi::Rest,
    history: HistoryApi::Rest,
    exporting: ExportingApi::Rest,
    ..V8_9
};

const ROWS: [Row; 10] = [
    Row(V8_1, None),
    Row(V8_2, Some(27)),
    Row(V8_3, Some(11)),
    Row(V8_4, Some(7)),
    Row(V8_5, Some(1)),
    Row(V8_6, Some(0)),
    Row(V8_7, Some(0)),
    Row(V8_8, Some(0)),
    Row(V8_9, Some(0)),
    Row(V8_10, Some(0)),
];

impl Dialect {
    /// The dialect of a version.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for a line outside 8.1 … 8.10.
    pub fn for_version(version: &CamundaVersion) -> Result<Self> {
        let row = ROWS.iter().find(|row| row.0.line == version.line());
        row.map(|row| row.resolved(version)).ok_or_else(|| {
            let message = format!("Camunda {version} is not supported; supported are 8.1 … 8.10");
            Error::new(ErrorKind::Unsupported, message)
                .with_advice("use a version of this library that knows this version of Camunda")
        })
    }

    /// The dialect of the nearest supported line, for callers that insist on an unsupported version.
    pub fn nearest(version: &CamundaVersion) -> Self {
        Self::for_version(version).unwrap_or_else(|_| {
            let row = if version.line() < V8_1.line { &ROWS[0] } else { &ROWS[ROWS.len() - 1] };
            row.resolved(version)
        })
    }

    /// One representative version of every row, and both sides of the patches that brought soft pause. Test matrices
    /// iterate this.
    pub fn all() -> Vec<(CamundaVersion, Self)> {
        const VERSIONS: [(u32, u32); 14] = [
            (1, 27),
            (2, 26),
            (2, 29),
            (3, 10),
            (3, 11),
            (4, 6),
            (4, 9),
            (5, 0),
            (5, 8),
            (6, 0),
            (7, 0),
            (8, 0),
            (9, 0),
            (10, 0),
        ];
        let versions = VERSIONS.map(|(minor, patch)| CamundaVersion::new(8, minor, patch));
        versions.into_iter().map(|version| (version.clone(), Self::nearest(&version))).collect()
    }

    /// Whether Operate and Tasklist are one application with one backup (8.8+).
    pub fn combined_webapps(&self) -> bool {
        self.line >= (8, 8)
    }

    /// Whether exporting is paused before the web applications are backed up (8.8+), not after.
    pub fn pause_first(&self) -> bool {
        self.line >= (8, 8)
    }

    /// Whether backups and exporting are asked for over the REST API of the application port (8.10).
    pub fn speaks_rest(&self) -> bool {
        self.runtime == RuntimeApi::Rest
    }

    /// Whether there is a topology to read over HTTP (8.5+).
    pub fn has_topology(&self) -> bool {
        self.topology != TopologyApi::None
    }

    /// An empty object as body, where a POST needs none but a content type: later versions refuse without (415). 8.1
    /// reads ids from bodies, so it gets none.
    pub(crate) fn with_empty_body(&self, mut call: Call) -> Call {
        if self.runtime != RuntimeApi::PathId81 {
            call.body = Some(Bytes::from_static(b"{}"));
        }
        call
    }

    /// The same version on its management ports only: what 8.10 is without its REST API. Others stay as they are.
    #[must_use]
    pub fn without_rest(self) -> Self {
        if !self.speaks_rest() {
            return self;
        }
        Self {
            name: "8.10 (actuators)",
            runtime: RuntimeApi::BackupRuntime,
            history: HistoryApi::BackupHistory,
            exporting: ExportingApi::EnvelopeOr204,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Dialect {
        Dialect::for_version(&text.parse().unwrap()).unwrap()
    }

    #[test]
    fn q34_soft_pause_is_known_by_exact_patch() {
        for (version, soft) in [
            ("8.1.27", false),
            ("8.2.0", false),
            ("8.2.26", false),
            ("8.2.27", true),
            ("8.2.29", true),
            ("8.3.10", false),
            ("8.3.11", true),
            ("8.4.6", false),
            ("8.4.7-SNAPSHOT", false),
            ("8.4.7", true),
            ("8.5.0", false),
            ("8.5.1-rc1", false),
            ("8.5.1", true),
            ("8.6.0-alpha1", true),
            ("8.6.0", true),
            ("8.10.0-alpha3", true),
        ] {
            let dialect = of(version);
            assert_eq!(dialect.soft_pause, soft, "{version}");
            assert_eq!(dialect.exporting == ExportingApi::Plain204, !soft, "{version}");
        }
    }

    #[test]
    fn every_row_is_what_the_reference_says() {
        use RuntimeApi::{BackupRuntime, Backups, PathId81, Rest};
        for (version, runtime, topology, cluster, exporters, followers) in [
            ("8.1.27", PathId81, TopologyApi::None, false, false, false),
            ("8.2.29", Backups, TopologyApi::None, false, false, false),
            ("8.3.11", Backups, TopologyApi::None, false, false, true),
            ("8.4.9", Backups, TopologyApi::None, true, false, true),
            ("8.5.8", Backups, TopologyApi::V1, true, false, true),
            ("8.6.0", Backups, TopologyApi::V2, true, true, true),
            ("8.7.0", Backups, TopologyApi::V2, true, true, true),
            ("8.8.0", BackupRuntime, TopologyApi::V2, true, true, true),
            ("8.9.0", BackupRuntime, TopologyApi::V2, true, true, true),
            ("8.10.0", Rest, TopologyApi::V2, true, true, true),
        ] {
            let d = of(version);
            let seen = (d.runtime, d.topology, d.cluster, d.exporters, d.follower_phases);
            assert_eq!(seen, (runtime, topology, cluster, exporters, followers), "{version}");
            assert_eq!(d.combined_webapps(), d.line >= (8, 8), "{version}");
            assert_eq!(format!("{}.{}", d.line.0, d.line.1), d.name);
        }
    }

    #[test]
    fn unsupported_versions_are_named_with_the_range() {
        for version in ["8.0.9", "8.11.0", "7.22.0", "9.0.0", "1.3.14"] {
            let error = Dialect::for_version(&version.parse().unwrap()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(
                error.to_string().contains(version) && error.to_string().contains("8.1 … 8.10"),
                "{error}"
            );
        }
        assert_eq!(Dialect::nearest(&"8.0.9".parse().unwrap()).name, "8.1");
        assert_eq!(Dialect::nearest(&"9.1.0".parse().unwrap()), of("8.10.0"));
    }

    #[test]
    fn without_rest_is_8_10_on_its_actuators() {
        let plain = of("8.10.0").without_rest();
        assert!(!plain.speaks_rest() && plain.soft_pause && plain.line == (8, 10));
        assert_eq!(of("8.6.0").without_rest(), of("8.6.0"));
    }

    #[test]
    fn all_covers_every_row_and_both_sides_of_soft_pause() {
        let all = Dialect::all();
        assert_eq!(all.len(), 14);
        for row in &ROWS {
            let softs: Vec<bool> =
                all.iter().filter(|(_, d)| d.line == row.0.line).map(|(_, d)| d.soft_pause).collect();
            let wanted: &[bool] = match row.1 {
                None => &[false],
                Some(0) => &[true],
                Some(_) => &[false, true],
            };
            assert_eq!(softs, wanted, "{}", row.0.name);
        }
    }

    proptest! {
        #[test]
        fn any_version_has_a_nearest_dialect(major in 0..20_u32, minor in 0..30_u32, patch in 0..100_u32) {
            let version = CamundaVersion::new(major, minor, patch);
            let nearest = Dialect::nearest(&version);
            let supported = major == 8 && (1..=10).contains(&minor);
            prop_assert_eq!(Dialect::for_version(&version).ok(), supported.then_some(nearest));
        }
    }
}
