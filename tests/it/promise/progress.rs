//! What says how far something is decides nothing: refused, too long, slow or about a stranger, the authoritative read goes on.

use std::sync::Arc;

use async_trait::async_trait;
use camunda_backup::core::transport::TransportErrorKind;
use camunda_backup::testing::{SimulatedCluster, StoreKind};
use camunda_backup::{Cluster, Report, Request, Response, Transport, TransportError, Verdict};
use http::StatusCode;
use serde_json::json;

use super::Duration;
use crate::world::{completed, longest_pause, plan, world};

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

/// Answers one operation otherwise once the backup of Zeebe or of anything else has begun.
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
            How::Stranger => answer(
                200,
                json!({"snapshots": [{"snapshot": "somebodys", "state": "STARTED", "shards_stats": {"started": 3, "total": 3}}]}),
            ),
        }
    }
}

async fn run_with(simulated: &SimulatedCluster, operation: &'static str, how: How) -> Report {
    let mut options = simulated.connect_options();
    options.transport = Some(Arc::new(Doctored { real: simulated.transport(), operation, how }));
    let cluster = Cluster::connect_with(simulated.config().unwrap(), options).await.unwrap();
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
