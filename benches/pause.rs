//! How long exporting is paused, beside the time that the servers themselves needed inside the pause, and how many
//! requests waiting takes.
//!
//! A backup of 8.6 on the simulated cluster, in virtual time: hours pass in milliseconds, and every figure is exact and
//! the same in each run. Servers' time = the records' snapshot + Zeebe's checkpoint and backup, from the moment each
//! request was accepted. All else that is in the pause (pausing, looking at each replica, reading positions, resuming;
//! 2 ms a request) is ours. Each row is the mean and the worst of 21 backups whose time is spread by ±10 % and shared
//! differently between the two waits, so that no figure depends on where a look happens to fall.
//!
//! The fixed poll beside it waits for the same two durations with a look every 5 s, in the same virtual time, and is
//! given everything else for nothing.
//!
//! `cargo bench --bench pause`
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::time::Duration;

use camunda_backup::testing::{SeenRequest, SimulatedCluster, SimulationOptions, StoreKind};
use camunda_backup::{BackupSpec, Cluster};
use tokio::time::Instant;

const FIXED: Duration = Duration::from_secs(5);
/// What the records' snapshot has of the servers' time; the rest is Zeebe's.
const SHARES: [f64; 3] = [0.3, 0.5, 0.7];
const SPREAD: [f64; 7] = [0.90, 0.93, 0.97, 1.0, 1.03, 1.07, 1.10];

/// One row: what the servers need, and the target for the mean.
const ROWS: [(Duration, &str, f64); 9] = [
    (Duration::from_millis(200), "0.2 s", 1.5),
    (Duration::from_secs(1), "1 s", 1.05),
    (Duration::from_secs(2), "2 s", 1.05),
    (Duration::from_secs(5), "5 s", 1.05),
    (Duration::from_secs(30), "30 s", 1.05),
    (Duration::from_secs(2 * 60), "2 min", 1.05),
    (Duration::from_secs(5 * 60), "5 min", 1.05),
    (Duration::from_secs(10 * 60), "10 min", 1.05),
    (Duration::from_secs(30 * 60), "30 min", 1.05),
];

/// The two waits inside a pause, as the servers make them last.
#[derive(Clone, Copy)]
struct Work {
    records: Duration,
    zeebe: Duration,
}

impl Work {
    fn total(self) -> Duration {
        self.records + self.zeebe
    }
}

/// What was seen of one backup, or of several.
#[derive(Clone, Copy, Default)]
struct Seen {
    paused: f64,
    waited: f64,
    looks: f64,
}

impl Seen {
    fn per_minute(self) -> f64 {
        self.looks / (self.waited / 60.0)
    }
}

fn main() {
    println!(
        "\n| Servers need | Paused / needed, mean | worst | Target | 5 s poll, mean | worst | Requests per minute of waiting | 5 s poll |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|");
    let (mut all, mut all_fixed) = (Seen::default(), Seen::default());
    for (needed, name, target) in ROWS {
        let (mut ours, mut fixed) = (Row::default(), Row::default());
        for work in samples(needed) {
            ours.add(work, backup(work));
            fixed.add(work, fixed_poll(work));
        }
        println!(
            "| {name} | {:.3} | {:.3} | <= {target}{} | {:.2} | {:.2} | {:.0}{} | {:.0} |",
            ours.mean(),
            ours.worst,
            if ours.mean() <= target { "" } else { " MISSED" },
            fixed.mean(),
            fixed.worst,
            ours.sum.per_minute(),
            if ours.sum.per_minute() <= 20.0 { "" } else { " (> 20)" },
            fixed.sum.per_minute(),
        );
        all = plus(all, ours.sum);
        all_fixed = plus(all_fixed, fixed.sum);
    }
    println!("| all rows | | | | | | {:.1} | {:.1} |", all.per_minute(), all_fixed.per_minute());
}

/// The samples of one row.
#[derive(Default)]
struct Row {
    ratios: Vec<f64>,
    worst: f64,
    sum: Seen,
}

impl Row {
    fn add(&mut self, work: Work, seen: Seen) {
        let ratio = seen.paused / work.total().as_secs_f64();
        self.ratios.push(ratio);
        self.worst = self.worst.max(ratio);
        self.sum = plus(self.sum, seen);
    }

    #[allow(clippy::cast_precision_loss)] // 21 samples
    fn mean(&self) -> f64 {
        self.ratios.iter().sum::<f64>() / self.ratios.len() as f64
    }
}

fn plus(one: Seen, other: Seen) -> Seen {
    Seen {
        paused: one.paused + other.paused,
        waited: one.waited + other.waited,
        looks: one.looks + other.looks,
    }
}

fn samples(needed: Duration) -> Vec<Work> {
    let of = |spread: f64, share: f64| {
        // Whole milliseconds, as tokio's timers count.
        let millis =
            |part: f64| Duration::from_secs_f64((needed.as_secs_f64() * spread * part * 1e3).floor() / 1e3);
        Work { records: millis(share), zeebe: millis(1.0 - share) }
    };
    SPREAD.iter().flat_map(|spread| SHARES.iter().map(move |share| of(*spread, *share))).collect()
}

/// Backs a simulated cluster up whose servers take this long.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn backup(work: Work) -> Seen {
    let mut options = SimulationOptions::new("8.6.0".parse().expect("a version"), StoreKind::Elasticsearch8);
    options.camunda.partitions = 1;
    options.camunda.records_per_second = 5;
    options.camunda.checkpoint_after = work.zeebe / 2;
    options.camunda.zeebe_backup_duration = work.zeebe / 2;
    let simulated = SimulatedCluster::with(options);
    let records = work.records;
    simulated.store().set_snapshot_duration(move |name, _| {
        if name.starts_with("camunda_zeebe_records") { records } else { Duration::from_millis(100) }
    });
    tokio::time::sleep(Duration::from_secs(10)).await;

    let config = simulated.config().expect("a configuration");
    let cluster = Cluster::connect_with(config, simulated.connect_options()).await.expect("a connection");
    let mut spec = BackupSpec::default();
    spec.limits.max_pause = Duration::from_secs(3 * 3600);
    // A simulated backup shows no movement between its beginning and its end, and Zeebe's none before its checkpoint.
    spec.limits.stall = Duration::from_secs(3 * 3600);
    spec.limits.grace = Duration::from_secs(3 * 3600);
    let plan = cluster.plan_backup(spec).expect("a plan");
    simulated.start_recording();
    let report = cluster.run(plan).await.unwrap_or_else(|failure| panic!("{failure}"));

    let paused = report.paused.expect("a pause").as_secs_f64();
    let requests = simulated.requests();
    let (of_records, for_records) = waiting(
        &requests,
        "store.snapshots.create",
        "camunda_zeebe_records",
        &["store.snapshots.progress", "store.snapshots.find"],
    );
    let (of_zeebe, for_zeebe) = waiting(&requests, "zeebe.backups.create", "", &["zeebe.backups.status"]);
    Seen { paused, waited: for_records + for_zeebe, looks: of_records + of_zeebe }
}

/// The looks after the request that started something, and the seconds from it to the last of them.
#[allow(clippy::cast_precision_loss)] // hundreds
fn waiting(requests: &[SeenRequest], start: &str, subject: &str, looks: &[&str]) -> (f64, f64) {
    let started = requests
        .iter()
        .find(|request| request.operation == start && request.line.contains(subject))
        .expect("the request that starts it");
    let looked: Vec<&SeenRequest> = requests
        .iter()
        .filter(|r| r.number > started.number && looks.contains(&r.operation) && r.line.contains(subject))
        .collect();
    let last = looked.last().expect("a look");
    (looked.len() as f64, last.at.saturating_sub(started.at).as_secs_f64())
}

/// Waits for both durations with a look at the beginning and every five seconds.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn fixed_poll(work: Work) -> Seen {
    let began = Instant::now();
    let mut looks = 0.0;
    for duration in [work.records, work.zeebe] {
        let ready = Instant::now() + duration;
        loop {
            looks += 1.0;
            if Instant::now() >= ready {
                break;
            }
            tokio::time::sleep(FIXED).await;
        }
    }
    let waited = began.elapsed().as_secs_f64();
    Seen { paused: waited, waited, looks }
}
