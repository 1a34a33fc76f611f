use proptest::prelude::*;

use super::super::checkpoint::CheckpointState;
use super::*;
use crate::answer::{any_json, read};

macro_rules! golden {
    ($path:literal) => {
        include_str!(concat!("../../../goldens/", $path))
    };
}

#[test]
fn completed_backups_of_every_version_are_read() {
    for (json, snapshot, processed, exported, checkpoint, version) in [
        (golden!("8.1.27/status-completed.json"), "0-0-121-0", 121, 0, 123, "8.1.27"),
        (golden!("8.2.29/status-completed.json"), "", 0, 0, 44, "8.2.29"),
        (golden!("8.4.9/status-completed.json"), "", 0, 0, 43, "8.4.9"),
        (golden!("8.5.8/status-completed.json"), "0-0-21-0", 21, 0, 23, "8.5.8"),
        (golden!("8.6.0/status-completed.json"), "0-0-1035-0-0", 1035, 0, 1136, "8.6.0"),
        (golden!("8.7/status-completed.json"), "12-1-120-118-0-5f0a9c1e", 120, 118, 130, "8.7.0"),
        (golden!("8.9/status-completed.json"), "12-1-1390-1380-0-5f0a9c1e", 1390, 1380, 1400, "8.9.0"),
        (golden!("8.10/status-completed.json"), "12-1-1390-1380-0-5f0a9c1e", 1390, 1380, 1400, "8.10.0"),
        (
            golden!("8.10/actuator-status-completed.json"),
            "12-1-1390-1380-0-5f0a9c1e",
            1390,
            1380,
            1400,
            "8.10.0",
        ),
    ] {
        let backup: RuntimeBackup = read(json);
        assert!(backup.state.is_completed() && backup.failure.is_none(), "{version}");
        assert!(backup.partitions.is_sorted_by_key(|partition| partition.partition), "{version}");
        let first = &backup.partitions[0];
        assert_eq!(first.partition.0, 1, "{version}");
        assert_eq!(first.snapshot_id.as_deref().unwrap_or_default(), snapshot, "{version}");
        if !snapshot.is_empty() {
            assert_eq!(first.snapshot_processed_position(), Some(processed), "{version}");
            assert_eq!(first.snapshot_exported_position(), Some(exported), "{version}");
        }
        assert_eq!(first.checkpoint_position, Some(checkpoint), "{version}");
        assert_eq!(first.broker_version.as_deref(), Some(version));
        let stored = serde_json::to_string(&backup).unwrap();
        assert_eq!(
            serde_json::from_str::<RuntimeBackup>(&stored).unwrap(),
            backup,
            "{version}: evidence is kept"
        );
    }
}

#[test]
fn q2_a_backup_that_has_just_begun_is_not_failed() {
    let running: RuntimeBackup = read(golden!("8.1.27/status-running.json"));
    assert_eq!(running.state, BackupState::InProgress);
    let running: RuntimeBackup = read(golden!("8.8/status-in-progress.json"));
    assert_eq!(running.state, BackupState::InProgress);
    assert_eq!(running.partitions[1].state, BackupState::NotVisible);
    let incomplete: RuntimeBackup = read(r#"{"backupId":5,"state":"INCOMPLETE","details":[]}"#);
    assert!(!incomplete.state.is_terminal_failure() && !incomplete.state.is_completed());
}

#[test]
fn q36_the_aggregate_of_8_1_is_made_from_its_partitions() {
    let unknown: RuntimeBackup = read(golden!("8.1.27/status-unknown.json"));
    assert_eq!(unknown.state, BackupState::NotVisible);
    assert_eq!(unknown.partitions.len(), 2);
    let partition =
        |n: u32, status: &str| format!(r#"{{"partitionId":{n},"status":"{status}","description":null}}"#);
    for (said, first, second, state) in [
        ("DOES_NOT_EXIST", "DOES_NOT_EXIST", "IN_PROGRESS", BackupState::InProgress),
        ("DOES_NOT_EXIST", "COMPLETED", "DOES_NOT_EXIST", BackupState::Incomplete),
        ("FAILED", "COMPLETED", "DOES_NOT_EXIST", BackupState::Failed),
        ("COMPLETED", "COMPLETED", "IN_PROGRESS", BackupState::InProgress),
        ("COMPLETED", "COMPLETED", "COMPLETED", BackupState::Completed),
    ] {
        let partitions = format!("{},{}", partition(2, second), partition(1, first));
        let json =
            format!(r#"{{"backupId":5,"status":"{said}","failureReason":null,"partitions":[{partitions}]}}"#);
        assert_eq!(read::<RuntimeBackup>(&json).state, state, "{json}");
    }
    let without: RuntimeBackup = read(r#"{"backupId":5,"status":"COMPLETED","partitions":[]}"#);
    assert_eq!(without.state, BackupState::Incomplete);
}

#[test]
fn q11_failed_entries_and_lists_are_poorer_and_unsorted() {
    for json in [golden!("8.1.27/status-failed.json"), golden!("8.6.0/status-failed.json")] {
        let failed: RuntimeBackup = read(json);
        assert!(failed.state.is_terminal_failure());
        assert!(
            failed.failure.is_some_and(|failure| failure.starts_with("Backup on partition 1 failed due to "))
        );
        let share = &failed.partitions[0];
        assert_eq!(share.state, BackupState::Failed);
        assert_eq!((share.checkpoint_position, &share.snapshot_id), (None, &None));
    }
    for json in [
        golden!("8.2.29/list.json"),
        golden!("8.5.8/list.json"),
        golden!("8.6.0/list.json"),
        golden!("8.6.0/list-with-failed.json"),
    ] {
        let backups: Vec<RuntimeBackup> = read(json);
        assert!(backups.len() > 1);
        assert!(backups.iter().all(|backup| !backup.partitions.is_empty()));
        assert!(
            backups
                .iter()
                .flat_map(|b| &b.partitions)
                .all(|partition| partition.checkpoint_position.is_none())
        );
    }
}

#[test]
fn positions_are_read_from_the_left_or_not_at_all() {
    for (snapshot, processed) in [
        ("10-1-5-4", Some(5)),
        ("10-1-5-4-0", Some(5)),
        ("10-1-5-4-zone-1-abc", Some(5)),
        ("10-1-5", None),
        ("a-1-5-4", None),
        ("10-1-5-x", None),
        ("", None),
        ("-1-1-5-4", None),
        ("1-1-99999999999999999999-4", None),
    ] {
        let json = serde_json::json!({"partitionId": 1, "state": "COMPLETED", "snapshotId": snapshot});
        assert_eq!(
            PartitionBackup::from_answer(&json).unwrap().snapshot_processed_position(),
            processed,
            "{snapshot}"
        );
    }
}

const KEYS: &[&str] = &[
    "backupId",
    "state",
    "status",
    "details",
    "partitions",
    "partitionId",
    "description",
    "failureReason",
    "ranges",
    "snapshotId",
    "checkpointId",
    "checkpointStates",
    "start",
    "end",
];

proptest! {
    #[test]
    fn any_json_is_a_backup_or_an_error(json in any_json(KEYS)) {
        let _ = CheckpointState::from_answer(&json);
        let _ = Vec::<RuntimeBackup>::from_answer(&json);
        if let Ok(backup) = RuntimeBackup::from_answer(&json) {
            let words = ["state", "status"].map(|key| json.get(key).and_then(|word| word.as_str()));
            if backup.state.is_completed() {
                prop_assert!(words.contains(&Some("COMPLETED")));
            }
            for partition in &backup.partitions {
                let _ = (partition.snapshot_processed_position(), partition.snapshot_exported_position());
            }
        }
    }

    #[test]
    fn unknown_states_are_kept_and_never_success(word in "[A-Z_]{1,20}") {
        prop_assume!(!["COMPLETED", "COMPLETE"].contains(&word.as_str()));
        let json = serde_json::json!({"backupId": 5, "state": word, "details": []});
        let backup = RuntimeBackup::from_answer(&json).unwrap();
        prop_assert!(!backup.state.is_completed());
        let json = serde_json::json!({"backupId": 5, "status": word, "partitions": [{"partitionId": 1, "status": word}]});
        prop_assert!(!RuntimeBackup::from_answer(&json).unwrap().state.is_completed());
    }
}
