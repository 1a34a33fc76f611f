//! The recovery is struck too: a process dies with exporting paused, and the one that recovers meets every fault at
//! every one of its own requests and records.

use std::time::Duration;

use camunda_backup::zeebe::testing::PauseKind;
use camunda_backup::{Cluster, recover};

use super::baseline::Baseline;
use super::cases::{Caller, Case, Place, Strike, product};
use super::explore::{Aftermath, End, Explored, end_of, in_virtual_time};
use super::fault_injection::{FaultInjector, PAUSE};
use super::invariants;
use super::mutants::Mutant;
use super::scenes::Scene;
use super::workers::in_parallel;
use super::{Findings, report};

#[test]
fn every_fault_at_every_request_and_record_of_a_recovery_keeps_the_invariants() {
    let scene = Scene::eight_six();
    let pause = Baseline::of(&scene, Mutant::None).place_of(PAUSE);
    let death = Case { place: Place::Request(pause), strike: Strike::DieAfter, caller: Caller::Waits };
    let whole = recovered(&scene, death, None);
    assert_eq!(whole.violations, Vec::<String>::new());
    let cases: Vec<Case> = Case::all(whole.requests.len(), whole.puts).collect();
    assert!(whole.requests.len() >= 3 && whole.puts >= 3);
    let mut findings = Findings::default();
    for (case, found) in cases.iter().zip(in_parallel(&cases, |case| recovered(&scene, death, Some(*case)))) {
        findings.add(&format!("{scene}: recovery: {case}"), &found);
    }
    assert_eq!(findings.explored, product(whole.requests.len(), whole.puts));
    assert_eq!(findings.struck, findings.explored);
    report(&format!("crash matrix: the recovery of {scene}: {} cases", findings.explored));
    assert!(findings.failures.is_empty(), "{}", findings.first(20));
}

/// Dies as told, then recovers into the fault, then recovers again.
fn recovered(scene: &Scene, death: Case, case: Option<Case>) -> Explored {
    in_virtual_time(async {
        let simulated = scene.build().await;
        let config = scene.config(&simulated);
        let victim = FaultInjector::new(&simulated, Some(death), Mutant::None);
        let cluster = Cluster::connect_with(config.clone(), victim.connect_options()).await.unwrap();
        let plan = cluster.plan_backup(Scene::spec()).unwrap();
        let id = plan.id().unwrap();
        victim.arm();
        let end = end_of(cluster.start(plan).await, &victim, Some(death)).await;
        assert!(matches!(end, End::Died) && !invariants::exports_everywhere(&simulated));
        victim.disarm();

        let injector = FaultInjector::new(&simulated, case, Mutant::None);
        injector.arm();
        let first = tokio::select! {
            biased;
            () = injector.process().died() => None,
            () = injector.strikes(), if case.is_some_and(|case| case.caller == Caller::Drops) => None,
            first = recover(config.clone(), injector.connect_options()) => Some(first),
        };
        let (requests, puts) = (simulated.requests(), injector.puts());
        injector.disarm();
        tokio::time::sleep(Duration::from_secs(1)).await; // virtual time

        let next = || FaultInjector::new(&simulated, None, Mutant::None).connect_options();
        let (recovered, again) =
            (recover(config.clone(), next()).await, recover(config.clone(), next()).await);
        let (recovered, again) =
            (recovered.map_err(camunda_backup::Error::from), again.map_err(camunda_backup::Error::from));
        let (cluster, planned, ran_at_end) = (&simulated, PauseKind::Soft, false);
        let aftermath = Aftermath { case, id, planned, cluster, end: &end, ran_at_end, recovered, again };
        let mut violations = invariants::violated(&aftermath).await;
        let on_the_wire = case.is_none_or(|case| matches!(case.strike, Strike::Net(_)));
        if let (true, Some(Err(error))) = (on_the_wire, &first) {
            violations.push(format!("one fault on the wire ends a recovery: {}", error.report()));
        }
        let struck = injector.has_struck();
        Explored { struck, violations, requests, puts, ..Explored::default() }
    })
}
