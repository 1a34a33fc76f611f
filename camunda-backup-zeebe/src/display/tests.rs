use serde::de::DeserializeOwned;

use super::*;
use crate::{BackupState, ExporterPhase, HealthState, Role};

fn read<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap()
}

#[test]
fn every_value_prints_what_it_is() {
    let backup: RuntimeBackup =
        read(r#"{"id":7,"state":"FAILED","failure":"no bucket\n\tat io.x","partitions":[]}"#);
    assert_eq!(backup.to_string(), "backup 7: FAILED, 0 partitions: no bucket");
    let history: HistoryBackup = read(
        r#"{"id":null,"state":"","failure":null,
            "parts":[{"name":"s","state":null,"start_time":null,"failures":["x"]}]}"#,
    );
    assert_eq!(history.to_string(), "backup: nothing was said, 1 part");
    assert_eq!(history.parts[0].to_string(), "s: no state: x");
    let change =
        r#"{"id":"3","status":"IN_PROGRESS","started_at":null,"completed_at":null,"operations_pending":2}"#;
    let cluster: ClusterState = read(&format!(
        r#"{{"version":1,"brokers":[{{"id":"0","state":"ACTIVE","partitions":[1,2]}}],
             "pending_change":{change},"last_change":null}}"#
    ));
    let text = "1 member, change 3: IN_PROGRESS, 2 operations to be done\nbroker 0: ACTIVE, partition 1, 2";
    assert_eq!(cluster.to_string(), text);
    let exporter: Exporter = read(r#"{"id":"elasticsearch","status":"ENABLED","tenant":null}"#);
    assert_eq!(exporter.to_string(), "elasticsearch: ENABLED");
    let replica: PartitionStatus = read(
        r#"{"role":"FOLLOWER","exporter_phase":null,"exported_position":null,"processed_position":5,
            "snapshot_id":null,"stream_processor_phase":null,"health":null}"#,
    );
    assert_eq!(replica.to_string(), "FOLLOWER, exporter phase not shown, processed up to 5");
    let topology: Topology = read(
        r#"{"brokers":[{"id":"0","host":null,"version":null,"partitions":
            [{"partition":1,"role":"LEADER","healthy":false,"health":"dead"}]}],
            "cluster_size":2,"partitions_count":1,"replication_factor":1,"gateway_version":"8.6.0"}"#,
    );
    let text = topology.to_string();
    assert!(
        text.starts_with(
            "1 of 2 brokers visible, 1 partition with 1 replica each, gateway 8.6.0\nbroker 0: "
        )
    );
    assert!(
        text.contains("partition 1 LEADER, dead") && text.contains("1 of 2 brokers are visible"),
        "{text}"
    );
    let checkpoints: CheckpointState = read(
        r#"{"checkpoints":[],"backups":[],"ranges":[{"partition":1,"start":null,"end":
            {"id":9,"partition":1,"kind":null,"position":4,"first_log_position":null,"timestamp":null}}]}"#,
    );
    assert_eq!(checkpoints.to_string(), "0 checkpoints, 0 backups, 1 range\npartition 1: not told to 9");
    assert_eq!(
        checkpoints.ranges[0].end.as_ref().unwrap().to_string(),
        "checkpoint 9, partition 1, position 4"
    );
    assert_eq!(Scheduled::default().to_string(), "accepted; the snapshots are not named");
    let detected = DetectedVersion {
        version: None,
        at_most: None,
        at_most_is_certain: false,
        at_least: None,
        soft_pause: None,
        how: "no word".to_owned(),
    };
    assert_eq!(detected.to_string(), "not told (no word)");
}

#[test]
fn words_that_people_type_are_read_and_unknown_ones_are_refused_with_the_known() {
    assert_eq!("soft-paused".parse::<ExporterPhase>().unwrap(), ExporterPhase::SoftPaused);
    assert_eq!("leader".parse::<Role>().unwrap(), Role::Leader);
    assert_eq!("complete".parse::<BackupState>().unwrap(), BackupState::Completed);
    assert_eq!(" Hard ".parse::<PauseMode>().unwrap(), PauseMode::Hard);
    assert!("sofft".parse::<PauseMode>().unwrap_err().report().contains("write soft or hard"));
    assert!("completd".parse::<BackupState>().unwrap_err().report().contains("COMPLETED"));
    assert!("".parse::<HealthState>().is_err());
    let name = "camunda_operate_7_8.6.0_part_1_of_6";
    assert_eq!(name.parse::<PartName>().unwrap().to_string(), name);
    assert!("zeebe".parse::<PartName>().is_err());
}
