//! Attempts to break the promise: exporting left paused without a record, or a backup called complete or PROVEN that is
//! not. Each was found by somebody who tried, and would have succeeded.

mod abandoning;
mod closing;
mod dead_records;
mod dead_runs;
mod elsewhere;
mod index_names;
mod members;
mod ownership;
mod pauses;
mod progress;
mod recovering;
mod stored_plans;
mod suspended;
mod verdicts;

use std::time::Duration;

use camunda_backup::testing::{SimulatedCluster, SimulatedProcess};
use camunda_backup::{BrokerId, Cluster, ClusterConfig};

use crate::world::{is_paused, plan, until};

const MINUTE: Duration = Duration::from_secs(60);

fn broker(id: u32) -> BrokerId {
    BrokerId::from(id)
}

/// A process that dies as soon as exporting is paused everywhere.
pub(crate) async fn die_paused(simulated: &SimulatedCluster, config: ClusterConfig) {
    let process = SimulatedProcess::immortal(simulated);
    let cluster = Cluster::connect_with(config, process.connect_options()).await.unwrap();
    let planned = plan(&cluster);
    let run = tokio::spawn(async move { cluster.run(planned).await.map(|_| ()) });
    until("paused", || is_paused(simulated)).await;
    process.kill();
    run.abort();
}
