//! The lock made of puts and lists: a holder that lives is named, one that is gone is taken over and fenced.

use std::sync::Mutex;
use std::time::Duration;

use camunda_backup_core::ErrorKind;
use tokio::time::Instant;

use super::*;
use crate::journal::{Holder, Lock, PutFault, Removal, RunLog, claim};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Like [`PutAndList`], and it can remove.
#[derive(Debug, Clone, Default)]
struct Removing(MemoryJournal);

#[async_trait]
impl Journal for Removing {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        self.0.put_new(key, body).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        self.0.list(prefix).await
    }
    async fn read(&self, key: &Key) -> Result<Bytes> {
        self.0.read(key).await
    }
    async fn remove(&self, key: &Key) -> Result<Removal> {
        self.0.remove(key).await
    }
}

fn holder(name: &str) -> Holder {
    Holder::this_process(name, at(1))
}

/// What one process and another see of one store.
fn two_processes() -> (MemoryJournal, Arc<dyn Journal>, Arc<dyn Journal>) {
    let ours = MemoryJournal::new();
    let theirs = ours.another_process();
    (ours.clone(), Arc::new(PutAndList(ours)), Arc::new(PutAndList(theirs)))
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_lives_is_never_taken_over_and_named_within_seconds() {
    let (_, ours, theirs) = two_processes();
    let held = claim(ours, "c", "living", at(1)).await.unwrap();
    for _ in 0..100 {
        let began = Instant::now();
        let error = claim(Arc::clone(&theirs), "c", "other", at(2)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Claimed);
        assert!(error.to_string().contains("living in process"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(15), "it took {:?}", began.elapsed());
        tokio::time::sleep(Duration::from_secs(77)).await;
    }
    held.release().await.unwrap();
    claim(theirs, "c", "other", at(3)).await.unwrap().release().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_died_is_taken_over_after_a_minute_and_reported() {
    let (_, ours, theirs) = two_processes();
    let dead = claim(ours, "c", "dead", at(1)).await.unwrap();
    tokio::time::sleep(HOUR).await; // it has lived for a while
    drop(dead);
    let began = Instant::now();
    let heir = claim(Arc::clone(&theirs), "c", "heir", at(2)).await.unwrap();
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(60) && took < Duration::from_secs(70), "it took {took:?}");
    assert_eq!((heir.token(), heir.orphans()[0].token), (2, 1));
    // The heir shows that it lives, like every holder.
    assert_eq!(claim(theirs, "c", "third", at(3)).await.unwrap_err().kind(), ErrorKind::Claimed);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_was_taken_over_can_write_no_more_and_gives_nothing_back() {
    let (store, ours, theirs) = two_processes();
    let zombie = claim(Arc::clone(&ours), "c", "zombie", at(1)).await.unwrap();
    let mut log = RunLog::begin(Arc::clone(&ours), "c", run(1), zombie.token());
    log.append(at(1), &"intent").await.unwrap();
    store.kill(); // its process is suspended: nothing of it arrives
    let heir = claim(Arc::clone(&theirs), "c", "heir", at(2)).await.unwrap();
    RunLog::resume(Arc::clone(&theirs), "c", run(1), heir.token(), at(3)).await.unwrap();
    store.heal();
    assert_eq!(log.append(at(4), &"too late").await.unwrap_err().kind(), ErrorKind::Claimed);
    tokio::time::sleep(HOUR).await; // it finds out by itself, too
    let beats = |number: &str| format!("locks/c/{number}.beat");
    let stored: Vec<String> = store.list("locks").await.unwrap().iter().map(ToString::to_string).collect();
    let of_zombie = stored.iter().filter(|key| key.starts_with(&beats("00000001"))).count();
    assert!(of_zombie < 3, "it goes on with its beats: {stored:?}");
    zombie.release().await.unwrap();
    let error = claim(theirs, "c", "third", at(5)).await.unwrap_err();
    assert!(error.to_string().contains("heir in process"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_was_suspended_before_its_run_begins_none() {
    let (store, ours, theirs) = two_processes();
    let zombie = claim(Arc::clone(&ours), "c", "zombie", at(1)).await.unwrap();
    store.kill();
    let _heir = claim(theirs, "c", "heir", at(2)).await.unwrap();
    store.heal();
    let mut log = RunLog::begin(Arc::clone(&ours), "c", run(1), zombie.token());
    for _ in 0..2 {
        assert_eq!(log.append(at(3), &"a plan").await.unwrap_err().kind(), ErrorKind::Claimed);
    }
    // Whatever became of the answer of the put.
    for fault in [PutFault::Before, PutFault::After] {
        let mut log = RunLog::begin(Arc::clone(&ours), "c", run(2), zombie.token());
        store.fail_put(store.puts() + 1, fault);
        log.append(at(3), &"a plan").await.unwrap_err();
        assert_eq!(log.append(at(3), &"a plan").await.unwrap_err().kind(), ErrorKind::Claimed, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_was_suspended_itself_has_seen_nothing() {
    let (_, ours, theirs) = two_processes();
    let _held = claim(ours, "c", "living", at(1)).await.unwrap();
    let looking = tokio::spawn(async move { claim(theirs, "c", "other", at(2)).await.map(drop) });
    tokio::time::sleep(Duration::from_secs(1)).await;
    tokio::time::advance(HOUR).await; // both stand still
    assert_eq!(looking.await.unwrap().unwrap_err().kind(), ErrorKind::Claimed);
}

#[tokio::test(start_paused = true)]
async fn a_beat_that_cannot_be_stored_is_followed_by_the_next_one() {
    let (store, ours, theirs) = two_processes();
    let _held = claim(ours, "c", "living", at(1)).await.unwrap();
    for nth in [1, 3, 4] {
        store.fail_put(store.puts() + nth, PutFault::Before);
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    for _ in 0..4 {
        assert_eq!(
            claim(Arc::clone(&theirs), "c", "other", at(2)).await.unwrap_err().kind(),
            ErrorKind::Claimed
        );
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_store_can_remove_a_lock_leaves_a_handful_of_keys() {
    let store = Removing::default();
    let journal: Arc<dyn Journal> = Arc::new(store.clone());
    for second in 1..=20 {
        let held = claim(Arc::clone(&journal), "c", "x", at(second)).await.unwrap();
        tokio::time::sleep(HOUR).await;
        assert!(store.0.list("locks").await.unwrap().len() <= 6);
        held.release().await.unwrap();
    }
    let left = store.0.list("locks").await.unwrap();
    assert!(left.len() <= 3, "{left:?}");
}

/// Lets others do something before one of our puts arrives.
#[derive(Debug)]
struct Interrupted {
    store: Removing,
    /// The key whose put is delayed, until it was.
    key: Mutex<Option<Key>>,
}

#[async_trait]
impl Journal for Interrupted {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        let is_delayed = self.key.lock().unwrap().take_if(|delayed| delayed == key).is_some();
        if is_delayed {
            let others: Arc<dyn Journal> = Arc::new(self.store.clone());
            for second in 1..=2 {
                let other = claim(Arc::clone(&others), "c", "other", at(second)).await?;
                crate::journal::remove_claims(&*others, "c", other.token()).await?;
                other.release().await?;
            }
        }
        self.store.put_new(key, body).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        self.store.list(prefix).await
    }
    async fn read(&self, key: &Key) -> Result<Bytes> {
        self.store.read(key).await
    }
    async fn remove(&self, key: &Key) -> Result<Removal> {
        self.store.remove(key).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_that_is_free_again_because_it_was_tidied_is_not_the_lock() {
    let store = Removing::default();
    let slow = Interrupted { store: store.clone(), key: Mutex::new(Some(key("locks/c/00000001"))) };
    assert!(matches!(slow.lock("c", &holder("slow")).await.unwrap(), Lock::Held(_)));
    let held = store.lock("c", &holder("next")).await.unwrap();
    assert!(matches!(held, Lock::Acquired(_)));
    let keys = store.0.list("locks").await.unwrap();
    assert!(!keys.contains(&key("locks/c/00000001")), "{keys:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_free_again_because_it_was_tidied_is_not_taken() {
    let store = Removing::default();
    let key = Mutex::new(Some(key("claims/c/00000001.json")));
    let slow: Arc<dyn Journal> = Arc::new(Interrupted { store: store.clone(), key });
    // The slow one has the lock when others break it, as an operator may.
    let broken = store.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        broken.break_lock("c").await.unwrap();
    });
    let claimed = claim(slow, "c", "slow", at(9)).await.unwrap();
    assert_eq!(claimed.token(), 3, "higher than every token before");
}
