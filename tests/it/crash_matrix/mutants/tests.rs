//! Each mistake is caught, and by the invariant that stands against it. 8.6.0 on Elasticsearch 8.

use super::Mutant;
use crate::crash_matrix::baseline::Baseline;
use crate::crash_matrix::cases::{Case, Place, Strike};
use crate::crash_matrix::explore::{Explored, explore};
use crate::crash_matrix::scenes::Scene;
use crate::crash_matrix::workers::in_parallel;
use camunda_backup::testing::Fault;

/// How many of the picked cases violate an invariant, in a matrix that is clean without the mistake.
fn caught(scene: &Scene, mutant: Mutant, invariant: &str, picked: impl Fn(&Case) -> bool) -> usize {
    let cases: Vec<Case> = Baseline::of(scene, Mutant::None).cases().filter(picked).collect();
    assert!(!cases.is_empty());
    let sound = in_parallel(&cases, |case| explore(scene, Some(*case), Mutant::None));
    let clean: Vec<String> = sound.into_iter().flat_map(|found| found.violations).collect();
    assert_eq!(clean, Vec::<String>::new(), "without the mistake");
    let broken = in_parallel(&cases, |case| explore(scene, Some(*case), mutant));
    broken.iter().filter(|found| shows(found, invariant)).count()
}

fn shows(found: &Explored, invariant: &str) -> bool {
    found.violations.iter().any(|violation| violation.starts_with(invariant))
}

fn at_requests(strike: Strike) -> impl Fn(&Case) -> bool {
    move |case| matches!(case.place, Place::Request(_)) && case.strike == strike
}

#[test]
fn a_close_that_does_nothing_is_caught() {
    let scene = Scene::eight_six();
    let whole = explore(&scene, None, Mutant::CloseDisabled);
    assert!(whole.completed && shows(&whole, "I1: in the end exporting is"), "{:?}", whole.violations);
    assert!(caught(&scene, Mutant::CloseDisabled, "I1", at_requests(Strike::DieBefore)) > 0);
}

#[test]
fn an_obligation_that_is_recorded_after_the_request_is_caught() {
    let scene = Scene::eight_six();
    let mutant = Mutant::ObligationAfterRequest;
    let whole = explore(&scene, None, mutant);
    assert!(shows(&whole, "I7: POST"), "{:?}", whole.violations);
    // Who dies between the request and the record leaves a pause that nobody knows of.
    assert!(caught(&scene, mutant, "I1: in the end exporting is", at_requests(Strike::DieAfter)) > 0);
}

#[test]
fn a_soft_pause_that_becomes_a_hard_one_is_caught() {
    let scene = Scene::eight_six();
    let whole = explore(&scene, None, Mutant::SoftDropped);
    assert!(!whole.completed && shows(&whole, "I2: Soft was planned"), "{:?}", whole.violations);
    let refused = Strike::Net(Fault::Refuse);
    assert!(caught(&scene, Mutant::SoftDropped, "I2", at_requests(refused)) > 0);
}

#[test]
fn an_ignored_envelope_is_caught() {
    let envelope = at_requests(Strike::Net(Fault::Envelope500));
    let blind = Scene::eight_six().without_witnesses();
    assert!(caught(&blind, Mutant::EnvelopeIgnored, "I4", &envelope) > 0);
    // Where brokers can be asked, the mistake alone does no harm: no answer is believed.
    assert_eq!(caught(&Scene::eight_six(), Mutant::EnvelopeIgnored, "I", &envelope), 0);
}

#[test]
fn a_backup_without_a_pause_is_caught() {
    let scene = Scene::eight_six();
    let whole = explore(&scene, None, Mutant::PauseDeleted);
    assert!(shows(&whole, "I4: completed say") || !whole.completed, "{:?}", whole.words);
    assert!(shows(&whole, "I4") || whole.words.contains("INCONSISTENT"), "{}", whole.words);
}
