//! The disk under the journal is full from one moment on.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use camunda_backup::Component;
use camunda_backup_live::Fault;
use nix::unistd::Uid;

use super::fixture::Fixture;
use super::invariants::Left;
use super::step::Step;
use crate::finding::Finding;

/// The orders that are under way when it happens: before anything is owed, and inside the pause.
pub const STEPS: [Step; 2] = [Step::Operate, Step::Pause];

/// Protects: nothing is paused that could not be written down first, and the resume does not depend on the journal.
pub async fn fill(fixture: &Fixture<'_>, step: Step) -> Result<Finding> {
    if !Uid::effective().is_root() {
        return Ok(Finding { found: "not tried: only root can mount a small disk".to_owned(), paused: None });
    }
    let disk = SmallDisk::mount(fixture.stack.folder().join("small-disk"))?;
    let mut config = fixture.config()?;
    config.journal = Some(disk.folder.join("journal"));
    let planned = fixture.planned(&config).await?;
    let observation = fixture.observe().await?;
    let armed = fixture.arm(step, Fault::HeldBefore);
    let ended = Fixture::run(&config, planned, armed, async || disk.fill()).await?;
    let failure = ended.as_ref().err().context("the backup completed without a journal")?;
    let mut errors = std::iter::once(&failure.error).chain(&failure.secondary);
    ensure!(
        errors.any(
            |e| e.component() == Some(&Component::Journal) && e.to_string().contains("there is no space")
        ),
        "nobody is told that the disk is full: {failure}"
    );
    ensure!(fixture.exporting_runs().await?, "I1: the disk is full, and exporting is paused: {failure}");
    let pauses = fixture.proxy.asked().iter().filter(|asked| asked.path.contains("/pause")).count();
    ensure!(pauses == usize::from(step.owes()), "paused {pauses} times, with the disk full at {step}");
    disk.empty()?;
    let finding = fixture.check_invariants(&config, &ended, observation, Left::Missing).await;
    finding.map(|finding| Finding { found: format!("{}; nothing stayed paused", finding.found), ..finding })
}

/// A small file system in memory; unmounted when dropped. Every call to the library leaves two files in the journal.
struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    fn mount(folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        command("mount", &["-t", "tmpfs", "-o", "size=4m", "tmpfs"], &folder)?;
        Ok(Self { folder })
    }

    fn fill(&self) -> Result<()> {
        let mut file = File::create(self.filler())?;
        while file.write(&[0; 1024]).is_ok() {}
        Ok(())
    }

    fn empty(&self) -> Result<()> {
        Ok(fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = command("umount", &[], &self.folder);
    }
}

fn command(program: &str, options: &[&str], folder: &Path) -> Result<()> {
    let status = Command::new(program).args(options).arg(folder).status().context(program.to_owned())?;
    ensure!(status.success(), "{program} {}: {status}", folder.display());
    Ok(())
}
