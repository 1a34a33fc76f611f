//! The invariants, read from the brokers, the repository, the bucket and the proxy's log, not from the library.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use camunda_backup::{ClusterConfig, ConnectOptions, Failure, Report, RunOutcome, recover};
use camunda_backup_live::{exporting_runs, wait_for_phase};

use super::fixture::{Fixture, MAX_PAUSE, MAX_RESUME, Observation};
use super::step::Step;
use crate::finding::Finding;
use crate::scenarios::proof;

/// For the looks themselves, on a busy machine.
const SLACK: Duration = Duration::from_secs(5);

/// What a report that says FAILED may leave in the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// A part is missing: that is why it failed.
    Missing,
    /// All parts may be there: it failed because of something else, such as a pause that could not be confirmed.
    Whatever,
    /// One part was refused because it was there already. Nobody can know that it is the run's own, so it stays (D32).
    Refused,
}

impl Fixture<'_> {
    /// Judges a run of this process that has ended.
    pub async fn check_invariants(
        &self,
        config: &ClusterConfig,
        ended: &Result<Report, Failure>,
        observation: Observation,
        parts: Left,
    ) -> Result<Finding> {
        let report = match ended {
            Ok(report) => report,
            Err(failure) => {
                failure.report.as_deref().with_context(|| format!("it never began: {failure}"))?
            }
        };
        let recovered = self.exporting_runs_or_is_owed(config, report, observation.has_dead()).await?;
        self.nothing_was_ordered_twice()?;
        let paused = Self::bounded(observation, MAX_PAUSE + MAX_RESUME).await?;
        let completed = report.outcome == RunOutcome::Completed;
        self.report_is_true(report, completed && ended.is_ok(), parts).await?;
        self.clean_up(config, proof::id_of(report)?, completed, parts == Left::Refused).await?;
        let mut found = match ended {
            Ok(_) => format!("COMPLETED, {}", report.verdict),
            Err(failure) => {
                // The table is kept, this folder is not.
                let words =
                    failure.error.to_string().replace(&self.stack.folder().display().to_string(), "…");
                format!("FAILED: {}", short(&words))
            }
        };
        found.push_str(recovered);
        Ok(Finding { found, paused })
    }

    /// I1: exporting runs when a run has ended. Only with a broker that is dead it may be paused, if the report says so
    /// and `recover()` ends it. Says what that did.
    async fn exporting_runs_or_is_owed(
        &self,
        config: &ClusterConfig,
        report: &Report,
        may_owe: bool,
    ) -> Result<&'static str> {
        let runs = self.exporting_runs().await?;
        ensure!(
            runs || may_owe && report.owing,
            "I1: exporting is paused, and the report owes: {}",
            report.owing
        );
        let recovered = recover(config.clone(), ConnectOptions::default()).await?;
        let paid = recovered.runs.iter().any(|run| !run.paid.is_empty());
        ensure!(runs || paid, "I1: exporting is paused, and nothing was owed in the journal: {recovered}");
        wait_for_phase(self.stack.http(), &self.stack.zeebe_management(), "EXPORTING").await?;
        Ok(match (paid, runs) {
            (true, true) => "; `recover()` saw that exporting runs",
            (true, false) => "; exporting resumed by `recover()`",
            (false, _) => "",
        })
    }

    /// Now, on every replica.
    pub async fn exporting_runs(&self) -> Result<bool> {
        exporting_runs(self.stack.http(), &self.stack.zeebe_management()).await
    }

    /// I2 and I3: the proxy has got every order of the case at most once, and no pause but the soft one.
    pub fn nothing_was_ordered_twice(&self) -> Result<()> {
        let log = self.proxy.asked();
        for (order, count) in Step::orders_in(&log) {
            ensure!(count <= 1, "I3: ordered {count} times, {order}");
        }
        let hard =
            log.iter().find(|asked| asked.path.contains("/pause") && !asked.path.contains("soft=true"));
        ensure!(hard.is_none(), "I2: a hard pause: {hard:?}");
        Ok(())
    }

    /// I8: no replica was paused longer than the limits allow, measured from outside.
    pub async fn bounded(observation: Observation, bound: Duration) -> Result<Option<Duration>> {
        let paused = observation.stop().await?;
        let longest = paused.values().max().copied();
        ensure!(
            longest.is_none_or(|longest| longest <= bound + SLACK),
            "I8: paused for {paused:?}, allowed are {bound:?}"
        );
        Ok(longest)
    }

    /// I4: what is called complete is there and complete, and what is there and complete is called so.
    async fn report_is_true(&self, report: &Report, completed: bool, parts: Left) -> Result<()> {
        if completed {
            let there = proof::of_servers(self.stack, report).await;
            return there.map(drop).context("I4: COMPLETED, and not so");
        }
        let there = proof::servers_have(self.stack, proof::id_of(report)?.value(), None).await;
        ensure!(
            there.is_err() || parts != Left::Missing,
            "I4: FAILED, and everything is there: {}",
            report.errors.join("; ")
        );
        Ok(())
    }
}

/// The beginning of an error, for a cell of the table.
pub fn short(error: &str) -> String {
    let line = error.lines().next().unwrap_or_default();
    let short: String = line.chars().take(140).collect();
    if short.len() < line.len() { format!("{short} …") } else { short }
}
