//! What lies in the store: raw records, the importers' copies (up to 8.7), the exporter's own indices (8.8+).
//!
//! One document per partition and index with the highest position in it, overwritten. That is enough to compute `R_p`
//! (the highest `position` per `partitionId` of the records) and `I_p` (the import positions).

use std::time::Duration;

use serde_json::json;

use crate::testing::state::snapshot_queue::App;
use crate::testing::state::world::World;

/// How far importers are behind the store.
const IMPORT_LAG: Duration = Duration::from_millis(1500);
/// The date in the names of dated indices.
const DATE: &str = "2026-11-21";

impl World {
    fn prefix_of(&self, app: App) -> &str {
        match app {
            App::Operate => &self.options.operate_prefix,
            App::Tasklist => &self.options.tasklist_prefix,
            App::Webapps => &self.options.orchestration_prefix,
            App::Optimize => &self.options.optimize_prefix,
        }
    }

    /// The combined applications' names begin with `operate-`, `tasklist-`, `camunda-`, behind the prefix if any.
    fn webapps_index(&self, name: &str) -> String {
        let prefix = &self.options.orchestration_prefix;
        if prefix.is_empty() { name.to_owned() } else { format!("{prefix}-{name}") }
    }

    /// Writes what has changed since the last time.
    pub(crate) fn write_documents(&mut self) {
        if self.store.is_down() {
            return;
        }
        self.import();
        for partition in &self.partitions {
            if partition.written == 0 {
                continue;
            }
            let (id, position) = (partition.id, partition.written);
            let before = self.flushed.insert((None, id), position);
            if before == Some(position) {
                continue;
            }
            if before.is_none() && self.options.webapps {
                self.write_fixed(App::Webapps);
            }
            if self.options.record_exporter {
                self.write_records(id, position);
            }
            if self.options.webapps {
                self.write_webapps_indices(id, position);
            }
        }
        let apps = [App::Operate, App::Tasklist, App::Optimize];
        for app in apps {
            let Some(state) = self.apps.get(&app) else { continue };
            let imported: Vec<(u32, u64)> = state.imported.iter().map(|(id, at)| (*id, *at)).collect();
            for (id, position) in imported {
                let before = self.flushed.insert((Some(app), id), position);
                if before.is_none() {
                    self.write_fixed(app);
                }
                if before != Some(position) {
                    self.write_imported(app, id, position);
                }
            }
        }
    }

    /// Importers read raw records: Operate and Tasklist up to 8.7, Optimize always.
    fn import(&mut self) {
        if !self.options.record_exporter {
            return;
        }
        let then = self.now.checked_sub(IMPORT_LAG);
        for (_, state) in self.apps.iter_mut().filter(|(app, state)| **app != App::Webapps && state.alive) {
            for partition in &self.partitions {
                let reached = then.map_or(0, |then| partition.written_at(then));
                let entry = state.imported.entry(partition.id).or_insert(0);
                *entry = reached.max(*entry);
            }
        }
    }

    fn write_records(&self, partition: u32, position: u64) {
        let prefix = &self.options.record_prefix;
        let version = &self.options.version;
        for (kind, value_type, at) in
            [("process-instance", "PROCESS_INSTANCE", position), ("job", "JOB", position - position % 2)]
        {
            let index = format!("{prefix}_{kind}_{version}_{DATE}");
            let document = json!({
                "partitionId": partition, "position": at, "sequence": at, "valueType": value_type,
                "recordType": "EVENT", "brokerVersion": version.to_string()
            });
            self.store.put_document(&index, &format!("{partition}-last"), document);
        }
    }

    /// 8.8+: the exporter writes the applications' indices itself.
    fn write_webapps_indices(&self, partition: u32, position: u64) {
        for name in ["operate-list-view-8.3.0_", "operate-incident-8.3.1_", "tasklist-task-8.8.0_"] {
            let document = json!({"partitionId": partition, "position": position, "key": partition});
            self.store_of(App::Webapps).put_document(
                &self.webapps_index(name),
                &partition.to_string(),
                document,
            );
        }
    }

    /// What does not grow: definitions, users, dashboards.
    fn write_fixed(&self, app: App) {
        let names: &[&str] = match app {
            App::Operate => &["process-8.3.0_", "user-1.2.0_"],
            App::Tasklist => &["form-8.4.0_", "user-1.4.0_"],
            App::Optimize => &["timestamp-based-import-index_v5", "dashboard_v8"],
            App::Webapps => {
                &["operate-import-position-8.3.0_", "operate-process-8.3.0_", "camunda-role-8.8.0_"]
            }
        };
        for name in names {
            let index = match app {
                App::Webapps => self.webapps_index(name),
                _ => format!("{}-{name}", self.prefix_of(app)),
            };
            self.store_of(app).put_document(&index, "fixed", json!({"id": "fixed"}));
        }
    }

    fn write_imported(&self, app: App, partition: u32, position: u64) {
        let prefix = self.prefix_of(app);
        let (positions, data): (&str, &[&str]) = match app {
            App::Operate => ("import-position-8.3.0_", &["list-view-8.3.0_", "incident-8.3.1_"]),
            App::Tasklist => ("import-position-8.2.0_", &["task-8.5.0_", "task-variable-8.3.0_"]),
            App::Optimize | App::Webapps => {
                ("position-based-import-index_v3", &["process-instance-invoice_v8"])
            }
        };
        let id = format!("{partition}-process-instance");
        let imported = json!({
            "id": id, "aliasName": "process-instance",
            "partitionId": partition, "position": position, "sequence": position
        });
        self.store_of(app).put_document(&format!("{prefix}-{positions}"), &id, imported);
        for name in data {
            let document = json!({"partitionId": partition, "position": position, "key": partition});
            self.store_of(app).put_document(&format!("{prefix}-{name}"), &partition.to_string(), document);
        }
    }

    /// The existing indices that a part takes, in the priority order of the applications: import positions first,
    /// then main indices, dated ones, other main ones, their dated ones, and the rest in the last part.
    pub(crate) fn indices_of_part(&self, app: App, number: u32) -> Vec<String> {
        let last = self.part_count(app);
        let names = self.store_of(app).index_names();
        let mine = names.into_iter().filter(|name| self.owns(app, name));
        mine.filter(|name| {
            let group = if app == App::Optimize { optimize_group(name) } else { group(name) };
            let part = if group == LAST { last } else { group.min(last.saturating_sub(1)).max(1) };
            part == number
        })
        .collect()
    }

    /// An application knows its indices by their names, and saves no other's whose prefix begins with its own.
    fn owns(&self, app: App, index: &str) -> bool {
        let prefix = self.prefix_of(app);
        let rest = if prefix.is_empty() { Some(index) } else { index.strip_prefix(&format!("{prefix}-")) };
        rest.is_some_and(|rest| names_of(app).iter().any(|name| rest.starts_with(name)))
    }
}

/// The beginnings of the names of an application's indices, behind its prefix.
fn names_of(app: App) -> &'static [&'static str] {
    match app {
        App::Operate => &["import-position-", "list-view-", "incident-", "process-", "user-"],
        App::Tasklist => &["import-position-", "task-", "form-", "user-"],
        App::Optimize => &[
            "position-based-import-index_",
            "timestamp-based-import-index_",
            "dashboard_",
            "process-instance-",
        ],
        App::Webapps => &[
            "operate-import-position-",
            "operate-list-view-",
            "operate-incident-",
            "operate-process-",
            "tasklist-task-",
            "camunda-role-",
        ],
    }
}

const LAST: u32 = u32::MAX;

fn optimize_group(index: &str) -> u32 {
    if index.contains("import-index") { 1 } else { LAST }
}

fn group(index: &str) -> u32 {
    let dated = index.rsplit('_').next().is_some_and(|end| end.starts_with("20"));
    let main = ["list-view", "-task-8", "process-instance"].iter().any(|word| index.contains(word));
    let other = ["incident", "variable", "event", "flownode", "sequence", "operation"];
    let other = other.iter().any(|word| index.contains(word));
    match (main, other, dated) {
        _ if index.contains("import-position") => 1,
        (true, _, false) => 2,
        (true, _, true) => 3,
        (_, true, false) => 4,
        (_, true, true) => 5,
        _ => LAST,
    }
}
