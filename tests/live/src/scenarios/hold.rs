//! The servers for a person, or for a test in another process.

use anyhow::Result;
use camunda_backup_live::LiveStack;
use tokio::signal::ctrl_c;

use crate::finding::Finding;

pub async fn run(stack: &LiveStack) -> Result<Finding> {
    println!("# for a backup, for example with `cargo run --example backup`:");
    for (name, value) in stack.five_variables() {
        println!("export {name}={value}");
    }
    println!("# with these the pause is seen on every replica, and the backup is proven:");
    for (name, value) in stack.witnesses() {
        println!("export {name}={value}");
    }
    println!("# the bucket of the brokers: {}", stack.s3_dir().join("zeebe").display());
    println!("# Ctrl-C stops all servers.");
    ctrl_c().await?;
    Ok(Finding { found: "held until Ctrl-C".to_owned(), paused: None })
}
