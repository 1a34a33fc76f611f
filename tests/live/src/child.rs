//! This program once more, as a process of its own that can be killed.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use tokio::time::timeout;

use crate::log::log;
use crate::stack::LiveStack;

/// A process that runs one sub-command of this program; it is killed when dropped.
pub struct Child {
    process: tokio::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
    pid: u32,
}

impl Child {
    /// Starts `subcommand` with the environment of the stack.
    pub fn start(stack: &LiveStack, subcommand: &str) -> Result<Self> {
        Self::start_with(stack.environment(), subcommand)
    }

    /// Starts `subcommand` with another environment, such as the one that leads through a proxy.
    pub fn start_with(environment: Vec<(&'static str, String)>, subcommand: &str) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(subcommand)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting this program again")?;
        let output = process.stdout.take().context("no standard output")?;
        let pid = process.id().context("it has ended at once")?;
        log(format!("process {pid} runs {subcommand:?}"));
        Ok(Self { process, lines: BufReader::new(output).lines(), pid })
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Prints what the process does, up to the first line that contains `text`.
    pub async fn line_with(&mut self, text: &str, limit: Duration) -> Result<String> {
        let look = async {
            while let Some(line) = self.lines.next_line().await? {
                // What a step waits for is told at every look.
                if !line.contains("(waited ") {
                    log(format!("[{}] {line}", self.pid));
                }
                if line.contains(text) {
                    return Ok(line);
                }
            }
            bail!("process {} ended without saying {text:?}", self.pid)
        };
        timeout(limit, look).await.with_context(|| format!("{text:?} was not said within {limit:?}"))?
    }

    /// SIGKILL; returns when the process is gone.
    pub async fn kill_9(mut self) -> Result<()> {
        kill(Pid::from_raw(self.pid.cast_signed()), Signal::SIGKILL)?;
        let status = self.process.wait().await?;
        ensure!(!status.success(), "process {} had ended by itself before it was killed", self.pid);
        log(format!("killed process {} with SIGKILL: {status}", self.pid));
        Ok(())
    }
}
