use serde_json::json;

use super::*;

#[test]
fn every_server_lists_names_states_and_indices() {
    for (server, body) in golden!("snap.get.all.brief") {
        let entries = snapshot_entries(body.as_bytes()).unwrap();
        let m11 = entries.iter().find(|entry| entry.name == "m11").unwrap();
        assert_eq!(
            (m11.state.is_success(), m11.indices.as_slice()),
            (true, ["t-a".to_owned()].as_slice()),
            "{server}"
        );
        assert!(entries.iter().all(|entry| entry.uuid.is_some()), "{server}");
        let summaries = snapshot_listing(body.as_bytes()).unwrap();
        assert_eq!(summaries.len(), entries.len(), "{server}");
        for (summary, entry) in summaries.iter().zip(&entries) {
            assert_eq!(
                (&summary.name, &summary.state, &summary.uuid),
                (&entry.name, &entry.state, &entry.uuid)
            );
            assert_eq!(summary.index_count, Some(entry.indices.len()), "{server}");
        }
    }
}

#[test]
fn running_and_partial_ones_have_their_state_too() {
    for (server, body) in golden!("run.brief") {
        assert_eq!(
            snapshot_entries(body.as_bytes()).unwrap()[0].state,
            SnapshotState::InProgress,
            "{server}"
        );
    }
    for (server, body) in golden!("snap.partial.brief") {
        assert_eq!(snapshot_entries(body.as_bytes()).unwrap()[0].state, SnapshotState::Partial, "{server}");
    }
    for (server, body) in golden!("brief", "failed-es8", "failed-os2") {
        assert_eq!(snapshot_listing(body.as_bytes()).unwrap()[0].state, SnapshotState::Partial, "{server}");
    }
}

/// Q14: a snapshot that ran when the store was killed is not in the list any more.
#[test]
fn a_snapshot_vanishes_with_the_server() {
    for (server, body) in
        golden!("list-after", "kill9-es7", "kill9-es8", "kill9-es9", "kill9-os1", "kill9-os2", "kill9-os3")
    {
        let names: Vec<_> =
            snapshot_entries(body.as_bytes()).unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["ok"], "{server}");
    }
}

#[test]
fn an_empty_repository_is_an_empty_list_and_an_unknown_one_an_error() {
    for (server, body) in golden!("snap.list.empty") {
        assert!(snapshot_entries(body.as_bytes()).unwrap().is_empty(), "{server}");
        assert!(snapshot_listing(body.as_bytes()).unwrap().is_empty(), "{server}");
    }
    let (_, body) = golden!("snap.get.repomissing", "es7")[0];
    assert!(snapshot_listing(body.as_bytes()).is_err());
    assert!(snapshot_entries(body.as_bytes()).is_err());
}

#[test]
fn index_lists_may_be_left_out() {
    for (server, body) in golden!("snap.param.verbose-false-index_names-false", "es8", "es9", "es95") {
        let summaries = snapshot_listing(body.as_bytes()).unwrap();
        assert!(
            !summaries.is_empty() && summaries.iter().all(|summary| summary.index_count.is_none()),
            "{server}"
        );
    }
    let odd = json!({"snapshots": [{"snapshot": "s", "indices": null, "state": null}]}).to_string();
    assert_eq!(snapshot_listing(odd.as_bytes()).unwrap()[0].index_count, None);
    assert!(!snapshot_listing(odd.as_bytes()).unwrap()[0].state.is_success());
    assert!(snapshot_listing(br#"{"snapshots":[{"snapshot":"s","indices":"t-a"}]}"#).is_err());
}
