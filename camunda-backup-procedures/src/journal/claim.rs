//! One run per cluster: a lock, and a fencing token that outlives it.

use std::collections::BTreeMap;
use std::sync::Arc;

use camunda_backup_core::{Component, Error, ErrorKind, Result, Timestamp};
use serde::{Deserialize, Serialize};

use super::history::{RunHistory, histories};
use super::record::FORMAT;
use super::{Holder, Journal, Key, Lock, LockGuard, Put, checksum};

/// How often the next token is tried. Only a holder whose lock was broken can be in the way.
const TOKEN_TRIES: u32 = 16;

/// The exclusive right to run procedures on a cluster.
///
/// # Guarantees
/// At most one claim of a cluster is alive in all processes that share the journal, as far as its lock can tell.
/// Its token is higher than that of every claim before it, so what an earlier holder still writes is recognised.
///
/// # Cancellation
/// Dropping a claim gives the lock back where dropping can (see [`LockGuard`]). The claim stays on record as not
/// released, and the next one reports it as an [`Orphan`].
#[derive(Debug)]
#[must_use = "a dropped claim protects nothing"]
pub struct Claim {
    journal: Arc<dyn Journal>,
    cluster: String,
    holder: Holder,
    guard: LockGuard,
    orphans: Vec<Orphan>,
}

/// An earlier claim that was never released: its process died, or could not write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Orphan {
    /// Its fencing token, as in the records that it wrote.
    pub token: u64,
    /// Who it was; `None` if its record is damaged.
    pub holder: Option<Holder>,
}

/// What is stored about a claim and about its end.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    format: u32,
    cluster: String,
    holder: Holder,
}

/// Claims a cluster, without waiting for a holder that lives.
///
/// It answers at once with a lock of the operating system. With one made of puts and lists it takes as long as
/// [`Journal::lock`] says: some ten seconds until the holder is seen to live, about a minute until it is seen to be gone.
///
/// `cluster` is the name that all processes use for it, one segment of a [`Key`]; `holder_name` is what others are
/// told, such as `camunda-backup`.
///
/// # Errors
/// [`ErrorKind::Claimed`] if somebody else holds it, with name, host, process id and start time;
/// [`ErrorKind::Journal`] if the journal fails. Nothing is held then.
pub async fn claim(
    journal: Arc<dyn Journal>,
    cluster: &str,
    holder_name: &str,
    now: Timestamp,
) -> Result<Claim> {
    check_cluster(cluster)?;
    let mut holder = Holder::this_process(holder_name, now);
    let guard = locked(&journal, cluster, &holder).await?;
    match take_token(&*journal, cluster, &mut holder).await {
        Ok(orphans) => Ok(Claim { journal, cluster: cluster.to_owned(), holder, guard, orphans }),
        Err(error) => {
            // The first error says why there is no claim; a lock that cannot be given back will say so itself.
            let _ = journal.unlock(guard).await;
            Err(error)
        }
    }
}

/// The lock of a claim without its record, for a journal that takes none (a full disk). What is done under it is seen by
/// nobody later, so it must be what may be done twice.
pub(crate) async fn lock_only(
    journal: &Arc<dyn Journal>,
    cluster: &str,
    holder_name: &str,
    now: Timestamp,
) -> Result<LockGuard> {
    check_cluster(cluster)?;
    locked(journal, cluster, &Holder::this_process(holder_name, now)).await
}

async fn locked(journal: &Arc<dyn Journal>, cluster: &str, holder: &Holder) -> Result<LockGuard> {
    match journal.lock(cluster, holder).await? {
        Lock::Acquired(mut guard) => {
            guard.keep_alive(Arc::clone(journal));
            Ok(guard)
        }
        Lock::Held(other) => Err(held(cluster, other.as_ref())),
    }
}

/// The claims of a cluster that were not given back, oldest first: that of a run that is under way, and those of processes
/// that died. Reads only, and needs no lock; it cannot tell one from the other, [`claim`] can.
///
/// # Errors
/// [`ErrorKind::Journal`] if the journal cannot be listed.
pub async fn open_claims(journal: &dyn Journal, cluster: &str) -> Result<Vec<Orphan>> {
    check_cluster(cluster)?;
    let claims = claims_of(journal, cluster).await?;
    orphans_of(journal, cluster, claims).await
}

impl Claim {
    /// The fencing token: greater than that of every earlier claim of the cluster.
    pub fn token(&self) -> u64 {
        self.holder.token
    }

    /// The cluster.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// What others are told about us.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Earlier claims that were never released, oldest first. Their runs may still owe something.
    pub fn orphans(&self) -> &[Orphan] {
        &self.orphans
    }

    /// Records that an orphan's runs owe nothing any more, so that no later claim reports it.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`] if that could not be recorded; the orphan is then reported again.
    pub async fn settle(&mut self, token: u64) -> Result<()> {
        let Some(place) = self.orphans.iter().position(|orphan| orphan.token == token) else { return Ok(()) };
        // Who settled it, not who left it: the claim itself says that.
        self.put_released(token).await?;
        self.orphans.remove(place);
        Ok(())
    }

    /// Gives the cluster back: records the release, then releases the lock.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`] if the release could not be recorded. The lock is released nevertheless, and the next
    /// claim reports this one as an orphan.
    pub async fn release(self) -> Result<()> {
        let recorded = self.put_released(self.holder.token).await;
        let unlocked = self.journal.unlock(self.guard).await;
        recorded.and(unlocked)
    }

    async fn put_released(&self, token: u64) -> Result<()> {
        let key = released_key(&self.cluster, token)?;
        // `Exists` is as good: released is released.
        self.journal.put_new(&key, entry(&self.cluster, &self.holder)?).await.map(|_| ())
    }
}

/// Takes the next token and returns the claims that were never released.
async fn take_token(journal: &dyn Journal, cluster: &str, holder: &mut Holder) -> Result<Vec<Orphan>> {
    for _ in 0..TOKEN_TRIES {
        let claims = claims_of(journal, cluster).await?;
        holder.token = match claims.keys().last() {
            Some(last) => last + 1,
            // Lost or expired: whoever has written to a run had a token, too.
            None => tokens_in_runs(journal, cluster).await? + 1,
        };
        let put = journal.put_new(&claim_key(cluster, holder.token)?, entry(cluster, holder)?).await?;
        // A number may be free because others have gone past it and removed what was over.
        if put == Put::Written && newest_token(journal, cluster).await? == holder.token {
            return orphans_of(journal, cluster, claims).await;
        }
    }
    Err(held(cluster, None))
}

/// Every token that was ever taken, and whether its claim was released.
pub(super) async fn claims_of(journal: &dyn Journal, cluster: &str) -> Result<BTreeMap<u64, bool>> {
    let mut claims = BTreeMap::new();
    for key in journal.list(&format!("claims/{cluster}")).await? {
        let name = key.segments().nth(2).and_then(|name| name.strip_suffix(".json"));
        let Some(name) = name.filter(|_| key.segments().count() == 3) else { continue };
        let (number, released) =
            name.strip_suffix(".released").map_or((name, false), |number| (number, true));
        if let Some(token) = number.parse().ok().filter(|token| *token < u64::MAX) {
            *claims.entry(token).or_default() |= released;
        }
    }
    Ok(claims)
}

/// The highest token that was taken; 0 if there is none.
pub(super) async fn newest_token(journal: &dyn Journal, cluster: &str) -> Result<u64> {
    Ok(claims_of(journal, cluster).await?.keys().last().copied().unwrap_or_default())
}

async fn tokens_in_runs(journal: &dyn Journal, cluster: &str) -> Result<u64> {
    let runs = histories(journal, cluster).await?;
    // What could not be read may have the highest token.
    if let Some(run) = runs.iter().find(|run| !run.unread.is_empty()) {
        run.understood()?;
    }
    Ok(runs.iter().map(RunHistory::highest_token).max().unwrap_or_default())
}

async fn orphans_of(
    journal: &dyn Journal,
    cluster: &str,
    claims: BTreeMap<u64, bool>,
) -> Result<Vec<Orphan>> {
    let mut orphans = Vec::new();
    for (token, _) in claims.into_iter().filter(|(_, released)| !released) {
        let body = journal.read(&claim_key(cluster, token)?).await;
        let holder =
            body.ok().and_then(|body| checksum::decode::<Entry>(&body).ok()).map(|entry| entry.holder);
        orphans.push(Orphan { token, holder });
    }
    Ok(orphans)
}

fn entry(cluster: &str, holder: &Holder) -> Result<bytes::Bytes> {
    checksum::encode(&Entry { format: FORMAT, cluster: cluster.to_owned(), holder: holder.clone() })
}

pub(super) fn claim_key(cluster: &str, token: u64) -> Result<Key> {
    Key::new(format!("claims/{cluster}/{token:08}.json"))
}

pub(super) fn released_key(cluster: &str, token: u64) -> Result<Key> {
    Key::new(format!("claims/{cluster}/{token:08}.released.json"))
}

/// Refuses a cluster name that is not one segment of a key.
pub(super) fn check_cluster(cluster: &str) -> Result<()> {
    if super::key::is_segment(cluster) {
        return Ok(());
    }
    let shown = camunda_backup_core::text::one_line(cluster);
    let message = format!("{shown:?} cannot name a cluster in the journal");
    let advice = "use only a-z, 0-9, '.', '_' and '-', at most 128 of them, with no dot at either end";
    Err(Error::new(ErrorKind::InvalidInput, message).with_component(Component::Journal).with_advice(advice))
}

fn held(cluster: &str, holder: Option<&Holder>) -> Error {
    let who = holder.map_or_else(|| "a process that cannot be named".to_owned(), ToString::to_string);
    Error::new(ErrorKind::Claimed, format!("already claimed by {who}"))
        .with_component(Component::Journal)
        .with_operation("journal.claim")
        .with_subject(cluster)
        .with_advice(
            "wait until that run ends, or cancel it there. A process that died holds nothing for longer than about a \
             minute; if this stays, look for the process that is named",
        )
}
