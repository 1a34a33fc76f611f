//! Operate, Tasklist, the combined web applications and Optimize.

use super::*;

const BACKUPS: &str = "http://operate.sim:9600/actuator/backups";
const PATIENT: [&str; 5] = ["404", "400", "500", "INCOMPLETE", "IN_PROGRESS"];

#[tokio::test(start_paused = true)]
async fn q02_incomplete_between_every_two_parts() {
    let rig = Rig::of("8.6.0");
    wait(3000).await;
    rig.post(BACKUPS, "{\"backupId\":5}");
    let seen = rig.watch(&format!("{BACKUPS}/5"), &PATIENT).await;
    assert_eq!(seen.first().unwrap(), "400", "just posted is unknown");
    assert_eq!(seen.iter().filter(|word| *word == "INCOMPLETE").count(), 5, "{seen:?}");
    assert_eq!(seen.last().unwrap(), "COMPLETED");
    let rig = Rig::of("8.7.2");
    rig.post(BACKUPS, "{\"backupId\":5}");
    let seen = rig.watch(&format!("{BACKUPS}/5"), &PATIENT).await;
    assert!(!seen.iter().any(|word| word == "INCOMPLETE"), "8.7 waits five minutes: {seen:?}");
}

#[tokio::test(start_paused = true)]
async fn q03_operate_on_opensearch_answers_400_while_a_part_runs() {
    let rig = Rig::of("8.6.0");
    rig.store.set_opensearch(true);
    rig.post(BACKUPS, "{\"backupId\":5}");
    let seen = rig.watch(&format!("{BACKUPS}/5"), &PATIENT).await;
    assert_eq!(seen[..3], ["404", "400", "INCOMPLETE"]);
    assert!(!seen.iter().any(|word| word == "IN_PROGRESS"));
    assert_eq!(seen.last().unwrap(), "COMPLETED");
    // Tasklist can read its own running parts.
    let url = format!("{TASKLIST}/actuator/backups");
    rig.post(&url, "{\"backupId\":5}");
    let seen = rig.watch(&format!("{url}/5"), &PATIENT).await;
    assert!(seen.iter().any(|word| word == "IN_PROGRESS"));
}

#[tokio::test(start_paused = true)]
async fn q03_unknown_ids_and_a_dead_store() {
    let rig = Rig::of("8.6.0");
    let tasklist = format!("{TASKLIST}/actuator/backups");
    assert_eq!(
        (rig.get(&format!("{BACKUPS}/9")).status, rig.get(&format!("{tasklist}/9")).status),
        (400, 500)
    );
    rig.store.set_down(true);
    assert_eq!(
        (rig.get(&format!("{BACKUPS}/9")).status, rig.get(&format!("{tasklist}/9")).status),
        (400, 502)
    );
    assert_eq!(rig.post(BACKUPS, "{\"backupId\":9}").status, 400);
    assert_eq!(rig.get(&format!("{OPERATE}/actuator/health/readiness")).status, 503);
    rig.store.set_down(false);
    rig.camunda.set_store_hangs(true);
    assert_eq!(rig.get(BACKUPS).after, Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn q22_a_part_longer_than_30_seconds_ends_the_queue_silently() {
    let rig = Rig::of("8.6.0");
    wait(3000).await;
    rig.store.set_snapshot_duration(Duration::from_secs(40));
    rig.post(BACKUPS, "{\"backupId\":5}");
    wait(1000).await;
    assert_eq!(rig.get(&format!("{BACKUPS}/5")).body["state"], "IN_PROGRESS");
    wait(60_000).await;
    for _ in 0..3 {
        let body = rig.get(&format!("{BACKUPS}/5")).body;
        assert_eq!(body["state"], "INCOMPLETE");
        assert_eq!(body["details"].as_array().unwrap().len(), 1, "the part itself succeeded");
        assert_eq!(body["details"][0]["state"], "SUCCESS");
        wait(300_000).await;
    }
    rig.camunda.set_part_timeout(None);
    rig.post(BACKUPS, "{\"backupId\":6}");
    rig.store.set_snapshot_duration(Duration::from_secs(60));
    let seen = rig.watch_slowly(&format!("{BACKUPS}/6")).await;
    assert_eq!(seen, "COMPLETED", "with the setting that cures it");
}

#[tokio::test(start_paused = true)]
async fn q23_another_backup_is_running_is_no_lock_and_delete_says_204_to_anything() {
    let rig = Rig::of("8.6.0");
    rig.post(BACKUPS, "{\"backupId\":5}");
    assert!(
        rig.post(BACKUPS, "{\"backupId\":6}").body["message"].as_str().unwrap().contains("Another backup")
    );
    loop {
        wait(100).await;
        let parts = rig.get(&format!("{BACKUPS}/5")).body["details"].as_array().map_or(0, Vec::len);
        if parts == 6 {
            break;
        }
    }
    assert_eq!(rig.post(BACKUPS, "{\"backupId\":6}").status, 200, "the last part runs, the queue is empty");
    wait(100).await;
    let states = |id: u32| rig.get(&format!("{BACKUPS}/{id}")).body["state"].clone();
    assert_eq!((states(5), states(6)), ("IN_PROGRESS".into(), "IN_PROGRESS".into()));
    for _ in 0..80 {
        wait(100).await;
        rig.camunda.tick();
    }
    assert_eq!((states(5), states(6)), ("COMPLETED".into(), "COMPLETED".into()));
    assert_eq!(rig.delete(&format!("{BACKUPS}/77")).status, 204);
    rig.camunda.set_component_version(Component::Operate, "8.6.1".parse().unwrap());
    assert_eq!(rig.delete(&format!("{BACKUPS}/5")).status, 204);
    assert_eq!(states(5), "COMPLETED", "names come from the running version");
    assert_eq!(rig.post(BACKUPS, "{\"backupId\":2}").status, 200, "ids need not grow");
}

#[tokio::test(start_paused = true)]
async fn q24_one_foreign_snapshot_without_metadata_breaks_the_list() {
    let rig = Rig::of("8.6.0");
    rig.post(BACKUPS, "{\"backupId\":5}");
    rig.watch(&format!("{BACKUPS}/5"), &PATIENT).await;
    for name in ["camunda_operate_before_upgrade", "camunda_tasklist_before_upgrade"] {
        rig.store.add_foreign_snapshot("backups", name);
    }
    let operate = rig.get(BACKUPS);
    assert_eq!(operate.status, 400);
    let words = operate.body["message"].as_str().unwrap();
    assert!(words.starts_with("Exception occurred when searching") && words.contains("\"metadata\" is null"));
    let tasklist = rig.get(&format!("{TASKLIST}/actuator/backups"));
    assert_eq!(tasklist.status, 500);
    assert!(tasklist.body["message"].as_str().unwrap().contains("tasklist.webapp.es.backup.Metadata"));
    assert_eq!(rig.get(&format!("{BACKUPS}/5")).status, 200, "single ones still work");
}

#[tokio::test(start_paused = true)]
async fn a_restart_forgets_the_queue_for_ever() {
    let rig = Rig::of("8.6.0");
    rig.post(BACKUPS, "{\"backupId\":5}");
    wait(1000).await;
    assert_eq!(rig.get(&format!("{BACKUPS}/5")).status, 200);
    rig.camunda.kill_operate();
    assert!(matches!(rig.answer(Method::GET, BACKUPS, None), Answer::NoConnection));
    rig.camunda.restart_operate();
    wait(600_000).await;
    assert_eq!(rig.get(&format!("{BACKUPS}/5")).body["state"], "INCOMPLETE");
    assert_eq!(rig.post(BACKUPS, "{\"backupId\":5}").status, 400, "the id is used up");
}

#[tokio::test(start_paused = true)]
async fn partial_and_superfluous_parts_fail_the_backup() {
    let rig = Rig::of("8.6.0");
    rig.post(BACKUPS, "{\"backupId\":5}");
    rig.watch(&format!("{BACKUPS}/5"), &PATIENT).await;
    rig.store.set_snapshot_state("backups", "camunda_operate_5_8.6.0_part_2_of_6", "PARTIAL");
    let body = rig.get(&format!("{BACKUPS}/5")).body;
    let why = "There were failures with the following snapshots: camunda_operate_5_8.6.0_part_2_of_6";
    assert_eq!((&body["state"], &body["failureReason"]), (&"FAILED".into(), &why.into()));
}

#[tokio::test(start_paused = true)]
async fn combined_web_applications_of_8_8() {
    let rig = Rig::of("8.8.0");
    wait(3000).await;
    let url = format!("{GATEWAY}/actuator/backupHistory");
    let names = rig.post(&url, "{\"backupId\":5}").body["scheduledSnapshots"].clone();
    assert_eq!(names[6], "camunda_webapps_5_8.8.0_part_7_of_7");
    let seen = rig.watch(&format!("{url}/5"), &PATIENT).await;
    assert_eq!(seen, ["404", "IN_PROGRESS", "COMPLETED"]);
    assert_eq!(rig.post(&url, "{\"backupId\":5}").status, 400);
    assert_eq!(rig.delete(&format!("{url}/6")).status, 404);
    assert_eq!(rig.delete(&format!("{url}/5")).status, 204);
    assert_eq!(rig.get(&format!("{url}/5")).status, 404);
    assert!(matches!(rig.answer(Method::GET, BACKUPS, None), Answer::NoConnection));
}

#[tokio::test(start_paused = true)]
async fn text_ids_of_8_1() {
    let rig = Rig::of("8.1.27");
    let url = "http://operate.sim:8080/actuator/backup";
    assert_eq!(rig.post(url, "{\"backupId\":5}").status, 400, "a text is needed");
    let names = rig.post(url, "{\"backupId\":\"5\"}").body["scheduledSnapshots"].clone();
    assert_eq!(names[0], "camunda_operate_5_8.1.27_part_1_of_6");
    for _ in 0..100 {
        wait(100).await;
        rig.camunda.tick();
    }
    assert_eq!(rig.get(&format!("{url}/5")).body, serde_json::json!({"State": "COMPLETED"}));
    assert_eq!(rig.get(url).status, 405);
}

#[tokio::test(start_paused = true)]
async fn optimize_has_two_parts_and_conflicts_of_its_own() {
    let rig = Rig::of("8.6.0");
    wait(3000).await;
    let url = "http://optimize.sim:8092/actuator/backups";
    assert_eq!(rig.get(&format!("{url}/5")).status, 404);
    assert_eq!(rig.post(url, "{\"backupId\":5}").status, 202);
    let seen = rig.watch(&format!("{url}/5"), &PATIENT).await;
    assert_eq!(seen, ["404", "IN_PROGRESS", "INCOMPLETE", "IN_PROGRESS", "COMPLETED"]);
    let conflict = rig.post(url, "{\"backupId\":5}");
    assert_eq!(conflict.status, 409);
    assert!(conflict.body["detailedMessage"].as_str().unwrap().contains("already exists"));
}

impl Rig {
    /// Polls every ten seconds until COMPLETED.
    async fn watch_slowly(&self, url: &str) -> String {
        let mut word = String::new();
        for _ in 0..100 {
            wait(10_000).await;
            word = self.get(url).body["state"].as_str().unwrap_or_default().to_owned();
            if word == "COMPLETED" {
                break;
            }
        }
        word
    }
}
