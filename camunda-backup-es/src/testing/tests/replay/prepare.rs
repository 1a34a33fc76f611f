//! What happened between the recorded exchanges.

use serde_json::{Value, json};

use super::ask;
use crate::testing::FakeElasticsearch;

/// A big snapshot of the slow repository, started or cancelled.
pub(super) fn off_the_record(store: &FakeElasticsearch, verb: &str, name: &str) {
    let path = format!("/_snapshot/slow/{name}");
    if verb == "start" {
        ask(store, "PUT", &path, Some(json!({"indices": "big", "include_global_state": false})));
    } else {
        ask(store, "DELETE", &path, None);
    }
}

/// Milliseconds between the preparation and the exchange of this key.
pub(super) fn pause_before(key: &str) -> u64 {
    match key {
        "slow.done" => 21_000,
        "run.get" => 11_000,
        "run5.get2" => 200,
        "snap.delete" | "run.start" | "broken.snapfile" | "broken.indexN" => 300,
        _ => 0,
    }
}

/// What was done right before the exchange of this key, after the pause.
pub(super) fn prepare_late(store: &FakeElasticsearch, key: &str) {
    if key == "broken.snapfile" {
        assert!(store.damage_snapshot("brk", "b"));
    }
}

/// What was done off the record, before the exchange of this key.
pub(super) fn prepare(store: &FakeElasticsearch, key: &str) {
    let documents = |index: &str, count: usize| {
        for n in 1..=count {
            store.put_document(index, &n.to_string(), json!({"n": n, "s": "x"}));
        }
    };
    match key {
        "ct.put" => {
            for name in ["t-a", "t-b", "t-c", "t-d", "t-e"] {
                documents(name, 3);
                store.put_alias(name, &format!("{name}_alias"));
            }
            store.set_shards("t-d", 2);
            let body = json!({"is_write_index": true});
            let path = "/t-e/_alias/t-all".to_owned();
            ask(store, "PUT", &path, Some(body));
        }
        "snap.create.unknownrepo" => {
            for name in ["-x", ".x", "a+b", "a:b", "\u{e4}"] {
                assert!(store.remove_snapshot("r", name), "{name}");
            }
        }
        "index.open" => store.close_index("t-c"),
        "snap.delete" => {
            for name in ["d0", "d1", "d2", "d3", "d41", "d42", "d5", "d6", "d7"] {
                store.start_snapshot("r", name, &["t-a".to_owned()], Value::Null, false).unwrap();
            }
        }
        "repo.slow" => {
            documents("big", 50);
            documents("big2", 50);
        }
        "run.start" => {
            for (name, index) in [("done1", "t-a"), ("done2", "t-b")] {
                let path = format!("/_snapshot/slow/{name}?wait_for_completion=true");
                let body = json!({"indices": index, "include_global_state": false});
                assert_eq!(ask(store, "PUT", &path, Some(body)), 200);
            }
        }
        "slow.done" => {
            let body = json!({"indices": ["t-a", "big"], "include_global_state": false});
            ask(store, "PUT", "/_snapshot/slow/bigdone", Some(body));
        }
        _ => prepare_restores(store, key),
    }
}

fn prepare_restores(store: &FakeElasticsearch, key: &str) {
    match key {
        "restore.open" => {
            for name in store.index_names() {
                if name.starts_with("w-") {
                    store.delete_index(&name);
                }
            }
        }
        "restore.global.repos" => {
            ask(store, "DELETE", "/_snapshot/-x", None);
            ask(store, "DELETE", "/_snapshot/UPPER", None);
        }
        "x.create" => store.register_repository("x", false),
        "broken.snapfile" => {
            store.register_repository("brk", false);
            for name in ["a", "b"] {
                store.start_snapshot("brk", name, &["t-a".to_owned()], Value::Null, false).unwrap();
            }
        }
        "broken.indexN" => {
            store.remove_snapshot("brk", "b");
            store.start_snapshot("brk", "b", &["t-a".to_owned()], Value::Null, false).unwrap();
        }
        "broken.dirgone" => store.break_repository("brk"),
        "foreign.reregistered" => {
            ask(store, "DELETE", "/_snapshot/brk", None);
            store.register_repository("brk", false);
        }
        "restore.closed" => store.close_index("t-a"),
        "err.429.block" => store.set_flood_stage(true),
        "err.403.block" => {
            store.set_flood_stage(false);
            ask(store, "PUT", "/t-b/_settings", Some(json!({"index.blocks.write": true})));
        }
        "err.403.delete" => {
            ask(store, "PUT", "/t-b/_settings", Some(json!({"index.blocks.read_only": true})));
        }
        "err.clusterro.snapshot" => {
            let blocks = json!({"index.blocks.read_only": null, "index.blocks.write": null});
            ask(store, "PUT", "/t-b/_settings", Some(blocks));
            let settings = json!({"persistent": {"cluster.blocks.read_only": true}});
            ask(store, "PUT", "/_cluster/settings", Some(settings));
        }
        _ => prepare_settings(store, key),
    }
}

fn prepare_settings(store: &FakeElasticsearch, key: &str) {
    let setting = match key {
        "err.maxshards.restore" => json!({"cluster.max_shards_per_node": 1}),
        "compat.accept.6" => json!({"cluster.max_shards_per_node": null}),
        "delete.wild.allowed" => json!({"action.destructive_requires_name": false}),
        "delete.wild.guarded" => json!({"action.destructive_requires_name": true}),
        "delete.one" => json!({"action.destructive_requires_name": null}),
        _ => return,
    };
    assert_eq!(ask(store, "PUT", "/_cluster/settings", Some(json!({"persistent": setting}))), 200);
}
