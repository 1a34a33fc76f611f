//! The crash matrix of the backup, exhaustive: whatever strikes at whichever request or journal record of a run, the
//! invariants hold afterwards. And the proof that it can fail: broken wires and journals that it must catch.
//!
//! One case is a pure function of its coordinates: a scene (dialect, store, witnesses), a place (the nth request of the
//! run or its nth journal record), what strikes there, and whether the caller drops the run at that moment.
#![allow(clippy::unwrap_used, clippy::panic)]

mod baseline;
mod cases;
mod explore;
mod fault_injection;
mod invariants;
mod journal_content;
mod mutants;
mod recovery;
mod scenes;
mod second_run;
mod workers;

use std::io::Write as _;

use baseline::Baseline;
use cases::Case;
use explore::{Explored, explore};
use mutants::Mutant;
use scenes::Scene;
use workers::in_parallel;

/// What a whole matrix found.
#[derive(Default)]
struct Findings {
    explored: usize,
    struck: usize,
    completed: usize,
    failures: Vec<String>,
}

impl Findings {
    fn add(&mut self, label: &str, found: &Explored) {
        self.explored += 1;
        self.struck += usize::from(found.struck);
        self.completed += usize::from(found.completed);
        if !found.violations.is_empty() {
            self.failures.push(format!("{label}\n      {}", found.violations.join("\n      ")));
        }
    }

    fn first(&self, most: usize) -> String {
        self.failures.iter().take(most).cloned().collect::<Vec<_>>().join("\n  ")
    }
}

/// Explores every case of the scenes; the findings are in the order of the scenes.
fn matrix(scenes: &[Scene], mutant: Mutant) -> Vec<(Baseline, Findings)> {
    let baselines = in_parallel(scenes, |scene| Baseline::of(scene, mutant));
    let cases: Vec<(usize, Case)> =
        (0..).zip(&baselines).flat_map(|(n, baseline)| baseline.cases().map(move |case| (n, case))).collect();
    let explored = in_parallel(&cases, |(n, case)| explore(&scenes[*n], Some(*case), mutant));
    let mut all: Vec<(Baseline, Findings)> =
        baselines.into_iter().map(|baseline| (baseline, Findings::default())).collect();
    for ((n, case), found) in cases.iter().zip(&explored) {
        let (baseline, findings) = &mut all[*n];
        findings.add(&format!("{}: {}", scenes[*n], baseline.label(case)), found);
    }
    all
}

/// Written past the test harness, so that the counts are seen without asking for them.
fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[test]
fn every_fault_at_every_request_and_record_of_every_dialect_keeps_the_invariants() {
    let began = std::time::Instant::now();
    let scenes = Scene::all();
    let (mut explored, mut product, mut struck, mut failures) = (0, 0, 0, Vec::new());
    for (scene, (baseline, findings)) in scenes.iter().zip(matrix(&scenes, Mutant::None)) {
        assert_eq!(baseline.violations, Vec::<String>::new(), "{scene} without any fault");
        assert_eq!(findings.explored, cases::product(baseline.requests(), baseline.puts), "{scene}");
        report(&format!(
            "crash matrix: {scene}: {} requests, {} records, {} cases, {} struck, {} completed, {} failures",
            baseline.requests(),
            baseline.puts,
            findings.explored,
            findings.struck,
            findings.completed,
            findings.failures.len(),
        ));
        explored += findings.explored;
        struck += findings.struck;
        product += baseline.requests() * 14 + baseline.puts * 8;
        failures.extend(findings.failures);
    }
    let took = began.elapsed().as_secs();
    report(&format!("crash matrix: {explored} cases in all, {struck} of them struck, in {took} s"));
    assert_eq!(explored, product, "the full product");
    assert!(struck * 100 >= explored * 99, "only {struck} of {explored} faults struck");
    let findings = Findings { failures, ..Findings::default() };
    assert!(findings.failures.is_empty(), "{} failed:\n  {}", findings.failures.len(), findings.first(20));
}
