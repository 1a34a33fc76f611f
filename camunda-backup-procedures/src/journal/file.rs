//! A journal in a directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use camunda_backup_core::{Component, Error, ErrorKind, Outcome, Result};

use super::claim::check_cluster;
use super::timeout::PATIENCE;
use super::{Holder, Journal, Key, Lock, LockGuard, MAX_BODY, Put, Removal};
use store::Store;

mod advice;
mod disk;
mod lock;
mod store;
#[cfg(test)]
mod tests;
mod tidy;

/// A journal in a directory of a local file system.
///
/// # Layout
/// ```text
/// <dir>/runs/<cluster>/<run>/00000001.json     one file per key, mode 0600, in directories of mode 0700
/// <dir>/locks/<cluster>.lock                   locked while held; its content says by whom
/// <dir>/…/.00000001.json.4711-0.tmp            a file being written; left behind by a crash, removed by `open`
/// ```
/// The files can be read with `cat` and `jq`, copied, and archived. What is over is removed by the library itself (see
/// `ClusterConfig::retention`); files of others are left alone ([`FileJournal::strangers`] lists them).
///
/// # Guarantees
/// * A body is written to a temporary file, synced, linked to its name (which fails if the name is taken), and every
///   directory above it is synced. So a file under its own name is whole, also after a power cut. On file systems
///   without hard links (some network shares) it is written in place instead, and a crash can leave a torn file,
///   which its checksum shows.
/// * A lock is an advisory lock of the operating system: it ends when its process does, however that happens. It
///   holds between processes and within one, and between hosts as far as the file system carries locks over (`NFSv4`
///   does). Nobody may delete lock files while something runs.
/// * Every call ends: a disk or mount that has not answered within 30 seconds is an error that names path and operation.
///   What the disk was asked for may still happen. Tokio waits for the thread that hangs when a runtime is dropped;
///   `Runtime::shutdown_background` does not.
///
/// # Cancellation
/// A dropped future does not stop the write that it began.
#[derive(Debug, Clone)]
pub struct FileJournal {
    store: Arc<Store>,
    patience: Duration,
}

impl FileJournal {
    /// Opens the journal in `dir`, creates the directory if it is missing, and removes what a crash left half-written.
    ///
    /// # Guarantees
    /// `Ok` means that a file has just been written there, synced, locked and removed. So a full disk or a read-only
    /// directory shows here, before anything is paused.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`], naming the path, the operation and what to do.
    pub async fn open(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref().to_path_buf();
        let shown = dir.clone();
        let opening = move || {
            let store = Store::open(&dir)?;
            tidy::remove_leftovers(&store)?;
            Ok(store)
        };
        Self::opened(blocking("journal.open", shown, PATIENCE, opening).await?)
    }

    #[allow(clippy::unnecessary_wraps)] // the end of three constructors that can fail
    fn opened(store: Store) -> Result<Self> {
        Ok(Self { store: Arc::new(store), patience: PATIENCE })
    }

    /// Opens a journal that exists and takes nothing more (a full disk), to read what is owed.
    pub(crate) async fn open_to_read(dir: &Path) -> Result<Self> {
        let (dir, shown) = (dir.to_path_buf(), dir.to_path_buf());
        Self::opened(blocking("journal.open", shown, PATIENCE, move || Store::open_to_read(&dir)).await?)
    }

    /// The journal in `dir` on a disk that tests watch or let fail.
    #[cfg(test)]
    async fn open_on(disk: Arc<dyn disk::Disk>, dir: &Path, patience: Duration) -> Result<Self> {
        let (shown, dir) = (dir.to_path_buf(), dir.to_path_buf());
        let store = blocking("journal.open", shown, patience, move || Store::open_on(disk, &dir)).await?;
        Ok(Self { store: Arc::new(store), patience })
    }

    /// The same journal as if the file system had no hard links.
    #[cfg(test)]
    pub(super) async fn open_without_links(dir: &Path) -> Result<Self> {
        Self::open(dir).await?;
        let store = Store::open(dir).map_err(|cause| advice::explain("journal.open", dir, cause))?;
        Self::opened(store.without_links())
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        self.store.root()
    }

    /// What lies in the directory and is none of ours: names that cannot be keys, links, devices. Never touched.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`] if the directory cannot be read.
    pub async fn strangers(&self) -> Result<Vec<PathBuf>> {
        let store = Arc::clone(&self.store);
        let dir = store.root().to_path_buf();
        self.blocking("journal.list", dir, move || Ok(tidy::walk(&store, "")?.strangers)).await
    }

    fn lock_file(&self, name: &str) -> Result<PathBuf> {
        check_cluster(name)?;
        Ok(self.store.root().join("locks").join(format!("{name}.lock")))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        operation: &'static str,
        path: PathBuf,
        work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T> {
        blocking(operation, path, self.patience, work).await
    }
}

#[async_trait]
impl Journal for FileJournal {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        if body.len() > MAX_BODY {
            let message = format!("{} bytes are more than a journal takes", body.len());
            return Err(Error::new(ErrorKind::InvalidInput, message).with_component(Component::Journal));
        }
        let (store, path) = (Arc::clone(&self.store), self.store.path(key));
        let put = self.blocking("journal.put", path.clone(), move || store.put_new(&path, &body));
        put.await.map_err(|error| error.with_outcome(Outcome::Unknown))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        let (store, prefix) = (Arc::clone(&self.store), prefix.trim_end_matches('/').to_owned());
        let found =
            self.blocking("journal.list", self.dir().join(&prefix), move || tidy::walk(&store, &prefix));
        let tidy::Found { mut keys, strangers, .. } = found.await?;
        for path in strangers {
            tracing::warn!(path = %path.display(), "this file in the journal's directory is none of ours");
        }
        keys.sort();
        Ok(keys)
    }

    async fn read(&self, key: &Key) -> Result<Bytes> {
        let path = self.store.path(key);
        let shown = path.clone();
        match self.blocking("journal.read", shown, move || store::read(&path)).await? {
            Some(body) => Ok(body),
            None => Err(Error::new(ErrorKind::NotFound, "nothing is stored there")
                .with_component(Component::Journal)
                .with_operation("journal.read")
                .with_subject(self.store.path(key).display())),
        }
    }

    async fn remove(&self, key: &Key) -> Result<Removal> {
        let (store, path) = (Arc::clone(&self.store), self.store.path(key));
        let removing = move || {
            store.remove(&path)?;
            Ok(Removal::Gone)
        };
        self.blocking("journal.remove", self.store.path(key), removing).await
    }

    async fn lock(&self, name: &str, holder: &Holder) -> Result<Lock> {
        let (store, path, holder) = (Arc::clone(&self.store), self.lock_file(name)?, holder.clone());
        let tried =
            self.blocking("journal.lock", path.clone(), move || lock::try_lock(&store, &path, &holder));
        Ok(match tried.await? {
            lock::Tried::Ours(file) => Lock::Acquired(LockGuard::until_dropped(file)),
            lock::Tried::Theirs(holder) => Lock::Held(holder),
        })
    }

    async fn unlock(&self, guard: LockGuard) -> Result<()> {
        let Some(file) = guard.into_resource::<lock::LockedFile>() else { return Ok(()) };
        self.blocking("journal.unlock", self.dir().join("locks"), move || {
            file.release();
            Ok(())
        })
        .await
    }

    /// Always refused while the lock is held: the operating system releases the lock of a dead process.
    async fn break_lock(&self, name: &str) -> Result<Option<Holder>> {
        let path = self.lock_file(name)?;
        let shown = path.clone();
        match self.blocking("journal.break_lock", shown, move || lock::state_of(&path)).await? {
            lock::LockState::Free => Ok(None),
            lock::LockState::Held(holder) => {
                let who =
                    holder.map_or_else(|| "a process that cannot be named".to_owned(), |h| h.to_string());
                Err(Error::new(ErrorKind::Claimed, format!("the lock is held by {who}, which is alive"))
                    .with_component(Component::Journal)
                    .with_operation("journal.break_lock")
                    .with_subject(name)
                    .with_advice("end that process; its lock ends with it"))
            }
        }
    }
}

/// Runs blocking file work on tokio's threads for it, and turns its failure into an error that says what to do.
async fn blocking<T: Send + 'static>(
    operation: &'static str,
    path: PathBuf,
    patience: Duration,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::time::timeout(patience, tokio::task::spawn_blocking(work)).await {
        Err(_) => Err(advice::hangs(operation, &path, patience)),
        Ok(Ok(Ok(value))) => Ok(value),
        Ok(Ok(Err(cause))) => Err(advice::explain(operation, &path, cause)),
        Ok(Err(cause)) => Err(Error::new(ErrorKind::Internal, "the file work of the journal did not end")
            .with_component(Component::Journal)
            .with_operation(operation)
            .with_subject(path.display())
            .with_source(cause)),
    }
}
