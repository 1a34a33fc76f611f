use camunda_backup_core::ErrorKind;
use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn every_server_shows_a_finished_snapshot() {
    for (server, body) in golden!("snap.get.mixed.ignore") {
        let found = snapshots(body.as_bytes()).unwrap();
        assert_eq!(found.len(), 1, "{server}: the missing one is absent");
        let snapshot = &found[0];
        assert_eq!(snapshot.name, "s1");
        assert!(snapshot.is_clean_success(), "{server}");
        assert_eq!(snapshot.metadata["backupId"], 1, "{server}");
        let indices: Vec<_> = snapshot.indices.iter().map(String::as_str).collect();
        assert_eq!(indices, ["t-a", "t-b", "t-c", "t-d", "t-e", "t-hidden"], "{server}");
        assert_eq!(snapshot.shards, Shards { total: 7, failed: 0, successful: 7 }, "{server}");
        assert!(snapshot.uuid.is_some() && snapshot.version.is_some(), "{server}");
        assert!(snapshot.start_millis <= snapshot.end_millis && snapshot.start_millis.is_some(), "{server}");
        assert_eq!(snapshot.include_global_state, Some(false), "{server}");
    }
}

/// Q12: 7.17 counts unfinished shards as failed, OpenSearch shows zeros.
#[test]
fn shards_of_a_running_snapshot_decide_nothing() {
    for (server, body) in golden!("run.get") {
        let snapshot = snapshots(body.as_bytes()).unwrap().remove(0);
        assert_eq!(snapshot.state, SnapshotState::InProgress, "{server}");
        assert!(!snapshot.is_clean_success() && !snapshot.state.is_terminal(), "{server}");
        assert_eq!(snapshot.end_millis, Some(0), "{server}");
    }
}

/// D9, Q14: PARTIAL, also with `partial=false`.
#[test]
fn partial_is_no_success() {
    for (server, body) in golden!("snap.partial.get") {
        let snapshot = snapshots(body.as_bytes()).unwrap().remove(0);
        assert_eq!(snapshot.state, SnapshotState::Partial, "{server}");
        assert_eq!(snapshot.failures.len(), 2, "{server}");
        assert_eq!(snapshot.failures[0].index, "u-x", "{server}");
        assert_eq!(
            snapshot.failures[0].reason.as_deref(),
            Some("primary shard is not allocated"),
            "{server}"
        );
        assert!(!snapshot.is_clean_success(), "{server}");
    }
    for (server, body) in golden!("final", "failed-es8", "failed-os2") {
        let snapshot = snapshots(body.as_bytes()).unwrap().remove(0);
        assert_eq!((&snapshot.state, snapshot.shards.failed), (&SnapshotState::Partial, 1), "{server}");
    }
    for (server, body) in golden!("running", "failed-es8", "failed-os2") {
        assert!(!snapshots(body.as_bytes()).unwrap().remove(0).is_clean_success(), "{server}");
    }
}

/// Q17: Elasticsearch 7.17 says 200.
#[test]
fn an_unknown_repository_is_an_error_also_when_it_is_a_200() {
    let (_, status, body) = golden_error!("snap.get.repomissing", "es7")[0];
    assert_eq!(status, 200);
    let error = snapshots(body.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.server_type(), Some("repository_missing_exception"));
    assert_eq!(error.subject(), Some("nope"));
}

/// Q17: without its file a snapshot makes a verbose list a 404; `ignore_unavailable` leaves it out of the list.
#[test]
fn a_damaged_one_is_left_out_of_details_but_still_listed() {
    for (server, body) in golden!("broken.snapfile.ignore") {
        assert_eq!(snapshots(body.as_bytes()).unwrap().len(), 1, "{server}");
    }
    for (server, body) in golden!("broken.snapfile.brief") {
        assert_eq!(crate::decode::snapshot_listing(body.as_bytes()).unwrap().len(), 2, "{server}");
    }
}

#[test]
fn an_answer_without_a_list_is_no_empty_list() {
    for body in ["{}", "[]", "null", r#"{"responses":[]}"#, r#"{"snapshots":null}"#, "<html>"] {
        assert!(snapshots(body.as_bytes()).is_err(), "{body}");
    }
    assert!(snapshots(br#"{"snapshots":[],"failures":{}}"#).unwrap().is_empty());
    assert!(snapshots(br#"{"snapshots":[],"failures":null}"#).unwrap().is_empty());
}

#[test]
fn success_with_gaps_is_not_clean() {
    let info = |entry: serde_json::Value| {
        snapshots(json!({"snapshots": [entry]}).to_string().as_bytes()).unwrap().remove(0)
    };
    let shards = |total: u64, failed: u64, successful: u64| {
        info(json!({"snapshot": "s", "state": "SUCCESS", "indices": ["a"],
            "shards": {"total": total, "failed": failed, "successful": successful}}))
    };
    assert!(shards(1, 0, 1).is_clean_success());
    assert!(!shards(2, 1, 1).is_clean_success());
    assert!(!shards(2, 0, 1).is_clean_success());
    assert!(!shards(2, 1, 2).is_clean_success(), "a failed shard counts, whatever the sum is");
    assert!(!shards(0, 0, 0).is_clean_success(), "shards of an index cannot be none");
    assert!(
        !info(json!({"snapshot": "s", "indices": ["a"], "shards": {"total": 1, "successful": 1}}))
            .is_clean_success()
    );
    assert!(
        !info(json!({"snapshot": "s", "state": "SUCCESS", "failures": [{"reason": "aborted"}]}))
            .is_clean_success()
    );
}

#[test]
fn it_is_written_as_it_is_read() {
    for (server, body) in golden!("snap.partial.get") {
        let snapshot = snapshots(body.as_bytes()).unwrap().remove(0);
        let text = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(serde_json::from_str::<SnapshotInfo>(&text).unwrap(), snapshot, "{server}");
    }
}

proptest! {
    /// D16.
    #[test]
    fn an_unknown_state_is_kept_and_never_success(state in "[A-Z_a-z ]{0,12}") {
        prop_assume!(state != "SUCCESS");
        let body = json!({"snapshots": [{"snapshot": "s", "state": state, "indices": [], "failures": []}]});
        let snapshot = snapshots(body.to_string().as_bytes()).unwrap().remove(0);
        prop_assert_eq!(snapshot.state.as_str(), state);
        prop_assert!(!snapshot.is_clean_success());
    }
}
