//! Runs scenarios against real servers. `tests/live/run` prepares what this needs.

mod finding;
mod programme;
mod scenarios;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use camunda_backup_live::{Line, LiveStack, say};
use tokio::signal::unix::{SignalKind, signal};

use crate::finding::{Row, table};
use crate::programme::Programme;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format!("FAILED: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        // Not a scenario: this program as the process that is killed.
        Some((word, [])) if word == scenarios::process::BACK_UP => scenarios::process::back_up().await,
        Some((word, rest)) if word == "needs" => {
            println!("{}", Vec::from_iter(Programme::parse(rest)?.needs()).join("\n"));
            Ok(())
        }
        _ => on_servers(&Programme::parse(&words)?).await,
    }
}

/// A signal drops the scenario, and with it the servers.
async fn on_servers(programme: &Programme) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut rows = Vec::new();
    let stopped = tokio::select! {
        biased; // the scenario may take Ctrl-C as its end
        () = all_lines(programme, &mut rows) => None,
        _ = terminate.recv() => Some("SIGTERM"),
        _ = interrupt.recv() => Some("Ctrl-C"),
    };
    println!("\n{}", table(&rows));
    if let Some(signal) = stopped {
        bail!("stopped by {signal}");
    }
    let failed = rows.iter().filter(|row| row.failed()).count();
    ensure!(failed == 0, "{failed} of {} failed", rows.len());
    say("passed");
    Ok(())
}

/// A line that fails does not keep the others from running.
async fn all_lines(programme: &Programme, rows: &mut Vec<Row>) {
    for (line, scenarios) in &programme.lines {
        one_line(*line, scenarios, rows).await;
    }
}

/// After a failure nothing else is tried on these servers, and their logs are kept.
async fn one_line(line: Line, scenarios: &[&'static str], rows: &mut Vec<Row>) {
    say(format!("======== {line}"));
    let began = Instant::now();
    let mut stack = match LiveStack::start(line).await {
        Ok(stack) => stack,
        Err(error) => return rows.push(Row::new(line, "start", Err(error), began.elapsed())),
    };
    for scenario in scenarios {
        say(format!("==== {scenario}"));
        let began = Instant::now();
        let outcome = scenarios::run(scenario, &mut stack).await.map_err(|error| stack.explain(error));
        let row = Row::new(line, scenario, outcome, began.elapsed());
        let failed = row.failed();
        rows.push(row);
        if failed {
            return;
        }
    }
    if let Err(error) = stack.stop() {
        rows.push(Row::new(line, "stop", Err(error), began.elapsed()));
    }
}
