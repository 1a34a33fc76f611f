//! What says how far something is decides nothing: refused, too long, slow or about a stranger, the authoritative read goes on.

use std::sync::Arc;

use async_trait::async_trait;
use camunda_backup::core::transport::TransportErrorKind;
use camunda_backup::testing::{SimulatedCluster, StoreKind};
use camunda_backup::{
    Cluster, Finding, FindingCode, Report, Request, Response, Severity, Transport, TransportError, Verdict,
};
use http::StatusCode;
use serde_json::json;

use super::Duration;
use crate::world::{completed, eight_six, findings, longest_pause, plan, world};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Forbidden,
    NotAllowed,
    Breaker,
    TooLong,
    GatewayTimeout,
    Hangs,
    Stranger,
}

const EVERY: [How; 7] = [
    How::Forbidden,
    How::NotAllowed,
    How::Breaker,
    How::TooLong,
    How::GatewayTimeout,
    How::Hangs,
    How::Stranger,
];

/// Answers one operation otherwise.
#[derive(Debug)]
struct Doctored {
    real: Arc<dyn Transport>,
    operation: &'static str,
    how: How,
}

#[async_trait]
impl Transport for Doctored {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if request.operation != self.operation {
            return self.real.send(request).await;
        }
        let answer = |status: u16, body: serde_json::Value| {
            Ok(Response::new(StatusCode::from_u16(status).unwrap(), body.to_string()))
        };
        match self.how {
            How::Forbidden => {
                answer(403, json!({"error": {"type": "security_exception", "reason": "no"}, "status": 403}))
            }
            How::NotAllowed => answer(405, json!({"error": "Method Not Allowed", "status": 405})),
            How::Breaker => answer(
                429,
                json!({"error": {"type": "circuit_breaking_exception", "reason": "too many shards", "durability": "PERMANENT"}, "status": 429}),
            ),
            How::TooLong => {
                Err(TransportError::new(TransportErrorKind::BodyTooLarge, "longer than 16777216 bytes"))
            }
            How::GatewayTimeout => answer(504, json!({"message": "upstream request timeout"})),
            How::Hangs => {
                tokio::time::sleep(request.timeouts.total).await; // virtual time
                Err(TransportError::new(TransportErrorKind::Timeout, "no answer"))
            }
            How::Stranger if self.operation.ends_with(".status") => answer(
                200,
                json!({"backupId": 7, "state": "COMPLETED", "failureReason": null, "details": []}),
            ),
            How::Stranger => answer(
                200,
                json!({"snapshots": [{"snapshot": "somebodys", "state": "STARTED", "shards_stats": {"started": 3, "total": 3}}]}),
            ),
        }
    }
}

async fn connect_doctored(simulated: &SimulatedCluster, operation: &'static str, how: How) -> Cluster {
    let mut options = simulated.connect_options();
    options.transport = Some(Arc::new(Doctored { real: simulated.transport(), operation, how }));
    Cluster::connect_with(simulated.config().unwrap(), options).await.unwrap()
}

async fn run_with(simulated: &SimulatedCluster, operation: &'static str, how: How) -> Report {
    let cluster = connect_doctored(simulated, operation, how).await;
    completed(simulated, cluster.run(plan(&cluster)).await)
}

#[tokio::test(start_paused = true)]
async fn the_records_are_judged_without_their_progress() {
    for store in [StoreKind::Elasticsearch8, StoreKind::OpenSearch2] {
        for how in EVERY {
            let simulated = world("8.6.0", store).await;
            simulated.store().set_snapshot_duration(|name, _| {
                Duration::from_secs(if name.contains("records") { 30 } else { 1 })
            });
            let report = run_with(&simulated, "store.snapshots.progress", how).await;
            assert_eq!(report.verdict, Verdict::Proven, "{store:?} {how:?}: {report}");
            let paused = longest_pause(&simulated);
            assert!(paused < Duration::from_secs(45), "{store:?} {how:?}: {paused:?}");
        }
    }
}

/// What the store has decides, before the request and after it.
#[tokio::test(start_paused = true)]
async fn applications_are_judged_by_the_store_when_they_do_not_say_how_far_they_are() {
    for operation in ["history.backups.status", "optimize.backups.status"] {
        for how in [How::Forbidden, How::NotAllowed, How::TooLong, How::Stranger] {
            for version in ["8.6.0", "8.8.0"] {
                let simulated = world(version, StoreKind::Elasticsearch8).await;
                let report = run_with(&simulated, operation, how).await;
                assert_eq!(report.verdict, Verdict::Proven, "{operation} {how:?} {version}: {report}");
                let paused = longest_pause(&simulated);
                assert!(paused < Duration::from_secs(30), "{operation} {how:?} {version}: {paused:?}");
            }
        }
    }
}

const LISTS: [(&str, &str); 3] = [
    ("zeebe.backups.list", "zeebe"),
    ("history.backups.list", "operate"),
    ("optimize.backups.list", "optimize"),
];

/// What is said of a list, without what the answer itself said.
fn about_lists(found: &[Finding]) -> Vec<(FindingCode, Severity, String)> {
    let lists = found.iter().filter(|finding| finding.code == FindingCode::HistoryUnreadable);
    lists.map(|finding| (finding.code, finding.severity, finding.component.clone())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_is_a_warning_where_one_backup_can_be_read() {
    for (operation, component) in LISTS {
        for how in [How::Forbidden, How::NotAllowed, How::TooLong, How::GatewayTimeout, How::Hangs] {
            let simulated = eight_six().await;
            let cluster = connect_doctored(&simulated, operation, how).await;
            let found = findings(&cluster);
            let named = about_lists(&found)
                .into_iter()
                .any(|(_, severity, of)| severity == Severity::Warning && of == component);
            assert!(named, "{operation} {how:?}: {found:#?}");
            let report = completed(&simulated, cluster.run(plan(&cluster)).await);
            let expected = if component == "zeebe" { Verdict::Plausible } else { Verdict::Proven };
            assert_eq!(report.verdict, expected, "{operation} {how:?}: {report}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_list_costs_one_short_try_and_is_the_same_finding_whoever_gives_up_first() {
    for (operation, _) in LISTS {
        let mut seen = Vec::new();
        for how in [How::Hangs, How::GatewayTimeout] {
            let simulated = eight_six().await;
            let began = tokio::time::Instant::now();
            let cluster = connect_doctored(&simulated, operation, how).await;
            // Operate and Tasklist have a list each.
            assert!(began.elapsed() < Duration::from_secs(50), "{operation} {how:?}: {:?}", began.elapsed());
            let mut found = findings(&cluster);
            found.retain(|finding| finding.code == FindingCode::HistoryUnreadable);
            seen.push(found);
            let began = tokio::time::Instant::now();
            completed(&simulated, cluster.run(plan(&cluster)).await);
            assert!(began.elapsed() < Duration::from_secs(45), "{operation} {how:?}: {:?}", began.elapsed());
        }
        assert_eq!(seen[0], seen[1], "{operation}");
        assert!(!seen[0].is_empty(), "{operation}");
    }
}

/// An application that is not there at all is a blocker, whether its proxy says so or nobody.
#[tokio::test(start_paused = true)]
async fn silence_in_the_place_of_an_application_is_one_finding() {
    for operation in ["history.backups.list", "optimize.backups.list"] {
        let mut seen = Vec::new();
        for how in [How::Hangs, How::GatewayTimeout] {
            let simulated = eight_six().await;
            let status = operation.replace("list", "status");
            let mut options = simulated.connect_options();
            let silent =
                Silent { real: simulated.transport(), operations: [operation.to_owned(), status], how };
            options.transport = Some(Arc::new(silent));
            let cluster = Cluster::connect_with(simulated.config().unwrap(), options).await.unwrap();
            let mut found = findings(&cluster);
            found.retain(|finding| finding.code == FindingCode::ComponentUnreachable);
            assert!(found.iter().all(|finding| finding.severity == Severity::Blocker), "{found:?}");
            seen.push(found);
        }
        assert_eq!(seen[0], seen[1], "{operation}");
        assert!(!seen[0].is_empty(), "{operation}");
    }
}

/// Like [`Doctored`], for two operations.
#[derive(Debug)]
struct Silent {
    real: Arc<dyn Transport>,
    operations: [String; 2],
    how: How,
}

#[async_trait]
impl Transport for Silent {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (real, operation, how) = (Arc::clone(&self.real), request.operation, self.how);
        if self.operations.iter().any(|silent| silent == operation) {
            return Doctored { real, operation, how }.send(request).await;
        }
        real.send(request).await
    }
}
