//! What lies in the directory: keys, files that a crash left half-written, and what is none of ours. Blocking.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::store::Store;
use crate::journal::Key;

/// What lies below a prefix.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) keys: Vec<Key>,
    pub(super) leftovers: Vec<PathBuf>,
    pub(super) strangers: Vec<PathBuf>,
}

/// The name of a temporary file for `path`: `.00000001.json.4711-0.tmp`. It begins with a dot, so it is never a key.
pub(super) fn temporary_name(path: &Path, number: u64) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(".{name}.{}-{number}.tmp", std::process::id())
}

fn is_temporary(name: &str) -> bool {
    let inner = name.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp"));
    let Some((_, numbers)) = inner.and_then(|inner| inner.rsplit_once('.')) else { return false };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    numbers.split_once('-').is_some_and(|(pid, number)| digits(pid) && digits(number))
}

/// Everything below `prefix`, which is whole segments; nothing if there is no such directory.
pub(super) fn walk(store: &Store, prefix: &str) -> io::Result<Found> {
    let mut found = Found::default();
    // A root that is gone is an error; a prefix without keys is not.
    fs::read_dir(store.root())?;
    if prefix.is_empty() {
        visit(store.root(), "", &mut found)?;
    } else if let Ok(key) = Key::new(prefix) {
        visit(&store.path(&key), key.as_str(), &mut found)?;
    }
    Ok(found)
}

fn visit(dir: &Path, prefix: &str, found: &mut Found) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let (path, file_name) = (entry.path(), entry.file_name());
        let kind = match entry.file_type() {
            // Removed by another process since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            kind => kind?,
        };
        let name = file_name.to_str().unwrap_or_default();
        let inner = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        match Key::new(&inner) {
            Ok(_) if kind.is_dir() => visit(&path, &inner, found)?,
            Ok(key) if kind.is_file() => found.keys.push(key),
            _ if kind.is_file() && is_temporary(name) => found.leftovers.push(path),
            // Too deep, a link, a device, or a name that we would not give.
            _ => found.strangers.push(path),
        }
    }
    Ok(())
}

/// Removes temporary files whose writer is dead: those that nobody has locked.
pub(super) fn remove_leftovers(store: &Store) -> io::Result<()> {
    for path in walk(store, "")?.leftovers {
        let Ok(file) = File::open(&path) else { continue };
        if fs4::FileExt::try_lock(&file).is_ok() {
            tracing::debug!(path = %path.display(), "removed what a crash left half-written in the journal");
            // Failing to remove it does no harm: it is no key.
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}
