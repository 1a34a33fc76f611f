use camunda_backup_core::Component;
use camunda_backup_core::transport::script::ScriptedTransport;
use proptest::prelude::*;

use super::*;
use crate::Dialect;
use crate::scripted::{dialect, http, one};

macro_rules! golden {
    ($path:literal) => {
        include_str!(concat!("../../goldens/", $path))
    };
}

const PAUSE_LINE: &str = "POST /actuator/exporting/pause";
const SOFT_LINE: &str = "POST /actuator/exporting/pause?soft=true";

fn client(script: &ScriptedTransport, version: &str) -> Exporting {
    Exporting::new(http(script, Component::Zeebe), dialect(version))
}

fn builder(dialect: Dialect) -> Exporting {
    Exporting::new(http(&ScriptedTransport::new(), Component::Zeebe), dialect)
}

#[tokio::test]
async fn d01_envelope_500_is_an_error() {
    for golden in [
        golden!("8.4.9/pause-failed.json"),
        golden!("8.5.8/pause-failed.json"),
        golden!("8.6.0/pause-failed.json"),
    ] {
        let error = client(&one(SOFT_LINE, 200, golden), "8.6.0").pause(PauseMode::Soft).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::ServerError, Outcome::Unknown));
        assert!(error.to_string().contains("status 500 inside"), "{error}");
        let error =
            client(&one("POST /actuator/exporting/resume", 200, golden), "8.6.0").resume().await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::ServerError, Outcome::Unknown));
    }
    let script = one(PAUSE_LINE, 500, golden!("8.1.27/pause-failed.json"));
    let error = client(&script, "8.1.27").pause(PauseMode::Hard).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::ServerError, Outcome::Unknown));
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn d02_a_bare_204_and_an_envelope_204_are_success() {
    let answer = client(&one(PAUSE_LINE, 204, ""), "8.1.27").pause(PauseMode::Hard).await;
    assert_eq!(answer.unwrap(), PauseAnswer::Bare204);
    for (version, golden) in [
        ("8.2.29", golden!("8.2.29/pause-done.json")),
        ("8.4.9", golden!("8.4.9/pause-done.json")),
        ("8.5.8", golden!("8.5.8/pause-done.json")),
        ("8.6.0", golden!("8.6.0/pause-done.json")),
    ] {
        let answer = client(&one(SOFT_LINE, 200, golden), version).pause(PauseMode::Soft).await;
        assert_eq!(answer.unwrap(), PauseAnswer::Envelope, "{version}");
        client(&one("POST /actuator/exporting/resume", 200, golden), version).resume().await.unwrap();
    }
    client(&one("POST /actuator/exporting/resume", 204, ""), "8.1.27").resume().await.unwrap();
    let rest =
        client(&one("POST /v2/exporting/pause?soft=true", 204, ""), "8.10.0").pause(PauseMode::Soft).await;
    assert_eq!(rest.unwrap(), PauseAnswer::Rest);
}

#[test]
fn d03_resume_never_mentions_a_pause() {
    for (version, dialect) in Dialect::all() {
        for dialect in [dialect, dialect.without_rest()] {
            let call = builder(dialect).resume_call();
            assert!(call.path.ends_with("/exporting/resume") && call.query.is_empty(), "{version}: {call}");
            assert!(
                !call.to_string().contains("pause") && !call.to_string().contains("soft"),
                "{version}: {call}"
            );
            assert_eq!((call.effect, call.max_retries), (Effect::Idempotent, 0));
        }
    }
}

#[test]
fn q07_soft_is_exactly_one_parameter_and_hard_is_none() {
    for (version, dialect) in Dialect::all() {
        let base = if dialect.line == (8, 10) { "/v2" } else { "/actuator" };
        let hard = builder(dialect).pause_call(PauseMode::Hard).unwrap();
        assert_eq!(hard.path_and_query(), format!("{base}/exporting/pause"), "{version}");
        let soft = builder(dialect).pause_call(PauseMode::Soft);
        if dialect.soft_pause {
            assert_eq!(
                soft.unwrap().path_and_query(),
                format!("{base}/exporting/pause?soft=true"),
                "{version}"
            );
        } else {
            assert_eq!(soft.unwrap_err().kind(), ErrorKind::Unsupported, "{version}");
        }
        let body = hard.body.map(|body| String::from_utf8(body.to_vec()).unwrap());
        assert_eq!(
            body.as_deref(),
            (dialect.line > (8, 1)).then_some("{}"),
            "{version}: no parameter hides in a body"
        );
    }
}

#[tokio::test]
async fn q34_a_bare_204_to_a_soft_pause_is_told_apart_and_old_versions_are_not_asked() {
    let answer = client(&one(SOFT_LINE, 204, ""), "8.6.0").pause(PauseMode::Soft).await;
    assert_eq!(answer.unwrap(), PauseAnswer::Bare204);
    for version in ["8.1.27", "8.2.26", "8.3.10", "8.4.6", "8.5.0"] {
        let script = ScriptedTransport::new();
        let error = client(&script, version).pause(PauseMode::Soft).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unsupported, Outcome::NotSent), "{version}");
        assert!(script.asked().is_empty());
    }
    // Later builds of 8.10 answer a plain 204 on the management port, and it means what was asked for.
    let actuators =
        Exporting::new(http(&one(SOFT_LINE, 204, ""), Component::Zeebe), dialect("8.10.0").without_rest());
    assert_eq!(actuators.pause(PauseMode::Soft).await.unwrap(), PauseAnswer::Rest);
}

#[tokio::test]
async fn q04_stack_traces_are_cut_and_messages_may_be_null() {
    let script = one(PAUSE_LINE, 200, golden!("8.4.9/pause-failed.json"));
    let error = client(&script, "8.4.9").pause(PauseMode::Hard).await.unwrap_err();
    let said = error.server_said().unwrap();
    assert!(said.starts_with("Expected 2 members of partition 1 but found 1"), "{said}");
    assert!(error.report().chars().count() < 900, "{}", error.report());
    for body in [
        r#"{"body":{"cause":null,"message":null,"stackTrace":[]},"status":500,"contentType":null}"#,
        r#"{"body":"Exporting is controlled elsewhere","status":400}"#,
        r#"{"body":null,"status":300}"#,
    ] {
        let error = client(&one(PAUSE_LINE, 200, body), "8.6.0").pause(PauseMode::Hard).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ServerError, "{body}");
    }
}

#[tokio::test]
async fn q05_advice_after_a_failed_pause_is_to_resume_and_after_a_failed_resume_to_go_to_the_brokers() {
    let refused = golden!("8.6.0/pause-failed.json");
    let error = client(&one(PAUSE_LINE, 200, refused), "8.6.0").pause(PauseMode::Hard).await.unwrap_err();
    assert!(error.advice().is_some_and(|advice| advice.contains("resume exporting")));
    let error =
        client(&one("POST /actuator/exporting/resume", 200, refused), "8.6.0").resume().await.unwrap_err();
    assert!(error.advice().is_some_and(|advice| advice.contains("/actuator/partitions/resumeExporting")));
}

#[tokio::test]
async fn the_status_exists_over_rest_only() {
    let script = one("GET /v2/exporting", 200, golden!("8.10/exporting-status.json"));
    assert_eq!(client(&script, "8.10.0").status().await.unwrap(), ExportingStatus::SoftPaused);
    let script = one("GET /v2/exporting", 200, r#"{"status":"HALF"}"#);
    assert_eq!(client(&script, "8.10.0").status().await.unwrap(), ExportingStatus::Other("HALF".to_owned()));
    let none = ScriptedTransport::new();
    assert_eq!(client(&none, "8.6.0").status().await.unwrap_err().kind(), ErrorKind::Unsupported);
}

proptest! {
    #[test]
    fn nothing_but_a_204_or_a_wrapped_2xx_is_success(status in 200..300_u16, body in "\\PC{0,60}", inner in proptest::option::of(any::<i64>())) {
        let body = inner.map_or(body, |inner| format!(r#"{{"body":null,"status":{inner}}}"#));
        let judged = judge(ExportingApi::Envelope, StatusCode::from_u16(status).unwrap(), body.as_bytes());
        let wrapped = inner.is_some_and(|inner| (200..300).contains(&inner));
        prop_assert_eq!(judged.is_ok(), status == 204 || wrapped);
    }

    #[test]
    fn any_json_is_judged_without_panic(json in crate::answer::any_json(&["body", "status", "message", "cause"])) {
        let judged = envelope::open(json.to_string().as_bytes());
        let inner = json.get("status").and_then(Value::as_i64);
        prop_assert_eq!(judged.is_ok(), inner.is_some_and(|inner| (200..300).contains(&inner)));
    }
}

/// What stands in the way of a pause is said before what to do about a pause that half worked.
#[tokio::test]
async fn a_pause_that_never_reached_zeebe_says_what_is_in_the_way() {
    for (status, body, words) in [
        (403, r#"{"message":"Forbidden"}"#, "CSRF"),
        (401, "", "configure credentials"),
        (404, r#"{"status":404,"error":"Not Found"}"#, "context path"),
    ] {
        let error = client(&one(SOFT_LINE, status, body), "8.6.0").pause(PauseMode::Soft).await.unwrap_err();
        let advice = error.advice().unwrap();
        assert!(advice.contains(words) && advice.contains("resume exporting"), "{advice}");
    }
    let error = client(&one(SOFT_LINE, 500, "{}"), "8.6.0").pause(PauseMode::Soft).await.unwrap_err();
    assert_eq!(error.advice(), Some(AFTER_A_PAUSE));
}
