//! The contract of [`Journal`].

use camunda_backup_core::ErrorKind;

use super::*;
use crate::journal::{Holder, Lock};

#[tokio::test]
async fn the_first_put_wins_and_nothing_is_overwritten() {
    for store in stores().await {
        let first = Bytes::from_static(b"first");
        assert_eq!(
            store.ours.put_new(&key("a/b"), first.clone()).await.unwrap(),
            Put::Written,
            "{}",
            store.name
        );
        for journal in [&store.ours, &store.theirs] {
            let again = journal.put_new(&key("a/b"), Bytes::from_static(b"second")).await.unwrap();
            assert_eq!(again, Put::Exists, "{}", store.name);
            assert_eq!(journal.read(&key("a/b")).await.unwrap(), first, "{}", store.name);
        }
    }
}

#[tokio::test]
async fn of_many_concurrent_puts_exactly_one_is_written() {
    for store in stores().await {
        for round in 0..5 {
            let key = key(&format!("race/{round}"));
            let puts: Vec<_> = (0..16_u8)
                .map(|n| {
                    let journal = Arc::clone(if n % 2 == 0 { &store.ours } else { &store.theirs });
                    let key = key.clone();
                    tokio::spawn(async move {
                        (n, journal.put_new(&key, Bytes::from(vec![n; 100])).await.unwrap())
                    })
                })
                .collect();
            let mut winners = Vec::new();
            for put in puts {
                let (n, put) = put.await.unwrap();
                winners.extend((put == Put::Written).then_some(n));
            }
            assert_eq!(winners.len(), 1, "{}: {winners:?}", store.name);
            assert_eq!(store.theirs.read(&key).await.unwrap(), vec![winners[0]; 100], "{}", store.name);
        }
    }
}

#[tokio::test]
async fn lists_are_sorted_and_end_at_whole_segments() {
    for store in stores().await {
        for path in ["runs/b/2", "runs/a/2", "runs/ab/1", "runs/a/1", "runs/a/1.x", "other"] {
            store.ours.put_new(&key(path), Bytes::new()).await.unwrap();
        }
        let below_a = [key("runs/a/1"), key("runs/a/1.x"), key("runs/a/2")];
        for prefix in ["runs/a", "runs/a/"] {
            assert_eq!(store.theirs.list(prefix).await.unwrap(), below_a, "{}", store.name);
        }
        let all = ["other", "runs/a/1", "runs/a/1.x", "runs/a/2", "runs/ab/1", "runs/b/2"].map(key);
        assert_eq!(store.ours.list("").await.unwrap(), all, "{}", store.name);
        for empty in ["none", "runs/a/1", "runs/c", "run", "../x"] {
            assert_eq!(store.ours.list(empty).await.unwrap(), [], "{} {empty}", store.name);
        }
        let missing = store.ours.read(&key("runs/none")).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound, "{}", store.name);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_exclusive_in_one_process_and_between_two() {
    for store in stores().await {
        let name = store.name;
        let (us, them) = (Holder::this_process("us", at(1)), Holder::this_process("them", at(2)));
        let Lock::Acquired(mut guard) = store.ours.lock("c", &us).await.unwrap() else {
            panic!("{name}: not free")
        };
        guard.keep_alive(Arc::clone(&store.ours));
        for journal in [&store.ours, &store.theirs] {
            let Lock::Held(Some(holder)) = journal.lock("c", &them).await.unwrap() else {
                panic!("{name}: not held")
            };
            assert_eq!(holder, us, "{name}");
        }
        let Lock::Acquired(other) = store.theirs.lock("d", &them).await.unwrap() else {
            panic!("{name}: not free")
        };
        store.ours.unlock(guard).await.unwrap();
        let Lock::Acquired(mut guard) = store.theirs.lock("c", &them).await.unwrap() else {
            panic!("{name}: not given back")
        };
        guard.keep_alive(Arc::clone(&store.theirs));
        assert!(
            matches!(store.ours.lock("c", &us).await.unwrap(), Lock::Held(Some(holder)) if holder == them),
            "{name}"
        );
        store.theirs.unlock(guard).await.unwrap();
        store.theirs.unlock(other).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_whose_holder_is_gone_is_free_or_can_be_broken() {
    for store in stores().await {
        let name = store.name;
        let (us, them) = (Holder::this_process("us", at(1)), Holder::this_process("them", at(2)));
        assert_eq!(store.theirs.break_lock("c").await.unwrap(), None, "{name}: nothing to break");
        let Lock::Acquired(guard) = store.ours.lock("c", &us).await.unwrap() else {
            panic!("{name}: not free")
        };
        if store.releases_on_drop {
            let error = store.theirs.break_lock("c").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Claimed, "{name}");
            assert!(error.to_string().contains("us in process"), "{name}: {error}");
            drop(guard);
            assert_eq!(store.theirs.break_lock("c").await.unwrap(), None, "{name}");
        } else {
            drop(guard);
            assert_eq!(store.theirs.break_lock("c").await.unwrap(), Some(us), "{name}");
        }
        assert!(matches!(store.theirs.lock("c", &them).await.unwrap(), Lock::Acquired(_)), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_of_puts_is_ours_although_its_put_was_not_answered_and_is_nobody_elses() {
    let store = PutAndList::default();
    let us = Holder::this_process("us", at(1));
    store.0.fail_put(1, crate::journal::PutFault::After);
    let Lock::Acquired(mut guard) = store.lock("c", &us).await.unwrap() else {
        panic!("stored and not ours")
    };
    guard.keep_alive(Arc::new(store.clone()));
    // The same process in the same millisecond is somebody else all the same.
    assert!(matches!(store.lock("c", &us).await.unwrap(), Lock::Held(Some(_))));
    store.unlock(guard).await.unwrap();
    assert!(matches!(store.lock("c", &us).await.unwrap(), Lock::Acquired(_)));
}

#[tokio::test(start_paused = true)]
async fn a_lock_of_puts_that_was_never_answered_takes_it_from_nobody() {
    use crate::journal::PutFault;
    let store = PutAndList::default();
    let (us, them) = (Holder::this_process("us", at(1)), Holder::this_process("them", at(2)));
    for put in 1..=3 {
        store.0.fail_put(put, PutFault::Before);
    }
    store.lock("c", &us).await.unwrap_err();
    let Lock::Acquired(mut guard) = store.lock("c", &them).await.unwrap() else { panic!("not free") };
    guard.keep_alive(Arc::new(store.clone()));
    assert!(matches!(store.lock("c", &us).await.unwrap(), Lock::Held(Some(holder)) if holder == them));
}

#[tokio::test]
async fn what_is_removed_is_gone_for_everybody_and_removing_it_again_is_no_error() {
    use crate::journal::Removal;
    for store in stores().await {
        for path in ["runs/a/1", "runs/a/2"] {
            store.ours.put_new(&key(path), Bytes::from_static(b"x")).await.unwrap();
        }
        let removed = store.theirs.remove(&key("runs/a/1")).await.unwrap();
        if store.name == "put and list" {
            assert_eq!(removed, Removal::Unsupported, "three methods are enough");
            continue;
        }
        assert_eq!(removed, Removal::Gone, "{}", store.name);
        assert_eq!(store.ours.list("runs").await.unwrap(), [key("runs/a/2")], "{}", store.name);
        for path in ["runs/a/1", "runs/a/2", "runs/none/1"] {
            assert_eq!(store.ours.remove(&key(path)).await.unwrap(), Removal::Gone, "{}", store.name);
        }
        assert_eq!(store.ours.list("").await.unwrap(), [], "{}", store.name);
        assert_eq!(
            store.ours.put_new(&key("runs/a/1"), Bytes::new()).await.unwrap(),
            Put::Written,
            "{}",
            store.name
        );
    }
}
