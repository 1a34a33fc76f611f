//! Files that are whole or absent, never overwritten, and still there after a power cut. Blocking.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use fs4::TryLockError;

use super::tidy::temporary_name;
use crate::journal::{Key, MAX_BODY, Put};

/// How often a temporary file is written again that somebody took for a leftover.
const TRIES: u32 = 3;

/// A directory in which files are put durably.
#[derive(Debug)]
pub(super) struct Store {
    root: PathBuf,
    /// Whether the file system has hard links, which make a put whole or absent.
    has_links: bool,
    /// Makes temporary names different within this process.
    counter: AtomicU64,
}

impl Store {
    /// Creates the directory if it is missing and proves that files can be put there.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        create_dirs(root)?;
        // An absolute path stays right when the process changes its working directory.
        let root = root.canonicalize()?;
        let mut store = Self { root, has_links: true, counter: AtomicU64::new(0) };
        store.has_links = store.probe()?;
        Ok(store)
    }

    /// The directory as it is. Whether files can be put there shows with the first one.
    pub(super) fn open_to_read(root: &Path) -> io::Result<Self> {
        Ok(Self { root: root.canonicalize()?, has_links: true, counter: AtomicU64::new(0) })
    }

    #[cfg(test)]
    pub(super) fn without_links(mut self) -> Self {
        self.has_links = false;
        self
    }

    #[cfg(test)]
    pub(super) fn has_links(&self) -> bool {
        self.has_links
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn path(&self, key: &Key) -> PathBuf {
        key.segments().fold(self.root.clone(), |path, segment| path.join(segment))
    }

    /// Creates the missing directories between the root and `dir`. Never the root: if that is gone, a volume is not
    /// mounted, and what would be written to the place below the mount point would be lost to everybody.
    pub(super) fn ensure_dir(&self, dir: &Path) -> io::Result<()> {
        if dir == self.root || dir.is_dir() {
            return Ok(());
        }
        if let Some(parent) = dir.parent() {
            self.ensure_dir(parent)?;
        }
        create_dir(dir)
    }

    /// Stores `body` in the file `path` if there is none.
    pub(super) fn put_new(&self, path: &Path, body: &[u8]) -> io::Result<Put> {
        let dir = path.parent().unwrap_or(&self.root);
        self.ensure_dir(dir)?;
        let put = if path.symlink_metadata().is_ok() {
            Put::Exists
        } else if self.has_links {
            self.put_linked(dir, path, body)?
        } else {
            put_in_place(path, body)?
        };
        // `Exists` must be as durable as `Written`: whoever stored it may have died before this.
        self.sync_dirs_up_from(dir)?;
        Ok(put)
    }

    fn put_linked(&self, dir: &Path, path: &Path, body: &[u8]) -> io::Result<Put> {
        match self.write_and_link(dir, path, body)? {
            Ok(()) => Ok(Put::Written),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Put::Exists),
            Err(error) => Err(error),
        }
    }

    /// Writes a synced temporary file, links it to `path`, and removes it. The inner result is that of the linking.
    fn write_and_link(&self, dir: &Path, path: &Path, body: &[u8]) -> io::Result<io::Result<()>> {
        let mut tries = 0;
        loop {
            let (temporary, file) = self.write_temporary(dir, path, body)?;
            let linked = fs::hard_link(&temporary, path);
            let _ = fs::remove_file(&temporary);
            drop(file);
            tries += 1;
            match linked {
                // Another process that was just opening took the file for a leftover before we had locked it.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => {}
                linked => return Ok(linked),
            }
        }
    }

    /// A synced temporary file beside `path`, locked as long as the returned file is open.
    fn write_temporary(&self, dir: &Path, path: &Path, body: &[u8]) -> io::Result<(PathBuf, File)> {
        let (temporary, file) = loop {
            let temporary = dir.join(self.temporary_name(path));
            match create_file(&temporary) {
                Ok(file) => match fs4::FileExt::try_lock(&file) {
                    Ok(()) => break (temporary, file),
                    // A process that is just opening removes it.
                    Err(TryLockError::WouldBlock) => {}
                    Err(TryLockError::Error(error)) => {
                        let _ = fs::remove_file(&temporary);
                        return Err(error);
                    }
                },
                // A leftover of an earlier process with our id, or a process with our id in another container.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        };
        match write_synced(&file, body) {
            Ok(()) => Ok((temporary, file)),
            Err(error) => {
                let _ = fs::remove_file(&temporary);
                Err(error)
            }
        }
    }

    fn temporary_name(&self, path: &Path) -> String {
        temporary_name(path, self.counter.fetch_add(1, Ordering::Relaxed))
    }

    fn sync_dirs_up_from(&self, dir: &Path) -> io::Result<()> {
        let ours = dir.ancestors().take_while(|above| above.starts_with(&self.root));
        for dir in ours {
            sync_dir(dir)?;
        }
        Ok(())
    }

    /// Writes, syncs, locks, links and removes a file. Says whether linking works; everything else must.
    pub(super) fn probe(&self) -> io::Result<bool> {
        let body = b"can this directory be written?\n";
        let (target, has_links) = loop {
            let target = self.root.join(self.temporary_name(Path::new("probe")));
            match self.write_and_link(&self.root, &target, body)? {
                Ok(()) => break (target, true),
                // Another process with our id, in another container, has this name.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) if is_shortage(&error) => return Err(error),
                Err(_) => break (target, false),
            }
        };
        match fs::remove_file(&target) {
            // There was no link, or another process that is just opening has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
        sync_dir(&self.root)?;
        Ok(has_links)
    }
}

/// Whether linking failed for a reason other than that the file system has no links.
fn is_shortage(error: &io::Error) -> bool {
    use io::ErrorKind::{NotFound, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), NotFound | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

/// The content of a file; `None` if there is none.
pub(super) fn read(path: &Path) -> io::Result<Option<Bytes>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let limit = MAX_BODY as u64 + 1;
    let mut body = Vec::new();
    file.take(limit).read_to_end(&mut body)?;
    if body.len() > MAX_BODY {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is longer than any record"));
    }
    Ok(Some(Bytes::from(body)))
}

fn put_in_place(path: &Path, body: &[u8]) -> io::Result<Put> {
    let file = match create_file(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Put::Exists),
        Err(error) => return Err(error),
    };
    match write_synced(&file, body) {
        Ok(()) => Ok(Put::Written),
        Err(error) => {
            // Nobody was told that it is there; leaving it would turn the next try into a fight over the name.
            let _ = fs::remove_file(path);
            Err(error)
        }
    }
}

fn write_synced(mut file: &File, body: &[u8]) -> io::Result<()> {
    file.write_all(body)?;
    file.sync_all()
}

fn create_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Creates `dir` and whatever is missing above it, each of them synced into its parent.
fn create_dirs(dir: &Path) -> io::Result<()> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_dirs(parent)?;
    }
    create_dir(dir)?;
    sync_dir(parent.unwrap_or(Path::new(".")))
}

fn create_dir(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        other => other,
    }
}

#[cfg(unix)]
fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Directories cannot be synced here; the file system's own journal keeps their order.
#[cfg(not(unix))]
fn sync_dir(_dir: &Path) -> io::Result<()> {
    Ok(())
}
