//! The simulated cluster against what real servers were seen to do.
//!
//! `tests/conformance/*.txt` hold what the scenarios saw on real servers; the live harness writes them anew. What the
//! simulation shows otherwise must stand in `tests/conformance/differences.md`, and what stands there must still occur.

mod listed;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use camunda_backup::testing::conformance::{
    Difference, Observed, World, compare, with_effects, with_hands, with_hands_on_the_store,
};
use camunda_backup::testing::{SimulatedCluster, SimulationOptions, StoreKind};

use listed::Listed;

/// One line of real servers, by the name of the live harness, and what simulates it.
#[derive(Clone, Copy)]
struct Line {
    name: &'static str,
    store: StoreKind,
    store_version: &'static str,
    web_applications: bool,
    /// Whether brokers were killed there.
    hands: bool,
}

const fn line(name: &'static str, store: StoreKind, store_version: &'static str) -> Line {
    Line { name, store, store_version, web_applications: false, hands: false }
}

const fn with_web_applications(line: Line) -> Line {
    Line { web_applications: true, ..line }
}

const fn with_hands_on(line: Line) -> Line {
    Line { hands: true, ..line }
}

const LINES: [Line; 7] = [
    with_hands_on(with_web_applications(line(
        "8.6.0+elasticsearch-8.19",
        StoreKind::Elasticsearch8,
        "8.19.8",
    ))),
    with_web_applications(line("8.6.0+elasticsearch-8.16", StoreKind::Elasticsearch8, "8.16.6")),
    with_web_applications(line("8.6.0+opensearch-2.19", StoreKind::OpenSearch2, "2.19.1")),
    line("8.6.0+elasticsearch-9.4", StoreKind::Elasticsearch9, "9.4.3"),
    line("8.6.0+opensearch-1.3", StoreKind::OpenSearch1, "1.3.13"),
    line("8.6.0+opensearch-3.6", StoreKind::OpenSearch3, "3.6.0"),
    with_hands_on(line("8.5.8+elasticsearch-7.17", StoreKind::Elasticsearch7, "7.17.29")),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

/// The scenarios on the simulation of a line.
async fn simulated(line: &Line) -> Vec<Observed> {
    let version = line.name.split('+').next().unwrap().parse().unwrap();
    let mut options = SimulationOptions::new(version, line.store);
    options.store_version = Some(line.store_version.to_owned());
    options.camunda.optimize = false;
    (options.camunda.operate, options.camunda.tasklist) = (line.web_applications, line.web_applications);
    let cluster = SimulatedCluster::with(options);
    cluster.store().set_snapshot_duration(|name, _| {
        // Long enough for everything that is refused meanwhile.
        if name == "conformance-slow" { Duration::from_secs(8) } else { Duration::from_millis(300) }
    });
    tokio::time::sleep(Duration::from_secs(10)).await; // virtual time: every index comes into being
    let world = World::simulated(&cluster).await.unwrap();
    let mut seen = with_effects(&world).await;
    let hands = &mut cluster.clone();
    if line.hands {
        seen.extend(with_hands(&world, hands).await);
    }
    seen.extend(with_hands_on_the_store(&world, hands).await);
    seen
}

/// What was seen on the real servers of a line.
fn real(line: &Line) -> Vec<Observed> {
    let file = folder().join(format!("{}.txt", line.name));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    Observed::from_text(&text)
}

#[tokio::test(start_paused = true)]
async fn the_simulation_does_what_real_servers_do() {
    let mut listed = Listed::read(&fs::read_to_string(folder().join("differences.md")).unwrap());
    let mut unlisted: Vec<(&str, Difference)> = Vec::new();
    for line in &LINES {
        let found = compare(&simulated(line).await, &real(line));
        let new = found.into_iter().filter(|difference| !listed.holds(line.name, difference));
        unlisted.extend(new.map(|difference| (line.name, difference)));
    }
    let told: Vec<String> =
        unlisted.iter().map(|(line, difference)| format!("{line}: {difference}")).collect();
    assert!(told.is_empty(), "{} differences are not listed:\n{}", told.len(), told.join("\n"));
    let stale = listed.unused();
    assert!(stale.is_empty(), "these are listed and do not occur any more:\n{}", stale.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn every_scenario_comes_to_its_end() {
    for line in &LINES {
        for observed in simulated(line).await {
            let last = observed.steps.last().map(|step| step.what.clone()).unwrap_or_default();
            let stuck =
                observed.steps.iter().any(|step| step.states.iter().any(|state| state.starts_with("no end")));
            assert!(!stuck && !last.is_empty(), "{}: {} ends with {last:?}", line.name, observed.scenario);
        }
    }
}

/// A server that does something else is noticed: without this the suite could be blind.
#[tokio::test(start_paused = true)]
async fn one_wrong_answer_is_seen() {
    let line = &LINES[0];
    let right = simulated(line).await;
    let mut wrong = right.clone();
    let step = &mut wrong[0].steps[0];
    step.blocks[0].head = step.blocks[0].head.replace("200", "201");
    assert_eq!(compare(&right, &wrong).len(), 2);
    assert!(compare(&right, &right).is_empty());
}
