//! What the journal asks of a disk, and disks that do it late, twice or not at all.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::Instant;

use super::*;
use crate::journal::Removal;
use crate::journal::file::disk::{Disk, OperatingSystem};

const LONG: Duration = Duration::from_secs(600);

/// Notes what is asked for, and on which thread the lock file was truncated.
#[derive(Debug, Default)]
struct Watched {
    calls: Mutex<Vec<String>>,
    truncated_on: Mutex<Vec<ThreadId>>,
}

impl Watched {
    fn note(&self, call: &str, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = if name.ends_with(".tmp") { "temporary" } else { &name };
        self.calls.lock().unwrap().push(format!("{call} {name}"));
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

impl Disk for Watched {
    fn sync_file(&self, file: &File) -> io::Result<()> {
        self.note("sync", Path::new("file"));
        OperatingSystem.sync_file(file)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.note("sync", dir);
        OperatingSystem.sync_dir(dir)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note("link", to);
        OperatingSystem.link(from, to)
    }
    fn truncate(&self, file: &File) -> io::Result<()> {
        self.truncated_on.lock().unwrap().push(std::thread::current().id());
        OperatingSystem.truncate(file)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.note("remove", path);
        OperatingSystem.remove_file(path)
    }
}

#[tokio::test]
async fn a_body_is_synced_before_it_has_its_name_and_every_directory_above_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let (root, disk) = (dir.path().join("journal"), Arc::new(Watched::default()));
    let journal = FileJournal::open_on(disk.clone(), &root, LONG).await.unwrap();
    let parent = dir.path().file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(
        disk.calls(),
        [&format!("sync {parent}"), "sync file", "link temporary", "sync journal"],
        "opening proves that a file can be put"
    );
    journal.put_new(&key("runs/c/x"), Bytes::from_static(b"1")).await.unwrap();
    assert_eq!(disk.calls(), ["sync file", "link x", "sync c", "sync runs", "sync journal"]);
    // Whoever stored it may have died before it synced the directories.
    assert_eq!(journal.put_new(&key("runs/c/x"), Bytes::from_static(b"2")).await.unwrap(), Put::Exists);
    assert_eq!(disk.calls(), ["sync c", "sync runs", "sync journal"]);
    assert_eq!(journal.remove(&key("runs/c/x")).await.unwrap(), Removal::Gone);
    assert_eq!(disk.calls(), ["remove x", "sync c"]);

    let store = Store::open_on(disk.clone(), &root).unwrap().without_links();
    let in_place = FileJournal::opened(store).unwrap();
    disk.calls();
    in_place.put_new(&key("runs/c/y"), Bytes::from_static(b"1")).await.unwrap();
    assert_eq!(disk.calls(), ["sync file", "sync c", "sync runs", "sync journal"]);
}

/// Fails one call that has been done, or not.
#[derive(Debug)]
struct Failing {
    call: &'static str,
    is_done: bool,
    kind: io::ErrorKind,
}

impl Failing {
    fn fail(&self, call: &str, really: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        if call != self.call {
            return really();
        }
        if self.is_done {
            really()?;
        }
        Err(self.kind.into())
    }
}

impl Disk for Failing {
    fn sync_file(&self, file: &File) -> io::Result<()> {
        self.fail("sync file", || OperatingSystem.sync_file(file))
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // The probe of `open` syncs the root only.
        let is_below = dir.ends_with("runs");
        self.fail(if is_below { "sync runs" } else { "sync root" }, || OperatingSystem.sync_dir(dir))
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        // The probe of `open` is not what is under test.
        let is_probe = to.to_string_lossy().contains("probe");
        self.fail(if is_probe { "probe" } else { "link" }, || OperatingSystem.link(from, to))
    }
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.fail("create directory", || OperatingSystem.create_dir(dir))
    }
    fn open_lock_file(&self, path: &Path) -> io::Result<File> {
        self.fail("open lock file", || Ok(()))?;
        OperatingSystem.open_lock_file(path)
    }
}

async fn failing(dir: &Path, call: &'static str, is_done: bool, kind: io::ErrorKind) -> FileJournal {
    FileJournal::open_on(Arc::new(Failing { call, is_done, kind }), dir, LONG).await.unwrap()
}

#[tokio::test]
async fn a_link_that_a_network_file_system_made_twice_is_ours() {
    let dir = tempfile::tempdir().unwrap();
    for (name, kind) in [("a", io::ErrorKind::AlreadyExists), ("b", io::ErrorKind::TimedOut)] {
        let journal = failing(dir.path(), "link", true, kind).await;
        let key = key(&format!("runs/{name}"));
        assert_eq!(journal.put_new(&key, Bytes::from_static(b"ours")).await.unwrap(), Put::Written, "{kind}");
        assert_eq!(journal.read(&key).await.unwrap(), "ours");
        assert_eq!(journal.put_new(&key, Bytes::from_static(b"again")).await.unwrap(), Put::Exists, "{kind}");
    }
    assert_eq!(fs::read_dir(dir.path().join("runs")).unwrap().count(), 2, "no temporary file is left");
}

#[tokio::test]
async fn a_link_that_was_not_made_is_another_ones_or_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let journal = failing(dir.path(), "link", false, io::ErrorKind::AlreadyExists).await;
    assert_eq!(journal.put_new(&key("runs/a"), Bytes::from_static(b"ours")).await.unwrap(), Put::Exists);
    let journal = failing(dir.path(), "link", false, io::ErrorKind::TimedOut).await;
    let error = journal.put_new(&key("runs/a"), Bytes::from_static(b"ours")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Journal, Outcome::Unknown));
}

#[tokio::test]
async fn what_could_not_be_synced_is_not_called_written() {
    let dir = tempfile::tempdir().unwrap();
    let journal = failing(dir.path(), "sync runs", false, io::ErrorKind::Other).await;
    assert_eq!(journal.put_new(&key("runs/a"), Bytes::new()).await.unwrap_err().kind(), ErrorKind::Journal);
    assert_eq!(journal.remove(&key("runs/a")).await.unwrap_err().kind(), ErrorKind::Journal);
    let other = tempfile::tempdir().unwrap();
    let disk = Arc::new(Failing { call: "sync file", is_done: false, kind: io::ErrorKind::Other });
    let error = FileJournal::open_on(disk.clone(), other.path(), LONG).await.unwrap_err();
    assert!(error.report().contains("journal.open"), "{}", error.report());
    let store = Store::open_to_read_on(disk, other.path()).unwrap().without_links();
    let in_place = FileJournal::opened(store).unwrap();
    in_place.put_new(&key("a"), Bytes::new()).await.unwrap_err();
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0, "nothing is left of it");
}

#[tokio::test]
async fn where_nothing_can_be_written_and_nobody_ever_took_a_lock_the_lock_holds_all_the_same() {
    for call in ["create directory", "open lock file"] {
        for kind in [io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::PermissionDenied] {
            let dir = tempfile::tempdir().unwrap();
            let ours = failing(dir.path(), call, false, kind).await;
            let theirs = failing(dir.path(), call, false, kind).await;
            let us = Holder::this_process("us", at(1));
            let Lock::Acquired(guard) = ours.lock("c", &us).await.unwrap() else {
                panic!("{call}: not free")
            };
            assert!(matches!(theirs.lock("c", &us).await.unwrap(), Lock::Held(None)), "{call}");
            ours.unlock(guard).await.unwrap();
            assert!(matches!(theirs.lock("c", &us).await.unwrap(), Lock::Acquired(_)), "{call}");
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let full = failing(dir.path(), "open lock file", false, io::ErrorKind::Other).await;
    full.lock("c", &Holder::this_process("us", at(1))).await.unwrap_err();
}

#[tokio::test]
async fn a_lock_is_given_back_on_a_thread_that_may_block_and_dropping_it_only_closes() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Watched::default());
    let journal = FileJournal::open_on(disk.clone(), dir.path(), LONG).await.unwrap();
    let us = Holder::this_process("us", at(1));
    let Lock::Acquired(guard) = journal.lock("c", &us).await.unwrap() else { panic!("not free") };
    journal.unlock(guard).await.unwrap();
    let threads = disk.truncated_on.lock().unwrap().clone();
    assert_eq!(threads.len(), 2, "once to write who has it, once to take that out");
    assert!(!threads.contains(&std::thread::current().id()), "the runtime's own thread was blocked");
    let Lock::Acquired(guard) = journal.lock("c", &us).await.unwrap() else { panic!("not free") };
    drop(guard);
    assert_eq!(disk.truncated_on.lock().unwrap().len(), 3);
    assert!(matches!(journal.lock("c", &us).await.unwrap(), Lock::Acquired(_)));
}

/// Syncs nothing until the other end of the channel is dropped.
#[derive(Debug)]
struct Hanging(Mutex<Receiver<()>>);

impl Hanging {
    fn new() -> (Arc<Self>, Sender<()>) {
        let (end, wait) = channel();
        (Arc::new(Self(Mutex::new(wait))), end)
    }
}

impl Disk for Hanging {
    fn sync_file(&self, _file: &File) -> io::Result<()> {
        // An error is the end of the test.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).recv();
        Ok(())
    }
}

#[tokio::test]
async fn opening_on_a_disk_that_hangs_ends_with_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, end) = Hanging::new();
    let began = Instant::now();
    let error = FileJournal::open_on(disk, dir.path(), Duration::from_millis(50)).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(30));
    let report = error.report();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Journal, Outcome::Unknown));
    for part in
        ["journal.open", dir.path().to_str().unwrap(), "has not answered within 50ms", "next: look at"]
    {
        assert!(report.contains(part), "{part:?} is not in {report}");
    }
    drop(end);
}

#[tokio::test]
async fn a_disk_that_hangs_fails_puts_and_neither_locks_nor_reads() {
    let dir = tempfile::tempdir().unwrap();
    FileJournal::open(dir.path()).await.unwrap().put_new(&key("runs/a"), Bytes::new()).await.unwrap();
    let (disk, end) = Hanging::new();
    let store = Store::open_to_read_on(disk, dir.path()).unwrap();
    let journal = FileJournal { store: Arc::new(store), patience: Duration::from_millis(50) };
    let error = journal.put_new(&key("runs/b"), Bytes::new()).await.unwrap_err();
    assert!(
        error.report().contains("journal.put") && error.report().contains("runs/b"),
        "{}",
        error.report()
    );
    let patient = FileJournal { store: Arc::clone(&journal.store), patience: LONG };
    assert!(patient.read(&key("runs/a")).await.unwrap().is_empty());
    let us = Holder::this_process("us", at(1));
    let Lock::Acquired(guard) = patient.lock("c", &us).await.unwrap() else { panic!("not free") };
    patient.unlock(guard).await.unwrap();
    drop(end);
}
