//! The durable memory of runs: what was begun, what is owed, and who may write about it.
//!
//! A process that paused exporting may die a microsecond later. The journal is how the next process knows. It has
//! two layers:
//!
//! * [`Journal`], the store: put-if-absent, list, read, lock. [`FileJournal`] is a directory, [`MemoryJournal`] is
//!   for tests and for callers who accept to lose it; a store of your own needs three methods.
//! * what is written once for every store: [`RunLog`] (the append-only records of one run), [`histories`] (what past
//!   runs left behind) and [`claim`] (one run per cluster, with the holder's name and a fencing token).
//!
//! # Keys
//! ```text
//! runs/<cluster>/<run>/00000001.json          one record each, in order, never changed
//! runs/<cluster>/<run>/removing.json          the run is over and is being removed
//! claims/<cluster>/00000007.json              who took the cluster with fencing token 7
//! claims/<cluster>/00000007.released.json     and that it was given back
//! ids/<backup id>.json                        which run of which cluster took an id
//! reports/<cluster>/<run>.json                the report of a run that has ended
//! ```
//! Every one of these is two lines of JSON: the content, readable by a person, and a checksum over it.
//! The library never overwrites one, so there is no state in which a reader sees half a change. What is over it removes,
//! where the store can: claims that were given back, and old runs that owe nothing (`ClusterConfig::retention`).

use std::any::Any;
use std::fmt::{self, Debug};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use camunda_backup_core::Result;

mod checksum;
mod claim;
mod file;
mod history;
mod holder;
mod key;
mod memory;
mod put_list_lock;
mod reading;
mod record;
mod removal;
mod run_log;
#[cfg(test)]
mod tests;
mod timeout;

pub(crate) use claim::lock_only;
pub use claim::{Claim, Orphan, claim, open_claims};
pub use file::FileJournal;
pub(crate) use history::run_names;
pub use history::{Damage, RunHistory, Takeover, Unread, histories, history};
pub use holder::Holder;
pub use key::Key;
pub use memory::MemoryJournal;
#[cfg(any(test, feature = "testing"))]
pub use memory::PutFault;
use put_list_lock::Beats;
pub use record::{Record, RunId};
pub(crate) use removal::{finish_removals, remove_claims, remove_run, report_key};
pub use run_log::RunLog;
pub(crate) use timeout::Bounded;

/// The largest body that a journal has to take, in bytes: 16 MiB. Readers refuse longer ones instead of loading them.
pub const MAX_BODY: usize = 16 * 1024 * 1024;

/// What became of [`Journal::put_new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The body is stored under the key and survives a power cut.
    Written,
    /// Something is stored under the key already; it was not touched.
    Exists,
}

/// What became of [`Journal::lock`].
#[derive(Debug)]
pub enum Lock {
    /// The lock is ours until the guard goes.
    Acquired(LockGuard),
    /// Somebody else has it; who, if that can be read.
    Held(Option<Holder>),
}

/// What became of [`Journal::remove`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Nothing is stored under the key, and that survives a power cut.
    Gone,
    /// This store removes nothing.
    Unsupported,
}

/// An exclusive lock. Give it back with [`Journal::unlock`].
///
/// Dropping it is enough for [`FileJournal`] and [`MemoryJournal`]. A lock made of puts and lists stays held when it
/// is dropped, because dropping cannot write; others take it over when its beats have stopped.
#[must_use = "a dropped guard gives the lock back, or leaves it held until others see that its beats have stopped"]
pub struct LockGuard {
    resource: Option<Box<dyn Any + Send + Sync>>,
    release: Option<(Key, Bytes)>,
    beats: Option<Beats>,
    /// Ends with the guard.
    beating: Option<AbortOnDrop>,
}

impl LockGuard {
    /// A lock that is held as long as `resource` lives, such as an open, locked file or a session.
    pub fn until_dropped(resource: impl Any + Send + Sync) -> Self {
        Self { resource: Some(Box::new(resource)), release: None, beats: None, beating: None }
    }

    /// A lock that is given back by storing `body` under `key`.
    pub fn until_put(key: Key, body: Bytes) -> Self {
        Self { resource: None, release: Some((key, body)), beats: None, beating: None }
    }

    /// Shows others in the background that the holder lives, until the guard is given back or dropped. Does nothing for
    /// a lock that needs no such sign.
    ///
    /// [`claim`] calls this. Whoever takes a lock made of puts and lists without a claim calls it at once, from within a
    /// tokio runtime: without it, others take the lock over after a minute.
    pub fn keep_alive(&mut self, journal: Arc<dyn Journal>) {
        if let Some(beats) = self.beats.take() {
            self.beating = Some(AbortOnDrop(tokio::spawn(beats.go_on(journal))));
        }
    }

    /// What is held, if it is of this type.
    fn into_resource<T: 'static>(self) -> Option<T> {
        self.resource.and_then(|resource| resource.downcast().ok()).map(|resource| *resource)
    }
}

/// A task that ends when this is dropped.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.release.as_ref().map(|(key, _)| key);
        f.debug_struct("LockGuard")
            .field("resource", &self.resource.is_some())
            .field("release", &key)
            .field("beats", &self.beating.is_some())
            .finish()
    }
}

/// A durable store of small bodies under keys, each written once and never changed.
///
/// # Guarantees that an implementation gives
/// * **Durable**: when [`put_new`](Self::put_new) returns [`Put::Written`], the body survives the death of the
///   process and a power cut. The engine sends nothing that must be undone before it has this answer.
/// * **Exclusive**: of any number of concurrent `put_new` for one key, at most one returns `Written`, whichever
///   process or host they come from. All fencing rests on this.
/// * **Whole or absent**, as far as the store can: a reader sees the whole body or no key. A torn body is detected
///   by the checksum inside it and reported, so a store that can tear (a plain file system) is good enough.
/// * **Read your writes**: a key for which `put_new` has returned `Written` or `Exists` is listed and readable by every
///   process from then on.
///
/// An implementation never retries a put whose outcome is unknown as if nothing had happened: it returns the error
/// (with [`Outcome::Unknown`](camunda_backup_core::Outcome::Unknown)); [`RunLog`] finds out what became of it.
///
/// # Over an object store
/// Three methods are enough; the lock comes with the trait.
/// * `put_new`: `PUT` with the header `If-None-Match: *` (S3, Azure Blob) or `x-goog-if-generation-match: 0` (GCS).
///   200 or 201 is `Written`; 412 (and S3's 409 `ConditionalRequestConflict` **after a read shows the key**) is
///   `Exists`; no answer is an error with the outcome unknown.
/// * `list`: list objects with the prefix `<prefix>/`, follow every continuation page, sort. It must be strongly
///   consistent, as S3, GCS and Azure Blob are.
/// * `read`: `GET`, refusing more than [`MAX_BODY`] bytes.
/// * `remove`: `DELETE`. Without it everything works, and the journal grows.
/// * `lock`: leave the default. It numbers the holders `locks/<name>/<n>` and ends each with
///   `locks/<name>/<n>.released`. While it lives, a holder stores `locks/<name>/<n>.beat.<k>` every ten seconds. Whoever
///   wants the lock looks every two seconds: a new beat means that the holder lives, and the answer is [`Lock::Held`], after
///   ten seconds as a rule. A holder without a new beat for a minute of the observer's own clock is gone; it is ended, and
///   the observer has the lock, behind a higher fencing token. So `lock` may take somewhat more than a minute. No wall
///   clock is compared with another. A store with leases or sessions overrides `lock` with one that ends with its
///   holder.
/// * Versioning, lifecycle and retention rules of the bucket must not delete keys younger than the oldest backup that
///   you may want to explain; anything older may go, run by run. Keys below `locks/` may go after a month.
///
/// ```
/// # use camunda_backup_procedures as camunda_backup;
/// use std::collections::BTreeMap;
/// use std::sync::{Arc, Mutex};
///
/// use bytes::Bytes;
/// use camunda_backup::journal::{Journal, Key, Put};
/// use camunda_backup::testing::{SimulatedCluster, StoreKind};
/// use camunda_backup::{BackupSpec, Cluster, ConnectOptions, Verdict};
/// use camunda_backup_core::{Error, ErrorKind, Result};
///
/// /// Stands for a bucket; a real one is shared, and survives the process.
/// #[derive(Debug, Default)]
/// struct Bucket(Mutex<BTreeMap<Key, Bytes>>);
///
/// #[async_trait::async_trait]
/// impl Journal for Bucket {
///     async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
///         let mut objects = self.0.lock().unwrap();
///         if objects.contains_key(key) {
///             return Ok(Put::Exists); // 412 Precondition Failed
///         }
///         objects.insert(key.clone(), body);
///         Ok(Put::Written)
///     }
///
///     async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
///         let objects = self.0.lock().unwrap();
///         Ok(objects.keys().filter(|key| prefix.is_empty() || key.is_below(prefix)).cloned().collect())
///     }
///
///     async fn read(&self, key: &Key) -> Result<Bytes> {
///         let found = self.0.lock().unwrap().get(key).cloned();
///         found.ok_or_else(|| Error::new(ErrorKind::NotFound, "nothing is stored there").with_subject(key))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> std::result::Result<(), camunda_backup::Failure> {
/// let simulated = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8)?;
/// tokio::time::sleep(std::time::Duration::from_secs(10)).await;
/// let mut options: ConnectOptions = simulated.connect_options();
/// options.journal = Some(Arc::new(Bucket::default()));
/// let cluster = Cluster::connect_with(simulated.config()?, options).await?;
/// let report = cluster.run(cluster.plan_backup(BackupSpec::default())?).await?;
/// assert_eq!(report.verdict, Verdict::Proven);
/// # Ok(())
/// # }
/// ```
///
/// # Cancellation
/// Dropping a `put_new` leaves its outcome unknown, like a lost answer.
#[async_trait]
pub trait Journal: Debug + Send + Sync {
    /// Stores `body` under `key` if nothing is there.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`](camunda_backup_core::ErrorKind::Journal), naming the place, the operation and what to do next. The body may or may not be stored.
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put>;

    /// All keys below `prefix`, sorted.
    ///
    /// `prefix` is whole segments without a `/` at the end: `runs/a` lists `runs/a/…`, not `runs/ab/…`. The empty
    /// prefix lists everything. What is stored beside the journal's keys and cannot be a [`Key`] is left out.
    async fn list(&self, prefix: &str) -> Result<Vec<Key>>;

    /// The body under `key`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](camunda_backup_core::ErrorKind::NotFound) if there is none,
    /// [`ErrorKind::BodyTooLarge`](camunda_backup_core::ErrorKind::BodyTooLarge) if it is longer than [`MAX_BODY`], which is
    /// damage. Any other error means that the body may well be intact: nothing is concluded from it.
    async fn read(&self, key: &Key) -> Result<Bytes>;

    /// Removes what is stored under `key`. It is no error if there is nothing.
    ///
    /// The library removes only what is over: claims that were given back, old runs that owe nothing, old beats. When
    /// this returns [`Removal::Gone`], the key stays away, also after a power cut, and so do all keys that were removed
    /// before it. The default removes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`](camunda_backup_core::ErrorKind::Journal). The body may or may not be stored still.
    async fn remove(&self, key: &Key) -> Result<Removal> {
        let _ = key;
        Ok(Removal::Unsupported)
    }

    /// Tries to take the lock `name` for as long as the guard lives. Never waits until a living holder gives it back.
    ///
    /// Taking it twice is refused in the same process too. `holder` is what others are told.
    ///
    /// # Guarantees
    /// [`FileJournal`] and [`MemoryJournal`] release it when the holder dies, and answer at once. The default, made of
    /// `put_new` and `list`, looks whether the holder lives, for a minute at most: see the trait. It needs
    /// [`LockGuard::keep_alive`].
    ///
    /// # Cancellation
    /// A dropped future of the default may leave the lock held, until others see that it has no beats.
    async fn lock(&self, name: &str, holder: &Holder) -> Result<Lock> {
        put_list_lock::lock(self, name, holder).await
    }

    /// Gives a lock back.
    async fn unlock(&self, mut guard: LockGuard) -> Result<()> {
        guard.beating = None;
        if let Some((key, body)) = guard.release {
            self.put_new(&key, body).await?;
        }
        drop(guard.resource);
        Ok(())
    }

    /// Ends the lock `name` although its holder has not given it back, and returns who that was.
    ///
    /// Only for a holder that is certainly dead, and only to save the minute after which `lock` does the same. If it is
    /// not dead, the fencing tokens still stop it from writing to the
    /// journal, but not from sending requests to the cluster.
    ///
    /// # Errors
    /// [`ErrorKind::Claimed`](camunda_backup_core::ErrorKind::Claimed) if the store knows that the holder lives.
    async fn break_lock(&self, name: &str) -> Result<Option<Holder>> {
        put_list_lock::break_lock(self, name).await
    }
}

#[async_trait]
impl<J: Journal + ?Sized> Journal for Arc<J> {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        (**self).put_new(key, body).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        (**self).list(prefix).await
    }
    async fn read(&self, key: &Key) -> Result<Bytes> {
        (**self).read(key).await
    }
    async fn remove(&self, key: &Key) -> Result<Removal> {
        (**self).remove(key).await
    }
    async fn lock(&self, name: &str, holder: &Holder) -> Result<Lock> {
        (**self).lock(name, holder).await
    }
    async fn unlock(&self, guard: LockGuard) -> Result<()> {
        (**self).unlock(guard).await
    }
    async fn break_lock(&self, name: &str) -> Result<Option<Holder>> {
        (**self).break_lock(name).await
    }
}
