//! A journal in a directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use camunda_backup_core::{Component, Error, ErrorKind, Outcome, Result};

use super::claim::check_cluster;
use super::{Holder, Journal, Key, Lock, LockGuard, MAX_BODY, Put};
use store::Store;

mod advice;
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
/// The files can be read with `cat` and `jq`, copied, and archived. Runs that owe nothing any more may be deleted,
/// whole directories at a time; files of others are left alone ([`FileJournal::strangers`] lists them).
///
/// # Guarantees
/// * A body is written to a temporary file, synced, linked to its name (which fails if the name is taken), and every
///   directory above it is synced. So a file under its own name is whole, also after a power cut. On file systems
///   without hard links (some network shares) it is written in place instead, and a crash can leave a torn file,
///   which its checksum shows.
/// * A lock is an advisory lock of the operating system: it ends when its process does, however that happens. It
///   holds between processes and within one, and between hosts as far as the file system carries locks over (`NFSv4`
///   does). Nobody may delete lock files while something runs.
///
/// # Cancellation
/// A dropped future does not stop the write that it began.
#[derive(Debug, Clone)]
pub struct FileJournal {
    store: Arc<Store>,
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
        let store = blocking("journal.open", shown, move || {
            let store = Store::open(&dir)?;
            tidy::remove_leftovers(&store)?;
            Ok(store)
        });
        Ok(Self { store: Arc::new(store.await?) })
    }

    /// Opens a journal that exists and takes nothing more (a full disk), to read what is owed.
    pub(crate) async fn open_to_read(dir: &Path) -> Result<Self> {
        let (dir, shown) = (dir.to_path_buf(), dir.to_path_buf());
        let store = blocking("journal.open", shown, move || Store::open_to_read(&dir)).await?;
        Ok(Self { store: Arc::new(store) })
    }

    /// The same journal as if the file system had no hard links.
    #[cfg(test)]
    pub(super) async fn open_without_links(dir: &Path) -> Result<Self> {
        Self::open(dir).await?;
        let store = Store::open(dir).map_err(|cause| advice::explain("journal.open", dir, cause))?;
        Ok(Self { store: Arc::new(store.without_links()) })
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
        blocking("journal.list", dir, move || Ok(tidy::walk(&store, "")?.strangers)).await
    }

    fn lock_file(&self, name: &str) -> Result<PathBuf> {
        check_cluster(name)?;
        Ok(self.store.root().join("locks").join(format!("{name}.lock")))
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
        let put = blocking("journal.put", path.clone(), move || store.put_new(&path, &body));
        put.await.map_err(|error| error.with_outcome(Outcome::Unknown))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        let (store, prefix) = (Arc::clone(&self.store), prefix.trim_end_matches('/').to_owned());
        let found = blocking("journal.list", self.dir().join(&prefix), move || tidy::walk(&store, &prefix));
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
        match blocking("journal.read", shown, move || store::read(&path)).await? {
            Some(body) => Ok(body),
            None => Err(Error::new(ErrorKind::NotFound, "nothing is stored there")
                .with_component(Component::Journal)
                .with_operation("journal.read")
                .with_subject(self.store.path(key).display())),
        }
    }

    async fn lock(&self, name: &str, holder: &Holder) -> Result<Lock> {
        let (store, path, holder) = (Arc::clone(&self.store), self.lock_file(name)?, holder.clone());
        let tried = blocking("journal.lock", path.clone(), move || lock::try_lock(&store, &path, &holder));
        Ok(match tried.await? {
            lock::Tried::Ours(file) => Lock::Acquired(LockGuard::until_dropped(file)),
            lock::Tried::Theirs(holder) => Lock::Held(holder),
        })
    }

    /// Always refused while the lock is held: the operating system releases the lock of a dead process.
    async fn break_lock(&self, name: &str) -> Result<Option<Holder>> {
        let path = self.lock_file(name)?;
        let shown = path.clone();
        match blocking("journal.break_lock", shown, move || lock::standing(&path)).await? {
            lock::Standing::Free => Ok(None),
            lock::Standing::Held(holder) => {
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
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(cause)) => Err(advice::explain(operation, &path, cause)),
        Err(cause) => Err(Error::new(ErrorKind::Internal, "the file work of the journal did not end")
            .with_component(Component::Journal)
            .with_operation(operation)
            .with_subject(path.display())
            .with_source(cause)),
    }
}
