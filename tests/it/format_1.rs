//! Journals that an earlier version wrote, in format 1: of a run that completed, and of one that died inside its pause.
//! Whoever updates in the middle of a backup must not lose what it owes.

use std::sync::Arc;

use bytes::Bytes;
use camunda_backup::MemoryJournal;
use camunda_backup::procedures::backup::verdict::judge;
use camunda_backup::procedures::journal::{Key, histories};
use camunda_backup::procedures::plan::StepPlan;
use camunda_backup::testing::SimulatedCluster;
use camunda_backup::{
    BackupId, Cluster, ConnectOptions, Endpoint, ErrorKind, Goal, Journal, Plan, RecoveredEnd, Report,
    RunOutcome, Verdict, recover,
};

use crate::world::{assert_running, eight_six, is_paused};

const COMPLETED: &str = include_str!("format_1/completed.journal");
const REPORT: &str = include_str!("format_1/report.json");
const DIED: &str = include_str!("format_1/died.journal");
/// The gateways of the two: the one that is owed to first.
const GATEWAYS: [&str; 2] = ["http://127.0.0.1:39677", "http://127.0.0.1:41173"];
const DEAD: i64 = 1_795_845_597;

/// Every record of the file: its key, and its two lines.
async fn stored(journal: &str) -> Arc<MemoryJournal> {
    let memory = MemoryJournal::new();
    let lines: Vec<&str> = journal.lines().collect();
    for record in lines.chunks(3) {
        let [key, content, checksum] = record else { panic!("three lines each") };
        let body = Bytes::from(format!("{content}\n{checksum}\n"));
        memory.put_new(&Key::new(*key).unwrap(), body).await.unwrap();
    }
    Arc::new(memory)
}

fn options(simulated: &SimulatedCluster, journal: &Arc<MemoryJournal>) -> ConnectOptions {
    let mut options = simulated.connect_options();
    options.journal = Some(journal.clone());
    options
}

/// The simulated cluster under the name and the former address that the journals are about.
fn config(simulated: &SimulatedCluster) -> camunda_backup::ClusterConfig {
    let mut config = simulated.config().unwrap();
    "camunda".clone_into(&mut config.name);
    config.formerly = GATEWAYS.map(|gateway| gateway.parse::<Endpoint>().unwrap()).to_vec();
    config
}

fn plan_in(journal: &str) -> Plan {
    let line = journal.lines().find(|line| line.contains("\"started\":{\"plan\"")).unwrap();
    let record: serde_json::Value = serde_json::from_str(line).unwrap();
    serde_json::from_value(record["event"]["started"]["plan"].clone()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_debt_is_paid_and_the_rest_abandoned() {
    let simulated = eight_six().await;
    simulated.camunda().foreign_pause(true);
    assert!(is_paused(&simulated));
    let journal = stored(DIED).await;
    let recovered = recover(config(&simulated), options(&simulated, &journal)).await.unwrap();
    assert_running(&simulated);
    let [run] = recovered.runs.as_slice() else { panic!("{recovered}") };
    assert_eq!((run.end, run.paid.len()), (RecoveredEnd::Died, 1), "{recovered}");
    assert_eq!(run.id, Some(BackupId::new(DEAD).unwrap()));
    assert_eq!(run.leftovers.len(), 3, "three applications were asked: {recovered}");
    assert!(recover(config(&simulated), options(&simulated, &journal)).await.unwrap().is_clean());

    let cluster = Cluster::connect_with(config(&simulated), options(&simulated, &journal)).await.unwrap();
    cluster.abandon(BackupId::new(DEAD).unwrap()).await.unwrap();
    assert!(cluster.plan_backup(camunda_backup::BackupSpec::default()).unwrap().id().unwrap().value() > DEAD);
}

#[tokio::test(start_paused = true)]
async fn a_completed_run_owes_nothing_and_is_not_abandoned() {
    let simulated = eight_six().await;
    let journal = stored(COMPLETED).await;
    let histories = histories(journal.as_ref(), "camunda").await.unwrap();
    assert!(histories.len() == 1 && histories[0].is_complete());
    assert!(recover(config(&simulated), options(&simulated, &journal)).await.unwrap().is_clean());
    let cluster = Cluster::connect_with(config(&simulated), options(&simulated, &journal)).await.unwrap();
    let error = cluster.abandon(plan_in(COMPLETED).id().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Foreign, "{}", error.report());
    assert!(error.to_string().contains("complete"), "{error}");
}

#[test]
fn a_stored_plan_is_read_with_all_its_steps() {
    let plan = plan_in(DIED);
    let goals: Vec<Goal> = plan.steps().into_iter().filter_map(StepPlan::goal).collect();
    assert_eq!((plan.format, goals.len(), plan.steps().len()), (2, 10, 10));
    let text = serde_json::to_value(&plan).unwrap();
    assert_eq!(serde_json::from_value::<Plan>(text).unwrap(), plan);
}

#[tokio::test(start_paused = true)]
async fn a_stored_plan_for_another_cluster_is_refused_in_words() {
    let simulated = eight_six().await;
    let journal = Arc::new(MemoryJournal::new());
    let cluster = Cluster::connect_with(config(&simulated), options(&simulated, &journal)).await.unwrap();
    let failure = cluster.run(plan_in(DIED)).await.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Blocked, "{failure}");
    assert!(failure.to_string().contains("plan again"), "{failure}");
}

#[test]
fn a_stored_report_is_read_with_its_evidence_and_judged_the_same() {
    let report: Report = serde_json::from_str(REPORT).unwrap();
    assert_eq!((report.format, report.outcome, report.verdict), (2, RunOutcome::Completed, Verdict::Proven));
    assert_eq!(report.id, report.plan.id());
    let details = report.backup().unwrap();
    let (verdict, conditions) =
        judge(&report.plan, &details.before, details.after.as_ref(), &report.timeline);
    assert_eq!((verdict, &conditions), (report.verdict, &report.conditions));
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
}

#[test]
fn a_report_of_a_later_format_is_refused_in_words() {
    let mut report: serde_json::Value = serde_json::from_str(REPORT).unwrap();
    report["format"] = 3.into();
    let refused = serde_json::from_value::<Report>(report.clone()).unwrap_err().to_string();
    assert!(refused.contains("format 3") && refused.contains("later version"), "{refused}");
    report["format"] = "two".into();
    assert!(serde_json::from_value::<Report>(report).unwrap_err().to_string().contains("format"));
}

#[test]
fn a_plan_of_a_later_format_or_another_task_is_refused_in_words() {
    let refused = |field: &str, value: serde_json::Value| {
        let mut plan = serde_json::to_value(plan_in(DIED)).unwrap();
        assert_eq!(plan["format"], 2);
        plan[field] = value;
        serde_json::from_value::<Plan>(plan).unwrap_err().to_string()
    };
    let later = refused("format", 3.into());
    assert!(later.contains("format 3") && later.contains("later version"), "{later}");
    let other = refused("task", "something-else".into());
    assert!(other.contains("something-else"), "{other}");
}
