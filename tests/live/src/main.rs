//! Runs scenarios against real servers. `tests/live/run` prepares what this needs.

mod scenarios;

use anyhow::{Result, bail};
use camunda_backup_live::say;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // A signal drops the scenario, and with it the servers.
    tokio::select! {
        result = scenarios::run(std::env::args().nth(1).as_deref()) => result?,
        _ = terminate.recv() => bail!("stopped by SIGTERM"),
        _ = interrupt.recv() => bail!("stopped by Ctrl-C"),
    }
    say("passed");
    Ok(())
}
