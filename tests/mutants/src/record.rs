//! Which test reaches which mutant: only those can notice it.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use crate::tests::{Suite, Test};

pub struct Reached<'a> {
    /// By mutant: the tests that reach it, with how long they took.
    tests: BTreeMap<u32, Vec<(Duration, &'a Test)>>,
}

impl Reached<'_> {
    /// From the fastest to the slowest.
    pub fn tests_of(&self, mutant: u32) -> Vec<&Test> {
        self.tests.get(&mutant).into_iter().flatten().map(|(_, test)| *test).collect()
    }
}

/// Runs every test once without a mutant. All must pass.
pub fn reached_by(suite: &Suite) -> Result<Reached<'_>, String> {
    let queue = Mutex::new(suite.tests.iter().enumerate());
    let results = Mutex::new((BTreeMap::<u32, Vec<(Duration, &Test)>>::new(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().ok().and_then(|mut queue| queue.next());
                    let Some((number, test)) = next else { return };
                    let path = std::env::temp_dir().join(format!("mutants-{}-{number}", std::process::id()));
                    let shown = path.display().to_string();
                    let (passed, took) = suite.run(&[test], &[("MUTANTS_REACHED", &shown)]);
                    let reached = fs::read_to_string(&path).unwrap_or_default();
                    let _ = fs::remove_file(&path);
                    let Ok(mut results) = results.lock() else { return };
                    if !passed {
                        results.1.push(test.name.clone());
                    }
                    for mutant in reached.lines().filter_map(|line| line.parse().ok()) {
                        results.0.entry(mutant).or_default().push((took, test));
                    }
                }
            });
        }
    });
    let (mut tests, failed) = results.into_inner().map_err(|_| "a thread has panicked".to_owned())?;
    if !failed.is_empty() {
        return Err(format!("these tests fail without any mutant: {}", failed.join(", ")));
    }
    tests.values_mut().for_each(|tests| tests.sort());
    Ok(Reached { tests })
}
