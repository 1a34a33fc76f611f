//! The servers for a person, or for a test in another process.

use anyhow::Result;
use camunda_backup_live::{LiveStack, REPOSITORY};
use tokio::signal::ctrl_c;

pub async fn run(stack: &LiveStack) -> Result<()> {
    println!("ZEEBE_MANAGEMENT={}", stack.zeebe_management().join(","));
    println!("ZEEBE_REST={}", stack.zeebe_rest().join(","));
    println!("OPERATE_MANAGEMENT={}", stack.operate_management());
    println!("TASKLIST_MANAGEMENT={}", stack.tasklist_management());
    println!("ELASTICSEARCH={}", stack.elasticsearch());
    println!("SNAPSHOT_REPOSITORY={REPOSITORY}");
    println!("S3_DIR={}", stack.s3_dir().display());
    println!("Ctrl-C stops all servers.");
    ctrl_c().await?;
    Ok(())
}
