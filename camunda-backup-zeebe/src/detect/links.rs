//! What the list of an actuator's endpoints tells about who answers.

use std::collections::BTreeSet;

use camunda_backup_core::{CamundaVersion, Component};
use serde_json::Value;

/// Why an actuator is not that of the component that was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Contradiction {
    /// It is another application, by what it has.
    Other(String),
    /// Nothing speaks for another application, but this endpoint is hidden.
    NotExposed(&'static str),
}

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

    /// An endpoint that only brokers and gateways have, whatever else is hidden.
    fn has_something_of_zeebe(&self) -> bool {
        const OF_ZEEBE: [&str; 9] = [
            "banning-processInstanceKey",
            "backupRuntime",
            "cluster",
            "clock",
            "exporters",
            "flowcontrol",
            "jobstreams",
            "partitions",
            "rebalance",
        ];
        self.is_zeebe() || OF_ZEEBE.iter().any(|key| self.has(key))
    }

    /// The endpoints that are shown, for messages.
    pub(super) fn shown(&self) -> String {
        let names = self.0.iter().filter(|name| *name != "self" && !name.contains('-'));
        names.map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// Why this cannot be used as the component that was meant. An empty list is no contradiction by itself.
    pub(super) fn contradict(&self, meant: &Component) -> Option<Contradiction> {
        use Contradiction::{NotExposed, Other};
        if self.is_empty() {
            return None;
        }
        let other = |why: &str| Some(Other(why.to_owned()));
        let (zeebe, applications) = (self.is_zeebe(), self.has_application_backups());
        let combined = self.has("backupHistory");
        match meant {
            Component::Zeebe if zeebe => None,
            Component::Zeebe if applications && !self.has_something_of_zeebe() => other(
                "its actuator has backups of an application and no exporting, so it is not a Zeebe gateway",
            ),
            Component::Zeebe => Some(NotExposed("exporting")),
            Component::Broker(_) if self.has("partitions") => None,
            Component::Broker(_) if zeebe => other(
                "its actuator has no partitions, so it is not a broker (a stand-alone gateway has none)",
            ),
            Component::Broker(_) => Some(NotExposed("partitions")),
            Component::Operate | Component::Tasklist | Component::Optimize if zeebe && !combined => other(
                "it is Zeebe, or the all-in-one of 8.6, whose backups are Zeebe's alone: run Operate and Tasklist as \
                 processes of their own",
            ),
            Component::Operate | Component::Tasklist if combined => {
                other("it has the combined web applications of 8.8 and later")
            }
            Component::Webapps if combined => None,
            Component::Webapps if zeebe && !self.has("backupRuntime") => {
                other("its actuator has no backupHistory")
            }
            Component::Webapps if zeebe || !applications => Some(NotExposed("backupHistory")),
            Component::Operate | Component::Tasklist | Component::Optimize if !applications => {
                Some(NotExposed("backups"))
            }
            _ => None,
        }
    }

    /// Endpoints that 8.1 alone has: one Zeebe backup by its id and no list, or the singular of the web applications.
    pub(super) fn are_of_8_1(&self) -> bool {
        let zeebe = self.is_zeebe() && self.has("backups-id") && !self.has("backups");
        zeebe || self.has("backup")
    }

    /// The first version of the oldest line that has all of these endpoints.
    pub(super) fn at_least(&self, has_info: bool) -> Option<CamundaVersion> {
        let first_of = |minor| Some(CamundaVersion::new(8, minor, 0));
        if self.has("backupRuntime") || self.has("backupHistory") {
            // A patch of 8.7 has shown these names, too.
            first_of(7)
        } else if self.has("exporters") {
            first_of(6)
        } else if self.has("cluster") || has_info {
            first_of(4)
        } else if self.has("backups") {
            first_of(2)
        } else {
            None
        }
    }

    /// The endpoint lists an operation in its path exactly where there is no soft pause.
    pub(super) fn soft_pause(&self) -> Option<bool> {
        match (self.has("exporting"), self.has("exporting-operationKey")) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }

    /// The newest version that has these endpoints and does not tell its version.
    pub(super) fn at_most(&self, component: &Component, has_info: bool) -> Option<CamundaVersion> {
        let last_of = |minor| Some(CamundaVersion::new(8, minor, 99));
        match component {
            _ if self.are_of_8_1() => last_of(1),
            // Optimize never tells.
            Component::Optimize => None,
            // `cluster` is there from 8.4 on; without it, and without a version, it is older.
            _ if self.is_zeebe() && !self.has("cluster") => last_of(3),
            _ if !has_info && !self.is_zeebe() => last_of(3),
            _ => None,
        }
    }
}
