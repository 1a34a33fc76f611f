//! What a restore of a backup would find: judged from the data inside it, not from anybody's word.

use std::collections::BTreeMap;
use std::fmt;

use camunda_backup_core::BackupId;
use camunda_backup_es::testing::SnapshotView;
use serde_json::Value;

use super::SimulatedCluster;

/// Why a backup is not a consistent recovery point.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inconsistency {
    /// A part does not exist or did not succeed.
    Missing(String),
    /// The store lacks records that Zeebe will not export again: a hole.
    Hole {
        /// Where: the records or an application.
        place: String,
        /// The partition.
        partition: i64,
        /// The highest position there.
        has: u64,
        /// The exporter position in Zeebe's backup: it continues after this.
        exported: u64,
    },
    /// The store holds records that Zeebe will never have written: a future.
    Future {
        /// Where: the records or an application.
        place: String,
        /// The partition.
        partition: i64,
        /// The highest position there.
        has: u64,
        /// The checkpoint in Zeebe's backup.
        checkpoint: u64,
    },
    /// An importer is ahead of the records that it reads.
    ImporterAhead {
        /// The application.
        place: String,
        /// The partition.
        partition: i64,
        /// Its import position.
        imported: u64,
        /// The highest record.
        records: u64,
    },
}

impl fmt::Display for Inconsistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(f, "{what} is missing or did not succeed"),
            Self::Hole { place, partition, has, exported } => {
                write!(
                    f,
                    "hole: {place} of partition {partition} reach {has}, Zeebe continues after {exported}"
                )
            }
            Self::Future { place, partition, has, checkpoint } => {
                write!(f, "future: {place} of partition {partition} reach {has}, Zeebe ends at {checkpoint}")
            }
            Self::ImporterAhead { place, partition, imported, records } => {
                write!(
                    f,
                    "{place} has imported {imported} of partition {partition}, the records end at {records}"
                )
            }
        }
    }
}

/// What a restore would find.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Recoverability {
    /// Everything that is wrong. Empty means consistent.
    pub problems: Vec<Inconsistency>,
    /// The snapshots that were looked at.
    pub snapshots: Vec<String>,
}

impl Recoverability {
    /// Whether the backup is a consistent recovery point.
    pub fn is_consistent(&self) -> bool {
        self.problems.is_empty()
    }
}

type Positions = BTreeMap<i64, u64>;

impl SimulatedCluster {
    /// Looks into the data of a backup as a restore would. Independent of the library's own verdict.
    pub fn check(&self, id: BackupId) -> Recoverability {
        let options = &self.inner.options.camunda;
        let snapshots = self.inner.store.snapshots(&options.repository);
        let mut found = Recoverability::default();
        let zeebe = self.zeebe_of(id, &mut found);
        let records_name = format!("camunda_zeebe_records_backup_{id}");
        let records = snapshots.iter().find(|snapshot| snapshot.name == records_name);
        if options.record_exporter {
            match records {
                Some(snapshot) if snapshot.state == "SUCCESS" => found.snapshots.push(snapshot.name.clone()),
                _ => found.problems.push(Inconsistency::Missing(records_name)),
            }
        }
        let reached = records.map(|snapshot| highest(snapshot, |_| true)).unwrap_or_default();
        if options.record_exporter {
            found.compare("records", &reached, &zeebe, true);
        }
        for (app, deployed) in self.apps() {
            if deployed {
                Self::check_app(app, id, &snapshots, &zeebe, &reached, &mut found);
            }
        }
        found
    }

    fn apps(&self) -> [(&'static str, bool); 4] {
        let options = &self.inner.options.camunda;
        [
            ("operate", options.operate),
            ("tasklist", options.tasklist),
            ("webapps", options.webapps),
            ("optimize", options.optimize),
        ]
    }

    /// Exporter position and checkpoint by partition.
    fn zeebe_of(&self, id: BackupId, found: &mut Recoverability) -> BTreeMap<i64, (u64, u64)> {
        let backup = self.inner.camunda.backup(id.value());
        let partitions = backup.map(|backup| backup.partitions).unwrap_or_default();
        let complete = partitions.iter().filter(|partition| partition.state == "COMPLETED").count();
        if complete != self.inner.options.camunda.partitions as usize {
            found.problems.push(Inconsistency::Missing(format!("Zeebe backup {id}")));
        }
        partitions
            .iter()
            .map(|p| (i64::from(p.partition.0), (p.exported_position, p.checkpoint_position)))
            .collect()
    }

    fn check_app(
        app: &str,
        id: BackupId,
        snapshots: &[SnapshotView],
        zeebe: &BTreeMap<i64, (u64, u64)>,
        records: &Positions,
        found: &mut Recoverability,
    ) {
        let prefix = format!("camunda_{app}_{id}_");
        let parts: Vec<&SnapshotView> = snapshots.iter().filter(|s| s.name.starts_with(&prefix)).collect();
        let of = parts.first().and_then(|part| part.name.rsplit("_of_").next()?.parse::<usize>().ok());
        let whole =
            of.is_some_and(|of| parts.len() == of) && parts.iter().all(|part| part.state == "SUCCESS");
        if !whole {
            found.problems.push(Inconsistency::Missing(format!("the backup of {app}")));
            return;
        }
        found.snapshots.extend(parts.iter().map(|part| part.name.clone()));
        let imports = app != "webapps";
        let mut data = Positions::new();
        let mut imported = Positions::new();
        for part in parts {
            merge(&mut imported, highest(part, |index| index.contains("import")));
            merge(&mut data, highest(part, |index| !index.contains("import")));
        }
        found.compare(app, &data, zeebe, !imports);
        if imports {
            found.compare_importer(app, &imported, records);
        }
    }
}

impl Recoverability {
    /// A hole matters only where nothing is imported again.
    fn compare(&mut self, place: &str, has: &Positions, zeebe: &BTreeMap<i64, (u64, u64)>, holes: bool) {
        for (partition, (exported, checkpoint)) in zeebe {
            let (partition, has) = (*partition, has.get(partition).copied().unwrap_or(0));
            let place = place.to_owned();
            if holes && has < *exported {
                self.problems.push(Inconsistency::Hole { place, partition, has, exported: *exported });
            } else if has > *checkpoint {
                self.problems.push(Inconsistency::Future { place, partition, has, checkpoint: *checkpoint });
            }
        }
    }

    fn compare_importer(&mut self, place: &str, imported: &Positions, records: &Positions) {
        for (partition, imported) in imported {
            let records = records.get(partition).copied().unwrap_or(0);
            if *imported > records {
                let (place, partition, imported) = (place.to_owned(), *partition, *imported);
                self.problems.push(Inconsistency::ImporterAhead { place, partition, imported, records });
            }
        }
    }
}

/// The highest position by partition in the wanted indices of a snapshot.
fn highest(snapshot: &SnapshotView, wanted: impl Fn(&str) -> bool) -> Positions {
    let mut positions = Positions::new();
    let documents =
        snapshot.documents.iter().filter(|(index, _)| wanted(index)).flat_map(|(_, docs)| docs.values());
    for document in documents {
        let partition = document.get("partitionId").and_then(Value::as_i64);
        let position = document.get("position").and_then(Value::as_u64);
        if let (Some(partition), Some(position)) = (partition, position) {
            merge(&mut positions, Positions::from([(partition, position)]));
        }
    }
    positions
}

fn merge(into: &mut Positions, from: Positions) {
    for (partition, position) in from {
        let entry = into.entry(partition).or_insert(0);
        *entry = position.max(*entry);
    }
}
