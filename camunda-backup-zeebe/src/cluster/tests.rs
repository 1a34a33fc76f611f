use camunda_backup_core::Component;
use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::transport::script::ScriptedTransport;
use proptest::prelude::*;

use super::*;
use crate::answer::{any_json, read};
use crate::scripted::{dialect, http, one};

macro_rules! golden {
    ($path:literal) => {
        include_str!(concat!("../../goldens/", $path))
    };
}

#[test]
fn d17_states_of_every_version_are_read_and_ids_are_text() {
    for (json, version, brokers) in [
        (golden!("8.4.9/cluster.json"), 1, ["0", "1"]),
        (golden!("8.5.8/cluster.json"), 1, ["0", "1"]),
        (golden!("8.6.0/cluster.json"), 1, ["0", "1"]),
        (golden!("8.10/cluster.json"), 7, ["zone_0", "zone_1"]),
    ] {
        let state: ClusterState = read(json);
        assert_eq!(state.version, Some(version));
        let ids: Vec<&str> = state.brokers.iter().map(|broker| broker.id.as_str()).collect();
        assert_eq!(ids, brokers);
        assert!(state.pending_change.is_none());
        let stored = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<ClusterState>(&stored).unwrap(), state);
    }
    let last = read::<ClusterState>(golden!("8.10/cluster.json")).last_change.unwrap();
    assert_eq!((last.id.as_str(), last.status.as_str()), ("-2", "COMPLETED"));
}

#[test]
fn d18_a_pending_change_is_the_one_that_is_there() {
    let state: ClusterState = read(golden!("8.6.0/cluster-pending.json"));
    let (pending, last) = (state.pending_change.unwrap(), state.last_change.unwrap());
    assert_eq!(
        (pending.id.as_str(), pending.status.as_str(), pending.operations_pending),
        ("12", "IN_PROGRESS", 4)
    );
    assert_eq!((last.id.as_str(), last.status.as_str(), last.operations_pending), ("10", "COMPLETED", 0));
    assert!(last.completed_at.is_some());
}

#[test]
fn members_name_the_partitions_that_they_have_joined() {
    for json in [golden!("8.4.9/cluster.json"), golden!("8.5.8/cluster.json"), golden!("8.6.0/cluster.json")]
    {
        let brokers = read::<ClusterState>(json).brokers;
        let both = [PartitionId(1), PartitionId(2)];
        assert!(brokers.iter().all(|broker| broker.partitions == both), "{brokers:?}");
    }
    let joining = r#"{"brokers": [{"id": 0, "partitions": [{"id": 2, "state": "ACTIVE"}, {"id": 1, "state": "JOINING"}]}]}"#;
    assert_eq!(read::<ClusterState>(joining).brokers[0].partitions, [PartitionId(2)]);
}

#[tokio::test]
async fn several_tenants_hide_their_changes_and_old_versions_have_none() {
    let script = one("GET /actuator/cluster", 200, golden!("8.10/cluster-of-tenants.json"));
    let error =
        ClusterApi::new(http(&script, Component::Zeebe), dialect("8.10.0")).state().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    let none = ScriptedTransport::new();
    let error = ClusterApi::new(http(&none, Component::Zeebe), dialect("8.3.11")).state().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(none.asked().is_empty());
}

proptest! {
    #[test]
    fn any_json_is_a_state_or_an_error(json in any_json(&["brokers", "id", "state", "version", "pendingChange", "lastChange", "status"])) {
        if let Ok(state) = ClusterState::from_answer(&json) {
            let pending = json.get("pendingChange").is_some_and(|change| !change.is_null());
            prop_assert_eq!(state.pending_change.is_some(), pending);
        }
    }
}
