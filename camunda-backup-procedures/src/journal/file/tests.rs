//! What only a directory can do: die with its process, fill up, be in the way, be littered.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use super::*;
use crate::journal::tests::{at, key};
use crate::journal::{RunLog, claim, histories};

mod disks;

const DIR_OF_PARENT: &str = "CAMUNDA_BACKUP_TEST_JOURNAL";

/// The command line that runs one ignored test of this file in another process.
fn other_process(test: &str) -> Vec<String> {
    let module = module_path!().split_once("::").unwrap().1;
    let program = std::env::current_exe().unwrap().display().to_string();
    [&program, "--exact", &format!("{module}::{test}"), "--ignored", "--nocapture"]
        .map(str::to_owned)
        .to_vec()
}

/// Starts another process that claims cluster `c`, and returns when it has it.
fn process_with_a_claim(dir: &Path) -> Child {
    let command = other_process("in_another_process_hold_a_claim");
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .env(DIR_OF_PARENT, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(output.any(|line| line.unwrap().contains("holding")), "the other process did not get the claim");
    child
}

#[tokio::test]
#[ignore = "runs in a process of its own, started by the tests below"]
async fn in_another_process_hold_a_claim() {
    let Ok(dir) = std::env::var(DIR_OF_PARENT) else { return };
    let journal: Arc<dyn Journal> = Arc::new(FileJournal::open(dir).await.unwrap());
    let claim = claim(Arc::clone(&journal), "c", "the-other", at(1)).await.unwrap();
    let run = crate::journal::RunId::new(at(1), 7);
    let mut log = RunLog::begin(journal, "c", run, claim.token());
    log.append(at(1), &"owes a resume").await.unwrap();
    println!("\nholding");
    // Until the parent kills this process or closes the pipe.
    let _ = std::io::stdin().read(&mut [0]);
}

#[tokio::test]
async fn i10_another_process_is_named_and_its_death_frees_the_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let journal: Arc<dyn Journal> = Arc::new(FileJournal::open(dir.path()).await.unwrap());
    let mut child = process_with_a_claim(dir.path());

    let error = claim(Arc::clone(&journal), "c", "we", at(2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Claimed);
    let host = Holder::this_process("", at(0)).host;
    let named = format!("the-other in process {} on host {host} since {}", child.id(), at(1));
    assert!(error.to_string().contains(&named), "{error}");

    child.kill().unwrap();
    child.wait().unwrap();
    let ours = claim(Arc::clone(&journal), "c", "we", at(3)).await.unwrap();
    let orphan = &ours.orphans()[0];
    assert_eq!((orphan.token, orphan.holder.as_ref().unwrap().pid), (1, child.id()));
    let history = histories(&*journal, "c").await.unwrap().remove(0);
    assert_eq!((history.records[0].event.as_str(), history.records[0].token), (Some("owes a resume"), 1));
}

/// Runs a test of this file in a process that cannot write files longer than `blocks` of 512 or 1024 bytes.
///
/// A limit on the file size is the one shortage that root cannot overrule either.
#[cfg(unix)]
fn run_with_file_limit(blocks: u32, test: &str, dir: &Path) {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let output = Command::new("sh")
        .arg("-c")
        .arg(script)
        .args(other_process(test))
        .env(DIR_OF_PARENT, dir)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
#[ignore = "runs in a process of its own, started by the test below"]
async fn in_a_process_that_can_write_nothing_open_fails() {
    let Ok(dir) = std::env::var(DIR_OF_PARENT) else { return };
    let error = FileJournal::open(&dir).await.unwrap_err();
    let report = error.report();
    assert_eq!(error.kind(), ErrorKind::Journal);
    for part in ["journal.open", dir.as_str(), "no space", "next: free some space"] {
        assert!(report.contains(part), "{part:?} is not in {report}");
    }
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_noticed_at_open() {
    let dir = tempfile::tempdir().unwrap();
    run_with_file_limit(0, "in_a_process_that_can_write_nothing_open_fails", dir.path());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
}

#[tokio::test]
#[ignore = "runs in a process of its own, started by the test below"]
async fn in_a_process_that_can_write_little_a_put_fails_whole() {
    let Ok(dir) = std::env::var(DIR_OF_PARENT) else { return };
    let linked = FileJournal::open(Path::new(&dir).join("linked")).await.unwrap();
    let in_place = FileJournal::open_without_links(&Path::new(&dir).join("in-place")).await.unwrap();
    for journal in [linked, in_place] {
        let error = journal.put_new(&key("runs/big"), Bytes::from(vec![b'x'; 1 << 20])).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Journal, Outcome::Unknown));
        let report = error.report();
        assert!(
            report.contains("journal.put") && report.contains("runs/big") && report.contains("no space"),
            "{report}"
        );
        assert_eq!(journal.list("").await.unwrap(), [], "no half file under the key");
        assert_eq!(
            journal.put_new(&key("runs/big"), Bytes::from_static(b"small")).await.unwrap(),
            Put::Written
        );
        assert_eq!(fs::read_dir(journal.dir().join("runs")).unwrap().count(), 1, "no temporary file left");
    }
}

#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_later_fails_the_put_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    run_with_file_limit(8, "in_a_process_that_can_write_little_a_put_fails_whole", dir.path());
}

#[tokio::test]
async fn a_file_in_the_place_of_the_directory_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("journal");
    fs::write(&file, "precious").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = FileJournal::open(&path).await.unwrap_err();
        let report = error.report();
        assert_eq!(error.kind(), ErrorKind::Journal);
        assert!(report.contains(path.to_str().unwrap()) && report.contains("next: look at"), "{report}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
}

#[tokio::test]
async fn open_creates_what_is_missing_and_leaves_no_probe() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("a/b/journal");
    let journal = FileJournal::open(&root).await.unwrap();
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
    assert_eq!(journal.dir(), root.canonicalize().unwrap());
    assert!(journal.store.probe().unwrap(), "the file system of the tests has hard links");
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
}

#[tokio::test]
async fn many_may_open_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("a/journal");
    let openings: Vec<_> = (0..16).map(|_| tokio::spawn(FileJournal::open(root.clone()))).collect();
    for opening in openings {
        assert!(opening.await.unwrap().unwrap().store.has_links());
    }
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
}

#[tokio::test]
async fn a_directory_that_vanished_is_not_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("volume");
    let journal = FileJournal::open(&root).await.unwrap();
    fs::remove_dir(&root).unwrap();
    let put = journal.put_new(&key("runs/c/x"), Bytes::new()).await.unwrap_err();
    let list = journal.list("runs").await.unwrap_err();
    let lock = journal.lock("c", &Holder::this_process("x", at(1))).await.unwrap_err();
    for error in [put, list, lock] {
        assert_eq!(error.kind(), ErrorKind::Journal);
        assert!(error.report().contains("the journal's directory is gone"), "{}", error.report());
    }
    assert!(!root.exists());
}

#[tokio::test]
async fn a_relative_directory_becomes_an_absolute_one() {
    let dir = tempfile::tempdir_in(".").unwrap();
    let journal = FileJournal::open(Path::new(dir.path().file_name().unwrap())).await.unwrap();
    assert!(journal.dir().is_absolute());
    assert_eq!(journal.dir(), dir.path().canonicalize().unwrap());
}

#[tokio::test]
async fn leftovers_of_the_dead_are_removed_and_those_of_the_living_kept() {
    let dir = tempfile::tempdir().unwrap();
    let journal = FileJournal::open(dir.path()).await.unwrap();
    journal.put_new(&key("runs/x.json"), Bytes::new()).await.unwrap();
    let dead = dir.path().join("runs/.00000001.json.4711-0.tmp");
    let living = dir.path().join("runs/.00000002.json.4712-3.tmp");
    let foreign = dir.path().join("runs/.profile");
    for path in [&dead, &living, &foreign] {
        fs::write(path, "half").unwrap();
    }
    let writing = fs::File::open(&living).unwrap();
    fs4::FileExt::try_lock(&writing).unwrap();
    let again = FileJournal::open(dir.path()).await.unwrap();
    assert!(!dead.exists() && living.exists() && foreign.exists());
    assert_eq!(again.list("").await.unwrap(), [key("runs/x.json")]);
    drop(writing);
    FileJournal::open(dir.path()).await.unwrap();
    assert!(!living.exists());
}

#[tokio::test]
async fn leftovers_with_the_very_names_that_we_would_use_are_not_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let ours = FileJournal::open(dir.path()).await.unwrap();
    for number in 0..10 {
        fs::write(dir.path().join(tidy::temporary_name(Path::new("x.json"), number)), "left over").unwrap();
    }
    assert_eq!(ours.put_new(&key("x.json"), Bytes::from_static(b"whole")).await.unwrap(), Put::Written);
    assert_eq!(ours.read(&key("x.json")).await.unwrap(), "whole");
}

#[tokio::test]
async fn processes_that_open_the_journal_do_not_disturb_one_that_writes() {
    let dir = tempfile::tempdir().unwrap();
    let journal = FileJournal::open(dir.path()).await.unwrap();
    let (store, done) = (Arc::clone(&journal.store), Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let is_done = Arc::clone(&done);
    let opener = tokio::task::spawn_blocking(move || {
        let mut rounds = 0;
        while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
            tidy::remove_leftovers(&store).unwrap();
            rounds += 1;
        }
        rounds
    });
    for n in 0..100 {
        assert_eq!(
            journal.put_new(&key(&format!("runs/{n:03}")), Bytes::from(vec![n])).await.unwrap(),
            Put::Written
        );
    }
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(opener.await.unwrap() > 0);
    assert_eq!(journal.list("runs").await.unwrap().len(), 100);
    assert_eq!(fs::read_dir(dir.path().join("runs")).unwrap().count(), 100);
}

#[tokio::test]
async fn garbage_in_the_directory_is_left_alone_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let journal = FileJournal::open(dir.path()).await.unwrap();
    journal.put_new(&key("runs/c/x"), Bytes::from_static(b"ours")).await.unwrap();
    let mut garbage =
        vec![dir.path().join("README.md"), dir.path().join("runs/c/a b"), dir.path().join("runs/.swp")];
    for path in &garbage {
        fs::write(path, [0, 159, 146, 150]).unwrap();
    }
    garbage.push(dir.path().join("lost+found"));
    fs::create_dir(&garbage[3]).unwrap();
    fs::write(garbage[3].join("inner"), "").unwrap();
    #[cfg(unix)]
    {
        garbage.push(dir.path().join("runs/loop"));
        std::os::unix::fs::symlink(dir.path(), &garbage[4]).unwrap();
    }
    let journal = FileJournal::open(dir.path()).await.unwrap();
    assert_eq!(journal.list("").await.unwrap(), [key("runs/c/x")]);
    let mut strangers = journal.strangers().await.unwrap();
    let root = journal.dir().to_path_buf();
    let mut expected: Vec<_> =
        garbage.iter().map(|path| root.join(path.strip_prefix(dir.path()).unwrap())).collect();
    strangers.sort();
    expected.sort();
    assert_eq!(strangers, expected);
    assert!(garbage.iter().all(|path| path.symlink_metadata().is_ok()));
}

#[tokio::test]
async fn a_file_longer_than_any_record_is_refused_unread() {
    let dir = tempfile::tempdir().unwrap();
    let journal = FileJournal::open(dir.path()).await.unwrap();
    fs::File::create(dir.path().join("big")).unwrap().set_len(10 << 30).unwrap();
    let error = journal.read(&key("big")).await.unwrap_err();
    assert!(error.report().contains("longer than any record"), "{}", error.report());
    let error = journal.put_new(&key("new"), Bytes::from(vec![0; MAX_BODY + 1])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_spoiled_lock_file_still_locks() {
    let dir = tempfile::tempdir().unwrap();
    let journal = FileJournal::open(dir.path()).await.unwrap();
    fs::create_dir(dir.path().join("locks")).unwrap();
    let file = dir.path().join("locks/c.lock");
    fs::write(&file, "nonsense that is longer than a holder".repeat(50)).unwrap();
    let us = Holder::this_process("us", at(1));
    let Lock::Acquired(guard) = journal.lock("c", &us).await.unwrap() else { panic!("not free") };
    assert_eq!(serde_json::from_str::<Holder>(&fs::read_to_string(&file).unwrap()).unwrap(), us);
    fs::OpenOptions::new().write(true).open(&file).unwrap().write_all(b"nonsense").unwrap();
    assert!(matches!(journal.lock("c", &us).await.unwrap(), Lock::Held(None)));
    journal.unlock(guard).await.unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"", "no stale name is left");
    for bad in ["", "..", "a/b"] {
        assert_eq!(journal.lock(bad, &us).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn a_key_below_a_file_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let journal = FileJournal::open(dir.path()).await.unwrap();
    journal.put_new(&key("a"), Bytes::new()).await.unwrap();
    let error = journal.put_new(&key("a/b"), Bytes::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert!(error.report().contains("a/b"), "{}", error.report());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_journal() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let journal = FileJournal::open(dir.path().join("journal")).await.unwrap();
    journal.put_new(&key("runs/x"), Bytes::new()).await.unwrap();
    let Lock::Acquired(_guard) = journal.lock("c", &Holder::this_process("x", at(1))).await.unwrap() else {
        panic!("not free")
    };
    let mode = |path: &str| fs::metadata(journal.dir().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["", "runs", "locks"].map(mode), [0o700; 3]);
    assert_eq!(["runs/x", "locks/c.lock"].map(mode), [0o600; 2]);
}
