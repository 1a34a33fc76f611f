//! One consistent backup of a whole cluster.
//!
//! `cargo run --example backup` backs up the simulated cluster, over real HTTP on loopback. With `CAMUNDA_ZEEBE_URL`,
//! `CAMUNDA_OPERATE_URL`, `CAMUNDA_TASKLIST_URL`, `CAMUNDA_STORE_URL` and `CAMUNDA_REPOSITORY` set the same program
//! backs up a real one (see `ClusterConfig::from_env` for the rest); some of them without the address are an error.
//! `--dry-run` only prints the plan; `--simulated` asks for the simulated cluster although variables are set.

#![allow(clippy::print_stdout)] // an example shows what it does

use std::path::PathBuf;

use camunda_backup::testing::{SimulatedCluster, StoreKind};
use camunda_backup::{BackupSpec, Cluster, ClusterConfig, ConnectOptions, Failure, recover};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // Simulated only when asked for, or when nothing at all is set: a forgotten address must not end in a success.
    let asked = std::env::args().any(|argument| argument == "--simulated");
    let real = !asked && std::env::vars_os().any(|(name, _)| name.to_string_lossy().starts_with("CAMUNDA_"));
    let simulated = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8)?;
    let served = simulated.serve().await?;
    let config = if real { ClusterConfig::from_env()? } else { simulated_config(served.config()) };

    let dry_run = std::env::args().any(|argument| argument == "--dry-run");
    if !dry_run {
        // Before connecting: what a dead process left paused must not be there when the facts are looked at.
        print!("{}", recover(config.clone(), ConnectOptions::default()).await?);
    }
    let cluster = Cluster::connect(config).await?;

    let plan = cluster.plan_backup(BackupSpec::default())?;
    println!("\n{plan}");
    if dry_run {
        return Ok(());
    }

    let id = plan.id();
    let run = cluster.start(plan).await;
    let mut events = run.events();
    while let Some(event) = events.next().await {
        println!("{event}");
    }
    let ended = run.finished().await;
    if let Some(report) = ended.as_ref().map_or_else(|failure| failure.report.as_deref(), Some) {
        println!("\n{report}");
    }
    ended?;
    if let (false, Some(id)) = (real, id) {
        let found = simulated.check(id);
        println!("a restore of the simulated backup would be consistent: {}", found.is_consistent());
    }
    Ok(())
}

fn simulated_config(mut config: ClusterConfig) -> ClusterConfig {
    config.journal =
        Some(std::env::temp_dir().join(format!("camunda-backup-example-{}", std::process::id())));
    let journal: &Option<PathBuf> = &config.journal;
    println!(
        "SIMULATED cluster on loopback, no real one is touched; journal in {}",
        journal.as_deref().unwrap_or("".as_ref()).display()
    );
    config
}
