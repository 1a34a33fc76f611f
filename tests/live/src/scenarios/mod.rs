//! What is done with the running servers.

mod backup;
mod broker_loss;
mod hold;

use anyhow::{Result, bail};
use camunda_backup_live::LiveStack;

/// `quick` makes one backup, `hold` only keeps the servers running; without a name everything is done.
pub async fn run(name: Option<&str>) -> Result<()> {
    if !matches!(name, None | Some("quick" | "hold")) {
        bail!("no such scenario; there are quick, hold, and everything (no name)");
    }
    let mut stack = LiveStack::start().await?;
    match name {
        Some("hold") => hold::run(&stack).await?,
        Some(_) => backup::run(&stack).await?,
        None => {
            backup::run(&stack).await?;
            broker_loss::run(&mut stack).await?;
        }
    }
    stack.stop()
}
