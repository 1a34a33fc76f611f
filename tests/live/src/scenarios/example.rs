//! What the README promises: five environment variables, and the example backs up a real cluster.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use camunda_backup_live::{LiveStack, log};
use tokio::process::Command;
use tokio::time::timeout;

use super::proof;
use crate::finding::Finding;

/// It is compiled first.
const BOUND: Duration = Duration::from_secs(20 * 60);

pub async fn run(stack: &LiveStack) -> Result<Finding> {
    let load = stack.load().await?;
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let folder = stack.folder().join("example");
    std::fs::create_dir_all(&folder)?;
    let process = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "-q", "--example", "backup", "--manifest-path"])
        .arg(manifest)
        .envs(stack.five_variables())
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cargo run --example backup")?;
    let output = timeout(BOUND, process.wait_with_output()).await.context("the example did not end")??;
    let printed = String::from_utf8_lossy(&output.stdout);
    print!("{printed}");
    ensure!(output.status.success(), "the example ended with {}", output.status);
    let verdict =
        printed.lines().find_map(|line| line.strip_prefix("backup ")?.split_once(" of cluster camunda: "));
    let (id, verdict) = verdict.context("no report was printed")?;
    // Nobody told it where the brokers are, so it can't have seen the pause on every replica.
    ensure!(verdict == "COMPLETED, PLAUSIBLE", "backup {id}: {verdict}");
    proof::servers_have(stack, id.parse()?, None).await?;
    load.stop().await?;
    let found = format!("the example with five variables: {verdict}");
    log(&found);
    Ok(Finding { found, paused: None })
}
