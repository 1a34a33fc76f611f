//! Does this library read the servers that you have as it reads those that it was tested with? Reads only.
//!
//! `cargo run --example conformance` compares the simulated cluster with itself, over real HTTP on loopback. With
//! `CAMUNDA_ZEEBE_URL` and the other variables of `ClusterConfig::from_env` set, the same program looks at a real one; with
//! `CAMUNDA_REST_URL` and `CAMUNDA_BROKER_URLS` it asks more. Some variables without the address are an error.

#![allow(clippy::print_stdout)] // an example shows what it does

use std::error::Error;
use std::sync::Arc;

use camunda_backup::ClusterConfig;
use camunda_backup::core::{ReqwestTransport, TransportConfig};
use camunda_backup::testing::conformance::{World, compare, read_only};
use camunda_backup::testing::{SimulatedCluster, StoreKind};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Simulated only when nothing at all is set: a forgotten address must not end in a comparison of nothing.
    let real = std::env::vars_os().any(|(name, _)| name.to_string_lossy().starts_with("CAMUNDA_"));
    if !real {
        println!("SIMULATED cluster on loopback, no real one is asked");
    }
    let served = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8)?.serve().await?;
    let config = if real { ClusterConfig::from_env()? } else { served.config() };
    let transport = Arc::new(ReqwestTransport::new(TransportConfig::default())?);
    let servers = World::connect(&config, transport).await?;
    let simulated = World::simulated(&servers.counterpart()?).await?;

    let differences = compare(&read_only(&simulated).await, &read_only(&servers).await);
    for difference in &differences {
        println!("{difference}");
    }
    println!("{} differences from the simulated cluster of these versions", differences.len());
    Ok(())
}
