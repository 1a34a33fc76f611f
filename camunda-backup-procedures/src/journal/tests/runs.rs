//! [`RunLog`]: order, fencing, unknown outcomes, resuming.

use std::sync::Mutex;

use camunda_backup_core::ErrorKind;
use serde_json::json;

use super::*;
use crate::journal::{PutFault, RunLog, histories};

fn events(history: &crate::journal::RunHistory) -> Vec<String> {
    history.records.iter().map(|record| record.event.as_str().unwrap_or("?").to_owned()).collect()
}

#[tokio::test]
async fn runs_are_read_back_oldest_first_with_every_record_in_order() {
    for store in stores().await {
        for second in [30, 10, 20] {
            let mut log = RunLog::begin(Arc::clone(&store.ours), "c", run(second), 7);
            for n in 1..=3 {
                let place = log.append(at(second + n), &json!({ "event": n })).await.unwrap();
                assert_eq!(place, n, "{}", store.name);
            }
        }
        let mut other = RunLog::begin(Arc::clone(&store.ours), "c2", run(5), 1);
        other.append(at(5), &"of another cluster").await.unwrap();
        let found = histories(&*store.theirs, "c").await.unwrap();
        let runs: Vec<_> = found.iter().map(|history| history.run.clone()).collect();
        assert_eq!(runs, [run(10), run(20), run(30)], "{}", store.name);
        for history in &found {
            assert!(history.is_complete() && history.damaged.is_empty() && history.strangers.is_empty());
            let seqs: Vec<_> =
                history.records.iter().map(|r| (r.seq, r.token, r.event["event"].clone())).collect();
            assert_eq!(seqs, [(1, 7, json!(1)), (2, 7, json!(2)), (3, 7, json!(3))], "{}", store.name);
            assert_eq!(history.records[0].at, at(history.run.started().since(at(0)).as_secs() + 1));
        }
        assert_eq!(histories(&*store.theirs, "none").await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_writer_that_was_taken_over_can_write_no_more() {
    for store in stores().await {
        let mut zombie = RunLog::begin(Arc::clone(&store.ours), "c", run(1), 1);
        zombie.append(at(1), &"intent").await.unwrap();
        let (mut heir, history) =
            RunLog::resume(Arc::clone(&store.theirs), "c", run(1), 2, at(2)).await.unwrap();
        assert_eq!(events(&history), ["intent"]);
        for _ in 0..2 {
            let error = zombie.append(at(3), &"too late").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Claimed, "{}", store.name);
            assert!(error.to_string().contains("another writer has taken over run 2026"), "{error}");
        }
        heir.append(at(4), &"closed").await.unwrap();
        zombie.append(at(5), &"still too late").await.unwrap_err();
        let history = &histories(&*store.ours, "c").await.unwrap()[0];
        assert_eq!(events(history), ["intent", "closed"], "{}", store.name);
        let takeovers: Vec<_> = history.takeovers.iter().map(|t| (t.seq, t.token, t.at)).collect();
        assert_eq!(takeovers, [(2, 2, at(2))]);
        assert!(history.is_complete());
    }
}

#[tokio::test]
async fn an_earlier_claim_cannot_take_a_run_back() {
    let journal: Arc<MemoryJournal> = Arc::default();
    RunLog::begin(journal.clone(), "c", run(1), 1).append(at(1), &"intent").await.unwrap();
    let (mut heir, _) = RunLog::resume(journal.clone(), "c", run(1), 2, at(2)).await.unwrap();
    let puts = journal.puts();
    let error = RunLog::resume(journal.clone(), "c", run(1), 1, at(3)).await.unwrap_err();
    assert_eq!((error.kind(), journal.puts()), (ErrorKind::Claimed, puts));
    heir.append(at(4), &"closed").await.unwrap();
}

#[tokio::test]
async fn a_run_that_was_never_recorded_cannot_be_resumed() {
    let journal: Arc<MemoryJournal> = Arc::default();
    let error = RunLog::resume(journal.clone(), "c", run(1), 1, at(1)).await.unwrap_err();
    assert_eq!((error.kind(), journal.puts()), (ErrorKind::NotFound, 0));
}

#[tokio::test]
async fn an_append_without_answer_is_neither_lost_nor_written_twice() {
    for fault in [PutFault::Before, PutFault::After] {
        let journal: Arc<MemoryJournal> = Arc::default();
        let mut log = RunLog::begin(journal.clone(), "c", run(1), 1);
        journal.fail_put(2, fault);
        log.append(at(1), &"one").await.unwrap();
        assert_eq!(log.append(at(2), &"two").await.unwrap_err().kind(), ErrorKind::Journal);
        assert_eq!(log.append(at(2), &"two").await.unwrap(), 2);
        assert_eq!(log.append(at(3), &"three").await.unwrap(), 3);
        assert_eq!(
            events(&histories(&*journal, "c").await.unwrap()[0]),
            ["one", "two", "three"],
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn after_an_append_without_answer_another_event_may_follow() {
    for (fault, expected) in [(PutFault::Before, vec!["three"]), (PutFault::After, vec!["one", "three"])] {
        let journal: Arc<MemoryJournal> = Arc::default();
        let mut log = RunLog::begin(journal.clone(), "c", run(1), 1);
        journal.fail_put(1, fault);
        journal.fail_put(2, PutFault::Before);
        log.append(at(1), &"one").await.unwrap_err();
        log.append(at(2), &"two").await.unwrap_err();
        log.append(at(3), &"three").await.unwrap();
        let history = histories(&*journal, "c").await.unwrap().remove(0);
        assert_eq!(events(&history), expected, "{fault:?}");
        assert!(history.is_complete());
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_append_is_like_one_without_answer() {
    for (fault, expected) in [(PutFault::Before, vec!["two"]), (PutFault::After, vec!["one", "two"])] {
        let journal: Arc<MemoryJournal> = Arc::default();
        let mut log = RunLog::begin(journal.clone(), "c", run(1), 1);
        journal.kill_at_put(1, fault);
        let append = log.append(at(1), &"one");
        assert!(tokio::time::timeout(std::time::Duration::from_secs(60), append).await.is_err());
        journal.heal();
        log.append(at(2), &"two").await.unwrap();
        assert_eq!(events(&histories(&*journal, "c").await.unwrap()[0]), expected, "{fault:?}");
    }
}

#[tokio::test]
async fn two_writers_with_equal_beginnings_are_told_apart() {
    // An unanswered append must not make a writer believe that the other one's record is its own.
    let journal: Arc<MemoryJournal> = Arc::default();
    let mut log = RunLog::begin(journal.clone(), "c", run(1), 1);
    journal.fail_put(1, PutFault::Before);
    log.append(at(1), &"ours").await.unwrap_err();
    RunLog::begin(journal.clone(), "c", run(1), 2).append(at(1), &"theirs").await.unwrap();
    assert_eq!(log.append(at(1), &"ours").await.unwrap_err().kind(), ErrorKind::Claimed);
    assert_eq!(events(&histories(&*journal, "c").await.unwrap()[0]), ["theirs"]);
}

#[tokio::test]
async fn on_a_full_disk_a_resumed_run_still_knows_what_it_owes() {
    for fault in [None, Some(PutFault::Before), Some(PutFault::After)] {
        let journal: Arc<MemoryJournal> = Arc::default();
        RunLog::begin(journal.clone(), "c", run(1), 1).append(at(1), &"intent").await.unwrap();
        match fault {
            None => journal.full_from_put(2),
            Some(fault) => journal.fail_put(2, fault),
        }
        let (mut heir, history) = RunLog::resume(journal.clone(), "c", run(1), 2, at(2)).await.unwrap();
        assert_eq!(events(&history), ["intent"]);
        if fault.is_none() {
            let error = heir.append(at(3), &"closed").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Journal);
            journal.heal();
        }
        heir.append(at(4), &"closed").await.unwrap();
        let history = histories(&*journal, "c").await.unwrap().remove(0);
        assert_eq!(events(&history), ["intent", "closed"], "{fault:?}");
        assert!(history.is_complete());
    }
}

/// Lets another writer be faster once: stores `first` under the key of the next put before that put.
#[derive(Debug)]
struct Squeeze {
    inner: MemoryJournal,
    first: Mutex<Option<Bytes>>,
}

#[async_trait]
impl Journal for Squeeze {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        let first = self.first.lock().unwrap().take();
        if let Some(first) = first {
            self.inner.put_new(key, first).await?;
        }
        self.inner.put_new(key, body).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        self.inner.list(prefix).await
    }
    async fn read(&self, key: &Key) -> Result<Bytes> {
        self.inner.read(key).await
    }
}

#[tokio::test]
async fn what_the_old_writer_squeezes_in_during_the_takeover_is_in_the_history() {
    let real = MemoryJournal::new();
    let mut zombie = RunLog::begin(Arc::new(real.clone()), "c", run(1), 1);
    zombie.append(at(1), &"one").await.unwrap();
    // What the zombie's second append would store, taken from a copy of the run.
    let rehearsal = MemoryJournal::new();
    let mut twin = RunLog::begin(Arc::new(rehearsal.clone()), "c", run(1), 1);
    twin.append(at(1), &"one").await.unwrap();
    twin.append(at(2), &"two").await.unwrap();
    let second = rehearsal.list("runs").await.unwrap().remove(1);
    let squeezed = rehearsal.read(&second).await.unwrap();

    let journal = Arc::new(Squeeze { inner: real.clone(), first: Mutex::new(Some(squeezed)) });
    let (_, history) = RunLog::resume(journal, "c", run(1), 2, at(3)).await.unwrap();
    assert_eq!(events(&history), ["one", "two"]);
    assert_eq!(zombie.append(at(4), &"other").await.unwrap_err().kind(), ErrorKind::Claimed);
    let history = histories(&real, "c").await.unwrap().remove(0);
    assert_eq!((events(&history), history.takeovers[0].seq), (vec!["one".into(), "two".into()], 3));
}

#[tokio::test]
async fn a_name_that_is_no_key_is_refused_before_anything_is_written() {
    let journal: Arc<MemoryJournal> = Arc::default();
    for bad in ["", "..", "a/b", "Prod", "a b"] {
        let error = RunLog::begin(journal.clone(), bad, run(1), 1).append(at(1), &"x").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad:?}");
        assert_eq!(histories(&*journal, bad).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(journal.puts(), 0);
}
