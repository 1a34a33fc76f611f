//! Whatever happens to the files: every record is intact or reported, and the rest is still usable.

use std::path::PathBuf;

use camunda_backup_core::ErrorKind;
use proptest::prelude::*;

use super::*;
use crate::journal::{Record, RunHistory, RunLog, histories};

async fn journal_with(records: u64) -> (Arc<MemoryJournal>, RunLog) {
    let journal: Arc<MemoryJournal> = Arc::default();
    let mut log = RunLog::begin(journal.clone(), "c", run(1), 1);
    for n in 1..=records {
        log.append(at(n), &format!("event {n}")).await.unwrap();
    }
    (journal, log)
}

fn record_key(seq: u64) -> Key {
    key(&format!("runs/c/{}/{seq:08}.json", run(1)))
}

async fn only_history(journal: &dyn Journal) -> RunHistory {
    let mut found = histories(journal, "c").await.unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

fn seqs(history: &RunHistory) -> Vec<u64> {
    history.records.iter().map(|record| record.seq).collect()
}

#[tokio::test]
async fn a_torn_last_record_is_reported_and_the_run_goes_on_behind_it() {
    let (journal, mut zombie) = journal_with(3).await;
    assert!(journal.corrupt(&record_key(3), |body| body.truncate(20)));
    let history = only_history(&*journal).await;
    assert_eq!(seqs(&history), [1, 2]);
    let torn = history.torn_tail().unwrap();
    assert_eq!((torn.seq, torn.key.clone()), (3, record_key(3)));
    assert!(torn.to_string().contains("00000003.json: the first line is not complete"), "{torn}");
    assert!(history.is_complete());

    let (mut heir, _) = RunLog::resume(journal.clone(), "c", run(1), 2, at(9)).await.unwrap();
    assert_eq!(zombie.append(at(10), &"too late").await.unwrap_err().kind(), ErrorKind::Claimed);
    assert_eq!(heir.append(at(10), &"closed").await.unwrap(), 5);
    let history = only_history(&*journal).await;
    assert_eq!((seqs(&history), history.takeovers[0].seq), (vec![1, 2, 5], 4));
    assert_eq!((history.damaged.len(), history.gaps.clone()), (1, vec![]));
}

#[tokio::test]
async fn a_run_of_which_only_a_torn_first_record_exists_can_be_taken_over() {
    let (journal, _) = journal_with(1).await;
    assert!(journal.corrupt(&record_key(1), Vec::clear));
    let (mut heir, history) = RunLog::resume(journal.clone(), "c", run(1), 2, at(9)).await.unwrap();
    assert_eq!((seqs(&history), history.torn_tail().unwrap().seq), (vec![], 1));
    assert_eq!(heir.append(at(10), &"closed").await.unwrap(), 3);
}

#[tokio::test]
async fn damage_and_gaps_in_the_middle_are_reported() {
    let (journal, _) = journal_with(8).await;
    assert!(journal.corrupt(&record_key(2), |body| body[30] ^= 1));
    for lost in [1, 4, 5] {
        assert!(journal.lose(&record_key(lost)));
    }
    let history = only_history(&*journal).await;
    assert_eq!(seqs(&history), [3, 6, 7, 8]);
    assert_eq!(history.gaps, [1..=1, 4..=5]);
    assert_eq!(history.damaged.iter().map(|damage| damage.seq).collect::<Vec<_>>(), [2]);
    assert_eq!(history.damaged[0].why, "the checksum does not match");
    assert!(!history.is_complete() && history.torn_tail().is_none());
}

#[tokio::test]
async fn a_run_of_a_newer_version_is_not_understood_and_hides_no_other() {
    let (journal, _) = journal_with(2).await;
    let body = crate::journal::checksum::encode(&serde_json::json!({"format": 2, "who": "knows"})).unwrap();
    journal.put_new(&record_key(3), body).await.unwrap();
    let resumed = RunLog::resume(journal.clone(), "c", run(1), 2, at(9)).await.map(|_| ()).unwrap_err();
    let not_understood = only_history(&*journal).await.understood().unwrap_err();
    for error in [not_understood, resumed] {
        assert_eq!(error.kind(), ErrorKind::Journal);
        let report = error.report();
        assert!(report.contains("00000003.json") && report.contains("format 2, we read up to 1"), "{report}");
        assert!(report.contains("next: use the version of camunda-backup that wrote it"), "{report}");
    }
}

#[tokio::test]
async fn stray_files_are_reported_and_do_not_shake_off_the_fence() {
    let (journal, mut zombie) = journal_with(2).await;
    let stray =
        ["notes.txt", "3.json", "00000000.json", "000000003.json", "00000003.json.bak", "sub/00000001.json"];
    let stray = stray.map(|name| key(&format!("runs/c/{}/{name}", run(1))));
    for key in &stray {
        journal.put_new(key, Bytes::from_static(b"garbage")).await.unwrap();
    }
    journal.put_new(&record_key(77), Bytes::from_static(b"garbage")).await.unwrap();
    for beside in ["runs/c/notes.txt", "runs/c/not-a-run/00000001.json"] {
        journal.put_new(&key(beside), Bytes::from_static(b"garbage")).await.unwrap();
    }
    let (_, history) = RunLog::resume(journal.clone(), "c", run(1), 2, at(9)).await.unwrap();
    let mut expected = stray.to_vec();
    expected.sort();
    assert_eq!(history.strangers, expected);
    assert_eq!((seqs(&history), history.damaged[0].seq, history.gaps), (vec![1, 2], 77, vec![]));
    assert_eq!(zombie.append(at(10), &"too late").await.unwrap_err().kind(), ErrorKind::Claimed);
    assert_eq!(only_history(&*journal).await.takeovers[0].seq, 3);
}

/// What a bad disk or a crash does to one file.
#[derive(Debug, Clone)]
enum Harm {
    Truncate(prop::sample::Index),
    Flip(Vec<(prop::sample::Index, u8)>),
    Garbage(Vec<u8>),
    Append(Vec<u8>),
    Delete,
    /// Copies the file of another record over it.
    Copy(prop::sample::Index),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        4 => any::<prop::sample::Index>().prop_map(Harm::Truncate),
        4 => prop::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 1..4).prop_map(Harm::Flip),
        1 => prop::collection::vec(any::<u8>(), 0..300).prop_map(Harm::Garbage),
        1 => prop::collection::vec(any::<u8>(), 1..50).prop_map(Harm::Append),
        1 => Just(Harm::Delete),
        1 => any::<prop::sample::Index>().prop_map(Harm::Copy),
    ]
}

fn do_harm(files: &[PathBuf], which: usize, harm: &Harm) {
    let file = &files[which];
    let Ok(mut body) = std::fs::read(file) else { return };
    match harm {
        Harm::Truncate(at) => body.truncate(at.index(body.len().max(1))),
        Harm::Flip(flips) if !body.is_empty() => {
            for (at, bit) in flips {
                let at = at.index(body.len());
                body[at] ^= 1 << bit;
            }
        }
        Harm::Flip(_) => {}
        Harm::Garbage(garbage) => body.clone_from(garbage),
        Harm::Append(more) => body.extend_from_slice(more),
        Harm::Delete => return std::fs::remove_file(file).unwrap(),
        Harm::Copy(other) => body = std::fs::read(&files[other.index(files.len())]).unwrap_or_default(),
    }
    std::fs::write(file, body).unwrap();
}

async fn no_record_is_lost_silently(events: &[String], harms: &[(prop::sample::Index, Harm)]) {
    let memory: Arc<MemoryJournal> = Arc::default();
    let mut log = RunLog::begin(memory.clone(), "c", run(1), 1);
    for event in events {
        log.append(at(1), event).await.unwrap();
    }
    // Copied without syncing: there are hundreds of cases, and only reading is under test.
    let dir = tempfile::tempdir().unwrap();
    let journal = FileJournal::open(dir.path()).await.unwrap();
    let written: Vec<Record> = only_history(&*memory).await.records;
    let files: Vec<_> =
        written.iter().map(|record| dir.path().join(record_key(record.seq).as_str())).collect();
    std::fs::create_dir_all(files[0].parent().unwrap()).unwrap();
    for (record, file) in written.iter().zip(&files) {
        std::fs::write(file, memory.read(&record_key(record.seq)).await.unwrap()).unwrap();
    }
    for (which, harm) in harms {
        do_harm(&files, which.index(files.len()), harm);
    }
    let found = histories(&journal, "c").await.unwrap();
    let Some(history) = found.first() else {
        assert!(files.iter().all(|file| !file.exists()), "the run is forgotten while there are files of it");
        return;
    };
    let (last, mut reported) = (history.first_free() - 1, 0);
    for record in &written {
        let intact = history.records.contains(record);
        let damaged = history.damaged.iter().any(|damage| damage.seq == record.seq);
        let gap = history.gaps.iter().any(|gap| gap.contains(&record.seq));
        // A file deleted after the last intact one leaves no trace: no store can tell that it ever was.
        let cut_off = !files[usize::try_from(record.seq).unwrap() - 1].exists() && record.seq > last;
        let ways = [intact, damaged, gap, cut_off].iter().filter(|way| **way).count();
        assert_eq!(ways, 1, "record {}: intact {intact}, damaged {damaged}, gap {gap}", record.seq);
        reported += usize::from(intact);
    }
    assert_eq!(reported, history.records.len(), "nothing is invented");
    assert_eq!((history.takeovers.len(), history.strangers.len()), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_truncation_or_bit_flip_loses_a_synced_record_silently(
        events in prop::collection::vec(".{0,60}", 1..6),
        harms in prop::collection::vec((any::<prop::sample::Index>(), harm()), 0..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(no_record_is_lost_silently(&events, &harms));
    }
}

#[tokio::test]
async fn every_single_truncation_and_every_single_bit_flip_of_a_record_is_noticed() {
    let (journal, _) = journal_with(2).await;
    let whole = journal.read(&record_key(1)).await.unwrap().to_vec();
    let truncated = (0..whole.len()).map(|length| whole[..length].to_vec());
    let flipped = (0..whole.len() * 8).map(|bit| {
        let mut body = whole.clone();
        body[bit / 8] ^= 1 << (bit % 8);
        body
    });
    for harmed in truncated.chain(flipped) {
        journal.corrupt(&record_key(1), |body| body.clone_from(&harmed));
        let history = only_history(&*journal).await;
        assert_eq!(
            (seqs(&history), history.damaged.len()),
            (vec![2], 1),
            "{:?}",
            String::from_utf8_lossy(&harmed)
        );
    }
    journal.corrupt(&record_key(1), |body| body.clone_from(&whole));
    assert_eq!(seqs(&only_history(&*journal).await), [1, 2]);
}
