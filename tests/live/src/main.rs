//! Runs scenarios against real servers. `tests/live/run` prepares what this needs.

mod arguments;
mod finding;
mod scenarios;

use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use anyhow::{Error, Result, bail, ensure};
use camunda_backup_live::{LANE, Line, LiveStack, log};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::arguments::{Lane, Selection};
use crate::finding::{Row, table};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(format!("FAILED: {error:#}"));
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
            println!("{}", Vec::from_iter(Selection::parse(rest)?.needs()).join("\n"));
            Ok(())
        }
        _ => on_servers(Selection::parse(&words)?).await,
    }
}

async fn on_servers(selection: Selection) -> Result<()> {
    let alone = selection.lanes.len() == 1;
    let lanes = selection.lanes.into_iter().enumerate().map(|(index, lane)| {
        start_lane(lane, if alone { "servers".to_owned() } else { format!("{LANE}{}", index + 1) })
    });
    let (mut rows, mut stopped) = (Vec::new(), None);
    for lane in lanes.collect::<Result<Vec<_>>>()? {
        let ended = lane.await??;
        rows.extend(ended.rows);
        stopped = stopped.or(ended.stopped);
    }
    println!("\n{}", table(&rows));
    if let Some(signal) = stopped {
        bail!("stopped by {signal}");
    }
    let failed = rows.iter().filter(|row| row.failed()).count();
    ensure!(failed == 0, "{failed} of {} failed", rows.len());
    log("passed");
    Ok(())
}

/// What came of a lane.
struct Ended {
    rows: Vec<Row>,
    /// The signal that ended it early.
    stopped: Option<&'static str>,
}

/// A thread for each: servers end with the thread that started them, and stopping one blocks it.
fn start_lane(lane: Lane, name: String) -> Result<oneshot::Receiver<Result<Ended>>> {
    let (end, ended) = oneshot::channel();
    thread::Builder::new().name(name.clone()).spawn(move || {
        let runtime = Builder::new_multi_thread().enable_all().thread_name(name).build();
        let _ = end.send(runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(in_lane(lane))));
    })?;
    Ok(ended)
}

/// A signal drops the scenario, and with it the servers.
async fn in_lane(lane: Lane) -> Result<Ended> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut rows = Vec::new();
    let stopped = tokio::select! {
        biased; // the scenario may take Ctrl-C as its end
        () = all_lines(&lane, &mut rows) => None,
        _ = terminate.recv() => Some("SIGTERM"),
        _ = interrupt.recv() => Some("Ctrl-C"),
    };
    Ok(Ended { rows, stopped })
}

/// A line that fails does not keep the others from running.
async fn all_lines(lane: &Lane, rows: &mut Vec<Row>) {
    for (line, scenarios) in lane {
        one_line(*line, scenarios, rows).await;
    }
}

/// After a failure nothing else is tried on these servers, and their logs are kept.
async fn one_line(line: Line, scenarios: &[&'static str], rows: &mut Vec<Row>) {
    log(format!("======== {line}"));
    let began = Instant::now();
    let mut stack = match LiveStack::start(line).await {
        Ok(stack) => stack,
        Err(error) => return rows.push(Row::new(line, "start", Err(error), began.elapsed())),
    };
    for scenario in scenarios {
        log(format!("==== {scenario}"));
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
