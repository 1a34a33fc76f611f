//! How to test a service that makes backups: on the simulated cluster, in virtual time, with faults.
//!
//! `cargo run --example test_your_service` runs four nights of a little service. In a project of yours the four
//! would be tests with `#[tokio::test(start_paused = true)]`, and `camunda-backup` a dev-dependency with the feature
//! `testing`.

#![allow(clippy::print_stdout)] // an example shows what it does

use std::error::Error;
use std::time::Duration;

use camunda_backup::testing::{Fault, Rule, SimulatedCluster, StoreKind};
use camunda_backup::zeebe::testing::Phase;
use camunda_backup::{
    BackupSpec, BrokerId, Cluster, ClusterConfig, ConnectOptions, ErrorKind, Verdict, recover,
};

/// The service under test: what it writes into its log after a night.
async fn nightly(config: ClusterConfig, parts: ConnectOptions) -> String {
    let backup = async {
        recover(config.clone(), parts.clone()).await?;
        let cluster = Cluster::connect_with(config, parts).await?;
        let plan = cluster.plan_backup(BackupSpec::default())?;
        cluster.run(plan).await.map_err(|failure| failure.error)
    };
    match backup.await {
        Ok(report) if report.verdict == Verdict::Proven => "a backup, and it is proven".to_owned(),
        Ok(report) => format!("a backup that is only {}", report.verdict),
        Err(error) if error.kind() == ErrorKind::Blocked => "no backup: the cluster is not ready".to_owned(),
        Err(error) => format!("no backup: {error}"),
    }
}

/// A cluster of the same kind for every night, with a few seconds of data in it.
async fn evening() -> Result<SimulatedCluster, Box<dyn Error>> {
    let simulated = SimulatedCluster::new("8.6.0", StoreKind::OpenSearch2)?;
    tokio::time::sleep(Duration::from_secs(10)).await; // virtual: nobody waits
    Ok(simulated)
}

fn assert_exporting(simulated: &SimulatedCluster) {
    assert!(simulated.camunda().phases().values().all(|phase| *phase == Phase::Exporting));
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let simulated = evening().await?;
    let log = nightly(simulated.config()?, simulated.connect_options()).await;
    println!("a quiet night:          {log}");
    assert_eq!(log, "a backup, and it is proven");

    // The pause takes effect, and its answer is lost. Whether it did is found out by looking at the brokers.
    let simulated = evening().await?;
    simulated.inject(Rule::operation("zeebe.exporting.pause", Fault::LoseAfter)?.times(1));
    let log = nightly(simulated.config()?, simulated.connect_options()).await;
    println!("an answer is lost:      {log}");
    assert_eq!(log, "a backup, and it is proven");
    assert_exporting(&simulated);

    // A broker is away: nothing is paused, and the service can say why.
    let simulated = evening().await?;
    simulated.camunda().kill_broker(&BrokerId::new("1")?);
    let log = nightly(simulated.config()?, simulated.connect_options()).await;
    println!("a broker is away:       {log}");
    assert_eq!(log, "no backup: the cluster is not ready");

    // The pause is lost on a broker while it should hold: a backup that cannot be trusted is never called complete.
    let simulated = evening().await?;
    let night = tokio::spawn(nightly(simulated.config()?, simulated.connect_options()));
    while !simulated.camunda().phases().values().all(|phase| *phase == Phase::SoftPaused) {
        tokio::time::sleep(Duration::from_millis(10)).await; // virtual: nobody waits
    }
    simulated.camunda().lose_phase(&BrokerId::new("0")?);
    let log = night.await?;
    println!("a pause does not hold:  {log}");
    assert!(log.starts_with("no backup") && log.contains("pause"));
    assert_exporting(&simulated);
    Ok(())
}
