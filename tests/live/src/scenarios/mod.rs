//! What is done with the running servers.

mod backup;
mod broker_loss;
mod example;
mod hold;
mod kill9;
mod process;
mod proof;

use anyhow::{Result, bail};
use camunda_backup_live::LiveStack;

const NAMES: &str =
    "quick (backup, kill9), full (quick, example, broker-loss), backup, kill9, example, broker-loss, hold";

/// Runs one scenario, or several one after the other on the same servers; `full` without a name.
pub async fn run(name: Option<&str>) -> Result<()> {
    let scenarios: &[&str] = match name {
        // Not a scenario: this program as the process that is killed.
        Some(process::BACK_UP) => return process::back_up().await,
        None | Some("full") => &["backup", "kill9", "example", "broker-loss"],
        Some("quick") => &["backup", "kill9"],
        Some("backup") => &["backup"],
        Some("kill9") => &["kill9"],
        Some("example") => &["example"],
        Some("broker-loss") => &["broker-loss"],
        Some("hold") => &["hold"],
        Some(_) => bail!("no such scenario; there are {NAMES}"),
    };
    let mut stack = LiveStack::start().await?;
    for scenario in scenarios {
        camunda_backup_live::say(format!("==== {scenario}"));
        match *scenario {
            "backup" => backup::run(&stack).await?,
            "kill9" => kill9::run(&stack).await?,
            "example" => example::run(&stack).await?,
            "broker-loss" => broker_loss::run(&mut stack).await?,
            _ => hold::run(&stack).await?,
        }
    }
    stack.stop()
}
