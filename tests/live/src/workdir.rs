//! The folder of one run: data and logs of all servers.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::unistd::User;

use crate::log::log;

/// A fresh folder that is removed with [`Workdir::remove`]; otherwise it stays for inspection.
pub struct Workdir {
    path: PathBuf,
    removed: bool,
}

impl Workdir {
    pub fn create() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("camunda-backup-live-{}", std::process::id()));
        // Each attempt creates, so that of two stacks that start at the same time each gets its own.
        let mut numbered = (0..).map(|i| path.with_extension(i.to_string()));
        let path = loop {
            let path = numbered.next().context("no number left")?;
            match fs::create_dir(&path) {
                Ok(()) => break path,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("creating {}", path.display())),
            }
        };
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(Self { path, removed: false })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.path.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        Ok(folder)
    }

    pub fn log(&self, server: &str) -> PathBuf {
        self.path.join(format!("{server}.log"))
    }

    pub fn remove(&mut self) -> Result<()> {
        fs::remove_dir_all(&self.path).with_context(|| format!("removing {}", self.path.display()))?;
        self.removed = true;
        Ok(())
    }
}

impl Drop for Workdir {
    fn drop(&mut self) {
        if !self.removed {
            log(format!("data and logs are kept in {}", self.path.display()));
        }
    }
}

/// Gives a folder with everything in it to a user.
pub fn give(folder: &Path, user: &User) -> Result<()> {
    chown(folder, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
        .with_context(|| format!("giving {} to {}", folder.display(), user.name))?;
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            give(&entry?.path(), user)?;
        }
    }
    Ok(())
}
