//! A lock made of nothing but conditional puts and lists, for stores that have no better one.
//!
//! Holders are numbered. `locks/<name>/00000003` says who the third is, `locks/<name>/00000003.released` that it is
//! over. Number n+1 may be put only when n is released, and a conditional put lets one of many succeed.

use bytes::Bytes;
use camunda_backup_core::Result;

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
    let body = seal::seal(holder)?;
    match journal.put_new(&holder_key(name, number)?, body.clone()).await {
        Ok(Put::Written) => Ok(Lock::Acquired(LockGuard::until_put(released_key(name, number)?, body))),
        Ok(Put::Exists) => held(journal, name, number).await,
        Err(error) => {
            // The put may have arrived, or may arrive yet; either way this number must not be held by nobody.
            let _ = journal.put_new(&released_key(name, number)?, body).await;
            Err(error)
        }
    }
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
