//! Crash safety, as a service has it: call `recover` once at boot, before anything else.
//!
//! `cargo run --example recover_at_boot` kills a simulated process in the middle of the pause, the way `kill -9` does,
//! and boots the next one. With the variables of a real cluster set (see `ClusterConfig::from_env`) it only recovers; some
//! of them without the address are an error.

#![allow(clippy::print_stdout)] // an example shows what it does

use std::error::Error;

use camunda_backup::testing::{SimulatedCluster, SimulatedProcess, StoreKind};
use camunda_backup::{BackupId, BackupSpec, Cluster, ClusterConfig, ConnectOptions, RunEventKind, recover};

/// What a service does when it starts.
async fn boot(config: ClusterConfig, parts: ConnectOptions) -> Result<Cluster, camunda_backup::Error> {
    // Needs nothing but addresses and the journal, so it also works while the cluster is too broken to connect to.
    let recovered = recover(config.clone(), parts.clone()).await?;
    print!("{recovered}");
    Cluster::connect_with(config, parts).await
}

/// A process that is killed when exporting has just been paused.
async fn first_life(simulated: &SimulatedCluster) -> Result<BackupId, Box<dyn Error>> {
    let process = SimulatedProcess::immortal(simulated);
    let cluster = boot(simulated.config()?, process.connect_options()).await?;
    let plan = cluster.plan_backup(BackupSpec::default())?;
    let id = plan.id().ok_or("a backup has an id")?;
    let run = cluster.start(plan).await;
    let mut events = run.events();
    while let Some(event) = events.next().await {
        println!("  {event}");
        if matches!(&event.kind, RunEventKind::Reached { step, .. } if step == "soft-pause-exporting") {
            process.kill();
            break;
        }
    }
    println!("killed; the replicas are now {:?}", simulated.camunda().phases().values().collect::<Vec<_>>());
    Ok(id)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Simulated only when nothing at all is set: a forgotten address must not end in a success.
    if std::env::vars_os().any(|(name, _)| name.to_string_lossy().starts_with("CAMUNDA_")) {
        print!("{}", recover(ClusterConfig::from_env()?, ConnectOptions::default()).await?);
        return Ok(());
    }
    println!("SIMULATED cluster in memory, no real one is touched");
    let simulated = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8)?;
    println!("first life");
    let id = first_life(&simulated).await?;

    println!("\nsecond life");
    let process = SimulatedProcess::immortal(&simulated);
    let cluster = boot(simulated.config()?, process.connect_options()).await?;
    println!(
        "recovered; the replicas are now {:?}",
        simulated.camunda().phases().values().collect::<Vec<_>>()
    );

    // What is left of the first backup is of no use. Deleting it is the operator's decision, not recover's.
    print!("{}", cluster.abandon(id).await?);
    let cluster = cluster.reconnect().await?;
    let plan = cluster.plan_backup(BackupSpec::default())?;
    println!("\n{}", cluster.run(plan).await?);
    Ok(())
}
