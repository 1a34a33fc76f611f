//! A process that makes one backup, as an embedding program would.

use anyhow::Result;
use camunda_backup::{BackupSpec, Cluster, ClusterConfig};

pub const BACK_UP: &str = "back-up";

/// Configured by the environment; prints every event, then the report.
pub async fn back_up() -> Result<()> {
    let cluster = Cluster::connect(ClusterConfig::from_env()?).await?;
    let plan = cluster.plan_backup(BackupSpec::default())?;
    let run = cluster.start(plan).await;
    let mut events = run.events();
    let printer = tokio::spawn(async move {
        while let Some(event) = events.next().await {
            println!("{event}");
        }
    });
    let result = run.finished().await;
    printer.await?;
    println!("{}", result?);
    Ok(())
}
