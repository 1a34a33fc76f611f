use camunda_backup_core::transport::script::ScriptedTransport;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::goldens::scripted;

const GB: u64 = 1 << 30;

fn node(name: &str, total: u64, available: u64) -> NodeDisk {
    let row = CatAllocation { node: Some(name.to_owned()), available: Some(available), total: Some(total) };
    NodeDisk { holds_indices: Some(true), ..node_disk(row).unwrap() }
}

fn settings(defaults: &Value, persistent: &Value) -> ClusterSettings {
    ClusterSettings::decode(json!({"defaults": defaults, "persistent": persistent}).to_string().as_bytes())
        .unwrap()
}

fn over(flood: &str, headroom: Option<&str>, node: NodeDisk) -> bool {
    let mut defaults = json!({"cluster.routing.allocation.disk.watermark.flood_stage": flood});
    if let Some(headroom) = headroom {
        defaults["cluster.routing.allocation.disk.watermark.flood_stage.max_headroom"] = json!(headroom);
    }
    !disk_state(vec![node], &settings(&defaults, &json!({}))).over_flood_stage.is_empty()
}

#[test]
fn a_mark_is_a_share_of_use_or_a_size_that_stays_free() {
    for mark in ["95%", "0.95", "5gb", "5120mb", "95.0 %"] {
        assert!(over(mark, None, node("n", 100 * GB, 4 * GB)), "{mark}");
        assert!(!over(mark, None, node("n", 100 * GB, 6 * GB)), "{mark}");
    }
    for unknown in ["", "-1", "much", "200%", "-5%"] {
        assert!(!over(unknown, None, node("n", 100 * GB, 0)), "{unknown}");
    }
}

/// From Elasticsearch 8.5 on no more than the headroom must stay free.
#[test]
fn headroom_caps_the_share_on_large_disks() {
    let large = || node("n", 10_000 * GB, 200 * GB);
    assert!(over("95%", None, large()));
    assert!(!over("95%", Some("100gb"), large()));
    assert!(over("95%", Some("100gb"), node("n", 10_000 * GB, 90 * GB)));
    assert!(over("95%", Some("-1"), large()), "-1 is no cap");
}

#[test]
fn persistent_settings_win_over_defaults_and_may_switch_it_off() {
    let defaults = json!({
        "cluster.routing.allocation.disk.watermark.flood_stage": "95%",
        "cluster.routing.allocation.disk.watermark.high": "90%",
        "cluster.routing.allocation.disk.watermark.low": "85%",
        "cluster.routing.allocation.disk.threshold_enabled": "true",
    });
    let nodes = || vec![node("full", 100 * GB, 4 * GB), node("fine", 100 * GB, 50 * GB)];
    let state = disk_state(nodes(), &settings(&defaults, &json!({})));
    assert_eq!((state.over_flood_stage, state.over_high), (vec!["full".to_owned()], vec!["full".to_owned()]));
    assert_eq!((state.low.as_str(), state.high.as_str(), state.flood_stage.as_str()), ("85%", "90%", "95%"));
    let higher = json!({"cluster.routing.allocation.disk.watermark.flood_stage": "97%"});
    let state = disk_state(nodes(), &settings(&defaults, &higher));
    assert_eq!((state.flood_stage.as_str(), state.over_flood_stage.len()), ("97%", 0));
    let off = json!({"cluster.routing.allocation.disk.threshold_enabled": false});
    let state = disk_state(nodes(), &settings(&defaults, &off));
    assert!(!state.threshold_enabled && state.over_flood_stage.is_empty() && state.over_high.is_empty());
}

#[test]
fn every_server_sends_flat_settings_as_text() {
    for (server, body) in golden!("cset.defaults") {
        let settings = ClusterSettings::decode(body.as_bytes()).unwrap();
        assert!(settings.defaults["action.destructive_requires_name"].is_string(), "{server}");
        let state = disk_state(Vec::new(), &settings);
        assert!(state.flood_stage.is_empty() && state.threshold_enabled, "{server}");
    }
}

const ALLOCATION: &str = "GET /_cat/allocation?format=json&bytes=b&h=node,disk.avail,disk.total";
const SETTINGS: &str = "GET /_cluster/settings?include_defaults=true&flat_settings=true";
const ROLES: &str = "GET /_nodes?filter_path=nodes.*.name,nodes.*.roles";
const FLOOD: &str = r#"{"defaults":{"cluster.routing.allocation.disk.watermark.flood_stage":"95%"}}"#;

async fn state_of(rows: &str, roles: (u16, &str)) -> DiskState {
    let script = ScriptedTransport::new()
        .answer(ALLOCATION, 200, rows)
        .answer(SETTINGS, 200, FLOOD)
        .answer(ROLES, roles.0, roles.1);
    let state = scripted("OpenSearch 2.19.6", &script).disk().await.unwrap();
    script.finish().unwrap();
    state
}

#[tokio::test]
async fn while_there_is_room_two_reads_suffice_and_the_row_of_unassigned_shards_is_left_out() {
    let rows = r#"[{"node":"n1","disk.avail":"96","disk.total":"100"},
        {"node":"UNASSIGNED","disk.avail":null,"disk.total":null}]"#;
    let script = ScriptedTransport::new().answer(ALLOCATION, 200, rows).answer(SETTINGS, 200, FLOOD);
    let state = scripted("OpenSearch 2.19.6", &script).disk().await.unwrap();
    script.finish().unwrap();
    assert_eq!(state.nodes.len(), 1);
    assert!((state.nodes[0].used_percent - 4.0).abs() < 0.001);
    assert_eq!((state.nodes[0].available_bytes, state.nodes[0].total_bytes), (96, 100));
    assert_eq!(state.nodes[0].holds_indices, None);
}

/// A frozen node keeps its disk full on purpose, and a node without data has nothing to become read-only.
#[tokio::test]
async fn a_full_node_counts_when_it_can_hold_our_indices() {
    let rows = r#"[{"node":"hot","disk.avail":"1","disk.total":"100"},
        {"node":"frozen","disk.avail":"1","disk.total":"100"},
        {"node":"master","disk.avail":"1","disk.total":"100"},
        {"node":"untold","disk.avail":"1","disk.total":"100"},
        {"node":"empty","disk.avail":"99","disk.total":"100"}]"#;
    let roles = r#"{"nodes":{
        "1":{"name":"hot","roles":["data_hot","data_content"]},
        "2":{"name":"frozen","roles":["data_frozen"]},
        "3":{"name":"master","roles":["master"]}}}"#;
    let state = state_of(rows, (200, roles)).await;
    assert_eq!(state.over_flood_stage, ["hot"]);
    assert_eq!(state.perhaps_over_flood_stage, ["untold"]);
    assert_eq!(state.nodes.len(), 5);
}

#[tokio::test]
async fn a_store_that_does_not_tell_roles_leaves_it_open_which_nodes_count() {
    let rows = r#"[{"node":"n1","disk.avail":"1","disk.total":"100"}]"#;
    for roles in
        [(403, r#"{"Message":"Your request: '/_nodes' is not allowed."}"#), (200, "{}"), (200, "no json")]
    {
        let state = state_of(rows, roles).await;
        assert!(state.over_flood_stage.is_empty(), "{roles:?}");
        assert_eq!(state.perhaps_over_flood_stage, ["n1"], "{roles:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_mark_or_none(text in ".{0,12}", available in any::<u64>(), total in 1_u64..) {
        let _ = over(&text, Some(&text), node("n", total, available));
        let _ = bytes_of(&text);
    }
}
