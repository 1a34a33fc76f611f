//! Faults between the library and real servers, on one stack, one case after the other. After each case the invariants
//! are judged by what the servers themselves say.

mod crash;
mod damaged_shard;
mod fixture;
mod full_disk;
mod invariants;
mod process_kill;
mod step;
mod two_at_once;
mod wire;

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use camunda_backup_live::{Fault, LiveStack, Proxy, log};

use self::fixture::Fixture;
use self::invariants::short;
use self::step::Step;
use super::backup::exported;
use crate::finding::Finding;

/// With this variable, only the cases whose name contains its value, or one of several between semicolons.
const ONLY: &str = "CAMUNDA_BACKUP_LIVE_CASES";

/// One case.
#[derive(Debug, Clone, Copy)]
enum Case {
    Wire(Step, Fault),
    Hang,
    Death(Step, Fault),
    LatePause,
    Broker(usize, Step, Fault),
    Gateway(Step, Fault),
    Store(Step, Fault),
    FullDisk(Step),
    DamagedShard,
    TwoAtOnce,
}

impl Case {
    /// What `full` does: everything.
    fn all() -> Vec<Self> {
        let wire = wire::cases().map(|(step, fault)| Self::Wire(step, fault));
        let death = Step::ORDERS
            .iter()
            .flat_map(|step| process_kill::MOMENTS.map(|moment| Self::Death(*step, moment)));
        let mut all: Vec<Self> = wire.chain([Self::Hang]).chain(death).collect();
        all.push(Self::LatePause);
        all.extend(full_disk::STEPS.map(Self::FullDisk));
        all.extend([Self::DamagedShard, Self::TwoAtOnce]);
        all.extend(crash::STORE_DEATHS.map(|(step, fault)| Self::Store(step, fault)));
        all.extend(crash::BROKER_DEATHS.map(|(node, step, fault)| Self::Broker(node, step, fault)));
        // The last ones: the others are done without it.
        all.extend(crash::GATEWAY_DEATHS.map(|(step, fault)| Self::Gateway(step, fault)));
        all
    }

    /// What `quick` does: one of a kind that takes some seconds each.
    fn few() -> Vec<Self> {
        vec![
            Self::Wire(Step::Resume, Fault::AnswerDropped),
            Self::Wire(Step::Pause, Fault::AnswerDropped),
            Self::FullDisk(Step::Operate),
            Self::TwoAtOnce,
        ]
    }

    fn name(self) -> String {
        match self {
            Self::Wire(step, fault) => format!("{step}: {fault}"),
            Self::Hang => format!("{}: never answered", Step::Records),
            Self::Death(step, moment) => format!("kill -9 of our process at {step}, {moment}"),
            Self::LatePause => "kill -9 of our process, and its pause comes later".to_owned(),
            Self::Broker(node, step, moment) => format!("kill -9 of broker {node} at {step}, {moment}"),
            Self::Gateway(step, moment) => format!("kill -9 of the gateway at {step}, {moment}"),
            Self::Store(step, moment) => format!("kill -9 of the store at {step}, {moment}"),
            Self::FullDisk(step) => format!("the journal's disk is full from {step} on"),
            Self::DamagedShard => "a shard of the records is damaged on disk".to_owned(),
            Self::TwoAtOnce => "two processes at once".to_owned(),
        }
    }

    async fn run(self, fixture: &mut Fixture<'_>) -> Result<Finding> {
        match self {
            Self::Wire(step, fault) => wire::strike(fixture, step, fault).await,
            Self::Hang => wire::hang(fixture).await,
            Self::Death(step, moment) => process_kill::kill(fixture, step, moment).await,
            Self::LatePause => process_kill::late_pause(fixture).await,
            Self::Broker(node, step, moment) => crash::broker(fixture, node, step, moment).await,
            Self::Gateway(step, moment) => crash::gateway(fixture, step, moment).await,
            Self::Store(step, moment) => crash::store(fixture, step, moment).await,
            Self::FullDisk(step) => full_disk::fill(fixture, step).await,
            Self::DamagedShard => damaged_shard::run(fixture).await,
            Self::TwoAtOnce => two_at_once::run(fixture).await,
        }
    }
}

pub async fn all(stack: &mut LiveStack) -> Result<Finding> {
    run(stack, Case::all()).await
}

pub async fn few(stack: &mut LiveStack) -> Result<Finding> {
    run(stack, Case::few()).await
}

/// A case that fails does not keep the others from running, as long as exporting can be made to run again.
async fn run(stack: &mut LiveStack, mut cases: Vec<Case>) -> Result<Finding> {
    if let Ok(words) = std::env::var(ONLY) {
        cases.retain(|case| words.split(';').any(|word| case.name().contains(word)));
    }
    let load = stack.load().await?;
    exported(stack).await?; // without any records there is no backup to disturb
    load.stop().await?;
    let proxy = Proxy::start(stack).await?;
    let mut fixture = Fixture { stack, proxy };
    let mut rows = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        log(format!("---- case {} of {}: {}", number + 1, cases.len(), case.name()));
        let outcome = case.run(&mut fixture).await;
        match &outcome {
            Ok(finding) => log(&finding.found),
            Err(error) => log(format!("CASE FAILED: {error:#}")),
        }
        let failed = outcome.is_err();
        rows.push((case.name(), outcome));
        if failed && let Err(error) = fixture.put_right().await {
            log(format!("exporting does not run, the other cases are left out: {error:#}"));
            break;
        }
    }
    fixture.stack.stop_gateway();
    println!("\n{}", table(&rows));
    let failed: Vec<&str> =
        rows.iter().filter(|(_, outcome)| outcome.is_err()).map(|(name, _)| name.as_str()).collect();
    ensure!(failed.is_empty(), "{} of {} cases: {}", failed.len(), cases.len(), failed.join("; "));
    ensure!(rows.len() == cases.len(), "{} of {} cases were run", rows.len(), cases.len());
    let longest = rows.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()?.paused).max();
    let found =
        format!("{} cases: after each exporting ran, nothing was ordered twice, no report lied", rows.len());
    Ok(Finding { found, paused: longest })
}

fn table(rows: &[(String, Result<Finding>)]) -> String {
    let mut text = "| what was done | what was found | paused |\n|---|---|---:|\n".to_owned();
    for (name, outcome) in rows {
        let (found, paused) = match outcome {
            Ok(finding) => (finding.found.clone(), finding.paused),
            Err(error) => (format!("**{}**", short(&format!("{error:#}"))), None),
        };
        let paused = paused.map_or_else(|| "–".to_owned(), |paused| format!("{:.2} s", paused.as_secs_f64()));
        let _ = writeln!(text, "| {name} | {} | {paused} |", found.replace('|', "\\|"));
    }
    text
}
