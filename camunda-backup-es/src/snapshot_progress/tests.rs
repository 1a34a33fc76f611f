use camunda_backup_core::ErrorKind;
use camunda_backup_core::transport::script::ScriptedTransport;

use super::*;
use crate::goldens::{scripted, version_of};

/// What is decoded for the one snapshot that a recorded answer is about.
fn of_the_only(body: &str) -> SnapshotProgress {
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    let name = json["snapshots"][0]["snapshot"].as_str().unwrap();
    snapshot_progress(body.as_bytes(), name).unwrap().unwrap()
}

#[test]
fn every_server_counts_stages_and_bytes_of_a_running_snapshot() {
    for (server, body) in golden!("run.status") {
        let progress = of_the_only(body);
        assert_eq!(progress.total, 2, "{server}");
        assert_eq!(
            progress.done + progress.started + progress.initializing + progress.finalizing,
            2,
            "{server}"
        );
        assert!(
            progress.processed_bytes.is_some_and(|bytes| bytes <= progress.incremental_bytes),
            "{server}"
        );
        assert!(progress.total_bytes > 40_000_000, "{server}");
    }
}

/// Q13: the word for a PARTIAL snapshot is SUCCESS on most servers; the counts are right.
#[test]
fn failed_shards_are_counted_whatever_the_word_is() {
    for (server, body) in golden!("snap.partial.status") {
        let progress = of_the_only(body);
        assert_eq!((progress.failed, progress.done, progress.total), (2, 1, 3), "{server}");
        assert_eq!(progress.processed_bytes, None, "{server}");
    }
    for (server, body) in golden!("final-status", "failed-es8", "failed-os2") {
        assert_eq!(of_the_only(body).failed, 1, "{server}");
    }
}

#[tokio::test]
async fn a_snapshot_that_does_not_exist_has_no_progress() {
    let (r, s) = (RepositoryName::new("r").unwrap(), SnapshotName::new("nope").unwrap());
    for (server, status, body) in golden_error!("status.missing") {
        let script = ScriptedTransport::new().answer("GET /_snapshot/r/nope/_status", status, body);
        let store = scripted(version_of(server), &script);
        assert_eq!(store.snapshot_progress(&r, &s).await.unwrap(), None, "{server}");
    }
    for (server, body) in golden!("status.none") {
        assert_eq!(snapshot_progress(body.as_bytes(), "nope").unwrap(), None, "{server}");
    }
    for (server, status, body) in golden_error!("repo.get.unknown") {
        let script = ScriptedTransport::new().answer("GET /_snapshot/r/nope/_status", status, body);
        let error = scripted(version_of(server), &script).snapshot_progress(&r, &s).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{server}");
    }
}

/// OpenSearch 2.4 lists what is running when the name that was asked for is not there.
#[test]
fn the_progress_of_other_snapshots_is_ignored() {
    let body = br#"{"snapshots":[
        {"snapshot":"nightly","shards_stats":{"started":7,"total":9}},
        {"snapshot":"ours","shards_stats":{"done":1,"total":2}},
        {"shards_stats":{"done":3,"total":3}}]}"#;
    assert_eq!(snapshot_progress(body, "ours").unwrap().map(|progress| progress.total), Some(2));
    assert_eq!(snapshot_progress(body, "other").unwrap(), None);
}

/// A refusal, an answer that is too long and one that is too late are told apart, and none is asked for again for ever.
#[tokio::test(start_paused = true)]
async fn why_there_is_no_progress_can_be_told() {
    use camunda_backup_core::transport::TransportErrorKind;
    let (r, s) = (RepositoryName::new("r").unwrap(), SnapshotName::new("s").unwrap());
    let line = "GET /_snapshot/r/s/_status";
    let too_many = r#"{"error":{"root_cause":[],"type":"circuit_breaking_exception","reason":"Total shard count is above the maximum","bytes_wanted":0,"bytes_limit":0,"durability":"PERMANENT"},"status":429}"#;
    let script = ScriptedTransport::new().answer(line, 429, too_many);
    let error = scripted("OpenSearch 2.19.6", &script).snapshot_progress(&r, &s).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.advice().is_some_and(|advice| advice.contains("for ever")), "{}", error.report());
    script.finish().unwrap();

    let script = ScriptedTransport::new().fail(line, TransportErrorKind::BodyTooLarge);
    let error = scripted("OpenSearch 2.19.6", &script).snapshot_progress(&r, &s).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BodyTooLarge);

    let slow = |script: ScriptedTransport| async move {
        scripted("OpenSearch 2.19.6", &script).snapshot_progress(&r, &s).await.unwrap_err().kind()
    };
    let mut late = ScriptedTransport::new();
    for _ in 0..4 {
        late = late.answer(line, 504, "upstream timed out");
    }
    assert_eq!(slow(late).await, ErrorKind::Timeout);
}
