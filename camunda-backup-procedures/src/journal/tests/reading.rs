//! Reads that fail are no damage, are tried again, and end.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use camunda_backup_core::{Error, ErrorKind};
use tokio::time::Instant;

use super::*;
use crate::journal::{Bounded, PutFault, RunLog, claim, histories};

/// Fails the reads of some keys, by how many times are left.
#[derive(Debug, Default)]
struct Flaky {
    store: MemoryJournal,
    failures: Mutex<BTreeMap<Key, usize>>,
    hangs: bool,
    reads: AtomicUsize,
}

impl Flaky {
    fn fail(&self, key: Key, times: usize) {
        self.failures.lock().unwrap().insert(key, times);
    }
}

#[async_trait]
impl Journal for Flaky {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        self.store.put_new(key, body).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        self.store.list(prefix).await
    }
    async fn read(&self, key: &Key) -> Result<Bytes> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let fails = self.failures.lock().unwrap().get_mut(key).is_some_and(|left| {
            let fails = *left > 0;
            *left = left.saturating_sub(1);
            fails
        });
        match fails {
            true if self.hangs => std::future::pending().await,
            true => Err(Error::new(ErrorKind::Unavailable, "503 Slow Down")),
            false => self.store.read(key).await,
        }
    }
}

async fn with_records(second: u64, hangs: bool, records: usize) -> Arc<Flaky> {
    let flaky = Flaky { hangs, ..Flaky::default() };
    let mut log = RunLog::begin(Arc::new(flaky.store.clone()), "c", run(second), 1);
    for n in 1..=records {
        log.append(at(second), &format!("event {n}")).await.unwrap();
    }
    Arc::new(flaky)
}

fn record_key(second: u64, seq: usize) -> Key {
    key(&format!("runs/c/{}/{seq:08}.json", run(second)))
}

#[tokio::test(start_paused = true)]
async fn a_read_that_fails_for_a_moment_is_tried_again() {
    let journal = with_records(1, false, 3).await;
    journal.fail(record_key(1, 2), 2);
    let history = histories(&*journal, "c").await.unwrap().remove(0);
    assert!(history.is_complete());
    assert_eq!(history.understood().unwrap().records.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_unread_and_not_damaged_and_hides_no_other_run() {
    let journal = with_records(1, false, 3).await;
    RunLog::begin(Arc::new(journal.store.clone()), "c", run(2), 1).append(at(2), &"x").await.unwrap();
    journal.fail(record_key(1, 2), usize::MAX);
    let found = histories(&*journal, "c").await.unwrap();
    let (history, other) = (&found[0], &found[1]);
    assert_eq!((history.damaged.len(), history.gaps.len(), history.records.len()), (0, 0, 2));
    let unread = &history.unread[0];
    assert_eq!((unread.seq, &unread.key), (2, &record_key(1, 2)));
    assert!(unread.to_string().contains("00000002.json could not be read: 503 Slow Down"), "{unread}");
    assert!(!history.is_complete());
    let error = history.understood().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal);
    for part in ["00000002.json", "503 Slow Down", "next: nothing was concluded from it", "recover()"] {
        assert!(error.report().contains(part), "{part:?} is not in {}", error.report());
    }
    assert!(other.is_complete() && other.understood().is_ok());
    // Nor does anybody write behind a record that he has not read.
    let resumed = RunLog::resume(journal.clone(), "c", run(1), 2, at(9)).await.map(drop).unwrap_err();
    assert!(resumed.report().contains("00000002.json"), "{}", resumed.report());
}

#[tokio::test(start_paused = true)]
async fn an_unread_last_record_is_no_free_place() {
    let journal = with_records(1, false, 3).await;
    journal.fail(record_key(1, 3), usize::MAX);
    let history = histories(&*journal, "c").await.unwrap().remove(0);
    assert_eq!((history.first_free(), history.torn_tail()), (4, None));
}

#[tokio::test(start_paused = true)]
async fn reads_that_hang_end_together_and_what_was_not_tried_says_so() {
    let flaky = with_records(1, true, 200).await;
    for seq in 1..=200 {
        flaky.fail(record_key(1, seq), usize::MAX);
    }
    let began = Instant::now();
    let history = histories(&Bounded::new(flaky.clone()), "c").await.unwrap().remove(0);
    assert!(began.elapsed() <= Duration::from_secs(35), "it took {:?}", began.elapsed());
    assert_eq!(history.unread.len(), 200);
    assert!(history.unread[199].why.contains("not tried"), "{}", history.unread[199]);
    assert!(flaky.reads.load(Ordering::SeqCst) < 50, "what is lost already is not tried again and again");
}

#[tokio::test(start_paused = true)]
async fn reads_that_fail_at_once_cost_a_bounded_time_too() {
    let flaky = with_records(1, false, 2000).await;
    for seq in 1..=2000 {
        flaky.fail(record_key(1, seq), usize::MAX);
    }
    let began = Instant::now();
    let history = histories(&*flaky, "c").await.unwrap().remove(0);
    assert!(began.elapsed() <= Duration::from_secs(35), "it took {:?}", began.elapsed());
    assert_eq!(history.unread.len(), 2000);
}

#[tokio::test(start_paused = true)]
async fn no_token_is_taken_while_the_highest_may_be_in_what_could_not_be_read() {
    let journal = with_records(1, false, 1).await;
    journal.fail(record_key(1, 1), usize::MAX);
    let error = claim(journal.clone(), "c", "x", at(2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_longer_body_than_any_record_is_damage() {
    #[derive(Debug)]
    struct TooLong(MemoryJournal);
    #[async_trait]
    impl Journal for TooLong {
        async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
            self.0.put_new(key, body).await
        }
        async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
            self.0.list(prefix).await
        }
        async fn read(&self, _key: &Key) -> Result<Bytes> {
            Err(Error::new(ErrorKind::BodyTooLarge, "17 MiB"))
        }
    }
    let journal = TooLong(with_records(1, false, 1).await.store.clone());
    let began = Instant::now();
    let history = histories(&journal, "c").await.unwrap().remove(0);
    assert_eq!((history.unread.len(), history.damaged.len()), (0, 1));
    assert!(began.elapsed().is_zero(), "it does not become shorter");
}

#[tokio::test(start_paused = true)]
async fn every_call_of_a_journal_ends() {
    #[derive(Debug)]
    struct Never;
    #[async_trait]
    impl Journal for Never {
        async fn put_new(&self, _key: &Key, _body: Bytes) -> Result<Put> {
            std::future::pending().await
        }
        async fn list(&self, _prefix: &str) -> Result<Vec<Key>> {
            std::future::pending().await
        }
        async fn read(&self, _key: &Key) -> Result<Bytes> {
            std::future::pending().await
        }
        async fn remove(&self, _key: &Key) -> Result<crate::journal::Removal> {
            std::future::pending().await
        }
    }
    let (journal, key) = (Bounded::new(Arc::new(Never)), key("runs/a"));
    let holder = crate::journal::Holder::this_process("x", at(1));
    let guard = crate::journal::LockGuard::until_put(key.clone(), Bytes::new());
    let began = Instant::now();
    let errors = [
        ("put", journal.put_new(&key, Bytes::new()).await.map(drop).unwrap_err()),
        ("list", journal.list("runs").await.map(drop).unwrap_err()),
        ("read", journal.read(&key).await.map(drop).unwrap_err()),
        ("remove", journal.remove(&key).await.map(drop).unwrap_err()),
        ("lock", journal.lock("c", &holder).await.map(drop).unwrap_err()),
        ("unlock", journal.unlock(guard).await.unwrap_err()),
        ("break-lock", journal.break_lock("c").await.map(drop).unwrap_err()),
    ];
    assert!(began.elapsed() <= Duration::from_secs(7 * 30 + 70), "{:?}", began.elapsed());
    for (operation, error) in errors {
        let report = error.report();
        assert_eq!(error.kind(), ErrorKind::Journal, "{operation}");
        assert!(
            report.contains(&format!("journal.{operation}")) && report.contains("did not answer"),
            "{report}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_append_within_a_few_seconds_ends_and_is_neither_lost_nor_written_twice() {
    for (fault, stored) in [(PutFault::Before, 1), (PutFault::After, 2)] {
        let journal: Arc<MemoryJournal> = Arc::default();
        let mut log = RunLog::begin(journal.clone(), "c", run(1), 1);
        journal.kill_at_put(1, fault);
        let began = Instant::now();
        let three = Duration::from_secs(3);
        let error = log.append_within(three, at(1), &"one").await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed()), (ErrorKind::Journal, three));
        journal.heal();
        assert_eq!(log.append_within(three, at(2), &"two").await.unwrap(), stored, "{fault:?}");
    }
}
