use camunda_backup_core::transport::script::ScriptedTransport;
use proptest::prelude::*;

use super::*;
use crate::answer::{FromAnswer, any_json, read};
use crate::scripted::{dialect, http, id, one};
use crate::{BackupState, Dialect, OptimizeBackups};

macro_rules! golden {
    ($path:literal) => {
        include_str!(concat!("../../goldens/", $path))
    };
}

const POST: &str = "POST /actuator/backups";
const LIST_LINE: &str = "GET /actuator/backups";

fn client(script: &ScriptedTransport, component: Component, version: &str) -> HistoryBackups {
    HistoryBackups::new(http(script, component), dialect(version))
}

fn operate(script: &ScriptedTransport) -> HistoryBackups {
    client(script, Component::Operate, "8.6.0")
}

fn tasklist(script: &ScriptedTransport) -> HistoryBackups {
    client(script, Component::Tasklist, "8.6.0")
}

#[test]
fn d10_ids_are_numbers_except_in_8_1() {
    for (version, dialect) in Dialect::all() {
        let none = ScriptedTransport::new();
        let history =
            HistoryBackups::new(http(&none, Component::Operate), dialect).create_call(id(5)).unwrap();
        let optimize =
            OptimizeBackups::new(http(&none, Component::Optimize), dialect).create_call(id(5)).unwrap();
        let (wanted_history, wanted_optimize) = match dialect.line {
            (8, 1) => {
                (r#"POST /actuator/backup {"backupId":"5"}"#, r#"POST /actuator/backup {"backupId":"5"}"#)
            }
            (8, 8 | 9) => {
                (r#"POST /actuator/backupHistory {"backupId":5}"#, r#"POST /actuator/backups {"backupId":5}"#)
            }
            (8, 10) => {
                (r#"POST /v2/backups/history {"backupId":5}"#, r#"POST /actuator/backups {"backupId":5}"#)
            }
            _ => (r#"POST /actuator/backups {"backupId":5}"#, r#"POST /actuator/backups {"backupId":5}"#),
        };
        assert_eq!(history.to_string(), wanted_history, "{version}");
        assert_eq!(optimize.to_string(), wanted_optimize, "{version}");
        assert_eq!((history.effect, optimize.effect), (Effect::Once, Effect::Once));
        assert!(history.timeouts.read.as_secs() > 45 && optimize.timeouts.read.as_secs() > 45);
    }
}

#[test]
fn backups_of_every_version_are_read() {
    for (json, parts, millis) in [
        (golden!("operate-8.6.0/status-completed.json"), 6, true),
        (golden!("tasklist-8.6.0/status-completed.json"), 6, true),
        (golden!("operate-8.6.0-opensearch/status-completed.json"), 6, true),
        (golden!("tasklist-8.6.0-opensearch/status-completed.json"), 6, true),
        (golden!("webapps-8.8/status-completed.json"), 1, true),
        (golden!("8.10/history-completed.json"), 1, true),
        (golden!("optimize/status-completed.json"), 2, true),
        (golden!("operate-8.1/status.json"), 0, false),
    ] {
        let backup: HistoryBackup = read(json);
        assert!(backup.state.is_completed() && backup.failure.is_none());
        assert_eq!(backup.parts.len(), parts);
        let is_clean =
            |part: &HistoryPart| part.state.as_deref() == Some("SUCCESS") && part.failures.is_empty();
        assert!(backup.parts.iter().all(is_clean));
        let time = backup
            .parts
            .first()
            .and_then(|part| crate::ServerTime::parse(part.start_time.as_deref()?).millis());
        assert_eq!(time.is_some(), millis, "{json}");
        let stored = serde_json::to_string(&backup).unwrap();
        assert_eq!(serde_json::from_str::<HistoryBackup>(&stored).unwrap(), backup);
    }
}

#[test]
fn q02_incomplete_is_neither_success_nor_failure_and_failed_has_a_reason() {
    let incomplete: HistoryBackup = read(golden!("operate-8.6.0/status-incomplete.json"));
    assert_eq!((incomplete.state.clone(), incomplete.parts.len()), (BackupState::Incomplete, 5));
    assert!(!incomplete.state.is_terminal_failure() && !incomplete.state.is_completed());
    let failed: HistoryBackup = read(golden!("operate-8.6.0/failed.json"));
    assert!(failed.state.is_terminal_failure());
    assert_eq!(failed.failure.as_deref(), Some("More snapshots found than expected."));
}

#[tokio::test]
async fn d16_short_lists_and_states_without_an_id_are_read() {
    let short: Vec<HistoryBackup> = read(golden!("8.10/history-short.json"));
    assert_eq!(short[0].parts[0].state, None);
    let script = one("GET /actuator/backup/5", 200, golden!("operate-8.1/status.json"));
    let backup = client(&script, Component::Operate, "8.1.27").status(id(5)).await.unwrap();
    assert_eq!((backup.id, backup.state), (Some(5), BackupState::Completed));
}

#[tokio::test]
async fn scheduled_parts_are_named_in_order() {
    for (component, version, line, golden, count) in [
        (Component::Operate, "8.6.0", POST, golden!("operate-8.6.0/created.json"), 6),
        (Component::Tasklist, "8.6.0", POST, golden!("tasklist-8.6.0/created.json"), 6),
        (Component::Operate, "8.1.27", "POST /actuator/backup", golden!("operate-8.1/created.json"), 2),
        (Component::Webapps, "8.8.0", "POST /actuator/backupHistory", golden!("webapps-8.8/created.json"), 2),
        (Component::Webapps, "8.8.0", "POST /actuator/backupHistory", "{}", 0),
    ] {
        let scheduled =
            client(&one(line, 200, golden), component.clone(), version).create(id(5)).await.unwrap();
        assert_eq!(scheduled.snapshots.len(), count, "{version} {component}");
        let parts = scheduled.snapshots.iter().map(|name| crate::PartName::parse(name.as_str()).unwrap());
        assert!(
            parts
                .enumerate()
                .all(|(index, part)| part.part as usize == index + 1 && part.app == component.to_string())
        );
    }
}

#[tokio::test]
async fn a_backup_begun_by_another_application_is_an_error() {
    let swapped = one(POST, 200, golden!("tasklist-8.6.0/created.json"));
    let error = operate(&swapped).create(id(5)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::WrongComponent, Outcome::Unknown));
    // The all-in-one of 8.6 backs up Zeebe there.
    let all_in_one = one(POST, 202, golden!("8.6.0/created.json"));
    let error = operate(&all_in_one).create(id(5)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::WrongComponent, Outcome::Unknown));
}

#[tokio::test]
async fn q03_unknown_ids_have_many_faces() {
    for (component, status, golden) in [
        (Component::Operate, 400, golden!("operate-8.6.0/unknown.json")),
        (Component::Tasklist, 500, golden!("tasklist-8.6.0/unknown.json")),
        (Component::Operate, 404, golden!("operate-8.6.0-opensearch/unknown.json")),
        (Component::Tasklist, 404, golden!("tasklist-8.6.0-opensearch/unknown.json")),
    ] {
        let script = one("GET /actuator/backups/77", status, golden);
        let backup = client(&script, component.clone(), "8.6.0").status(id(77)).await.unwrap();
        assert_eq!((backup.id, backup.state), (Some(77), BackupState::NotVisible), "{component} {status}");
    }
    let script = one("GET /actuator/backups/123", 404, golden!("optimize/unknown.json"));
    let optimize = OptimizeBackups::new(http(&script, Component::Optimize), dialect("8.7.0"));
    assert_eq!(optimize.status(id(123)).await.unwrap().state, BackupState::NotVisible);
}

#[tokio::test]
async fn q03_what_the_application_cannot_say_is_a_question_for_the_store() {
    for golden in
        [golden!("operate-8.6.0-opensearch/running.json"), golden!("operate-8.6.0/store-hangs.json")]
    {
        let error = operate(&one("GET /actuator/backups/5", 400, golden)).status(id(5)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{golden}");
    }
    let running = one(LIST_LINE, 400, golden!("operate-8.6.0-opensearch/running-list.json"));
    let error = operate(&running).list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.advice().is_some_and(|advice| advice.contains("snapshots in the store")));
    // A 500 without a reason is an unknown id for Tasklist only.
    let script = one("GET /actuator/backupHistory/77", 500, golden!("tasklist-8.6.0/unknown.json"));
    let error = client(&script, Component::Webapps, "8.8.0").status(id(77)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ServerError);
}

#[tokio::test]
#[allow(clippy::too_many_lines)] // a table
async fn d32_refusals_are_judged_by_their_words() {
    use ErrorKind::{Conflict, Refused, Unavailable};
    for (component, status, golden, kind, advice) in [
        (Component::Operate, 400, golden!("operate-8.6.0/duplicate.json"), Conflict, "has this id"),
        (Component::Tasklist, 400, golden!("tasklist-8.6.0/duplicate.json"), Conflict, "has this id"),
        (
            Component::Operate,
            400,
            golden!("operate-8.6.0-opensearch/duplicate.json"),
            Conflict,
            "has this id",
        ),
        (
            Component::Operate,
            400,
            golden!("operate-8.6.0/another-runs.json"),
            Conflict,
            "wait until the other",
        ),
        (
            Component::Operate,
            400,
            golden!("operate-8.6.0/no-repository.json"),
            Refused,
            "create the snapshot repository",
        ),
        (
            Component::Tasklist,
            500,
            golden!("tasklist-8.6.0/no-repository.json"),
            Refused,
            "create the snapshot repository",
        ),
        (
            Component::Operate,
            400,
            golden!("operate-8.6.0/not-configured.json"),
            Refused,
            "configure the snapshot",
        ),
        (
            Component::Tasklist,
            404,
            golden!("tasklist-8.6.0/not-configured.json"),
            Refused,
            "configure the snapshot",
        ),
        (Component::Operate, 400, golden!("operate-8.6.0/store-down.json"), Unavailable, "search store"),
        (Component::Tasklist, 502, golden!("tasklist-8.6.0/store-down.json"), Unavailable, "search store"),
        (
            Component::Operate,
            400,
            golden!("operate-8.6.0-opensearch/store-down.json"),
            Unavailable,
            "search store",
        ),
        (
            Component::Tasklist,
            500,
            golden!("tasklist-8.6.0-opensearch/store-down.json"),
            Unavailable,
            "search store",
        ),
    ] {
        let script = one(POST, status, golden);
        let error = client(&script, component, "8.6.0").create(id(5)).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, Outcome::Refused), "{golden}");
        assert!(error.advice().is_some_and(|text| text.contains(advice)), "{error:?}");
        assert_eq!(script.asked().len(), 1, "a POST that starts something leaves once");
    }
    let optimize = OptimizeBackups::new(
        http(&one(POST, 409, golden!("optimize/duplicate.json")), Component::Optimize),
        dialect("8.7.0"),
    );
    let error = optimize.create(id(123)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Conflict, Outcome::Refused));
    let unknown = operate(&one(POST, 500, "{}")).create(id(5)).await.unwrap_err();
    assert_eq!(unknown.outcome(), Outcome::Unknown);
}

#[tokio::test]
async fn a_setup_error_is_never_an_unknown_id() {
    for (component, status, golden) in [
        (Component::Tasklist, 404, golden!("tasklist-8.6.0/not-configured.json")),
        (Component::Tasklist, 500, golden!("tasklist-8.6.0/no-repository.json")),
        (Component::Operate, 400, golden!("operate-8.6.0/not-configured.json")),
    ] {
        let error = client(&one("GET /actuator/backups/5", status, golden), component, "8.6.0")
            .status(id(5))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{golden}");
    }
    let absent = one("GET /actuator/backups/5", 404, golden!("8.6.0/absent.json"));
    assert_eq!(operate(&absent).status(id(5)).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn q24_a_poisoned_list_names_how_to_find_the_culprit() {
    let script = one(LIST_LINE, 400, golden!("operate-8.6.0/poisoned-list.json"));
    let error = operate(&script).list().await.unwrap_err();
    assert!(error.advice().is_some_and(|advice| advice.contains("camunda_operate_*")), "{error:?}");
    let script = one(LIST_LINE, 500, golden!("tasklist-8.6.0/poisoned-list.json"));
    let error = tasklist(&script).list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Foreign);
    assert!(error.advice().is_some_and(|advice| advice.contains("camunda_tasklist_*")), "{error:?}");
    // On OpenSearch, as 8.6.0 answered.
    let words = r#"{"status":500,"message":"Cannot invoke \"org.opensearch.client.json.JsonData.to(java.lang.Class)\" because the return value of \"java.util.Map.get(Object)\" is null"}"#;
    let error = tasklist(&one(LIST_LINE, 500, words)).list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Foreign, "{error:?}");
    let script = one(LIST_LINE, 502, golden!("tasklist-8.6.0/store-down.json"));
    // Three more attempts are the client's; the script has one answer.
    assert_ne!(tasklist(&script).list().await.unwrap_err().kind(), ErrorKind::Foreign);
}

#[tokio::test]
async fn lists_come_sorted_and_8_1_has_none() {
    for (golden, component) in [
        (golden!("operate-8.6.0/list.json"), Component::Operate),
        (golden!("operate-8.6.0-opensearch/list.json"), Component::Operate),
    ] {
        let backups = client(&one(LIST_LINE, 200, golden), component, "8.6.0").list().await.unwrap();
        assert!(backups.len() > 1 && backups.is_sorted_by_key(|backup| backup.id));
    }
    let none = ScriptedTransport::new();
    let old = client(&none, Component::Operate, "8.1.27");
    assert_eq!(old.list().await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(old.delete(id(5)).await.unwrap_err().kind(), ErrorKind::Unsupported);
    let optimize = OptimizeBackups::new(http(&none, Component::Optimize), dialect("8.1.27"));
    assert_eq!(optimize.list().await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(optimize.delete_call(id(5)).is_err() && none.asked().is_empty());
    let absent = operate(&one(LIST_LINE, 404, golden!("8.6.0/absent.json"))).list().await.unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn deleting_what_is_not_there_is_fine() {
    for (component, version, line, status, body) in [
        (Component::Operate, "8.6.0", "DELETE /actuator/backups/5", 204, ""),
        (
            Component::Webapps,
            "8.8.0",
            "DELETE /actuator/backupHistory/5",
            404,
            r#"{"message":"No backup with id [5] found."}"#,
        ),
        (Component::Webapps, "8.10.0", "DELETE /v2/backups/history/5", 404, golden!("8.10/unknown.json")),
    ] {
        client(&one(line, status, body), component, version).delete(id(5)).await.unwrap();
    }
    let error = operate(&one("DELETE /actuator/backups/5", 400, golden!("operate-8.6.0/no-repository.json")));
    assert_eq!(error.delete(id(5)).await.unwrap_err().kind(), ErrorKind::Refused);
    let script = one("DELETE /actuator/backups/5", 204, "");
    OptimizeBackups::new(http(&script, Component::Optimize), dialect("8.6.0")).delete(id(5)).await.unwrap();
}

#[tokio::test]
async fn optimize_accepts_with_a_sentence() {
    let script = one(POST, 202, golden!("optimize/created.json"));
    let optimize = OptimizeBackups::new(http(&script, Component::Optimize), dialect("8.7.0"));
    assert_eq!(optimize.create(id(123)).await.unwrap(), Scheduled::default());
}

const KEYS: &[&str] = &[
    "backupId",
    "state",
    "State",
    "details",
    "snapshotName",
    "failures",
    "failureReason",
    "startTime",
    "scheduledSnapshots",
];

#[tokio::test]
async fn a_repository_that_the_application_cannot_read_is_named_with_its_setting() {
    let words = r#"{"message":"Exception occurred when validating existence of repository with name [operate-backup]."}"#;
    for (version, component, status) in
        [("8.6.0", Component::Operate, 400), ("8.8.0", Component::Webapps, 500)]
    {
        let path = if version == "8.8.0" { "/actuator/backupHistory" } else { "/actuator/backups" };
        let script = one(&format!("POST {path}"), status, words);
        let error = client(&script, component, version).create(id(5)).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unavailable, Outcome::Refused), "{version}");
        let advice = error.advice().unwrap();
        for part in ["CAMUNDA_OPERATE_BACKUP_REPOSITORYNAME", "CAMUNDA_DATA_BACKUP_REPOSITORYNAME", "type s3"]
        {
            assert!(advice.contains(part), "{advice}");
        }
    }
    let optimize = r#"{"errorCode":"unknownError","errorMessage":"Missing required property 'RepositorySettings.location'"}"#;
    let script = one("GET /actuator/backups/5", 500, optimize);
    let client = OptimizeBackups::new(http(&script, Component::Optimize), dialect("8.7.0"));
    let error = client.status(id(5)).await.unwrap_err();
    assert!(error.advice().is_some_and(|advice| advice.contains("type s3")), "{}", error.report());
}

/// Operate 8.5 with its protection against cross-site requests: reads work, and every POST and DELETE is a bare 403.
#[tokio::test]
async fn a_write_that_is_forbidden_to_nobody_is_no_missing_right() {
    let spring = r#"{"timestamp":"2024-05-22T14:23:13.817+00:00","status":403,"error":"Forbidden","message":"Forbidden"}"#;
    let script = ScriptedTransport::new().answer("POST /actuator/backups", 403, spring).answer(
        "DELETE /actuator/backups/5",
        403,
        spring,
    );
    let client = client(&script, Component::Operate, "8.5.8");
    for error in [client.create(id(5)).await.unwrap_err(), client.delete(id(5)).await.unwrap_err()] {
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Forbidden, Outcome::Refused));
        let advice = error.advice().unwrap();
        assert!(advice.contains("CAMUNDA_OPERATE_CSRFPREVENTIONENABLED"), "{advice}");
        assert!(!error.to_string().contains("these credentials"), "{error}");
    }
}

#[tokio::test]
async fn a_list_whose_endpoint_is_hidden_is_told_with_the_setting() {
    let absent = r#"{"timestamp":"2026-06-03T08:00:10.000+00:00","status":404,"error":"Not Found"}"#;
    for component in [Component::Operate, Component::Optimize] {
        let script = ScriptedTransport::new().answer("GET /actuator/backups", 404, absent).answer(
            "GET /actuator/info",
            200,
            r#"{"build":{"version":"8.6.0"}}"#,
        );
        let list = match component {
            Component::Operate => client(&script, Component::Operate, "8.6.0").list().await,
            _ => OptimizeBackups::new(http(&script, Component::Optimize), dialect("8.6.0")).list().await,
        };
        let error = list.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "absent would look like nothing to see");
        assert!(error.message().contains("has no `backups`"), "{error}");
        assert!(
            error.advice().is_some_and(|advice| advice.contains("EXPOSURE_INCLUDE")),
            "{}",
            error.report()
        );
        script.finish().unwrap();
    }
}

proptest! {
    #[test]
    fn any_json_is_a_backup_or_an_error(json in any_json(KEYS)) {
        let _ = Scheduled::from_answer(&json);
        let _ = Vec::<HistoryBackup>::from_answer(&json);
        if let Ok(backup) = HistoryBackup::from_answer(&json) {
            let words = ["state", "State", "status"].map(|key| json.get(key).and_then(|word| word.as_str()));
            prop_assert!(!backup.state.is_completed() || words.contains(&Some("COMPLETED")));
        }
    }

    #[test]
    fn words_that_are_not_known_change_nothing(words in "[a-z ]{0,60}", status in 400..600_u16) {
        prop_assume!(!["already exists", "repository", "no enum constant"].iter().any(|known| words.contains(known)));
        let error = camunda_backup_core::Error::new(ErrorKind::Throttled, "x")
            .with_status(http::StatusCode::from_u16(status).unwrap())
            .with_server_said(&words);
        for component in [Component::Operate, Component::Tasklist] {
            prop_assert_eq!(refused::creation(error.clone(), &http(&ScriptedTransport::new(), component.clone())).kind(), ErrorKind::Throttled);
            prop_assert_eq!(refused::reading(error.clone()).kind(), ErrorKind::Throttled);
            prop_assert!(!refused::is_unknown_id(&error, &component));
        }
    }
}
