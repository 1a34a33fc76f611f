//! What is done with the running servers. A new scenario is a module with a `run` that returns a [`Finding`], its name in
//! [`ALL`], and its line in [`run`].

mod backup;
mod broker_loss;
mod conformance;
mod example;
mod faults;
mod hold;
mod kill9;
pub mod process;
mod proof;
mod restore;

use anyhow::{Result, bail};
use camunda_backup_live::LiveStack;

pub use self::conformance::is_written_down;

use crate::finding::Finding;

pub const ALL: [&str; 9] =
    ["backup", "kill9", "example", "broker-loss", "restore", "conformance", "faults", "faults-quick", "hold"];

/// What `full` does on the first line beside the conformance.
pub const FULL: [&str; 5] = ["backup", "kill9", "example", "broker-loss", "faults"];

pub async fn run(name: &str, stack: &mut LiveStack) -> Result<Finding> {
    match name {
        "backup" => backup::run(stack).await,
        "kill9" => kill9::run(stack).await,
        "example" => example::run(stack).await,
        "broker-loss" => broker_loss::run(stack).await,
        "restore" => restore::run(stack).await,
        "conformance" => conformance::run(stack).await,
        "faults" => faults::all(stack).await,
        "faults-quick" => faults::few(stack).await,
        "hold" => hold::run(stack).await,
        _ => bail!("no scenario {name}"),
    }
}
