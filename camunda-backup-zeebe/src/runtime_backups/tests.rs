use camunda_backup_core::Component;
use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::transport::TransportErrorKind;
use camunda_backup_core::transport::script::ScriptedTransport;

use super::*;
use crate::scripted::{dialect, http, id, one};
use crate::{BackupState, Dialect};

macro_rules! golden {
    ($path:literal) => {
        include_str!(concat!("../../goldens/", $path))
    };
}

fn client(script: &ScriptedTransport, version: &str) -> RuntimeBackups {
    RuntimeBackups::new(http(script, Component::Zeebe), dialect(version))
}

fn builder(dialect: Dialect) -> RuntimeBackups {
    RuntimeBackups::new(http(&ScriptedTransport::new(), Component::Zeebe), dialect)
}

#[test]
fn d10_every_version_gets_the_id_where_it_wants_it_and_as_a_number() {
    for (version, dialect) in Dialect::all() {
        let call = builder(dialect).create_call(id(1_748_937_221)).unwrap();
        let wanted = match dialect.line {
            (8, 1) => "POST /actuator/backups/1748937221",
            (8, 8 | 9) => r#"POST /actuator/backupRuntime {"backupId":1748937221}"#,
            (8, 10) => r#"POST /v2/backups/runtime {"backupId":1748937221}"#,
            _ => r#"POST /actuator/backups {"backupId":1748937221}"#,
        };
        assert_eq!(call.to_string(), wanted, "{version}");
        assert_eq!(call.effect, Effect::Once, "{version}");
        assert_eq!(
            call.body.is_none(),
            dialect.line == (8, 1),
            "{version}: 8.1 would read another id from a body"
        );
    }
    let actuators = builder(dialect("8.10.0").without_rest());
    assert_eq!(actuators.create_call(id(5)).unwrap().path, "/actuator/backupRuntime");
}

#[test]
fn q10_waits_longer_than_a_dead_broker_and_a_hanging_store() {
    let calls = [
        builder(dialect("8.6.0")).create_call(id(5)).unwrap(),
        builder(dialect("8.6.0")).status_call(id(5)),
        builder(dialect("8.6.0")).delete_call(id(5)).unwrap(),
    ];
    for call in calls {
        assert!(call.timeouts.read.as_secs() > 45 && call.timeouts.total.as_secs() > 45, "{call}");
    }
}

#[tokio::test]
async fn lists_come_sorted() {
    let script = one("GET /actuator/backups", 200, golden!("8.6.0/list-with-failed.json"));
    let backups = client(&script, "8.6.0").list().await.unwrap();
    assert!(backups.is_sorted_by_key(|backup| backup.id));
    assert!(backups.iter().any(|backup| backup.state == BackupState::Failed));
}

#[tokio::test]
async fn q1_an_unknown_id_is_not_visible_and_an_absent_endpoint_is_an_error() {
    for (version, golden) in [
        ("8.2.29", golden!("8.2.29/status-unknown.json")),
        ("8.4.9", golden!("8.4.9/status-unknown.json")),
        ("8.5.8", golden!("8.5.8/status-unknown.json")),
        ("8.6.0", golden!("8.6.0/status-unknown.json")),
    ] {
        let script = one("GET /actuator/backups/77", 404, golden);
        let backup = client(&script, version).status(id(77)).await.unwrap();
        assert_eq!((backup.id, backup.state), (77, BackupState::NotVisible), "{version}");
    }
    let script = one("GET /v2/backups/runtime/5", 404, golden!("8.10/unknown.json"));
    assert_eq!(client(&script, "8.10.0").status(id(5)).await.unwrap().state, BackupState::NotVisible);
    for golden in [
        golden!("8.1.27/no-list.json"),
        golden!("8.4.9/absent.json"),
        golden!("8.5.8/absent.json"),
        golden!("8.6.0/topology-off.json"),
        "",
    ] {
        let script = one("GET /actuator/backups/77", 404, golden);
        let error = client(&script, "8.6.0").status(id(77)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{golden}");
    }
}

#[tokio::test]
async fn an_absent_list_is_never_taken_for_a_version_without_one() {
    let script = one("GET /actuator/backups", 404, golden!("8.6.0/absent.json"));
    let error = client(&script, "8.6.0").list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let none = ScriptedTransport::new();
    assert_eq!(client(&none, "8.1.27").list().await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(client(&none, "8.1.27").delete(id(5)).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(client(&none, "8.8.0").checkpoint_state().await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(none.asked().is_empty());
}

#[tokio::test]
async fn q1_a_500_of_a_read_is_no_verdict() {
    for golden in [
        golden!("8.4.9/store-away.json"),
        golden!("8.6.0/store-away.json"),
        golden!("8.6.0/bucket-missing.json"),
    ] {
        let script = one("GET /actuator/backups/552", 500, golden);
        let error = client(&script, "8.6.0").status(id(552)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(
            error.server_said().is_some_and(|words| words.starts_with("software.amazon.awssdk")),
            "{error}"
        );
        assert_eq!(script.asked().len(), 1, "a 500 is not repeated by the client");
    }
}

#[tokio::test]
async fn d10_an_id_that_is_not_higher_is_a_conflict() {
    for (version, golden) in [
        ("8.2.29", golden!("8.2.29/conflict.json")),
        ("8.4.9", golden!("8.4.9/conflict.json")),
        ("8.5.8", golden!("8.5.8/conflict.json")),
        ("8.6.0", golden!("8.6.0/conflict.json")),
    ] {
        let script = one("POST /actuator/backups", 409, golden);
        let error = client(&script, version).create(id(3)).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Conflict, Outcome::Refused), "{version}");
        assert!(error.advice().is_some_and(|advice| advice.contains("higher")));
    }
}

#[tokio::test]
async fn q35_a_504_and_a_lost_answer_leave_the_outcome_unknown_and_are_not_repeated() {
    let script = one("POST /actuator/backups", 504, golden!("8.6.0/timed-out.json"));
    let error = client(&script, "8.6.0").create(id(300)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unavailable, Outcome::Unknown));
    let script = one("POST /actuator/backups/62", 500, golden!("8.1.27/timed-out.json"));
    let error = client(&script, "8.1.27").create(id(62)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unavailable, Outcome::Unknown));
    let script = ScriptedTransport::new().fail("POST /actuator/backups", TransportErrorKind::Timeout);
    let error = client(&script, "8.6.0").create(id(300)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::Unknown));
    assert!(error.advice().is_some_and(|advice| advice.contains("higher id")));
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn setups_without_backups_are_named() {
    for (version, line, status, golden, kind) in [
        ("8.6.0", "POST /actuator/backups", 400, golden!("8.6.0/no-store.json"), ErrorKind::Refused),
        ("8.4.9", "POST /actuator/backups", 400, golden!("8.4.9/no-store.json"), ErrorKind::Refused),
        ("8.1.27", "POST /actuator/backups/5", 500, golden!("8.1.27/no-store.json"), ErrorKind::Refused),
        (
            "8.1.27",
            "POST /actuator/backups/5",
            500,
            golden!("8.1.27/feature-off.json"),
            ErrorKind::Unsupported,
        ),
    ] {
        let error = client(&one(line, status, golden), version).create(id(5)).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, Outcome::Refused), "{version}");
        assert!(
            error.advice().is_some_and(|advice| advice.contains("store") || advice.contains("ENABLEBACKUP"))
        );
    }
    let script = one("POST /actuator/backupRuntime", 400, golden!("8.9/generated-ids.json"));
    let error = client(&script, "8.9.0").create(id(5)).await.unwrap_err();
    assert!(error.advice().is_some_and(|advice| advice.contains("makes its own ids")), "{error:?}");
}

#[tokio::test]
async fn accepted_in_every_form() {
    for (version, line, status, golden) in [
        ("8.1.27", "POST /actuator/backups/5", 200, golden!("8.1.27/created.json")),
        ("8.6.0", "POST /actuator/backups", 202, golden!("8.6.0/created.json")),
        ("8.8.0", "POST /actuator/backupRuntime", 202, r#"{"message":"…"}"#),
        ("8.10.0", "POST /v2/backups/runtime", 202, r#"{"backupId":5}"#),
    ] {
        client(&one(line, status, golden), version).create(id(5)).await.unwrap();
    }
}

#[tokio::test]
async fn deleting_twice_is_fine() {
    client(&one("DELETE /actuator/backups/5", 204, ""), "8.6.0").delete(id(5)).await.unwrap();
    client(&one("DELETE /v2/backups/runtime/5", 404, golden!("8.10/unknown.json")), "8.10.0")
        .delete(id(5))
        .await
        .unwrap();
    let absent = one("DELETE /actuator/backups/5", 404, golden!("8.6.0/absent.json"));
    assert!(client(&absent, "8.6.0").delete(id(5)).await.is_err());
}

#[tokio::test]
async fn checkpoint_state_of_8_9_is_read_with_the_integers_of_its_alphas() {
    let script = one("GET /actuator/backupRuntime/state", 200, golden!("8.9/state.json"));
    let state = client(&script, "8.9.0").checkpoint_state().await.unwrap();
    assert_eq!(state.checkpoints[0].kind.as_deref(), Some("MARKER"));
    assert_eq!(state.backups[0].first_log_position, Some(5));
    let ends: Vec<Option<i64>> =
        state.ranges.iter().map(|range| range.end.as_ref().map(|end| end.id)).collect();
    assert_eq!((state.ranges[0].partition.0, ends), (1, vec![Some(9), Some(9)]));
}

#[tokio::test]
async fn what_is_not_the_answer_of_this_endpoint_is_an_error() {
    for body in [
        "",
        "[]",
        "{}",
        "null",
        "\"COMPLETED\"",
        r#"{"backupId":5}"#,
        r#"{"state":"COMPLETED"}"#,
        r#"{"backupId":5,"state":"COMPLETED","details":[{"partitionId":1}]}"#,
        r#"{"backupId":1.5,"state":"COMPLETED"}"#,
    ] {
        let script = one("GET /actuator/backups/5", 200, body);
        let error = client(&script, "8.6.0").status(id(5)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{body}");
        assert_eq!(error.operation(), Some("zeebe.backups.status"));
    }
}
