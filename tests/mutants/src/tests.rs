//! The tests that may notice a mutant, each run in a process of its own.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::tree::Copy;

/// Tests that take minutes: they explore every request and every record. A mutant that only they catch counts as not caught,
/// because nobody waits for them while writing code. The tests of the documents read files that the copy has not.
const TOO_LONG: [&str; 3] = ["crash_matrix::", "kill9::", "docs::"];

/// A mutant may make a test wait for ever.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// This test fails with it.
    Caught(String),
    Survived,
}

impl Verdict {
    pub fn is_caught(&self) -> bool {
        matches!(self, Self::Caught(_))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Test {
    pub binary: PathBuf,
    pub name: String,
}

pub struct Suite {
    pub tests: Vec<Test>,
    directory: PathBuf,
}

impl Suite {
    pub fn build(copy: &Copy) -> Result<Self, String> {
        let mut tests = Vec::new();
        // The unit tests of the crate, and the procedures on the simulated cluster.
        for arguments in [
            [
                "test",
                "--no-run",
                "--message-format=json",
                "-p",
                "camunda-backup-procedures",
                "--lib",
                "--all-features",
            ]
            .as_slice(),
            ["test", "--no-run", "--message-format=json", "-p", "camunda-backup", "--test", "it"].as_slice(),
        ] {
            let built =
                copy.cargo(arguments).stderr(Stdio::inherit()).output().map_err(|error| error.to_string())?;
            if !built.status.success() {
                return Err("the tests of the copy do not build".to_owned());
            }
            let messages = String::from_utf8_lossy(&built.stdout).into_owned();
            let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            for binary in messages.filter_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
            {
                tests.extend(names(&binary)?.into_iter().map(|name| Test { binary: binary.clone(), name }));
            }
        }
        Ok(Self { tests, directory: copy.root.clone() })
    }

    pub fn len(&self) -> usize {
        self.tests.len()
    }

    /// Runs some tests of one binary in one process.
    pub fn run(&self, tests: &[&Test], variables: &[(&str, &str)]) -> (bool, Duration) {
        let Some(first) = tests.first() else { return (true, Duration::ZERO) };
        let mut command = Command::new(&first.binary);
        command.arg("--exact").args(["--test-threads", "1"]).args(tests.iter().map(|test| &test.name));
        command.current_dir(self.directory_of(first)).envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        let Ok(mut child) = command.spawn() else { return (false, Duration::ZERO) };
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return (status.success(), began.elapsed()),
                Ok(None)
                    if began.elapsed()
                        < PATIENCE + Duration::from_secs(3) * u32::try_from(tests.len()).unwrap_or(1) => {}
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return (false, began.elapsed());
                }
            }
            // The process of the tests is watched; nothing depends on how long this is.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn directory_of(&self, test: &Test) -> PathBuf {
        let is_unit = test
            .binary
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("camunda_backup_procedures"));
        if is_unit { self.directory.join("camunda-backup-procedures") } else { self.directory.clone() }
    }

    /// Groups of growing size, from the fastest test on.
    pub fn try_mutant(&self, number: u32, tests: &[&Test]) -> Verdict {
        let number = number.to_string();
        let mut rest = tests;
        let mut size = 1;
        while !rest.is_empty() {
            let (group, others) = rest.split_at(size.min(rest.len()));
            let binaries: BTreeSet<&PathBuf> = group.iter().map(|test| &test.binary).collect();
            for binary in binaries {
                let of_binary: Vec<&Test> =
                    group.iter().copied().filter(|test| test.binary == *binary).collect();
                if !self.run(&of_binary, &[("MUTANT", &number)]).0 {
                    return Verdict::Caught(
                        of_binary.first().map(|test| test.name.clone()).unwrap_or_default(),
                    );
                }
            }
            rest = others;
            size = (size * 2).min(24);
        }
        Verdict::Survived
    }
}

fn names(binary: &PathBuf) -> Result<Vec<String>, String> {
    let listed = Command::new(binary)
        .args(["--list", "--format", "terse"])
        .output()
        .map_err(|error| error.to_string())?;
    let ignored = Command::new(binary)
        .args(["--list", "--format", "terse", "--ignored"])
        .output()
        .map_err(|error| error.to_string())?;
    let of = |output: &[u8]| -> Vec<String> {
        String::from_utf8_lossy(output)
            .lines()
            .filter_map(|line| line.strip_suffix(": test").map(str::to_owned))
            .collect()
    };
    let ignored = of(&ignored.stdout);
    let wanted =
        |name: &String| !ignored.contains(name) && !TOO_LONG.iter().any(|part| name.starts_with(part));
    Ok(of(&listed.stdout).into_iter().filter(wanted).collect())
}
