//! The simulated cluster on sockets: faults meet what arrives there by component and by operation.

use std::time::Duration;

use camunda_backup::Component;
use camunda_backup::testing::{Fault, Rule, ServedCluster, SimulatedCluster, StoreKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::is_paused;

const OPERATE: &str = "http://operate.sim:9600";
const TASKLIST: &str = "http://tasklist.sim:9600";
const ZEEBE: &str = "http://zeebe.sim:9600";
const STORE: &str = "http://store.sim:9200";

async fn served() -> (SimulatedCluster, ServedCluster) {
    let simulated = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8).unwrap();
    let served = simulated.serve().await.unwrap();
    (simulated, served)
}

/// Sends a request as any program would.
async fn send(served: &ServedCluster, address: &str, line: &str, body: &str) -> TcpStream {
    let address = served
        .addresses()
        .get(address)
        .unwrap_or_else(|| panic!("{address} is not in {:?}", served.addresses()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// The answer as text; empty when the connection is closed without one.
async fn ask(served: &ServedCluster, address: &str, line: &str, body: &str) -> String {
    let mut stream = send(served, address, line, body).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_fault_meets_one_component_and_one_operation_only() {
    let (simulated, served) = served().await;
    let rule = Rule::operation("history.backups.create", Fault::Status(503)).unwrap();
    let rule = rule.only(Component::Tasklist).times(2);
    simulated.inject(rule.clone());
    let take = r#"{"backupId":7}"#;
    let answers = async |address| ask(&served, address, "POST /actuator/backups", take).await;

    assert!(answers(OPERATE).await.starts_with("HTTP/1.1 200"));
    assert_eq!(rule.hits(), 0);
    for hits in 1..=2 {
        assert!(answers(TASKLIST).await.starts_with("HTTP/1.1 503"));
        assert_eq!(rule.hits(), hits);
    }
    assert!(answers(TASKLIST).await.starts_with("HTTP/1.1 200"), "twice, and no more");
    let status = ask(&served, TASKLIST, "GET /actuator/backups/7", "").await;
    assert!(status.starts_with("HTTP/1.1 ") && !status.starts_with("HTTP/1.1 503"), "{status}");
    assert_eq!(rule.hits(), 2);
}

#[tokio::test]
async fn a_whole_component_can_be_away() {
    let (simulated, served) = served().await;
    let rule = Rule::component(Component::Store, Fault::Refuse);
    simulated.inject(rule.clone());
    assert_eq!(ask(&served, STORE, "GET /", "").await, "", "closed without an answer");
    assert_eq!(ask(&served, STORE, "GET /_cat/nodes", "").await, "", "also what no client asks for");
    assert!(ask(&served, OPERATE, "GET /actuator/info", "").await.starts_with("HTTP/1.1 200"));
    assert_eq!(rule.hits(), 2);
    simulated.heal();
    assert!(ask(&served, STORE, "GET /", "").await.starts_with("HTTP/1.1 200"));
    assert_eq!(rule.hits(), 2, "it is forgotten and strikes no more");
}

#[tokio::test]
async fn what_arrives_is_recorded_with_its_component_and_operation() {
    let (simulated, served) = served().await;
    ask(&served, ZEEBE, "POST /actuator/exporting/pause?soft=true", "").await;
    ask(&served, "http://broker-1.sim:9600", "GET /actuator/partitions", "").await;
    ask(&served, STORE, "GET /_snapshot/backups/_all?verbose=false", "").await;
    ask(&served, STORE, "GET /_cat/nodes", "").await;
    let seen = simulated.requests();
    let names: Vec<_> =
        seen.iter().map(|request| format!("{}: {}", request.component, request.operation)).collect();
    assert_eq!(
        names,
        [
            "zeebe: zeebe.exporting.pause",
            "broker 1: broker.partitions.statuses",
            "store: store.snapshots.list",
            "store: unknown",
        ]
    );
}

/// As on real servers: a client that hangs up does not take its request back.
#[tokio::test]
async fn a_delayed_request_takes_effect_after_its_sender_has_hung_up() {
    let (simulated, served) = served().await;
    let rule = Rule::operation("zeebe.exporting.pause", Fault::Delay(Duration::from_millis(300))).unwrap();
    simulated.inject(rule.clone());
    let stream = send(&served, ZEEBE, "POST /actuator/exporting/pause", "").await;
    until("the pause has arrived", || rule.hits() == 1).await;
    drop(stream);
    assert!(!is_paused(&simulated));
    until("it takes effect", || is_paused(&simulated)).await;
}

/// Real time, because of the sockets.
async fn until(what: &str, so: impl Fn() -> bool) {
    let wait = async {
        while !so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test]
async fn a_misspelt_operation_is_an_error_with_the_names_near_it() {
    let error = Rule::operation("zeebe.exporting.pauze", Fault::Hang).unwrap_err();
    assert!(error.report().contains("`zeebe.exporting.pause`"), "{}", error.report());
    assert!(camunda_backup::testing::operations().contains(&"zeebe.exporting.pause"));
}
