//! Runs scenarios against real servers. `tests/live/run` prepares what this needs.

mod scenarios;

use std::process::ExitCode;

use anyhow::{Result, bail};
use camunda_backup_live::say;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => {
            say("passed");
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(format!("FAILED: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// A signal drops the scenario, and with it the servers.
async fn run() -> Result<()> {
    let scenario = std::env::args().nth(1);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        biased; // the scenario may take Ctrl-C as its end
        result = scenarios::run(scenario.as_deref()) => result,
        _ = terminate.recv() => bail!("stopped by SIGTERM"),
        _ = interrupt.recv() => bail!("stopped by Ctrl-C"),
    }
}
