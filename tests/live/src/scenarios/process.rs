//! A process that makes one backup, as an embedding program would.

use anyhow::Result;
use camunda_backup::{BackupSpec, Cluster, ClusterConfig, RunEventKind};

pub const BACK_UP: &str = "back-up";

/// Configured by the environment; prints every event, then the report.
pub async fn back_up() -> Result<()> {
    let cluster = Cluster::connect(ClusterConfig::from_env()?).await?;
    let plan = cluster.plan_backup(BackupSpec::default())?;
    let run = cluster.start(plan).await;
    let mut events = run.events();
    let printer = tokio::spawn(async move {
        while let Some(event) = events.next().await {
            match (&event.kind, &event.run, event.backup_id) {
                // Whoever started this process has to know which run it is.
                (RunEventKind::Started { .. }, Some(run), Some(id)) => {
                    println!("{} run {run} of backup {id} begins", event.at);
                }
                _ => println!("{event}"),
            }
        }
    });
    let result = run.finished().await;
    printer.await?;
    println!("{}", result?);
    Ok(())
}
