use camunda_backup_core::ErrorKind;
use camunda_backup_core::transport::TransportErrorKind;
use camunda_backup_core::transport::script::ScriptedTransport;

use super::*;
use crate::goldens::{scripted, version_of};

const LINE: &str = "DELETE /_snapshot/r/s1";

fn names() -> (RepositoryName, SnapshotName) {
    (RepositoryName::new("r").unwrap(), SnapshotName::new("s1").unwrap())
}

#[tokio::test]
async fn every_server_removes_or_says_that_it_was_absent() {
    let (r, s) = names();
    for (server, status, body) in golden_error!("snap.delete") {
        let script = ScriptedTransport::new().answer(LINE, status, body);
        let deleted = scripted(version_of(server), &script).delete_snapshot(&r, &s).await.unwrap();
        assert_eq!(deleted, Deleted::Removed, "{server}");
    }
    for (server, status, body) in golden_error!("snap.delete.again") {
        let script = ScriptedTransport::new().answer(LINE, status, body);
        let deleted = scripted(version_of(server), &script).delete_snapshot(&r, &s).await.unwrap();
        assert_eq!(deleted, Deleted::WasAbsent, "{server}");
    }
    for (server, status, body) in golden_error!("snap.delete.repomissing") {
        let script = ScriptedTransport::new().answer(LINE, status, body);
        let error = scripted(version_of(server), &script).delete_snapshot(&r, &s).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{server}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_sent_again_once() {
    let (r, s) = names();
    let script = ScriptedTransport::new()
        .fail(LINE, TransportErrorKind::Timeout)
        .fail(LINE, TransportErrorKind::Timeout);
    scripted("Elasticsearch 8.19.21", &script).delete_snapshot(&r, &s).await.unwrap_err();
    script.finish().unwrap();
    let call = scripted("OpenSearch 2.19.6", &script).delete_snapshot_call(&r, &s);
    assert_eq!((call.to_string().as_str(), call.timeouts), (LINE, Timeouts::PATIENT));
}
