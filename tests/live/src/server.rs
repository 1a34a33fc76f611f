//! One server process, started in a process group of its own and stopped together with it.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, User};

const CLEAN_STOP: Duration = Duration::from_secs(20);
const LOG_LINES: usize = 30;

/// A running server; dropping it stops it.
pub struct Server {
    pub name: String,
    group: Pid,
    child: Child,
    log: PathBuf,
}

/// A command with an empty environment. `setpriv` lets the server die when the thread that started it dies,
/// even by SIGKILL, and can make it run as somebody else.
pub fn command(program: &Path, as_user: Option<&User>) -> Command {
    let mut command = Command::new("setpriv");
    if let Some(user) = as_user {
        command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid)).arg("--clear-groups");
    }
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

impl Server {
    pub fn start(name: &str, command: &mut Command, log: PathBuf) -> Result<Self> {
        let output = File::options().create(true).append(true).open(&log)?;
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        Ok(Self { name: name.into(), group: Pid::from_raw(child.id().cast_signed()), child, log })
    }

    /// An error if the process has ended.
    pub fn alive(&self) -> Result<()> {
        match self.ended() {
            None => Ok(()),
            Some(how) => bail!("{} has ended by itself: {how}", self.name),
        }
    }

    /// Adds the end of the log to an error.
    pub fn explain(&self, error: Error) -> Error {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        error.context(format!("{}; the end of {}:\n{end}\n", self.name, self.log.display()))
    }

    /// SIGKILL, like a crash.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        let _ = self.child.wait();
    }

    /// SIGTERM, and SIGKILL if that does not help. The process is reaped last, so that the number of its group
    /// cannot belong to somebody else before the rest of the group is killed.
    fn stop(&mut self) {
        if matches!(self.child.try_wait_without_reaping(), Ended::Reaped) {
            return;
        }
        self.signal(Signal::SIGTERM);
        let start = Instant::now();
        while self.ended().is_none() && start.elapsed() < CLEAN_STOP {
            sleep(Duration::from_millis(50));
        }
        self.kill();
    }
}
