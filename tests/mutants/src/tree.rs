//! A copy of the repository in which every mutant is built in, switched off.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::instrument::{Mutant, instrument};

const CRATE: &str = "camunda-backup-procedures";

/// The rooms whose every line keeps the promise.
const WATCHED: [&str; 9] = [
    "engine",
    "exporting",
    "journal",
    "recover",
    "backup/verdict",
    "backup/steps",
    "backup/leftovers",
    "obligation",
    "run",
];

/// Files of these rooms that only tests or people see.
const LEFT_OUT: [&str; 6] =
    ["tests.rs", "/tests/", "journal/memory", "recover/report.rs", "engine/events.rs", "journal/holder.rs"];

pub struct Copy {
    pub original: PathBuf,
    pub root: PathBuf,
    files: Vec<String>,
}

impl Copy {
    /// Copies what git tracks, as it is in the working tree, below `target/mutants`.
    pub fn make() -> Result<Self, String> {
        let original =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().map_err(|e| e.to_string())?;
        let listed = output(
            Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(&original),
        )?;
        let root = original.join("target/mutants/tree");
        let mut files = Vec::new();
        let mut kept = BTreeSet::new();
        for name in listed
            .lines()
            .filter(|name| !name.starts_with("tests/live/") && !name.starts_with("tests/mutants/"))
        {
            let from = original.join(name);
            if !from.is_file() {
                continue;
            }
            let body = fs::read(&from).map_err(|e| format!("{name}: {e}"))?;
            if is_watched(name) {
                files.push(name.to_owned());
            } else {
                write_if_changed(&root.join(name), &body)?;
            }
            kept.insert(root.join(name));
        }
        remove_others(&root, &kept)?;
        Ok(Self { original, root, files })
    }

    /// A mutant that does not type-check is left out; what the compiler says about a line tells which.
    pub fn instrument_until_it_compiles(&self) -> Result<Vec<Mutant>, String> {
        let mut refused = BTreeSet::new();
        for _ in 0..30 {
            let mutants = self.write(&refused)?;
            let more = self.check()?;
            if more.is_empty() {
                return Ok(mutants);
            }
            println!("{} mutants do not compile and are left out", more.len());
            refused.extend(more);
        }
        Err("there is no end of mutants that do not compile".to_owned())
    }

    fn write(&self, refused: &BTreeSet<u32>) -> Result<Vec<Mutant>, String> {
        let mut mutants = Vec::new();
        let mut first = 1;
        for name in &self.files {
            let text = fs::read_to_string(self.original.join(name)).map_err(|e| format!("{name}: {e}"))?;
            // Numbers of one file never depend on what was refused in another.
            let (changed, found) =
                instrument(name.trim_start_matches("camunda-backup-procedures/src/"), &text, first, refused)?;
            first += 10_000;
            write_if_changed(&self.root.join(name), changed.as_bytes())?;
            mutants.extend(found);
        }
        let library = self.root.join(CRATE).join("src/lib.rs");
        let text =
            fs::read_to_string(self.original.join(CRATE).join("src/lib.rs")).map_err(|e| e.to_string())?;
        write_if_changed(&library, format!("{text}\npub(crate) mod mutants;\n").as_bytes())?;
        write_if_changed(&self.root.join(CRATE).join("src/mutants.rs"), SWITCH.as_bytes())?;
        Ok(mutants)
    }

    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.args(arguments).current_dir(&self.root).env("RUSTFLAGS", "--cap-lints=warn -Awarnings");
        cargo.env("CARGO_TARGET_DIR", self.original.join("target/mutants/build"));
        cargo
    }

    /// The mutants on the lines of which the compiler finds an error.
    fn check(&self) -> Result<BTreeSet<u32>, String> {
        let mut cargo =
            self.cargo(&["check", "-p", CRATE, "--all-features", "--message-format=json", "--quiet"]);
        let checked = cargo.output().map_err(|e| e.to_string())?;
        let mut found = BTreeSet::new();
        let mut unexplained = Vec::new();
        for message in String::from_utf8_lossy(&checked.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        {
            let error = &message["message"];
            let spans = error["spans"].as_array().cloned().unwrap_or_default();
            if error["level"] != "error" || spans.is_empty() {
                continue;
            }
            let mutants: BTreeSet<u32> = spans.iter().filter_map(|span| self.mutant_at(span)).collect();
            if mutants.is_empty() {
                unexplained.push(error["rendered"].as_str().unwrap_or_default().to_owned());
            }
            found.extend(mutants);
        }
        if checked.status.success() || !found.is_empty() {
            return Ok(found);
        }
        Err(format!(
            "the copy does not compile:\n{}{}",
            unexplained.join("\n"),
            String::from_utf8_lossy(&checked.stderr)
        ))
    }

    fn mutant_at(&self, span: &Value) -> Option<u32> {
        let text = fs::read_to_string(self.root.join(span["file_name"].as_str()?)).ok()?;
        let lines: Vec<&str> = text.lines().collect();
        let line = usize::try_from(span["line_start"].as_u64()?).ok()?.checked_sub(1)?;
        // From the line of the error upwards: the switch stands in it or just above.
        lines[..=line.min(lines.len() - 1)].iter().rev().take(4).find_map(|line| {
            let at = line.rfind("mutants::is(")?;
            line[at + "mutants::is(".len()..].split("u32").next()?.parse().ok()
        })
    }
}

fn is_watched(name: &str) -> bool {
    let Some(inner) = name.strip_prefix("camunda-backup-procedures/src/") else { return false };
    let in_room =
        |room: &str| inner.strip_prefix(room).is_some_and(|rest| rest.starts_with('/') || rest == ".rs");
    inner.ends_with(".rs")
        && WATCHED.iter().any(|room| in_room(room))
        && !LEFT_OUT.iter().any(|part| inner.contains(part))
}

fn write_if_changed(path: &Path, body: &[u8]) -> Result<(), String> {
    if fs::read(path).is_ok_and(|there| there == body) {
        return Ok(());
    }
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, body));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

fn remove_others(dir: &Path, kept: &BTreeSet<PathBuf>) -> Result<(), String> {
    let Ok(entries) = fs::read_dir(dir) else { return Ok(()) };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            remove_others(&path, kept)?;
        } else if !kept.contains(&path) && !path.ends_with("src/mutants.rs") {
            fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The switch, and the record of which mutants a test reaches.
const SWITCH: &str = r#"//! Which mutant is on.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{LazyLock, Mutex, PoisonError};

static ACTIVE: LazyLock<u32> =
    LazyLock::new(|| std::env::var("MUTANT").ok().and_then(|number| number.parse().ok()).unwrap_or(0));
static RECORD: LazyLock<Option<Mutex<(BTreeSet<u32>, std::fs::File)>>> = LazyLock::new(|| {
    let path = std::env::var_os("MUTANTS_REACHED")?;
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path).ok()?;
    Some(Mutex::new((BTreeSet::new(), file)))
});

pub(crate) fn is(number: u32) -> bool {
    if let Some(record) = &*RECORD {
        let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
        if record.0.insert(number) {
            let _ = writeln!(record.1, "{number}");
        }
    }
    *ACTIVE == number
}
"#;
