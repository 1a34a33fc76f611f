//! Pause and resume.

use super::*;
use crate::testing::Phase::{Corrupt, Exporting, Paused, SoftPaused};
use crate::testing::{PauseKind, Phase};

const PAUSE: &str = "http://zeebe.sim:9600/actuator/exporting/pause";
const SOFT: &str = "http://zeebe.sim:9600/actuator/exporting/pause?soft=true";
const RESUME: &str = "http://zeebe.sim:9600/actuator/exporting/resume";

#[tokio::test(start_paused = true)]
async fn q04_the_envelope_says_500_inside_a_200() {
    let rig = Rig::of("8.6.0");
    let unknown = rig.post(&format!("{GATEWAY}/actuator/exporting/softPause"), "{}");
    assert_eq!((unknown.status, unknown.body["status"].as_u64()), (200, Some(500)));
    assert!(unknown.body["body"]["message"].is_null());
    rig.camunda.kill_broker(&1.into());
    wait(11_000).await;
    let failed = rig.post(SOFT, "{}");
    assert_eq!((failed.status, failed.body["status"].as_u64()), (200, Some(500)));
    assert!(
        failed.body["body"]["message"].as_str().unwrap().starts_with("Expected 3 members of partition 1")
    );
}

#[tokio::test(start_paused = true)]
async fn q05_a_failed_pause_has_paused_who_could_be_reached_and_resume_is_refused() {
    let rig = Rig::two("8.6.0");
    rig.camunda.kill_broker(&1.into());
    assert_eq!(rig.post(SOFT, "{}").body["status"], 500);
    assert_eq!(rig.phases(), [Exporting, SoftPaused]);
    wait(11_000).await;
    assert_eq!(rig.post(RESUME, "{}").body["status"], 500);
    assert_eq!(rig.phases(), [Exporting, SoftPaused], "nobody was resumed");
    let local = rig.post("http://broker-0.sim:9600/actuator/partitions/resumeExporting", "{}");
    assert_eq!(local.body["1"]["exporterPhase"], "EXPORTING");
    assert_eq!(rig.phases(), [Exporting]);
    assert!(matches!(
        rig.answer(Method::GET, "http://broker-1.sim:9600/actuator/partitions", None),
        Answer::NoConnection
    ));
}

#[tokio::test(start_paused = true)]
async fn q06_a_hard_pause_over_a_soft_one_kills_the_broker_at_its_next_start() {
    for (version, survives) in [("8.6.0", false), ("8.4.9", false), ("8.10.0", true)] {
        let rig = Rig::of(version);
        rig.post(SOFT, "{}");
        rig.post(PAUSE, "{}");
        assert_eq!(rig.phases(), [Paused], "{version}: no symptom yet");
        rig.camunda.restart_broker(&0.into());
        wait(60_000).await;
        let ready = rig.get("http://broker-0.sim:9600/actuator/health/readiness").status == 200;
        assert_eq!(rig.phases().contains(&Corrupt), !survives, "{version}");
        assert_eq!(ready, survives, "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn q06_soft_over_hard_is_harmless_and_pauses_survive_restarts() {
    let rig = Rig::of("8.6.0");
    for url in [PAUSE, SOFT] {
        assert_eq!(rig.post(url, "{}").body["status"], 204);
    }
    rig.camunda.kill_broker(&0.into());
    wait(20_000).await;
    rig.camunda.restart_broker(&0.into());
    assert_eq!(rig.get("http://broker-0.sim:9600/actuator/partitions").body, serde_json::json!({}));
    wait(20_000).await;
    assert_eq!(rig.phases(), [SoftPaused]);
    rig.post(RESUME, "{}");
    assert_eq!(rig.phases(), [Exporting]);
}

#[tokio::test(start_paused = true)]
async fn q07_only_soft_true_is_soft() {
    for (query, body, phase) in [
        ("", "{}", Paused),
        ("?soft", "{}", Paused),
        ("?soft=", "{}", Paused),
        ("?soft=false", "{}", Paused),
        ("", "{\"soft\":true}", Paused),
        ("?soft=true", "{}", SoftPaused),
        ("?soft=TRUE", "{}", SoftPaused),
    ] {
        let rig = Rig::of("8.6.0");
        assert_eq!(rig.post(&format!("{PAUSE}{query}"), body).body["status"], 204);
        assert_eq!(rig.phases(), [phase], "{query} {body}");
    }
    let rig = Rig::of("8.6.0");
    assert_eq!(rig.post(&format!("{PAUSE}?soft=maybe"), "{}").status, 400);
    assert_eq!(rig.phases(), [Exporting]);
}

#[tokio::test(start_paused = true)]
async fn q08_a_replica_that_joins_during_a_pause_exports() {
    let rig = Rig::of("8.6.0");
    rig.post(SOFT, "{}");
    let id = rig.camunda.join_fresh_replica();
    assert_eq!(rig.phases(), [Exporting, SoftPaused]);
    let url = format!("http://broker-{id}.sim:9600/actuator/partitions");
    assert_eq!(rig.get(&url).body["1"]["exporterPhase"], "EXPORTING");
    let rig = Rig::of("8.10.0");
    rig.post(SOFT, "{}");
    rig.camunda.join_fresh_replica();
    assert_eq!(rig.phases(), [SoftPaused], "8.10 keeps the pause in its configuration");
}

#[tokio::test(start_paused = true)]
async fn q08_another_actor_and_a_lost_phase() {
    let rig = Rig::of("8.6.0");
    rig.post(SOFT, "{}");
    rig.camunda.lose_phase(&2.into());
    assert_eq!(rig.phases(), [Exporting, SoftPaused]);
    rig.camunda.foreign_resume();
    rig.camunda.foreign_pause(false);
    assert_eq!(rig.phases(), [Paused]);
    let history = rig.camunda.pause_history();
    let foreign: Vec<PauseKind> =
        history.iter().filter(|event| event.foreign).map(|event| event.what).collect();
    assert_eq!(foreign.iter().filter(|what| **what == PauseKind::Hard).count(), 9);
    assert_eq!(foreign.iter().filter(|what| **what == PauseKind::Lost).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn q33_a_gateway_that_just_started_lies_in_8_4_and_8_5_only() {
    for (version, status) in [("8.2.29", 500), ("8.4.9", 204), ("8.5.8", 204), ("8.6.0", 500), ("8.9.0", 500)]
    {
        let rig = Rig::of(version);
        rig.post(SOFT, "{}");
        rig.camunda.restart_gateway();
        wait(1000).await;
        assert_eq!(rig.post(RESUME, "{}").body["status"], status, "{version}");
        assert_eq!(rig.phases(), [SoftPaused], "{version}: nothing happened");
        wait(6000).await;
        assert_eq!(rig.post(RESUME, "{}").body["status"], 204);
        assert_eq!(rig.phases(), [Exporting], "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn q34_soft_is_ignored_where_it_is_unknown_and_answered_with_a_bare_204() {
    let cases: [(&str, u16, Phase); 12] = [
        ("8.1.27", 204, Paused),
        ("8.2.26", 204, Paused),
        ("8.2.27", 200, SoftPaused),
        ("8.3.10", 204, Paused),
        ("8.3.11", 200, SoftPaused),
        ("8.4.6", 204, Paused),
        ("8.4.7", 200, SoftPaused),
        ("8.5.0", 204, Paused),
        ("8.5.1", 200, SoftPaused),
        ("8.8.0", 200, SoftPaused),
        ("8.9.3", 200, SoftPaused),
        ("8.10.0", 204, SoftPaused),
    ];
    for (version, status, phase) in cases {
        let rig = Rig::of(version);
        assert_eq!(rig.post(SOFT, "{}").status, status, "{version}");
        assert_eq!(rig.phases(), [phase], "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn followers_hide_their_phase_up_to_8_2() {
    for (version, shown) in [("8.1.27", false), ("8.2.29", false), ("8.4.9", true), ("8.6.0", true)] {
        let rig = Rig::of(version);
        let partitions = rig.get("http://broker-0.sim:9600/actuator/partitions").body;
        assert_eq!(partitions["1"]["role"], "LEADER");
        assert_eq!(partitions["1"]["exporterPhase"], "EXPORTING");
        assert_eq!(partitions["2"]["role"], "FOLLOWER");
        assert_eq!(partitions["2"]["exporterPhase"].is_string(), shown, "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_rest_api_of_8_10_pauses_reads_and_resumes() {
    let mut options = CamundaOptions::for_version("8.10.0".parse().unwrap());
    options.require_rest_auth = false;
    let rig = Rig::with(options);
    let url = "http://zeebe.sim:8080/v2/exporting";
    assert_eq!(rig.get(url).body["status"], "EXPORTING");
    assert_eq!(rig.post(&format!("{url}/pause?soft=true"), "{}").status, 204);
    assert_eq!(rig.get(url).body["status"], "SOFT_PAUSED");
    rig.camunda.lose_phase(&0.into());
    assert_eq!(rig.get(url).body["status"], "MIXED");
    assert_eq!(rig.post(&format!("{url}/resume"), "{}").status, 204);
    assert_eq!(rig.get(url).body["status"], "EXPORTING");
    assert_eq!(Rig::of("8.10.0").get(url).status, 401, "credentials are required by default");
    assert_eq!(rig.post("http://broker-0.sim:9600/actuator/partitions/pauseExporting", "{}").status, 400);
}
