//! No answer, however wrong, makes a decoder panic, and none turns into a success by accident.

use camunda_backup_core::IndexPrefix;
use proptest::prelude::*;
use serde_json::Value;

use crate::{aliases, disk, health, indices, max_by_group, repository, restore_progress};
use crate::{snapshot_info, snapshot_listing, snapshot_page, snapshot_progress, templates};

/// Gives a body to every decoder of the crate.
fn decode_everything(body: &[u8]) {
    let prefix = IndexPrefix::new("t-").unwrap();
    let _ = aliases::aliases(&prefix, body);
    let _ = disk::node_disks(body);
    let _ = disk::ClusterSettings::decode(body).map(|settings| disk::disk_state(Vec::new(), &settings));
    let _ = health::health(body);
    let _ = health::detailed_health(body).map(|health| health::only_these(health, &[]));
    let _ = indices::index_stats(&prefix, body);
    let _ = indices::index_settings(&prefix, body);
    let _ = max_by_group::max_by_group(body);
    let _ = repository::repositories(body);
    let _ = repository::verified_nodes(body);
    let _ = repository::cleanup(body);
    let _ = restore_progress::recovery(body);
    let _ = snapshot_listing::snapshot_entries(body);
    let _ = snapshot_listing::snapshot_listing(body);
    let _ = snapshot_page::snapshot_page(body);
    let _ = snapshot_progress::snapshot_progress(body, "s");
    let _ = templates::index_templates(body);
    let _ = templates::component_templates(body);
    let _ = templates::keys(body);
    let _ = templates::ism_policies(body);
    for snapshot in snapshot_info::snapshots(body).unwrap_or_default() {
        assert!(!snapshot.is_clean_success() || snapshot.state.as_str() == "SUCCESS");
    }
}

/// JSON that uses the words of the real answers in the wrong places.
fn json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("snapshots"),
        Just("snapshot"),
        Just("state"),
        Just("SUCCESS"),
        Just("shards"),
        Just("failures"),
        Just("indices"),
        Just("t-a"),
        Just("index"),
        Just("status"),
        Just("green"),
        Just("aggregations"),
        Just("groups"),
        Just("buckets"),
        Just("_shards"),
        Just("stats"),
        Just("shards_stats"),
        Just("policies"),
        Just("aliases"),
        Just("settings"),
        Just("defaults"),
        Just("docs.count"),
        Just("metadata"),
        Just("stage"),
    ]
    .prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(word.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_decoded_or_refused(value in json()) {
        decode_everything(value.to_string().as_bytes());
    }

    #[test]
    fn any_entry_of_a_list_is_decoded_or_refused(entry in json()) {
        decode_everything(serde_json::json!({"snapshots": [entry], "failures": null}).to_string().as_bytes());
    }

    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        decode_everything(&bytes);
    }
}

#[test]
fn deep_nesting_is_an_error() {
    for (open, close) in [("[", "]"), ("{\"snapshots\":[", "]}"), ("{\"settings\":", "}")] {
        let body = format!("{}{}", open.repeat(5000), close.repeat(5000));
        decode_everything(body.as_bytes());
        assert!(snapshot_info::snapshots(body.as_bytes()).is_err());
    }
    let nested =
        format!(r#"{{"r":{{"type":"fs","settings":{}1{}}}}}"#, "{\"a\":".repeat(5000), "}".repeat(5000));
    assert!(repository::repositories(nested.as_bytes()).is_err());
}
