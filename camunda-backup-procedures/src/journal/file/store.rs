//! Files that are whole or absent, never overwritten, and still there after a power cut. Blocking.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use fs4::TryLockError;

use super::disk::{Disk, OperatingSystem};
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
    disk: Arc<dyn Disk>,
}

impl Store {
    /// Creates the directory if it is missing and proves that files can be put there.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        Self::open_on(Arc::new(OperatingSystem), root)
    }

    pub(super) fn open_on(disk: Arc<dyn Disk>, root: &Path) -> io::Result<Self> {
        create_dirs(disk.as_ref(), root)?;
        let mut store = Self::open_to_read_on(disk, root)?;
        store.has_links = store.probe()?;
        Ok(store)
    }

    /// The directory as it is. Whether files can be put there shows with the first one.
    pub(super) fn open_to_read(root: &Path) -> io::Result<Self> {
        Self::open_to_read_on(Arc::new(OperatingSystem), root)
    }

    pub(super) fn open_to_read_on(disk: Arc<dyn Disk>, root: &Path) -> io::Result<Self> {
        // An absolute path stays right when the process changes its working directory.
        let root = root.canonicalize()?;
        Ok(Self { root, has_links: true, counter: AtomicU64::new(0), disk })
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

    pub(super) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
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
        self.disk.create_dir(dir)
    }

    /// Opens the lock file `path`, creating it if it is missing.
    pub(super) fn open_lock_file(&self, path: &Path) -> io::Result<File> {
        self.ensure_dir(path.parent().unwrap_or(&self.root))?;
        self.disk.open_lock_file(path)
    }

    /// Removes the file `path`, durably, and its directory if that is empty then. It is no error if there is none.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        match self.disk.remove_file(path) {
            Err(error) if is_missing(&error) => {}
            removed => removed?,
        }
        let dir = path.parent().unwrap_or(&self.root);
        match self.disk.sync_dir(dir) {
            // Another process that removes, too, was faster and has removed the directory as well.
            Err(error) if is_missing(&error) => return Ok(()),
            synced => synced?,
        }
        if dir != self.root {
            // Fails unless it is empty. One that comes back after a power cut is empty, too.
            let _ = fs::remove_dir(dir);
        }
        Ok(())
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
            self.put_in_place(path, body)?
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
            let linked = match self.disk.link(&temporary, path) {
                // A network file system sends a request again whose answer was lost, and the second one finds the
                // link of the first. Nobody else can have linked our temporary file.
                Err(_) if is_same_file(&temporary, path) => Ok(()),
                linked => linked,
            };
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
        match self.write_synced(&file, body) {
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
            self.disk.sync_dir(dir)?;
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
        self.disk.sync_dir(&self.root)?;
        Ok(has_links)
    }

    fn put_in_place(&self, path: &Path, body: &[u8]) -> io::Result<Put> {
        let file = match create_file(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Put::Exists),
            Err(error) => return Err(error),
        };
        match self.write_synced(&file, body) {
            Ok(()) => Ok(Put::Written),
            Err(error) => {
                // Nobody was told that it is there; leaving it would turn the next try into a fight over the name.
                let _ = fs::remove_file(path);
                Err(error)
            }
        }
    }

    fn write_synced(&self, mut file: &File, body: &[u8]) -> io::Result<()> {
        file.write_all(body)?;
        self.disk.sync_file(file)
    }
}

/// Whether two names are names of one file. Where that cannot be told they are not.
#[cfg(unix)]
fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| path.symlink_metadata().ok().map(|file| (file.dev(), file.ino()));
    identity(one).is_some_and(|one| Some(one) == identity(other))
}

#[cfg(not(unix))]
fn is_same_file(_one: &Path, _other: &Path) -> bool {
    false
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

fn create_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Creates `dir` and whatever is missing above it, each of them synced into its parent.
fn create_dirs(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_dirs(disk, parent)?;
    }
    disk.create_dir(dir)?;
    disk.sync_dir(parent.unwrap_or(Path::new(".")))
}
