use camunda_backup_core::transport::script::ScriptedTransport;
use camunda_backup_core::{BrokerId, Component};
use proptest::prelude::*;

use super::*;
use crate::Dialect;
use crate::answer::{any_json, read};
use crate::scripted::{dialect, http, one};

macro_rules! golden {
    ($path:literal) => {
        include_str!(concat!("../../goldens/", $path))
    };
}

fn client(script: &ScriptedTransport, version: &str) -> Partitions {
    Partitions::new(http(script, Component::Broker(BrokerId::from(0))), dialect(version))
}

#[test]
fn statuses_of_every_version_are_read() {
    for (json, role, phase, exported, health) in [
        (golden!("8.1.27/partitions-paused.json"), Role::Leader, Some(ExporterPhase::Paused), Some(-1), None),
        (golden!("8.1.27/partitions-follower.json"), Role::Follower, None, None, None),
        (golden!("8.2.29/partitions.json"), Role::Leader, Some(ExporterPhase::Paused), Some(-1), None),
        (golden!("8.4.9/partitions.json"), Role::Leader, Some(ExporterPhase::Paused), Some(-1), None),
        (golden!("8.5.8/partitions.json"), Role::Leader, Some(ExporterPhase::Exporting), Some(-1), None),
        (golden!("8.6.0/partitions.json"), Role::Leader, Some(ExporterPhase::Exporting), Some(-1), None),
        (
            golden!("8.7/partitions.json"),
            Role::Leader,
            Some(ExporterPhase::Exporting),
            Some(118),
            Some("HEALTHY"),
        ),
        (
            golden!("8.10/partitions-of-tenant.json"),
            Role::Leader,
            Some(ExporterPhase::SoftPaused),
            Some(118),
            None,
        ),
    ] {
        let statuses: BTreeMap<PartitionId, PartitionStatus> = read(json);
        let first = &statuses[&PartitionId(1)];
        assert_eq!((&first.role, &first.exporter_phase), (&role, &phase), "{json}");
        assert_eq!((first.exported_position, first.health.as_deref()), (exported, health), "{json}");
        let stored = serde_json::to_string(&statuses).unwrap();
        let again: BTreeMap<PartitionId, PartitionStatus> = serde_json::from_str(&stored).unwrap();
        assert_eq!(again, statuses, "evidence is kept");
    }
}

#[test]
fn followers_show_phases_as_the_dialect_says() {
    for (version, json) in [
        ("8.1.27", golden!("8.1.27/partitions-follower.json")),
        ("8.2.29", golden!("8.2.29/partitions.json")),
        ("8.4.9", golden!("8.4.9/partitions.json")),
        ("8.6.0", golden!("8.6.0/partitions.json")),
    ] {
        let statuses: BTreeMap<PartitionId, PartitionStatus> = read(json);
        let followers = statuses.values().filter(|status| status.role == Role::Follower);
        let phases: Vec<bool> = followers.map(|status| status.exporter_phase.is_some()).collect();
        assert!(
            !phases.is_empty() && phases.iter().all(|shown| *shown == dialect(version).follower_phases),
            "{version}"
        );
    }
}

#[tokio::test]
async fn resuming_one_broker_shows_its_replicas_and_a_204_is_not_success() {
    let line = "POST /actuator/partitions/resumeExporting";
    let script = one(line, 200, golden!("8.6.0/partitions-resumed.json"));
    let statuses = client(&script, "8.6.0").resume_exporting().await.unwrap();
    assert!(statuses.values().all(|status| status.exporter_phase == Some(ExporterPhase::Exporting)));
    let error = client(&one(line, 204, ""), "8.1.27").resume_exporting().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    for (version, dialect) in Dialect::all() {
        let call = Partitions::new(http(&ScriptedTransport::new(), Component::Zeebe), dialect)
            .resume_exporting_call();
        assert_eq!(call.path_and_query(), "/actuator/partitions/resumeExporting", "{version}");
        assert_eq!(call.effect, Effect::Idempotent);
    }
}

#[tokio::test]
async fn a_stand_alone_gateway_is_not_a_broker_and_an_empty_map_is_empty() {
    let script = one("GET /actuator/partitions", 404, golden!("8.6.0/absent.json"));
    assert_eq!(client(&script, "8.6.0").statuses().await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(
        client(&one("GET /actuator/partitions", 200, "{}"), "8.6.0").statuses().await.unwrap().is_empty()
    );
    for body in [
        "[]",
        "null",
        r#"{"status":"UP"}"#,
        r#"{"1":{}}"#,
        r#"{"x":{"1":{"role":"LEADER"}},"y":{"1":{"role":"LEADER"}}}"#,
    ] {
        let error =
            client(&one("GET /actuator/partitions", 200, body), "8.6.0").statuses().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{body}");
    }
}

proptest! {
    #[test]
    fn any_json_is_a_map_or_an_error(json in any_json(&["1", "2", "role", "exporterPhase", "health", "status"])) {
        if let Ok(statuses) = BTreeMap::<PartitionId, PartitionStatus>::from_answer(&json) {
            for phase in statuses.values().filter_map(|status| status.exporter_phase.as_ref()) {
                prop_assert!(*phase != ExporterPhase::Exporting || json.to_string().to_uppercase().contains("EXPORTING"));
            }
        }
    }

    #[test]
    fn unknown_phases_and_roles_are_kept(word in "[A-Z]{1,12}") {
        prop_assume!(!["EXPORTING", "PAUSED", "CLOSED", "LEADER", "FOLLOWER", "CANDIDATE", "INACTIVE"].contains(&word.as_str()));
        let json = serde_json::json!({"1": {"role": word, "exporterPhase": word}});
        let statuses = BTreeMap::<PartitionId, PartitionStatus>::from_answer(&json).unwrap();
        let status = &statuses[&PartitionId(1)];
        prop_assert_eq!(&status.role, &Role::Other(word.clone()));
        prop_assert_eq!(status.exporter_phase.clone(), Some(ExporterPhase::Other(word)));
    }
}
