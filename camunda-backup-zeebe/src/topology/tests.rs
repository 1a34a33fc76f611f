use camunda_backup_core::Component;
use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::transport::script::ScriptedTransport;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::answer::{any_json, read};
use crate::partitions::ExporterPhase;
use crate::scripted::{dialect, http, one};

macro_rules! golden {
    ($path:literal) => {
        include_str!(concat!("../../goldens/", $path))
    };
}

#[tokio::test]
async fn topologies_of_every_version_are_read_from_their_path() {
    for (version, line, golden, brokers) in [
        ("8.5.8", "GET /v1/topology", golden!("8.5.8/topology.json"), vec!["0", "1"]),
        ("8.6.0", "GET /v2/topology", golden!("8.6.0/topology.json"), vec!["0", "1"]),
        ("8.8.0", "GET /v2/topology", golden!("8.8/topology.json"), vec!["0"]),
        ("8.10.0", "GET /v2/topology", golden!("8.10/topology.json"), vec!["zone_0", "zone_1"]),
    ] {
        let client = TopologyClient::new(http(&one(line, 200, golden), Component::Rest), dialect(version));
        let topology = client.topology().await.unwrap();
        let ids: Vec<&str> = topology.brokers.iter().map(|broker| broker.id.as_str()).collect();
        assert_eq!(ids, brokers, "{version}");
        assert_eq!(topology.problems(), Vec::<String>::new(), "{version}");
        let stored = serde_json::to_string(&topology).unwrap();
        assert_eq!(serde_json::from_str::<Topology>(&stored).unwrap(), topology);
    }
    let none = ScriptedTransport::new();
    let client = TopologyClient::new(http(&none, Component::Rest), dialect("8.4.9"));
    assert_eq!(client.topology().await.unwrap_err().kind(), ErrorKind::Unsupported);
    let off = one("GET /v2/topology", 404, golden!("8.6.0/topology-off.json"));
    let client = TopologyClient::new(http(&off, Component::Rest), dialect("8.6.0"));
    assert_eq!(client.topology().await.unwrap_err().kind(), ErrorKind::NotFound);
}

/// Two brokers, one partition, replication 2; `(role, health)` by broker.
fn two(first: (&str, &str), second: (&str, &str)) -> Topology {
    let broker = |id: u32, (role, health): (&str, &str)| json!({"nodeId": id, "partitions": [{"partitionId": 1, "role": role, "health": health}]});
    let json = json!({"brokers": [broker(1, second), broker(0, first)], "clusterSize": 2, "partitionsCount": 1,
                      "replicationFactor": 2, "gatewayVersion": "8.6.0"});
    Topology::from_answer(&json).unwrap()
}

#[test]
fn q09_ready_is_one_healthy_leader_per_partition_and_every_replica() {
    assert!(two(("leader", "healthy"), ("follower", "healthy")).problems().is_empty());
    assert!(two(("LEADER", "HEALTHY"), ("FOLLOWER", "UNHEALTHY")).problems().is_empty());
    for (first, second, problem) in [
        (("follower", "healthy"), ("follower", "healthy"), "no leader"),
        (("leader", "healthy"), ("leader", "healthy"), "2 leaders"),
        (("leader", "unhealthy"), ("follower", "healthy"), "leader of partition 1 is \"unhealthy\""),
        (("leader", ""), ("follower", "healthy"), "leader of partition 1 is \"\""),
        (("leader", "healthy"), ("inactive", "healthy"), "1 of 2 replicas"),
        (("leader", "healthy"), ("observer", "healthy"), "1 of 2 replicas"),
    ] {
        let problems = two(first, second).problems();
        assert!(problems.iter().any(|text| text.contains(problem)), "{problem}: {problems:?}");
    }
}

#[test]
fn q09_a_gateway_that_knows_nothing_is_never_complete() {
    for json in [
        json!({"brokers": [], "clusterSize": 0, "partitionsCount": 0, "replicationFactor": 0}),
        json!({"brokers": []}),
        json!({"brokers": [{"nodeId": 0, "partitions": []}], "clusterSize": 1, "partitionsCount": 1, "replicationFactor": 1}),
        json!({"brokers": [{"nodeId": 0}], "clusterSize": 2, "partitionsCount": 4_000_000_000_u32}),
    ] {
        let problems = Topology::from_answer(&json).unwrap().problems();
        assert!(!problems.is_empty() && problems.len() < 20, "{json}: {problems:?}");
    }
}

#[test]
fn a_dead_broker_a_doubled_one_and_a_surplus_partition_are_seen() {
    let mut topology = two(("leader", "healthy"), ("follower", "healthy"));
    topology.cluster_size = 3;
    assert_eq!(topology.problems(), ["2 of 3 brokers are visible"]);
    let mut doubled = two(("leader", "healthy"), ("follower", "healthy"));
    doubled.brokers[1].id = doubled.brokers[0].id.clone();
    assert!(doubled.problems().iter().any(|problem| problem.contains("same id")));
    let mut surplus = two(("leader", "healthy"), ("follower", "healthy"));
    surplus.brokers[0].partitions[0].partition = PartitionId(2);
    assert!(surplus.problems().iter().any(|problem| problem.contains("partition 2 is shown")));
}

fn seen(json: &[(u32, &str)]) -> BTreeMap<BrokerId, BTreeMap<PartitionId, PartitionStatus>> {
    json.iter().map(|(id, json)| (BrokerId::from(*id), read(json))).collect()
}

#[test]
fn old_versions_get_their_topology_from_the_brokers() {
    let leader = golden!("8.4.9/partitions.json");
    let other = leader.replace("LEADER", "x").replace("FOLLOWER", "LEADER").replace("\"x\"", "\"FOLLOWER\"");
    let topology = Topology::from_partitions(&seen(&[(0, leader), (1, &other)]));
    assert_eq!(topology.problems(), Vec::<String>::new());
    assert_eq!((topology.cluster_size, topology.partitions_count, topology.replication_factor), (2, 2, 2));
    // A broker that is starting shows an empty map.
    let starting = Topology::from_partitions(&seen(&[(0, leader), (1, "{}")]));
    assert!(
        starting.problems().iter().any(|problem| problem == "1 of 2 brokers are visible"),
        "{starting:?}"
    );
    assert!(!Topology::from_partitions(&BTreeMap::new()).problems().is_empty());
    let paused: BTreeMap<PartitionId, PartitionStatus> = read(leader);
    assert_eq!(paused[&PartitionId(1)].exporter_phase, Some(ExporterPhase::Paused));
}

proptest! {
    #[test]
    fn any_json_is_a_topology_or_an_error(json in any_json(&["brokers", "nodeId", "brokerId", "partitions", "partitionId", "role",
        "health", "clusterSize", "partitionsCount", "replicationFactor"])) {
        if let Ok(topology) = Topology::from_answer(&json) {
            if topology.problems().is_empty() {
                prop_assert!(topology.brokers.iter().flat_map(|b| &b.partitions).any(|r| r.role == Role::Leader && r.healthy));
            }
        }
    }
}
