//! What came of a scenario on a line, and the table of all of them.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;
use camunda_backup_live::{Line, log};

/// What a scenario found when everything was as it must be.
pub struct Finding {
    /// Verdict and evidence, in a few words.
    pub found: String,
    /// How long exporting was paused by the backup, or by the one after the fault.
    pub paused: Option<Duration>,
}

/// One row of the table.
pub struct Row {
    line: Line,
    done: &'static str,
    outcome: std::result::Result<Finding, String>,
    took: Duration,
}

impl Row {
    /// A failure is told at once, with the last lines of a server's log if there are any.
    pub fn new(line: Line, done: &'static str, outcome: Result<Finding>, took: Duration) -> Self {
        if let Err(error) = &outcome {
            log(format!("FAILED: {done} on {line}: {error:#}"));
        }
        Self { line, done, outcome: outcome.map_err(|error| format!("{error:#}")), took }
    }

    pub fn failed(&self) -> bool {
        self.outcome.is_err()
    }
}

/// All rows in Markdown. Of an error there is only the first line; a server's log begins with the second.
pub fn table(rows: &[Row]) -> String {
    let mut text =
        "| line | what was done | what was found | paused | took |\n|---|---|---|---|---|\n".to_owned();
    for Row { line, done, outcome, took } in rows {
        let (found, paused) = match outcome {
            Ok(finding) => (finding.found.clone(), finding.paused),
            Err(error) => (format!("FAILED: {}", error.lines().next().unwrap_or_default()), None),
        };
        let paused = paused.map_or_else(|| "–".to_owned(), |paused| format!("{:.2} s", paused.as_secs_f64()));
        let found = found.replace('|', "\\|");
        let _ = writeln!(text, "| {line} | {done} | {found} | {paused} | {} s |", took.as_secs());
    }
    text
}
