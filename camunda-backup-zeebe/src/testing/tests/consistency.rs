//! An order that is wrong gives a backup that is wrong, visible in positions.

use std::collections::BTreeMap;

use super::*;

/// `C_p` and `E_p` of a Zeebe backup per partition.
fn cut(rig: &Rig, id: i64) -> BTreeMap<u64, (u64, u64)> {
    let view = rig.camunda.backup(id).unwrap();
    let entry = |part: crate::testing::PartitionBackupView| {
        (u64::from(part.partition.0), (part.checkpoint_position, part.exported_position))
    };
    view.partitions.into_iter().map(entry).collect()
}

fn holes(rig: &Rig, id: i64, reflected: &BTreeMap<u64, u64>) -> usize {
    cut(rig, id).iter().filter(|(partition, (_, exported))| reflected[partition] < *exported).count()
}

fn future(rig: &Rig, id: i64, reflected: &BTreeMap<u64, u64>) -> usize {
    cut(rig, id).iter().filter(|(partition, (checkpoint, _))| reflected[partition] > *checkpoint).count()
}

impl Rig {
    async fn run(&self, url: &str, body: &str) {
        assert!(self.post(url, body).status < 300, "{url}");
        for _ in 0..100 {
            wait(100).await;
            self.camunda.tick();
        }
    }

    async fn records(&self, name: &str, prefix: &str) -> BTreeMap<u64, u64> {
        self.camunda.tick();
        let names: Vec<String> = self.store.index_names();
        let indices: Vec<String> = names.into_iter().filter(|index| index.starts_with(prefix)).collect();
        assert!(!indices.is_empty());
        self.store.start_snapshot("backups", name, &indices, Value::Null, true).unwrap();
        wait(1000).await;
        self.camunda.tick();
        self.store.max_positions_in_snapshot("backups", name, prefix)
    }
}

const SOFT: &str = "http://zeebe.sim:9600/actuator/exporting/pause?soft=true";
const RESUME: &str = "http://zeebe.sim:9600/actuator/exporting/resume";

#[tokio::test(start_paused = true)]
async fn the_right_order_of_8_6_has_no_hole_and_no_future() {
    let rig = Rig::of("8.6.0");
    wait(10_000).await;
    rig.run(&format!("{OPERATE}/actuator/backups"), "{\"backupId\":7}").await;
    let imported =
        rig.store.max_positions_in_snapshot("backups", "camunda_operate_7_8.6.0_part_1_of_6", "operate");
    assert_eq!(imported.len(), 3);
    rig.run(SOFT, "{}").await;
    let records = rig.records("records", "zeebe-record").await;
    rig.run(&format!("{GATEWAY}/actuator/backups"), "{\"backupId\":7}").await;
    rig.run(RESUME, "{}").await;
    assert_eq!((holes(&rig, 7, &records), future(&rig, 7, &records)), (0, 0));
    assert!(imported.iter().all(|(partition, position)| position <= &records[partition]), "I_p ≤ R_p");
}

#[tokio::test(start_paused = true)]
async fn wrong_orders_of_8_6_show() {
    // Records after the Zeebe backup: a future.
    let rig = Rig::of("8.6.0");
    wait(5000).await;
    rig.run(SOFT, "{}").await;
    rig.run(&format!("{GATEWAY}/actuator/backups"), "{\"backupId\":7}").await;
    let records = rig.records("records", "zeebe-record").await;
    assert_eq!(future(&rig, 7, &records), 3);

    // No pause: a hole.
    let rig = Rig::of("8.6.0");
    wait(5000).await;
    let records = rig.records("records", "zeebe-record").await;
    rig.run(&format!("{GATEWAY}/actuator/backups"), "{\"backupId\":7}").await;
    assert_eq!(holes(&rig, 7, &records), 3);

    // Resumed before the Zeebe backup is complete: a hole.
    let rig = Rig::of("8.6.0");
    wait(5000).await;
    rig.run(SOFT, "{}").await;
    let records = rig.records("records", "zeebe-record").await;
    rig.post(&format!("{GATEWAY}/actuator/backups"), "{\"backupId\":7}");
    wait(500).await;
    rig.run(RESUME, "{}").await;
    assert!(holes(&rig, 7, &records) > 0);

    // Operate after the records: I_p > R_p.
    let rig = Rig::of("8.6.0");
    wait(5000).await;
    rig.run(SOFT, "{}").await;
    let records = rig.records("records", "zeebe-record").await;
    wait(5000).await;
    rig.run(&format!("{OPERATE}/actuator/backups"), "{\"backupId\":7}").await;
    let imported =
        rig.store.max_positions_in_snapshot("backups", "camunda_operate_7_8.6.0_part_1_of_6", "operate");
    rig.run(RESUME, "{}").await;
    assert!(imported.iter().any(|(partition, position)| position > &records[partition]));
}

#[tokio::test(start_paused = true)]
async fn from_8_8_on_the_pause_must_come_first() {
    let (history, runtime) =
        (format!("{GATEWAY}/actuator/backupHistory"), format!("{GATEWAY}/actuator/backupRuntime"));
    let list_view = "camunda_webapps_7_8.8.0_part_2_of_7";
    for (pause_first, expected) in [(true, 0), (false, 3)] {
        let rig = Rig::of("8.8.0");
        wait(5000).await;
        if pause_first {
            rig.run(SOFT, "{}").await;
        }
        rig.run(&history, "{\"backupId\":7}").await;
        if !pause_first {
            rig.run(SOFT, "{}").await;
        }
        rig.run(&runtime, "{\"backupId\":7}").await;
        rig.run(RESUME, "{}").await;
        let reflected = rig.store.max_positions_in_snapshot("backups", list_view, "operate-list-view");
        assert_eq!((holes(&rig, 7, &reflected), future(&rig, 7, &reflected)), (expected, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn hard_soft_and_no_pause_move_what_they_should() {
    let rig = Rig::of("8.6.0");
    let total = |positions: BTreeMap<camunda_backup_core::PartitionId, u64>| positions.values().sum::<u64>();
    let now = || (total(rig.camunda.written_positions()), total(rig.camunda.persisted_positions()));
    wait(1000).await;
    let running = now();
    rig.post(SOFT, "{}");
    wait(1000).await;
    let soft = now();
    assert!(soft.0 > running.0);
    assert_eq!(soft.1, running.1, "the kept position stands still");
    rig.post(RESUME, "{}");
    let resumed = now();
    assert_eq!(resumed.1, resumed.0, "it jumps to what was acknowledged");
    rig.post("http://zeebe.sim:9600/actuator/exporting/pause", "{}");
    wait(1000).await;
    assert_eq!(now(), resumed, "nothing is exported");
    assert!(total(rig.camunda.log_positions()) > resumed.0);
    rig.store.set_down(true);
    rig.post(RESUME, "{}");
    wait(1000).await;
    assert_eq!(now(), resumed, "no store, no export");
    rig.camunda.set_exporter_enabled(false);
    rig.store.set_down(false);
    wait(1000).await;
    assert_eq!(now(), resumed, "disabled");
}

#[tokio::test(start_paused = true)]
async fn the_parts_of_every_application_take_every_index_exactly_once() {
    for (version, app, roots, parts) in [
        ("8.6.0", format!("{OPERATE}/actuator/backups"), &["operate-"][..], 6),
        ("8.6.0", format!("{TASKLIST}/actuator/backups"), &["tasklist-"][..], 6),
        ("8.6.0", "http://optimize.sim:8092/actuator/backups".to_owned(), &["optimize-"][..], 2),
        ("8.8.0", format!("{GATEWAY}/actuator/backupHistory"), &["operate-", "tasklist-", "camunda-"][..], 7),
    ] {
        let rig = Rig::of(version);
        wait(5000).await;
        rig.run(&app, "{\"backupId\":7}").await;
        let mut taken: Vec<String> = Vec::new();
        let names = rig.store.snapshot_names("backups");
        assert_eq!(names.len(), parts, "{app}");
        for name in names {
            taken.extend(rig.store.snapshot_state("backups", &name).unwrap().indices);
        }
        taken.sort();
        let owned = |index: &String| roots.iter().any(|root| index.starts_with(root));
        let all: Vec<String> = rig.store.index_names().into_iter().filter(owned).collect();
        assert_eq!(taken, all, "{app}");
        assert!(all.len() > 2);
    }
}
