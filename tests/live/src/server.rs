//! One server process, started in a process group of its own and stopped together with it.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow, bail};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, User};

use crate::log::log;

const CLEAN_STOP: Duration = Duration::from_secs(20);
const LOG_LINES: usize = 30;

/// A running server; dropping it stops it.
pub struct Server {
    pub name: String,
    child: Child,
    /// The number of the process and of its group; none once it is reaped.
    group: Option<Pid>,
    log: PathBuf,
}

/// A command with an empty environment. `setpriv` lets the server die when the thread that started it dies,
/// even by SIGKILL, and can make it run as somebody else.
pub fn command(program: &Path, as_user: Option<&User>) -> Command {
    let mut command = Command::new("setpriv");
    if let Some(user) = as_user {
        command
            .arg(format!("--reuid={}", user.uid))
            .arg(format!("--regid={}", user.gid))
            .arg("--clear-groups");
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
        let group = Some(Pid::from_raw(child.id().cast_signed()));
        Ok(Self { name: name.into(), child, group, log })
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
        anyhow!("{error:#}\n---- {} ends with\n{end}\n----", self.log.display())
    }

    /// SIGKILL for the whole group, like a crash. The process is reaped last: until then nobody else can get
    /// its number.
    pub fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            let _ = killpg(group, Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }

    fn stop(&mut self) {
        if let Some(group) = self.group {
            log(format!("stopping {}", self.name));
            let _ = killpg(group, Signal::SIGTERM);
            let start = Instant::now();
            while self.ended().is_none() && start.elapsed() < CLEAN_STOP {
                sleep(Duration::from_millis(50)); // the pace of a bounded wait
            }
        }
        self.kill();
    }

    /// How the process ended, without reaping it.
    fn ended(&self) -> Option<String> {
        let group = self.group?;
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        match waitid(Id::Pid(group), flags) {
            Ok(WaitStatus::StillAlive) => None,
            Ok(status) => Some(format!("{status:?}")),
            Err(error) => Some(error.to_string()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
