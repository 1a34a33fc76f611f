use camunda_backup_core::ErrorKind;
use camunda_backup_core::transport::script::ScriptedTransport;

use super::*;
use crate::goldens::{scripted, version_of};

#[test]
fn every_server_counts_stages_and_bytes_of_a_running_snapshot() {
    for (server, body) in golden!("run.status") {
        let progress = snapshot_progress(body.as_bytes()).unwrap().unwrap();
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
        let progress = snapshot_progress(body.as_bytes()).unwrap().unwrap();
        assert_eq!((progress.failed, progress.done, progress.total), (2, 1, 3), "{server}");
        assert_eq!(progress.processed_bytes, None, "{server}");
    }
    for (server, body) in golden!("final-status", "failed-es8", "failed-os2") {
        assert_eq!(snapshot_progress(body.as_bytes()).unwrap().unwrap().failed, 1, "{server}");
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
        assert_eq!(snapshot_progress(body.as_bytes()).unwrap(), None, "{server}");
    }
    for (server, status, body) in golden_error!("repo.get.unknown") {
        let script = ScriptedTransport::new().answer("GET /_snapshot/r/nope/_status", status, body);
        let error = scripted(version_of(server), &script).snapshot_progress(&r, &s).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{server}");
    }
}
