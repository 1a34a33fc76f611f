//! I10, exhaustive: at every single request of a run, a second run and a recovery are refused with the holder's name.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use camunda_backup::testing::SimulatedProcess;
use camunda_backup::{Cluster, ErrorKind, Plan, Request, Response, Transport, TransportError};

use super::scenes::Scene;

/// The first run's wire. Once it is contested, the second run is tried before each request leaves.
#[derive(Debug)]
struct Contested {
    wire: Arc<dyn Transport>,
    second: Cluster,
    plan: Plan,
    begun: AtomicBool,
    refused: AtomicUsize,
}

#[async_trait]
impl Transport for Contested {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if self.begun.load(Ordering::SeqCst) {
            let failure = self.second.run(self.plan.clone()).await.unwrap_err();
            let refusal = failure.error.to_string();
            assert_eq!(failure.error.kind(), ErrorKind::Claimed, "{refusal}");
            assert!(refusal.contains("camunda-backup"), "{refusal}");
            assert!(refusal.contains(&std::process::id().to_string()), "{refusal}");
            assert_eq!(self.second.recover().await.unwrap_err().kind(), ErrorKind::Claimed);
            self.refused.fetch_add(1, Ordering::SeqCst);
        }
        self.wire.send(request).await
    }
}

#[tokio::test(start_paused = true)]
async fn i10_at_every_request_of_a_run_a_second_one_is_refused_with_the_holder() {
    for other_process in [false, true] {
        let scene = Scene::eight_six();
        let simulated = scene.build().await;
        let process = SimulatedProcess::immortal(&simulated);
        let parts = if other_process { process.connect_options() } else { simulated.connect_options() };
        let second = Cluster::connect_with(scene.config(&simulated), parts).await.unwrap();
        let plan = second.plan_backup(Scene::spec()).unwrap();
        let (begun, refused) = (AtomicBool::new(false), AtomicUsize::new(0));
        let wire = Arc::new(Contested { wire: simulated.transport(), second, plan, begun, refused });
        let mut parts = simulated.connect_options();
        parts.transport = Some(wire.clone());
        let first = Cluster::connect_with(scene.config(&simulated), parts).await.unwrap();
        let planned = first.plan_backup(Scene::spec()).unwrap();
        simulated.start_recording();
        wire.begun.store(true, Ordering::SeqCst);
        let report = first.run(planned).await.unwrap();
        assert!(simulated.check(report.id.unwrap()).is_consistent());
        let (sent, refused) = (simulated.requests().len(), wire.refused.load(Ordering::SeqCst));
        assert!(sent > 40 && refused == sent, "{refused} of {sent}");
    }
}
