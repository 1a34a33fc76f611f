//! [`claim`]: one holder, named; tokens that grow; orphans.

use camunda_backup_core::ErrorKind;

use super::*;
use crate::journal::{PutFault, RunLog, claim, histories};

fn orphan_tokens(claim: &crate::journal::Claim) -> Vec<u64> {
    claim.orphans().iter().map(|orphan| orphan.token).collect()
}

#[tokio::test(start_paused = true)]
async fn i10_a_second_claim_is_refused_with_name_host_pid_and_start_of_the_holder() {
    for store in stores().await {
        let first = claim(Arc::clone(&store.ours), "c", "nightly", at(1)).await.unwrap();
        for journal in [&store.ours, &store.theirs] {
            let error = claim(Arc::clone(journal), "c", "other", at(2)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Claimed, "{}", store.name);
            let text = error.to_string();
            let (host, pid) = (&first.holder().host, std::process::id());
            assert!(
                text.contains(&format!("nightly in process {pid} on host {host} since {}", at(1))),
                "{text}"
            );
        }
        let other = claim(Arc::clone(&store.theirs), "another-cluster", "other", at(2)).await.unwrap();
        other.release().await.unwrap();
        first.release().await.unwrap();
        claim(Arc::clone(&store.theirs), "c", "other", at(3)).await.unwrap().release().await.unwrap();
    }
}

#[tokio::test]
async fn tokens_grow_and_released_claims_are_forgotten() {
    for store in stores().await {
        for token in 1..=3 {
            let claim = claim(Arc::clone(&store.ours), "c", "x", at(token)).await.unwrap();
            assert_eq!((claim.token(), claim.holder().token, claim.cluster()), (token, token, "c"));
            assert_eq!(claim.orphans(), [], "{}", store.name);
            claim.release().await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_was_never_released_is_reported_until_it_is_settled() {
    for store in stores().await {
        for (token, name) in [(1, "first"), (2, "second")] {
            let dead = claim(Arc::clone(&store.ours), "c", name, at(token)).await.unwrap();
            drop(dead);
            if !store.releases_on_drop {
                assert_eq!(store.theirs.break_lock("c").await.unwrap().unwrap().name, name);
            }
        }
        let mut third = claim(Arc::clone(&store.theirs), "c", "third", at(3)).await.unwrap();
        assert_eq!(orphan_tokens(&third), [1, 2], "{}", store.name);
        let holder = third.orphans()[0].holder.as_ref().unwrap();
        assert_eq!((holder.name.as_str(), holder.started, holder.token), ("first", at(1), 1));
        third.settle(1).await.unwrap();
        third.settle(77).await.unwrap();
        assert_eq!(orphan_tokens(&third), [2]);
        third.release().await.unwrap();
        let fourth = claim(Arc::clone(&store.ours), "c", "fourth", at(4)).await.unwrap();
        assert_eq!((fourth.token(), orphan_tokens(&fourth)), (4, vec![2]), "{}", store.name);
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_concurrent_claims_exactly_one_succeeds() {
    for store in stores().await {
        let claims: Vec<_> = (0..8)
            .map(|n| {
                let journal = Arc::clone(if n % 2 == 0 { &store.ours } else { &store.theirs });
                tokio::spawn(async move { claim(journal, "c", &format!("n{n}"), at(n)).await })
            })
            .collect();
        let mut held = Vec::new();
        for claim in claims {
            match claim.await.unwrap() {
                Ok(claim) => held.push(claim),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Claimed, "{}: {error}", store.name),
            }
        }
        assert_eq!(held.len(), 1, "{}", store.name);
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_whose_lock_was_broken_is_fenced_from_its_run() {
    let store = PutAndList::default();
    let journal: Arc<dyn Journal> = Arc::new(store);
    let zombie = claim(Arc::clone(&journal), "c", "zombie", at(1)).await.unwrap();
    let mut log = RunLog::begin(Arc::clone(&journal), "c", run(1), zombie.token());
    log.append(at(1), &"intent").await.unwrap();

    journal.break_lock("c").await.unwrap().unwrap();
    let heir = claim(Arc::clone(&journal), "c", "heir", at(2)).await.unwrap();
    RunLog::resume(Arc::clone(&journal), "c", run(1), heir.token(), at(3)).await.unwrap();
    assert_eq!(log.append(at(4), &"too late").await.unwrap_err().kind(), ErrorKind::Claimed);
    // Its release must not free the heir's lock.
    zombie.release().await.unwrap();
    let error = claim(Arc::clone(&journal), "c", "third", at(5)).await.unwrap_err();
    assert!(error.to_string().contains("heir in process"), "{error}");
}

#[tokio::test]
async fn a_journal_that_fails_leaves_nothing_held() {
    for fault in [PutFault::Before, PutFault::After] {
        let journal: Arc<MemoryJournal> = Arc::default();
        journal.fail_put(1, fault);
        let error = claim(journal.clone(), "c", "x", at(1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Journal);
        let second = claim(journal.clone(), "c", "x", at(2)).await.unwrap();
        let left = if fault == PutFault::After { vec![1] } else { vec![] };
        assert_eq!(orphan_tokens(&second), left, "{fault:?}");
    }
}

#[tokio::test]
async fn a_release_that_cannot_be_recorded_frees_the_cluster_and_leaves_an_orphan() {
    let journal: Arc<MemoryJournal> = Arc::default();
    let first = claim(journal.clone(), "c", "x", at(1)).await.unwrap();
    journal.full_from_put(2);
    assert_eq!(first.release().await.unwrap_err().kind(), ErrorKind::Journal);
    journal.heal();
    assert_eq!(orphan_tokens(&claim(journal, "c", "x", at(2)).await.unwrap()), [1]);
}

#[tokio::test]
async fn a_damaged_claim_still_counts_and_strangers_do_not() {
    let journal: Arc<MemoryJournal> = Arc::default();
    drop(claim(journal.clone(), "c", "x", at(1)).await.unwrap());
    assert!(journal.corrupt(&key("claims/c/00000001.json"), |body| body.truncate(10)));
    for stranger in
        ["claims/c/notes.txt", "claims/c/x.json", "claims/c/00000009.json/deeper", "claims/c2/00000009.json"]
    {
        journal.put_new(&key(stranger), Bytes::new()).await.unwrap();
    }
    let second = claim(journal.clone(), "c", "x", at(2)).await.unwrap();
    assert_eq!((second.token(), second.orphans().len()), (2, 1));
    assert_eq!(second.orphans()[0].holder, None);
}

#[tokio::test]
async fn a_cluster_name_that_is_no_key_is_refused() {
    let journal: Arc<MemoryJournal> = Arc::default();
    for bad in ["", "..", "a/b", "Prod"] {
        let error = claim(journal.clone(), bad, "x", at(1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad:?}");
    }
    assert_eq!((journal.puts(), histories(&*journal, "c").await.unwrap()), (0, vec![]));
}
