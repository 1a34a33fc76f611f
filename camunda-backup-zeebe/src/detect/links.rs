//! What the list of an actuator's endpoints tells about who answers.

use std::collections::BTreeSet;

use camunda_backup_core::{CamundaVersion, Component};
use serde_json::Value;

/// The keys of `_links`.
#[derive(Debug, Default)]
pub(super) struct Links(BTreeSet<String>);

impl Links {
    pub(super) fn new(json: &Value) -> Self {
        let links = json.get("_links").and_then(Value::as_object);
        Self(links.into_iter().flat_map(|links| links.keys().cloned()).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, key: &str) -> bool {
        self.0.contains(key)
    }

    /// Brokers and gateways of all versions, and the all-in-one.
    fn is_zeebe(&self) -> bool {
        ["rebalance", "exporting", "exporting-operationKey"].iter().any(|key| self.has(key))
    }

    fn has_application_backups(&self) -> bool {
        ["backup", "backups", "backupHistory"].iter().any(|key| self.has(key))
    }

    /// Why this cannot be the component that was meant. An empty list, or one with other endpoints switched off, is no
    /// contradiction by itself.
    pub(super) fn contradict(&self, meant: &Component) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let (zeebe, applications) = (self.is_zeebe(), self.has_application_backups());
        let combined = self.has("backupHistory");
        match meant {
            Component::Zeebe if !zeebe => Some("its actuator has no exporting, so it is not a Zeebe gateway".to_owned()),
            Component::Broker(_) if !self.has("partitions") => {
                Some("its actuator has no partitions, so it is not a broker (a stand-alone gateway has none)".to_owned())
            }
            Component::Operate | Component::Tasklist | Component::Optimize if zeebe && !combined => Some(
                "it is Zeebe, or the all-in-one of 8.6, whose backups are Zeebe's alone: run Operate and Tasklist as \
                 processes of their own"
                    .to_owned(),
            ),
            Component::Operate | Component::Tasklist if combined => {
                Some("it has the combined web applications of 8.8 and later".to_owned())
            }
            Component::Webapps if zeebe && !combined => Some("its actuator has no backupHistory".to_owned()),
            Component::Operate | Component::Tasklist | Component::Webapps if !applications => {
                Some("its actuator has no backups".to_owned())
            }
            _ => None,
        }
    }

    /// The newest version that has these endpoints and does not tell its version.
    pub(super) fn at_most(&self, component: &Component, has_info: bool) -> Option<CamundaVersion> {
        let last_of = |minor| Some(CamundaVersion::new(8, minor, 99));
        let zeebe_of_8_1 = self.is_zeebe() && self.has("backups-id") && !self.has("backups");
        match component {
            _ if zeebe_of_8_1 || self.has("backup") => last_of(1),
            // Optimize never tells.
            Component::Optimize => None,
            // `cluster` is there from 8.4 on; without it, and without a version, it is older.
            _ if self.is_zeebe() && !self.has("cluster") => last_of(3),
            _ if !has_info && !self.is_zeebe() => last_of(3),
            _ => None,
        }
    }
}
