//! Whether these servers do what they were seen to do, which is what the simulated cluster is held to.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use camunda_backup::core::{ReqwestTransport, TransportConfig};
use camunda_backup::testing::conformance::{
    Hands, Observed, World, compare, with_effects, with_hands, with_hands_on_the_store,
};
use camunda_backup::{BrokerId, Error, ErrorKind};
use camunda_backup_live::{Line, LiveStack, log};

use crate::finding::Finding;

/// Where brokers are killed too: once for each Camunda, because the store makes no difference to it.
const WITH_HANDS: [&str; 2] = ["8.6.0+elasticsearch-8.19", "8.5.8+elasticsearch-7.17"];

/// Compares with `tests/conformance/<line>.txt`; with `UPDATE_GOLDENS` writes that file instead.
pub async fn run(stack: &mut LiveStack) -> Result<Finding> {
    let transport = Arc::new(ReqwestTransport::new(TransportConfig::default())?);
    let world = World::connect(&stack.config()?, transport).await?;
    let line = stack.line().to_string();
    let mut seen = with_effects(&world).await;
    let hands = &mut OnServers(stack);
    if WITH_HANDS.contains(&line.as_str()) {
        seen.extend(with_hands(&world, hands).await);
    }
    seen.extend(with_hands_on_the_store(&world, hands).await);
    let steps: usize = seen.iter().map(|observed| observed.steps.len()).sum();
    let found = format!("{} scenarios, {steps} steps", seen.len());

    let file = written_down(&line);
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        fs::write(&file, Observed::to_text(&seen)).with_context(|| format!("writing {}", file.display()))?;
        return Ok(Finding { found: format!("{found}, written"), paused: None });
    }
    let known = fs::read_to_string(&file).with_context(|| {
        format!("reading {}: nobody has looked at this line yet, set UPDATE_GOLDENS=1", file.display())
    })?;
    // What was written down stands where `compare` has the simulation.
    let differences = compare(&Observed::from_text(&known), &seen);
    for difference in &differences {
        log(difference);
    }
    if !differences.is_empty() {
        bail!("{} differences from {}", differences.len(), file.display());
    }
    Ok(Finding { found: format!("{found}, as written down"), paused: None })
}

/// Whether somebody has looked at this line.
pub fn is_written_down(line: Line) -> bool {
    written_down(&line.to_string()).is_file()
}

fn written_down(line: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../conformance/{line}.txt"))
}

/// The real servers' processes and the folder of their bucket.
struct OnServers<'a>(&'a mut LiveStack);

impl Hands for OnServers<'_> {
    async fn kill_broker(&mut self, broker: &BrokerId) -> Result<(), Error> {
        self.0.kill_broker(number(broker)?).map_err(internal)
    }

    async fn start_broker(&mut self, broker: &BrokerId) -> Result<(), Error> {
        self.0.start_broker(number(broker)?).await.map_err(internal)
    }

    async fn kill_store(&mut self) -> Result<(), Error> {
        self.0.kill_store().map_err(internal)
    }

    async fn start_store(&mut self) -> Result<(), Error> {
        self.0.start_store().await.map_err(internal)
    }

    async fn hide_bucket(&mut self, hidden: bool) -> Result<(), Error> {
        let (there, away) = (self.0.s3_dir().join("zeebe"), self.0.s3_dir().join("hidden"));
        let (from, to) = if hidden { (there, away) } else { (away, there) };
        // Bringing back what is there is no error.
        if from.exists() { fs::rename(from, to).map_err(|error| internal(error.into())) } else { Ok(()) }
    }
}

fn number(broker: &BrokerId) -> Result<usize, Error> {
    broker.as_str().parse().map_err(|_| Error::new(ErrorKind::InvalidInput, "a broker without a number"))
}

fn internal(error: anyhow::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("{error:#}"))
}
