//! What a test can set: the exporter's timed flush, phases that are no pause, other repositories, stores and prefixes.

use super::*;

const PAUSE: &str = "http://zeebe.sim:9600/actuator/exporting/pause";
const PARTITIONS: &str = "http://broker-0.sim:9600/actuator/partitions";

fn one_broker(version: &str, set: impl FnOnce(&mut CamundaOptions)) -> Rig {
    let mut options = CamundaOptions::for_version(version.parse().unwrap());
    (options.brokers, options.partitions, options.replication) = (1, 1, 1);
    set(&mut options);
    Rig::with(options)
}

impl Rig {
    /// The exported position of partition 1 on broker 0.
    fn exported(&self) -> Value {
        self.get(PARTITIONS).body["1"]["exportedPosition"].clone()
    }
}

#[tokio::test(start_paused = true)]
async fn q44_after_a_hard_pause_the_next_timed_flush_still_moves_the_position_once() {
    for (flush, rate, moves) in [(1000, 100, true), (1000, 0, false), (0, 100, false)] {
        let rig = one_broker("8.1.27", |options| {
            options.exporter_flush = Duration::from_millis(flush);
            options.records_per_second = rate;
        });
        for _ in 0..35 {
            wait(100).await;
            rig.camunda.tick();
        }
        rig.post(PAUSE, "{}");
        let at_once = rig.exported();
        wait(1000).await;
        let after_a_second = rig.exported();
        assert_eq!(at_once != after_a_second, moves, "{flush} ms, {rate}/s: {at_once} {after_a_second}");
        let written = rig.camunda.written_positions();
        wait(60_000).await;
        assert_eq!(rig.exported(), after_a_second, "{flush} ms, {rate}/s: it stands still then");
        assert_eq!(rig.camunda.written_positions(), written, "and the store has what was acknowledged");
    }
}

#[tokio::test(start_paused = true)]
async fn q45_a_restarted_leader_reports_minus_one_until_its_exporters_are_open() {
    let rig = one_broker("8.6.0", |options| options.exporters_open_after = Duration::from_secs(2));
    wait(1000).await;
    assert!(rig.exported().as_i64().unwrap() > 0, "its first start was before the test");
    rig.camunda.restart_broker(&0.into());
    assert_eq!(rig.get(PARTITIONS).body, serde_json::json!({}));
    wait(4000).await;
    assert_eq!(rig.exported(), -1, "ready, without a leader");
    wait(4000).await;
    rig.camunda.tick();
    assert_eq!(rig.exported(), -1, "it leads again");
    wait(2000).await;
    assert!(rig.exported().as_i64().unwrap() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_phase_that_is_no_pause_delivers_nothing_until_the_broker_restarts() {
    let rig = one_broker("8.6.0", |_| {});
    wait(1000).await;
    rig.camunda.set_exporter_phase(&0.into(), PartitionId(1), Some("CLOSED"));
    let position = rig.exported();
    wait(5000).await;
    rig.post("http://zeebe.sim:9600/actuator/exporting/resume", "{}");
    wait(5000).await;
    assert_eq!(rig.exported(), position);
    assert_eq!(rig.get(PARTITIONS).body["1"]["exporterPhase"], "CLOSED");
    rig.camunda.restart_broker(&0.into());
    wait(20_000).await;
    rig.camunda.tick();
    assert_eq!(rig.get(PARTITIONS).body["1"]["exporterPhase"], "EXPORTING");
    wait(1000).await;
    assert_ne!(rig.exported(), position);
}

#[tokio::test(start_paused = true)]
async fn an_application_can_have_a_repository_of_its_own() {
    let rig = one_broker("8.6.0", |options| {
        options.repository_of.insert(Component::Tasklist, "elsewhere".to_owned());
    });
    rig.store.set_repository("elsewhere", true);
    for app in [OPERATE, TASKLIST] {
        assert_eq!(rig.post(&format!("{app}/actuator/backups"), r#"{"backupId":7}"#).status, 200);
    }
    rig.watch(&format!("{TASKLIST}/actuator/backups/7"), &["INCOMPLETE", "IN_PROGRESS", "404", "500"]).await;
    let prefixed = |repository: &str, app: &str| {
        let names = rig.store.snapshot_names(repository);
        !names.is_empty() && names.iter().all(|name| name.starts_with(app))
    };
    assert!(prefixed("backups", "camunda_operate_"));
    assert!(prefixed("elsewhere", "camunda_tasklist_"));
}

#[tokio::test(start_paused = true)]
async fn an_application_can_have_a_store_of_its_own() {
    let rig = one_broker("8.6.0", |_| {});
    let clock = SimulatedClock::starting_at(Timestamp::from_millis(1_795_229_686_000));
    let other = Arc::new(MemoryStore::new(clock, "backups"));
    rig.camunda.use_store(&Component::Optimize, Arc::clone(&other) as Arc<dyn SecondaryStore>);
    wait(5000).await;
    rig.camunda.tick();
    let names = other.index_names();
    assert!(!names.is_empty() && names.iter().all(|name| name.starts_with("optimize-")), "{names:?}");
    assert!(rig.store.index_names().iter().any(|name| name.starts_with("operate-")));
}

#[tokio::test(start_paused = true)]
async fn records_stay_behind_when_the_exporter_gets_another_prefix() {
    let rig = one_broker("8.6.0", |_| {});
    wait(1000).await;
    rig.camunda.set_record_prefix("moved");
    let left = rig.store.max_positions("zeebe-record_");
    wait(5000).await;
    rig.camunda.tick();
    assert_eq!(rig.store.max_positions("zeebe-record_"), left, "nothing writes there any more");
    let log = rig.camunda.log_positions()[&PartitionId(1)];
    assert_eq!(rig.store.max_positions("moved_").get(&1), Some(&log));
    rig.camunda.set_records_per_second(0);
    wait(5000).await;
    assert_eq!(rig.camunda.log_positions()[&PartitionId(1)], log);
}
