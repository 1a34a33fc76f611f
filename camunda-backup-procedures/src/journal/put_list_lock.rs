//! A lock made of nothing but conditional puts and lists, for stores that have no better one.
//!
//! Holders are numbered. `locks/<name>/00000003` says who the third is, `locks/<name>/00000003.beat.00000007` that it was
//! alive seven beats after it came, `locks/<name>/00000003.released` that it is over. Number n+1 may be put only when n is
//! released, and a conditional put lets one of many succeed. An observer that sees no new beat for long enough on its own
//! clock releases the number itself; what the old holder still writes is refused by the fencing tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use camunda_backup_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Holder, Journal, Key, Lock, LockGuard, Put, Removal, checksum};

/// How often a holder shows that it lives.
const BEAT: Duration = Duration::from_secs(10);
/// How often an observer looks for a new beat.
const LOOK: Duration = Duration::from_secs(2);
/// How long a holder may be without a new beat.
const TIME_TO_LIVE: Duration = Duration::from_secs(60);
/// How often an observer has looked at least before a holder is gone: one that was suspended itself has seen nothing.
const LOOKS: u32 = 10;
/// How long a call of [`lock`] watches a holder of a store that answers within seconds.
pub(super) const LONGEST_WATCH: Duration = Duration::from_secs(70);
/// How often an unanswered put is sent again.
const TRIES: u32 = 3;

/// The newest holder's number, its last beat, and whether it is over.
#[derive(Debug, PartialEq, Eq)]
struct Newest {
    number: u64,
    beat: u64,
    released: bool,
}

pub(super) async fn lock<J: Journal + ?Sized>(journal: &J, name: &str, holder: &Holder) -> Result<Lock> {
    let number = match newest(journal, name).await? {
        Some(held @ Newest { released: false, .. }) => match watch(journal, name, held).await? {
            Watched::Over(number) => number + 1,
            Watched::Alive(number) => return Ok(held_by(journal, name, number).await),
        },
        Some(Newest { number, .. }) => number + 1,
        None => 1,
    };
    let body = checksum::encode(&Holding { holder: holder.clone(), attempt: attempt() })?;
    let mut unanswered = None;
    for _ in 0..TRIES {
        match journal.put_new(&holder_key(name, number)?, body.clone()).await {
            Ok(Put::Written) => return taken(journal, name, number, body).await,
            // An earlier try of ours may have arrived although nobody said so. What is stored decides: to release a
            // number that we do not know to be ours could take the lock from somebody.
            Ok(Put::Exists) if journal.read(&holder_key(name, number)?).await? == body => {
                return taken(journal, name, number, body).await;
            }
            Ok(Put::Exists) => return Ok(held_by(journal, name, number).await),
            Err(error) => unanswered = Some(error),
        }
    }
    Err(unanswered.unwrap_or_else(|| Error::new(ErrorKind::Journal, "the lock was not answered")))
}

/// The number is stored as ours. It is the lock unless others have gone on and removed what they found below theirs.
async fn taken<J: Journal + ?Sized>(journal: &J, name: &str, number: u64, body: Bytes) -> Result<Lock> {
    let keys = journal.list(&prefix(name)).await?;
    let newest = keys.iter().filter_map(number_of).max().unwrap_or(number);
    if newest > number {
        journal.remove(&holder_key(name, number)?).await?;
        return Ok(held_by(journal, name, newest).await);
    }
    for key in keys.iter().filter(|key| number_of(key).is_some_and(|other| other < number)) {
        // What is left is removed by the next holder.
        if !matches!(journal.remove(key).await, Ok(Removal::Gone)) {
            break;
        }
    }
    let mut guard = LockGuard::until_put(released_key(name, number)?, body);
    guard.beats = Some(Beats { name: name.to_owned(), number });
    Ok(Lock::Acquired(guard))
}

/// What an observer found out about a holder.
enum Watched {
    /// Released, by itself or by us because it is gone.
    Over(u64),
    Alive(u64),
}

async fn watch<J: Journal + ?Sized>(journal: &J, name: &str, first: Newest) -> Result<Watched> {
    let (since, mut looks) = (Instant::now(), 0);
    while looks < LOOKS || since.elapsed() < TIME_TO_LIVE {
        tokio::time::sleep(LOOK).await;
        looks += 1;
        match newest(journal, name).await? {
            Some(now) if now == first => {}
            Some(Newest { number, released: true, .. }) => return Ok(Watched::Over(number)),
            Some(Newest { number, .. }) => return Ok(Watched::Alive(number)),
            None => return Ok(Watched::Over(first.number)),
        }
    }
    let number = first.number;
    let holder = read_holder(journal, name, number).await;
    tracing::warn!(lock = name, ?holder, "the holder of this lock shows no sign of life; it is taken over");
    journal.put_new(&released_key(name, number)?, checksum::encode(&"taken over: no beat")?).await?;
    Ok(Watched::Over(number))
}

/// The signs of life of a holder.
pub(super) struct Beats {
    name: String,
    number: u64,
}

impl Beats {
    /// One beat after the other, until the lock is over.
    pub(super) async fn go_on(self, journal: Arc<dyn Journal>) {
        let mut beats = 0;
        loop {
            tokio::time::sleep(BEAT).await;
            beats += 1;
            // A beat that the store did not take in time is followed by the next one.
            match tokio::time::timeout(BEAT, self.beat(&*journal, beats)).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => {
                    tracing::error!(lock = self.name, "another process has taken this lock over");
                    return;
                }
                Ok(Err(error)) => tracing::warn!(lock = self.name, %error, "a beat could not be stored"),
                Err(_) => tracing::warn!(lock = self.name, "a beat was not stored in time"),
            }
        }
    }

    /// Stores one beat and removes the one before. Says whether the lock is still ours.
    async fn beat(&self, journal: &dyn Journal, beat: u64) -> Result<bool> {
        match journal.read(&released_key(&self.name, self.number)?).await {
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        journal.put_new(&beat_key(&self.name, self.number, beat)?, Bytes::new()).await?;
        if beat > 1 {
            journal.remove(&beat_key(&self.name, self.number, beat - 1)?).await?;
        }
        Ok(true)
    }
}

/// What is stored about a holder.
#[derive(Debug, Serialize, Deserialize)]
struct Holding {
    #[serde(flatten)]
    holder: Holder,
    /// Tells two attempts of one process in one millisecond apart.
    attempt: String,
}

fn attempt() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{nanos}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(super) async fn break_lock<J: Journal + ?Sized>(journal: &J, name: &str) -> Result<Option<Holder>> {
    match newest(journal, name).await? {
        Some(Newest { number, released: false, .. }) => {
            let holder = read_holder(journal, name, number).await;
            let why = checksum::encode(&"broken by an operator")?;
            journal.put_new(&released_key(name, number)?, why).await?;
            Ok(holder)
        }
        _ => Ok(None),
    }
}

async fn newest<J: Journal + ?Sized>(journal: &J, name: &str) -> Result<Option<Newest>> {
    let keys = journal.list(&prefix(name)).await?;
    let Some(number) = keys.iter().filter_map(number_of).max() else { return Ok(None) };
    let ours = keys.iter().filter(|key| number_of(key) == Some(number));
    let beat = ours.filter_map(beat_of).max().unwrap_or_default();
    let released = keys.contains(&released_key(name, number)?);
    Ok(Some(Newest { number, beat, released }))
}

async fn held_by<J: Journal + ?Sized>(journal: &J, name: &str, number: u64) -> Lock {
    Lock::Held(read_holder(journal, name, number).await)
}

/// Who number `number` is; `None` if that cannot be read, or made out of what is stored.
async fn read_holder<J: Journal + ?Sized>(journal: &J, name: &str, number: u64) -> Option<Holder> {
    let body = journal.read(&holder_key(name, number).ok()?).await.ok()?;
    checksum::decode(&body).ok()
}

fn prefix(name: &str) -> String {
    format!("locks/{name}")
}

fn number_of(key: &Key) -> Option<u64> {
    let number = key.segments().nth(2)?.split('.').next()?.parse().ok();
    number.filter(|number| *number < u64::MAX)
}

fn beat_of(key: &Key) -> Option<u64> {
    key.segments().nth(2)?.split_once(".beat.")?.1.parse().ok()
}

fn holder_key(name: &str, number: u64) -> Result<Key> {
    Key::new(format!("locks/{name}/{number:08}"))
}

fn beat_key(name: &str, number: u64, beat: u64) -> Result<Key> {
    Key::new(format!("locks/{name}/{number:08}.beat.{beat:08}"))
}

fn released_key(name: &str, number: u64) -> Result<Key> {
    Key::new(format!("locks/{name}/{number:08}.released"))
}
