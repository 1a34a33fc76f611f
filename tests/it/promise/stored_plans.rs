//! A plan is data: it may be stored, sent to another process, and edited. Only what the planner itself makes is run.

use camunda_backup::testing::{SimulatedCluster, StoreKind};
use camunda_backup::{BackupSpec, Cluster, ErrorKind, FindingCode, Plan, RunOutcome, Verdict};
use serde_json::{Value, json};

use crate::world::{changes, completed, connect, connect_with, eight_six, overriding, plan, world};

/// What may differ. Findings are judged anew before the run. The caller chooses the limits: with others the plan is the one
/// that is made with them. The repository's uuid appears with its first snapshot, so a plan without it is as good.
const MAY_DIFFER: [&str; 3] = ["/findings", "/task/backup/limits", "/task/backup/pinned/repository/1"];

/// Every node of a document, as pointers.
fn pointers(of: &Value, path: &str, found: &mut Vec<String>) {
    match of {
        Value::Object(members) => {
            for (key, member) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                found.push(format!("{path}/{key}"));
                pointers(member, &format!("{path}/{key}"), found);
            }
        }
        Value::Array(members) => {
            for (n, member) in members.iter().enumerate() {
                found.push(format!("{path}/{n}"));
                pointers(member, &format!("{path}/{n}"), found);
            }
        }
        _ => {}
    }
}

fn altered(node: &Value) -> Vec<Value> {
    match node {
        Value::Null => vec![json!(1), json!("x")],
        Value::Bool(is) => vec![json!(!is)],
        Value::Number(n) => vec![json!(n.as_i64().unwrap() + 1)],
        Value::String(text) => vec![json!(format!("{text}x")), json!(format!("{text}1"))],
        Value::Array(members) if members.len() > 1 => {
            let (mut reversed, mut twice) = (members.clone(), members.clone());
            reversed.reverse();
            twice.push(members[0].clone());
            vec![json!(reversed), json!(twice), json!([])]
        }
        Value::Array(members) => vec![json!([]), json!(members.iter().chain(members).collect::<Vec<_>>())],
        Value::Object(_) => Vec::new(),
    }
}

/// The document with each node removed, each value altered, and each list reordered, doubled and emptied, one at a time.
fn edits(of: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    pointers(of, "", &mut all);
    let mut edits = Vec::new();
    for pointer in all {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let mut without = of.clone();
        match without.pointer_mut(parent).unwrap() {
            Value::Object(members) => drop(members.remove(&key.replace("~1", "/").replace("~0", "~"))),
            Value::Array(members) => drop(members.remove(key.parse().unwrap())),
            _ => unreachable!("only these have members"),
        }
        edits.push((format!("without {pointer}"), without));
        for value in altered(of.pointer(&pointer).unwrap()) {
            let mut other = of.clone();
            *other.pointer_mut(&pointer).unwrap() = value;
            edits.push((format!("another {pointer}"), other));
        }
    }
    edits
}

#[tokio::test(start_paused = true)]
async fn any_edit_of_a_stored_plan_is_refused_before_anything_is_sent() {
    for version in ["8.4.6", "8.6.0", "8.10.0"] {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        let cluster = connect(&simulated).await;
        let made = plan(&cluster);
        let stored = serde_json::to_value(&made).unwrap();
        simulated.start_recording();
        let (mut refused, mut unreadable) = (0, 0);
        for (what, edited) in edits(&stored) {
            if MAY_DIFFER.iter().any(|path| what.split_once(' ').unwrap().1.starts_with(path)) {
                continue;
            }
            let Ok(edited) = serde_json::from_value::<Plan>(edited) else {
                unreadable += 1;
                continue;
            };
            if edited == made {
                continue; // the same in other words, such as an absent member for null
            }
            let failure = cluster.run(edited).await.expect_err(&what);
            assert!(failure.report.is_none(), "{version}, {what}: {failure}");
            assert!(
                matches!(failure.error.kind(), ErrorKind::Blocked | ErrorKind::Foreign),
                "{version}, {what}: {failure}"
            );
            refused += 1;
        }
        assert!(refused > 100 && unreadable > 50, "{version}: {refused} refused, {unreadable} unreadable");
        assert_eq!(changes(&simulated), Vec::<&str>::new(), "{version}");
        let report = completed(&simulated, cluster.run(made).await);
        assert_eq!(report.verdict, Verdict::Proven, "{version}: {report}");
    }
}

async fn refusal(simulated: &SimulatedCluster, edit: impl FnOnce(&mut Value)) -> String {
    let cluster = connect(simulated).await;
    let mut stored = serde_json::to_value(plan(&cluster)).unwrap();
    edit(&mut stored);
    let failure = cluster.run(serde_json::from_value(stored).unwrap()).await.unwrap_err();
    assert!(failure.report.is_none(), "{failure}");
    failure.to_string()
}

#[tokio::test(start_paused = true)]
async fn the_refusal_names_what_was_edited() {
    let simulated = eight_six().await;
    let without_operate = refusal(&simulated, |plan| {
        let group = plan.pointer_mut("/stages/0/together").unwrap().as_array_mut().unwrap();
        group.retain(|step| step["name"] != "back-up-operate");
    });
    assert!(without_operate.await.contains("the plan lacks back-up-operate"));
    let records_last = refusal(&simulated, |plan| {
        plan.pointer_mut("/stages/1/bracket/body").unwrap().as_array_mut().unwrap().swap(1, 3);
    });
    let records_last = records_last.await;
    assert!(records_last.contains("the steps are back-up-operate"), "{records_last}");
    let renamed = refusal(&simulated, |plan| {
        *plan.pointer_mut("/stages/1/bracket/body/1/0/goal/records-snapshotted/snapshot").unwrap() =
            json!("mine");
    });
    let renamed = renamed.await;
    assert!(
        renamed.contains("stages/1/bracket/body/1/0/goal/records-snapshotted/snapshot is \"mine\""),
        "{renamed}"
    );
    assert!(renamed.contains("plan again"), "{renamed}");
}

fn moved(plan: &Plan) -> Plan {
    serde_json::from_str(&serde_json::to_string(plan).unwrap()).unwrap()
}

/// Another process, the next day: there is one more record index, and the findings may be others.
#[tokio::test(start_paused = true)]
async fn a_plan_that_was_stored_runs_in_another_process_on_another_day() {
    let simulated = eight_six().await;
    let stored = moved(&plan(&connect(&simulated).await));
    simulated.store().create_index("zeebe-record_job_8.6.0_2026-06-05");
    let cluster = connect(&simulated).await;
    let report = completed(&simulated, cluster.run(stored).await);
    assert_eq!(report.verdict, Verdict::Proven, "{report}");
}

/// An override is part of the plan, by its finding.
#[tokio::test(start_paused = true)]
async fn an_override_is_stored_with_the_plan_and_cannot_be_taken_out_of_it() {
    let simulated = eight_six().await;
    let forgotten =
        |cluster: Cluster| cluster.plan_backup(overriding(&[FindingCode::ApplicationForgotten])).unwrap();
    let without = || connect_with(&simulated, |config| config.tasklist = None);
    let stored = moved(&forgotten(without().await.unwrap()));
    let mut edited = stored.clone();
    edited.findings.clear();
    let refused = without().await.unwrap().run(edited).await.unwrap_err();
    assert!(refused.error.to_string().contains("application-forgotten"), "{refused}");
    let report = without().await.unwrap().run(stored).await.unwrap();
    assert_eq!((report.outcome, report.verdict), (RunOutcome::Completed, Verdict::Plausible), "{report}");
}

/// The plan of one configuration is not run with another one.
#[tokio::test(start_paused = true)]
async fn a_plan_of_another_configuration_is_refused() {
    let simulated = eight_six().await;
    let mut spec = BackupSpec::default();
    spec.zeebe_only = true;
    let stored = moved(&connect(&simulated).await.plan_backup(spec).unwrap());
    assert_eq!(
        connect(&simulated).await.run(stored).await.unwrap().verdict,
        Verdict::Proven,
        "of Zeebe alone"
    );
    tokio::time::sleep(super::MINUTE).await; // virtual time: the next id

    let stored = moved(&plan(&connect(&simulated).await));
    let other = connect_with(&simulated, |config| config.optimize = None).await.unwrap();
    let refused = other.run(stored).await.unwrap_err();
    assert!(refused.report.is_none(), "{refused}");
}
