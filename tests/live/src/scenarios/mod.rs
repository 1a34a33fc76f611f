//! What is done with the running servers. A new scenario is a module with a `run` that returns a [`Finding`], its name in
//! [`ALL`], and its line in [`run`].

mod backup;
mod broker_loss;
mod conformance;
mod example;
mod hold;
mod kill9;
pub mod process;
mod proof;

use anyhow::{Result, bail};
use camunda_backup_live::LiveStack;

use crate::finding::Finding;

pub const ALL: [&str; 6] = ["backup", "kill9", "example", "broker-loss", "conformance", "hold"];

/// What `full` does on the first line: all but `hold`, which waits for somebody to end it.
pub const FULL: [&str; 4] = ["backup", "kill9", "example", "broker-loss"];

pub async fn run(name: &str, stack: &mut LiveStack) -> Result<Finding> {
    match name {
        "backup" => backup::run(stack).await,
        "kill9" => kill9::run(stack).await,
        "example" => example::run(stack).await,
        "broker-loss" => broker_loss::run(stack).await,
        "conformance" => conformance::run(stack).await,
        "hold" => hold::run(stack).await,
        _ => bail!("no scenario {name}"),
    }
}
