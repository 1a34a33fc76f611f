//! Removing what is over: whole, marked or gone, wherever it is cut.

use std::time::Duration;

use camunda_backup_core::ErrorKind;

use super::*;
use crate::journal::{
    Orphan, PutFault, Removal, RunLog, claim, finish_removals, histories, history, open_claims,
    remove_claims, remove_run,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

async fn with_runs(seconds: &[u64]) -> MemoryJournal {
    let journal = MemoryJournal::new();
    for second in seconds {
        let mut log = RunLog::begin(Arc::new(journal.clone()), "c", run(*second), 1);
        for event in ["plan", "intent", "paid", "finished"] {
            log.append(at(*second), &event).await.unwrap();
        }
    }
    journal
}

/// The runs that a reader sees, each of which must be whole.
async fn seen(journal: &MemoryJournal) -> Vec<RunId> {
    let found = histories(journal, "c").await.unwrap();
    for history in &found {
        assert!(history.is_complete() && history.records.len() == 4, "{history:?}");
    }
    found.into_iter().map(|history| history.run).collect()
}

#[tokio::test]
async fn a_removed_run_is_gone_and_no_other() {
    for store in stores().await {
        for second in [1, 2] {
            let mut log = RunLog::begin(Arc::clone(&store.ours), "c", run(second), 1);
            log.append(at(second), &"plan").await.unwrap();
        }
        let removed = remove_run(&*store.theirs, "c", &run(1), at(9), 7).await.unwrap();
        let left: Vec<_> = histories(&*store.ours, "c").await.unwrap().into_iter().map(|h| h.run).collect();
        if store.name == "put and list" {
            assert_eq!((removed, left), (Removal::Unsupported, vec![run(1), run(2)]), "nothing is hidden");
            continue;
        }
        assert_eq!((removed, left), (Removal::Gone, vec![run(2)]), "{}", store.name);
        let error = history(&*store.ours, "c", &run(1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(store.ours.list("").await.unwrap().len(), 1, "{}", store.name);
    }
}

#[tokio::test(start_paused = true)]
async fn wherever_a_removal_is_cut_no_reader_sees_half_a_run_and_the_next_one_finishes() {
    let whole = with_runs(&[1, 2]).await;
    remove_run(&whole, "c", &run(1), at(9), 7).await.unwrap();
    let removals = whole.removals();
    assert!(removals > 5, "four records and the mark");
    for nth in 1..=removals {
        let journal = with_runs(&[1, 2]).await;
        journal.kill_at_removal(nth);
        let cut = tokio::time::timeout(HOUR, remove_run(&journal, "c", &run(1), at(9), 7)).await;
        assert!(cut.is_err(), "it must hang");
        let next = journal.after_death();
        let before = seen(&next).await;
        assert!(before == [run(1), run(2)] || before == [run(2)], "cut before removal {nth}: {before:?}");
        finish_removals(&next, "c").await.unwrap();
        assert_eq!(seen(&next).await, before, "cut before removal {nth}");
        if before == [run(2)] {
            let left = next.list("runs").await.unwrap();
            assert!(left.iter().all(|key| key.as_str().contains(run(2).as_str())), "{left:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_mark_that_may_not_be_stored_removes_nothing() {
    for (fault, left) in [(PutFault::Before, vec![run(1), run(2)]), (PutFault::After, vec![run(2)])] {
        let journal = with_runs(&[1, 2]).await;
        journal.fail_put(journal.puts() + 1, fault);
        remove_run(&journal, "c", &run(1), at(9), 7).await.unwrap_err();
        assert_eq!(seen(&journal).await, left, "{fault:?}");
        remove_run(&journal, "c", &run(1), at(9), 7).await.unwrap();
        assert_eq!(seen(&journal).await, [run(2)]);
        assert_eq!(journal.list("runs").await.unwrap().len(), 4);
    }
}

/// Removes a run between the listing and the reading of another process.
#[derive(Debug)]
struct RemovedMeanwhile(MemoryJournal);

#[async_trait]
impl Journal for RemovedMeanwhile {
    async fn put_new(&self, key: &Key, body: Bytes) -> Result<Put> {
        self.0.put_new(key, body).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        let listed = self.0.list(prefix).await?;
        if prefix == "runs/c" {
            remove_run(&self.0, "c", &run(1), at(9), 7).await?;
        }
        Ok(listed)
    }
    async fn read(&self, key: &Key) -> Result<Bytes> {
        self.0.read(key).await
    }
}

#[tokio::test]
async fn a_run_that_is_removed_while_it_is_read_is_no_damage() {
    let journal = RemovedMeanwhile(with_runs(&[1, 2]).await);
    let found = histories(&journal, "c").await.unwrap();
    assert_eq!(found.iter().map(|history| &history.run).collect::<Vec<_>>(), [&run(2)]);
}

#[tokio::test]
async fn claims_that_were_given_back_go_and_others_stay() {
    let journal: Arc<MemoryJournal> = Arc::default();
    for second in 1..=3 {
        claim(journal.clone(), "c", "x", at(second)).await.unwrap().release().await.unwrap();
    }
    drop(claim(journal.clone(), "c", "dead", at(4)).await.unwrap());
    let ours = claim(journal.clone(), "c", "x", at(5)).await.unwrap();
    remove_claims(&*journal, "c", ours.token()).await.unwrap();
    let keys: Vec<_> = journal.list("claims").await.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(keys, ["claims/c/00000004.json", "claims/c/00000005.json"]);
    let open = open_claims(&*journal, "c").await.unwrap();
    assert_eq!(open.iter().map(|orphan| orphan.token).collect::<Vec<_>>(), [4, 5]);
    ours.release().await.unwrap();
    remove_claims(&*journal, "c", 5).await.unwrap();
    let next = claim(journal.clone(), "c", "x", at(6)).await.unwrap();
    assert_eq!(next.token(), 6, "the newest claim stays, so tokens grow");
}

#[tokio::test(start_paused = true)]
async fn wherever_the_removal_of_claims_is_cut_no_claim_becomes_an_orphan() {
    for nth in 1..=6 {
        let journal: Arc<MemoryJournal> = Arc::default();
        for second in 1..=3 {
            claim(journal.clone(), "c", "x", at(second)).await.unwrap().release().await.unwrap();
        }
        let ours = claim(journal.clone(), "c", "x", at(5)).await.unwrap();
        journal.kill_at_removal(nth);
        let cut = tokio::time::timeout(HOUR, remove_claims(&*journal, "c", ours.token())).await;
        assert!(cut.is_err(), "it must hang");
        let next = journal.after_death();
        let open: Vec<Orphan> = open_claims(&next, "c").await.unwrap();
        assert_eq!(open.iter().map(|orphan| orphan.token).collect::<Vec<_>>(), [4], "cut before {nth}");
        remove_claims(&next, "c", 4).await.unwrap();
        assert_eq!(next.list("claims").await.unwrap(), [key("claims/c/00000004.json")]);
    }
}
