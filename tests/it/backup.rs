//! The backup of every dialect on every store, without faults.

use camunda_backup::testing::{SimulatedCluster, SimulationOptions, StoreKind};
use camunda_backup::zeebe::Dialect;
use camunda_backup::{BackupSpec, Cluster, RunOutcome, Verdict};

#[tokio::test(start_paused = true)]
async fn every_dialect_on_every_store_completes_and_is_proven() {
    let mut failures = Vec::new();
    for (version, _) in Dialect::all() {
        for store in StoreKind::ALL {
            let simulated = SimulatedCluster::with(SimulationOptions::new(version.clone(), store));
            tokio::time::sleep(std::time::Duration::from_secs(10)).await;
            let outcome = async {
                let cluster = Cluster::connect_with(simulated.config()?, simulated.connect_options()).await?;
                let plan = cluster.plan_backup(BackupSpec::default())?;
                let id = plan.id().unwrap();
                let report = cluster.run(plan).await.map_err(|failure| failure.error)?;
                Ok::<_, camunda_backup::Error>((id, report))
            };
            match outcome.await {
                Ok((id, report)) => {
                    let found = simulated.check(id);
                    if report.outcome != RunOutcome::Completed
                        || report.verdict != Verdict::Proven
                        || !found.is_consistent()
                    {
                        failures.push(format!("{version} on {store:?}: {report}\n{found:?}"));
                    }
                }
                Err(error) => failures.push(format!("{version} on {store:?}: {}", error.report())),
            }
        }
    }
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}
