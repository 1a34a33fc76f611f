//! The names that Camunda gives to snapshots, and the one that this library gives.

use std::fmt;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Error, Result, SnapshotName};
use serde::{Deserialize, Serialize};

const APPS: [&str; 4] = ["operate", "tasklist", "optimize", "webapps"];

/// A part of an application's backup, by its snapshot's name:
/// `[<tenant>_]camunda_<app>_<backupId>_<version>_part_<i>_of_<n>`.
///
/// The application is one of `operate`, `tasklist`, `optimize`, `webapps`. The grammar is that of 8.1 … 8.10; ids are
/// digits from 8.2 on and texts in 8.1, where those of Operate may hold `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartName {
    /// The physical tenant, when it is not the default one (8.10).
    pub tenant: Option<String>,
    /// The application.
    pub app: String,
    /// The backup id as it stands in the name.
    pub backup_id: String,
    /// The version of the application, lower case.
    pub version: String,
    /// Which part this is, from 1. Parts are restored in this order.
    pub part: u32,
    /// How many parts there are.
    pub of: u32,
}

impl PartName {
    /// Takes a name apart; `None` when it is not the name of a part.
    pub fn parse(name: &str) -> Option<Self> {
        let (head, of) = name.rsplit_once("_of_")?;
        let (head, part) = head.rsplit_once("_part_")?;
        let (part, of) = (counting_number(part)?, counting_number(of)?);
        let (app, tenant, rest) = application(head)?;
        let (backup_id, version) = rest.rsplit_once('_')?;
        let whole = !backup_id.is_empty() && !version.is_empty() && part <= of;
        whole.then(|| Self {
            tenant: tenant.map(str::to_owned),
            app: app.to_owned(),
            backup_id: backup_id.to_owned(),
            version: version.to_owned(),
            part,
            of,
        })
    }

    /// The name as a snapshot name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when a field holds what no snapshot name may hold.
    pub fn to_snapshot_name(&self) -> Result<SnapshotName> {
        SnapshotName::new(self.to_string())
    }
}

/// The leftmost `camunda_<app>_`, what stands before it without its `_`, and what stands behind it.
fn application(head: &str) -> Option<(&'static str, Option<&str>, &str)> {
    let found = APPS.iter().filter_map(|app| {
        let marker = format!("camunda_{app}_");
        head.find(&marker).map(|at| (at, at + marker.len(), *app))
    });
    let (start, end, app) = found.min()?;
    match &head[..start] {
        "" => Some((app, None, &head[end..])),
        before => {
            let tenant = before.strip_suffix('_').filter(|tenant| !tenant.is_empty())?;
            Some((app, Some(tenant), &head[end..]))
        }
    }
}

/// A number from 1 as the servers write it: digits, no sign, no leading zero.
fn counting_number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    plain.then(|| text.parse().ok())?
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tenant) = &self.tenant {
            write!(f, "{tenant}_")?;
        }
        let Self { app, backup_id, version, part, of, .. } = self;
        write!(f, "camunda_{app}_{backup_id}_{version}_part_{part}_of_{of}")
    }
}

/// The names of all parts of one backup of the default tenant, in order.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] for an application that does not exist, or a version that no name can hold.
pub fn expected_names(app: &str, id: BackupId, version: &str, of: u32) -> Result<Vec<SnapshotName>> {
    let version = version.to_lowercase();
    if !APPS.contains(&app) || version.is_empty() || version.contains('_') {
        let message = format!("there are no backups of {app:?} in version {version:?}");
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    let part = |part| PartName {
        tenant: None,
        app: app.to_owned(),
        backup_id: id.to_string(),
        version: version.clone(),
        part,
        of,
    };
    (1..=of).map(|number| part(number).to_snapshot_name()).collect()
}

/// The name of the snapshot of the exported records: `camunda_zeebe_records_backup_<id>`, as the documentation has it.
///
/// It does not begin with an application's prefix: one snapshot that does, without the application's metadata, breaks
/// all its lists.
pub fn records_snapshot_name(id: BackupId) -> SnapshotName {
    const PREFIX: &str = "camunda_zeebe_records_backup_";
    let name = SnapshotName::new(format!("{PREFIX}{id}"));
    name.unwrap_or_else(|_| unreachable!("a prefix in lower case and digits are a snapshot name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_real_servers_are_taken_apart() {
        for (name, tenant, app, id, version, part, of) in [
            ("camunda_operate_5_8.6.0_part_1_of_6", None, "operate", "5", "8.6.0", 1, 6),
            ("camunda_webapps_1748937221_8.8.0_part_7_of_7", None, "webapps", "1748937221", "8.8.0", 7, 7),
            (
                "camunda_operate_my_backup_8.1.0-snapshot_part_2_of_6",
                None,
                "operate",
                "my_backup",
                "8.1.0-snapshot",
                2,
                6,
            ),
            (
                "acme_camunda_webapps_7_8.10.0-alpha3_part_1_of_6",
                Some("acme"),
                "webapps",
                "7",
                "8.10.0-alpha3",
                1,
                6,
            ),
            ("camunda_optimize_123_8.7.0_part_1_of_2", None, "optimize", "123", "8.7.0", 1, 2),
            (
                "camunda_operate_camunda_tasklist_x_8.1.0_part_1_of_6",
                None,
                "operate",
                "camunda_tasklist_x",
                "8.1.0",
                1,
                6,
            ),
        ] {
            let parsed = PartName::parse(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(parsed.to_string(), name);
            assert_eq!(
                (parsed.tenant.as_deref(), parsed.app.as_str(), parsed.backup_id.as_str()),
                (tenant, app, id)
            );
            assert_eq!((parsed.version.as_str(), parsed.part, parsed.of), (version, part, of));
        }
        for name in [
            "",
            "camunda_operate_5",
            "camunda_operate_5_8.6.0_part_0_of_6",
            "camunda_operate_5_8.6.0_part_7_of_6",
            "camunda_operate_5_8.6.0_part_1_of_06",
            "camunda_zeebe_records_backup_5",
            "camunda_operate__8.6.0_part_1_of_6",
            "xcamunda_operate_5_8.6.0_part_1_of_6",
            "_camunda_operate_5_8.6.0_part_1_of_6",
        ] {
            assert_eq!(PartName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn q24_our_own_names_never_look_like_an_applications() {
        let name = records_snapshot_name(BackupId::MAX);
        assert_eq!(name.as_str(), "camunda_zeebe_records_backup_9223372036854775807");
        assert!(APPS.iter().all(|app| !name.as_str().starts_with(&format!("camunda_{app}_"))));
        assert_eq!(PartName::parse(name.as_str()), None);
    }

    #[test]
    fn expected_names_are_in_order_and_checked() {
        let names = expected_names("operate", BackupId::new(5).unwrap(), "8.6.0-SNAPSHOT", 2).unwrap();
        let names: Vec<&str> = names.iter().map(SnapshotName::as_str).collect();
        assert_eq!(
            names,
            ["camunda_operate_5_8.6.0-snapshot_part_1_of_2", "camunda_operate_5_8.6.0-snapshot_part_2_of_2"]
        );
        for (app, version) in [("zeebe", "8.6.0"), ("operate", ""), ("operate", "8_6"), ("operate", "*")] {
            assert!(expected_names(app, BackupId::MAX, version, 1).is_err(), "{app} {version}");
        }
    }

    proptest! {
        #[test]
        fn names_survive_the_round_trip(
            tenant in proptest::option::of("[a-z][a-z0-9-]{0,8}"), app in 0..4_usize, id in "[a-z0-9]{1,6}(_[a-z0-9]{1,4})?",
            version in "[0-9]\\.[0-9]{1,2}\\.[0-9]{1,2}(-[a-z0-9]{1,9})?", of in 1..40_u32, part in 1..40_u32,
        ) {
            let name = PartName {
                tenant, app: APPS[app].to_owned(), backup_id: id, version, part: part.min(of), of,
            };
            prop_assert_eq!(PartName::parse(&name.to_string()), Some(name.clone()));
            prop_assert!(name.to_snapshot_name().is_ok());
        }

        #[test]
        fn any_text_is_a_part_or_none_and_never_a_panic(text in "(_|camunda_operate_|_part_|_of_|1|0|x|ü|8.6.0){0,12}") {
            if let Some(name) = PartName::parse(&text) {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
