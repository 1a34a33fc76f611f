//! `kill -9` at every step, for real: the example `backup` as a process of its own, over real HTTP and with a journal on
//! disk, killed after every line that it says, and started again.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use camunda_backup::Endpoint;
use camunda_backup::testing::{ServedCluster, SimulatedCluster, SimulationOptions, StoreKind};

use tokio::task::JoinSet;

use crate::world::{assert_running, is_paused};

/// The example, built as `cargo test` builds it too.
fn example() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--example", "backup"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.unwrap().success());
    // This test is in `deps`, beside `examples`.
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    deps.with_file_name("examples").join("backup")
}

/// The variables that the README shows.
fn variables(served: &ServedCluster, journal: &Path) -> Vec<(&'static str, String)> {
    let config = served.config();
    let url = |endpoint: &Option<Endpoint>| endpoint.as_ref().unwrap().url().to_string();
    let brokers: Vec<String> =
        config.brokers.iter().map(|(id, endpoint)| format!("{id}={}", endpoint.url())).collect();
    vec![
        ("CAMUNDA_ZEEBE_URL", config.zeebe.url().to_string()),
        ("CAMUNDA_OPERATE_URL", url(&config.operate)),
        ("CAMUNDA_TASKLIST_URL", url(&config.tasklist)),
        ("CAMUNDA_OPTIMIZE_URL", url(&config.optimize)),
        ("CAMUNDA_STORE_URL", url(&config.store)),
        ("CAMUNDA_REST_URL", url(&config.rest)),
        ("CAMUNDA_REPOSITORY", config.repository.as_ref().unwrap().to_string()),
        ("CAMUNDA_BROKER_URLS", brokers.join(",")),
        ("CAMUNDA_BACKUP_JOURNAL", journal.display().to_string()),
    ]
}

/// Runs the example and kills it after its nth event; what it said, and how it ended.
fn run(program: &Path, variables: &[(&'static str, String)], events: usize) -> (String, ExitStatus) {
    let mut child =
        Command::new(program).envs(variables.iter().cloned()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut seen = 0;
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    while lines.read_line(&mut said).unwrap() > 0 {
        // Events begin with the time.
        seen += usize::from(said.lines().last().is_some_and(|line| line.starts_with("20")));
        if seen == events {
            child.kill().unwrap(); // SIGKILL
            let _ = lines.read_to_string(&mut said);
            break;
        }
    }
    (said, child.wait().unwrap())
}

fn quick() -> SimulatedCluster {
    let mut options = SimulationOptions::new("8.6.0".parse().unwrap(), StoreKind::Elasticsearch8);
    options.camunda.parts = 2;
    options.camunda.zeebe_backup_duration = Duration::from_millis(100);
    let simulated = SimulatedCluster::with(options);
    simulated.store().set_snapshot_duration(|_, _| Duration::from_millis(30));
    simulated
}

/// The example on a cluster of its own, killed after its nth event, and started again until it has made a backup. Says
/// whether it died with exporting paused, or nothing if it ended by itself before.
async fn kill_and_start_again(program: PathBuf, events: usize) -> Option<bool> {
    let simulated = quick();
    let served = simulated.serve().await.unwrap();
    let journal = tempfile::tempdir().unwrap();
    let variables = variables(&served, journal.path());
    let start = async |events| {
        let (program, variables) = (program.clone(), variables.clone());
        tokio::task::spawn_blocking(move || run(&program, &variables, events)).await.unwrap()
    };
    let (said, status) = start(events).await;
    if status.success() || said.contains("COMPLETED, PROVEN") {
        assert_running(&simulated);
        return None;
    }
    let died_inside = is_paused(&simulated);
    let mut starts = Vec::new();
    // What the dead process started goes on by itself, and until it has ended a new backup is refused.
    while starts.last().is_none_or(|(_, status): &(String, ExitStatus)| !status.success()) {
        starts.push(start(usize::MAX).await);
        assert_running(&simulated);
        assert!(starts.len() < 50, "killed after {said}\n{}", starts[0].0);
    }
    let (first, last) = (&starts[0].0, &starts[starts.len() - 1].0);
    assert!(first.contains("had not ended and is abandoned"), "killed after {said}\n{first}");
    assert!(last.contains("COMPLETED, PROVEN"), "killed after {said}\n{last}");
    Some(died_inside)
}

/// Many at once, because most of them wait: for a pause that may come late, or for what the dead process has started.
const AT_ONCE: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_after_every_event_of_the_example_is_recovered_by_the_next_start() {
    let program = tokio::task::spawn_blocking(example).await.unwrap();
    let (mut killed, mut killed_inside, mut ended_by_itself) = (0, 0, false);
    let (mut next, mut running) = (1, JoinSet::new());
    while !ended_by_itself || !running.is_empty() {
        while !ended_by_itself && running.len() < AT_ONCE {
            running.spawn(kill_and_start_again(program.clone(), next));
            next += 1;
        }
        match running.join_next().await.unwrap().unwrap() {
            Some(inside) => {
                killed += 1;
                killed_inside += usize::from(inside);
            }
            None => ended_by_itself = true,
        }
    }
    // How far a process gets between its line and the signal depends on the machine: 5 on a very busy one, 9 on an idle one.
    assert!(killed >= 20 && killed_inside >= 3, "killed {killed} times, {killed_inside} inside the pause");
}
