//! A lock made of nothing but conditional puts and lists, for stores that have no better one.
//!
//! Holders are numbered. `locks/<name>/00000003` says who the third is, `locks/<name>/00000003.released` that it is
//! over. Number n+1 may be put only when n is released, and a conditional put lets one of many succeed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use camunda_backup_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::{Holder, Journal, Key, Lock, LockGuard, Put, seal};

/// The newest holder's number and whether it has given the lock back.
struct Newest {
    number: u64,
    released: bool,
}

pub(super) async fn lock<J: Journal + ?Sized>(journal: &J, name: &str, holder: &Holder) -> Result<Lock> {
    let number = match newest(journal, name).await? {
        Some(Newest { number, released: false }) => return held(journal, name, number).await,
        Some(Newest { number, released: true }) => number + 1,
        None => 1,
    };
    let body = seal::seal(&Holding { holder: holder.clone(), attempt: attempt() })?;
    let ours = Lock::Acquired(LockGuard::until_put(released_key(name, number)?, body.clone()));
    let mut unanswered = None;
    for _ in 0..TRIES {
        match journal.put_new(&holder_key(name, number)?, body.clone()).await {
            Ok(Put::Written) => return Ok(ours),
            // An earlier try of ours may have arrived although nobody said so. What is stored decides: to release a
            // number that we do not know to be ours could take the lock from somebody.
            Ok(Put::Exists) if journal.read(&holder_key(name, number)?).await? == body => return Ok(ours),
            Ok(Put::Exists) => return held(journal, name, number).await,
            Err(error) => unanswered = Some(error),
        }
    }
    Err(unanswered
        .unwrap_or_else(|| Error::new(ErrorKind::Journal, "the lock was not answered"))
        .with_advice("if the lock is held by this very process afterwards, call break_lock"))
}

/// How often an unanswered put is sent again.
const TRIES: u32 = 3;

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
        Some(Newest { number, released: false }) => {
            let holder = read_holder(journal, name, number).await?;
            let why = seal::seal(&"broken by an operator")?;
            journal.put_new(&released_key(name, number)?, why).await?;
            Ok(holder)
        }
        _ => Ok(None),
    }
}

async fn newest<J: Journal + ?Sized>(journal: &J, name: &str) -> Result<Option<Newest>> {
    let keys = journal.list(&format!("locks/{name}")).await?;
    let number_of = |key: &Key| key.segments().nth(2)?.split('.').next()?.parse::<u64>().ok();
    let Some(number) = keys.iter().filter_map(number_of).max() else { return Ok(None) };
    let released = keys.contains(&released_key(name, number)?);
    Ok(Some(Newest { number, released }))
}

async fn held<J: Journal + ?Sized>(journal: &J, name: &str, number: u64) -> Result<Lock> {
    Ok(Lock::Held(read_holder(journal, name, number).await?))
}

/// Who number `number` is; `None` if that cannot be made out of what is stored.
async fn read_holder<J: Journal + ?Sized>(journal: &J, name: &str, number: u64) -> Result<Option<Holder>> {
    let body: Bytes = journal.read(&holder_key(name, number)?).await?;
    Ok(seal::unseal(&body).ok())
}

fn holder_key(name: &str, number: u64) -> Result<Key> {
    Key::new(format!("locks/{name}/{number:08}"))
}

fn released_key(name: &str, number: u64) -> Result<Key> {
    Key::new(format!("locks/{name}/{number:08}.released"))
}
