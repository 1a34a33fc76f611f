//! What programs read: reports, failures, recoveries and events as JSON, against `docs/report.schema.json`.

mod schema;

use std::fs;

use camunda_backup::es::testing::SnapshotFault;
use camunda_backup::testing::{Fault, Rule, SimulatedCluster, StoreKind};
use camunda_backup::{
    BackupSpec, Cluster, ErrorKind, ExportingSeen, Failure, Finding, FindingCode, RecoveryReport, Report,
    RunEvent,
};
use serde::Serialize;
use serde_json::Value;

use crate::world::{backup, connect, eight_six, is_paused, plan, until, world};
use schema::Checker;

fn checker() -> Checker {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json")).unwrap();
    Checker::new(serde_json::from_str(&text).unwrap())
}

fn json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap()
}

/// Every request that resumes is refused: the run fails inside its pause and says so.
fn nobody_resumes(simulated: &SimulatedCluster) {
    for part in ["/exporting/resume", "/resumeExporting"] {
        let resumes = move |request: &camunda_backup::testing::SeenRequest| {
            request.line.starts_with("POST ") && request.line.contains(part)
        };
        simulated.inject(Rule::when(resumes, Fault::Status(500)));
    }
}

async fn stopped_inside_the_pause(
    simulated: &SimulatedCluster,
    cluster: &Cluster,
) -> (Failure, Vec<RunEvent>) {
    let run = cluster.start(plan(cluster)).await;
    until("paused", || is_paused(simulated)).await;
    run.cancel();
    let failure = run.clone().finished().await.unwrap_err();
    let (mut events, mut all) = (run.events(), Vec::new());
    while let Some(event) = events.next().await {
        all.push(event);
    }
    (failure, all)
}

#[tokio::test(start_paused = true)]
async fn every_form_is_as_its_schema_says_and_reads_as_it_was_written() {
    let mut checker = checker();
    let mut reports = Vec::new();
    for version in ["8.1.27", "8.5.0", "8.6.0", "8.8.0"] {
        reports.push(backup(&world(version, StoreKind::OpenSearch2).await).await);
    }
    let partial = eight_six().await;
    partial.store().fail_snapshots_matching("zeebe_records", SnapshotFault::Partial);
    reports.push(backup(&partial).await);
    let owing = eight_six().await;
    nobody_resumes(&owing);
    let cluster = connect(&owing).await;
    let (failure, events) = stopped_inside_the_pause(&owing, &cluster).await;
    let unrecovered = cluster.recover().await.unwrap_err();
    owing.heal();
    let recovered = cluster.recover().await.unwrap();

    reports.push(Err(failure));
    for ended in &reports {
        let (form, document) = match ended {
            Ok(report) => ("report", json(report)),
            Err(failure) => ("failure", json(failure)),
        };
        checker.check(form, &document).unwrap();
        let report = ended.as_ref().ok().or_else(|| ended.as_ref().err()?.report.as_deref()).unwrap();
        assert_eq!(&serde_json::from_value::<Report>(json(report)).unwrap(), report);
        names_are_in_one_style(&document, "");
    }
    checker.check("recovery_failure", &json(&unrecovered)).unwrap();
    checker.check("recovery", &json(&recovered)).unwrap();
    assert_eq!(serde_json::from_value::<RecoveryReport>(json(&recovered)).unwrap(), recovered);
    let closing = |event: &RunEvent| event.to_string().contains("owes still");
    assert!(events.iter().any(closing), "every attempt to resume is told");
    for event in &events {
        checker.check("event", &json(event)).unwrap();
        names_are_in_one_style(&json(event), "");
    }
    // What no document had would be a promise that nobody keeps. The rest is seen elsewhere, or a word.
    let elsewhere = [
        "retry_after_ms",
        "server_type",
        "component",
        "subject",
        "request",
        "operation",
        "status",
        "server_said",
    ];
    let elsewhere = |path: &String| {
        let name = path.rsplit('/').next().unwrap();
        path.contains("/exporting/oneOf/")
            || path.contains("/error/properties/") && elsewhere.contains(&name)
            || path.starts_with("/$defs/error/properties/details")
            || path.starts_with("/$defs/finding/")
    };
    let unseen: Vec<String> = checker.unseen().into_iter().filter(|path| !elsewhere(path)).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}

/// Fields are in `snake_case`. A word in kebab-case is the only key of its object, and what servers or people have named keeps
/// its name.
fn names_are_in_one_style(value: &Value, place: &str) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            let of_others = ["metadata", "settings", "note"].iter().any(|part| place.contains(part));
            assert!(of_others || members.len() == 1 || !name.contains('-'), "{place}/{name}");
            let is_time = matches!(name.as_str(), "at" | "began" | "ended");
            assert!(!is_time || member.is_string(), "{place}/{name}: {member}");
            assert!(name != "secs" && name != "nanos", "{place}: durations are in milliseconds");
            names_are_in_one_style(member, &format!("{place}/{name}"));
        }),
        Value::Array(members) => members.iter().for_each(|member| names_are_in_one_style(member, place)),
        _ => {}
    }
}

#[test]
fn the_checker_sees_what_does_not_fit() {
    let finding = serde_json::json!({"code": "id-taken", "severity": "warning", "component": "c", "seen": "s",
        "why": "w", "advice": "a"});
    checker().check("finding", &finding).unwrap();
    for (name, value, words) in [
        ("severity", "grave".into(), "none of"),
        ("seen", 7.into(), "not of type"),
        ("more", 7.into(), "no property \"more\""),
        ("why", Value::Null, "not of type"),
    ] {
        let mut wrong = finding.clone();
        wrong[name] = value;
        let problem = checker().check("finding", &wrong).unwrap_err();
        assert!(problem.contains(words), "{problem}");
    }
    let mut short = finding;
    short.as_object_mut().unwrap().remove("advice");
    assert!(checker().check("finding", &short).unwrap_err().contains("\"advice\" is missing"));
    let moment = serde_json::json!({"order": 1, "at": 1_748_937_221_123_u64, "entry": {}});
    assert!(checker().check("moment", &moment).is_err(), "a number is no time");
    let moment = serde_json::json!({"order": 1, "at": "yesterday", "entry": {}});
    assert!(checker().check("moment", &moment).unwrap_err().contains("RFC 3339"));
}

#[tokio::test(start_paused = true)]
async fn a_failure_answers_what_a_program_asks() {
    let simulated = eight_six().await;
    nobody_resumes(&simulated);
    let cluster = connect(&simulated).await;
    let (failure, _) = stopped_inside_the_pause(&simulated, &cluster).await;
    assert!(failure.needs_operator() && failure.owing(), "{failure}");
    let requests = failure.requests();
    assert!(
        requests.iter().any(|line| line.starts_with("curl -X POST ") && line.contains("resume")),
        "{requests:?}"
    );
    let distinct: std::collections::BTreeSet<_> = requests.iter().collect();
    assert_eq!(distinct.len(), requests.len());
    assert_eq!(json(&failure)["requests"], json(&requests));
    assert_eq!(json(&failure)["error"]["kind"], json(&failure.error.kind()));

    let unrecovered = cluster.recover().await.unwrap_err();
    assert!(unrecovered.needs_operator() && !unrecovered.requests().is_empty(), "{unrecovered}");
    assert_eq!(json(&unrecovered)["needs_operator"], true);
}

#[tokio::test(start_paused = true)]
async fn blockers_are_data_before_and_instead_of_a_run() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let planned = plan(&cluster);
    simulated.camunda().foreign_pause(true);
    let blocked = connect(&simulated).await.plan_backup(BackupSpec::default()).unwrap_err();
    let codes: Vec<FindingCode> = Finding::of_error(&blocked).iter().map(|finding| finding.code).collect();
    assert!(codes.contains(&FindingCode::ExportingPaused), "{codes:?}");
    let refused = cluster.run(planned).await.unwrap_err();
    assert!(
        matches!(refused.error.kind(), ErrorKind::Foreign | ErrorKind::Blocked) && refused.report.is_none()
    );
    assert_eq!(refused.findings()[0].code, FindingCode::ExportingPaused);
    assert!(!refused.owing());
    checker().check("failure", &json(&refused)).unwrap();
    let other = Finding::of_error(&camunda_backup::Error::new(ErrorKind::Timeout, "x"));
    assert!(other.is_empty());
}

#[test]
fn what_exporting_was_seen_to_do_is_never_an_empty_text() {
    let what = || "broker 0".to_owned();
    for (seen, words) in [
        (ExportingSeen::NotAsked, "a run is alive"),
        (ExportingSeen::Runs, "exporting runs"),
        (ExportingSeen::Paused { what: what(), resume: "curl -X POST".to_owned() }, "IS PAUSED"),
        (ExportingSeen::Stopped { what: what() }, "stands still"),
        (ExportingSeen::Unseen { why: what() }, "could not be seen: broker 0"),
    ] {
        let text = seen.to_string();
        assert!(text.contains(words) && !text.ends_with('\n'), "{text:?}");
        let report = serde_json::json!({"runs": [], "damage": [], "exporting": seen});
        checker().check("recovery", &report).unwrap();
    }
}
