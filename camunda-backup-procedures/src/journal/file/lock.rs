//! The operating system's advisory lock on a file that says who has it. Blocking.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use fs4::TryLockError;

use super::store::Store;
use crate::journal::Holder;

/// Longer than any holder; what is beyond it is not read.
const MAX_HOLDER: u64 = 64 * 1024;

/// A held lock. The operating system releases it when the file is closed, by drop or by death.
#[derive(Debug)]
pub(super) struct LockedFile(File);

impl Drop for LockedFile {
    fn drop(&mut self) {
        // So that nobody reads an old name while the next holder is about to write its own.
        let _ = self.0.set_len(0);
    }
}

pub(super) enum Tried {
    Ours(LockedFile),
    Theirs(Option<Holder>),
}

/// Takes the lock and writes down who has it; or reads who does.
pub(super) fn try_lock(store: &Store, path: &Path, holder: &Holder) -> io::Result<Tried> {
    if let Some(dir) = path.parent() {
        store.ensure_dir(dir)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = match options.open(path) {
        // Nothing can be written any more, and what is owed must be done all the same.
        Err(error) if is_read_only(&error) => File::open(path)?,
        opened => opened?,
    };
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => {
            // On a full disk the lock holds all the same, and what is owed must be done then, too.
            if let Err(error) = write_holder(&mut file, holder) {
                tracing::warn!(path = %path.display(), %error, "who holds the lock could not be written into it");
            }
            Ok(Tried::Ours(LockedFile(file)))
        }
        Err(TryLockError::WouldBlock) => Ok(Tried::Theirs(read_holder(&mut file))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

fn write_holder(file: &mut File, holder: &Holder) -> io::Result<()> {
    file.set_len(0)?;
    let mut text = serde_json::to_vec(holder)?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_all()
}

/// Whether somebody has a lock, and who, if that can be read.
pub(super) enum Standing {
    Free,
    Held(Option<Holder>),
}

/// Looks who has the lock, without keeping it.
pub(super) fn standing(path: &Path) -> io::Result<Standing> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Standing::Free),
        Err(error) => return Err(error),
    };
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => Ok(Standing::Free),
        Err(TryLockError::WouldBlock) => Ok(Standing::Held(read_holder(&mut file))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// `None` while the holder is just writing itself down, or if the file is spoiled.
fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = Vec::new();
    file.rewind().ok()?;
    file.take(MAX_HOLDER).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}
