//! The operating system's advisory lock on a file that says who has it. Blocking.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use fs4::TryLockError;

use super::disk::Disk;
use super::store::Store;
use crate::journal::Holder;

/// Longer than any holder; what is beyond it is not read.
const MAX_HOLDER: u64 = 64 * 1024;

/// A held lock. The operating system releases it when the file is closed, by drop or by death.
#[derive(Debug)]
pub(super) struct LockedFile {
    file: File,
    disk: Arc<dyn Disk>,
}

impl LockedFile {
    /// Gives the lock back, and leaves no name of a holder that is none any more. Not in `drop`, which may run on a thread
    /// that must not block.
    pub(super) fn release(self) {
        // Nothing depends on the name: it goes, or the next holder writes its own over it.
        let _ = self.disk.truncate(&self.file);
    }
}

pub(super) enum Tried {
    Ours(LockedFile),
    Theirs(Option<Holder>),
}

/// Takes the lock and writes down who has it; or reads who does.
pub(super) fn try_lock(store: &Store, path: &Path, holder: &Holder) -> io::Result<Tried> {
    let mut file = match store.open_lock_file(path) {
        // Nothing can be written any more, and what is owed must be done all the same.
        Err(error) if is_read_only(&error) => open_read_only(store, path)?,
        opened => opened?,
    };
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => {
            // On a full disk the lock holds all the same, and what is owed must be done then, too.
            if let Err(error) = write_holder(store.disk(), &mut file, holder) {
                tracing::warn!(path = %path.display(), %error, "who holds the lock could not be written into it");
            }
            Ok(Tried::Ours(LockedFile { file, disk: Arc::clone(store.disk()) }))
        }
        Err(TryLockError::WouldBlock) => Ok(Tried::Theirs(read_holder(&mut file))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The lock file for reading, or the journal's directory if no lock was ever taken in it: then nobody holds one, and
/// those who cannot write either exclude each other by the lock on the directory.
fn open_read_only(store: &Store, path: &Path) -> io::Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => File::open(store.root()),
        opened => opened,
    }
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

fn write_holder(disk: &Arc<dyn Disk>, file: &mut File, holder: &Holder) -> io::Result<()> {
    disk.truncate(file)?;
    let mut text = serde_json::to_vec(holder)?;
    text.push(b'\n');
    // Not synced: the name ends with the process, and a disk that hangs must not keep the lock from being taken.
    file.write_all(&text)
}

/// Whether somebody has a lock, and who, if that can be read.
pub(super) enum LockState {
    Free,
    Held(Option<Holder>),
}

/// Looks who has the lock, without keeping it.
pub(super) fn state_of(path: &Path) -> io::Result<LockState> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(LockState::Free),
        Err(error) => return Err(error),
    };
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => Ok(LockState::Free),
        Err(TryLockError::WouldBlock) => Ok(LockState::Held(read_holder(&mut file))),
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
