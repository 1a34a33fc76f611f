//! Memory, counted by the allocator: the peak of decoding a listing of 10,000 snapshots beside `serde_json::Value`, and
//! what one waiting run costs with 10,000 of them in one process.
//!
//! The runs talk to a transport that replays what a simulated 8.6 cluster has answered, one record for all of them, so
//! that the simulation has no share in the figures; each run has a cluster handle, a journal in memory, an observer and
//! a transport handle of its own, all counted. They wait in the first stage, three steps at a time (Operate, Tasklist,
//! Optimize). Sockets, TLS sessions and kernel buffers of real connections are not in it.
//!
//! `cargo bench --bench memory`
#![allow(clippy::expect_used, clippy::print_stdout)]

mod replay;
mod sample;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use camunda_backup::es::decode;
use camunda_backup::{
    BackupId, BackupSpec, Cluster, ClusterConfig, ConnectOptions, MemoryJournal, ProgressObserver, RunEvent,
    RunEventKind,
};
use peak_alloc::PeakAlloc;
use replay::{Recorded, Replay};
use serde_json::Value;
use tokio::sync::Semaphore;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const RUNS: usize = 10_000;
/// The steps of the first stage of an 8.6 backup.
const STEPS: u8 = 3;

fn main() {
    listing();
    idle_runs();
}

fn listing() {
    let body = sample::listing();
    let value = peak_of(|| serde_json::from_slice::<Value>(&body).expect("a listing"));
    let summaries = peak_of(|| decode::snapshot_listing(&body).expect("a listing"));
    let entries = peak_of(|| decode::snapshot_entries(&body).expect("a listing"));

    println!("\nPeak memory beside the body of {} kB\n", body.len() / 1000);
    println!("| Decoder | Peak | Beside `Value` | Target |");
    println!("|---|---:|---:|---:|");
    let row = |name: &str, bytes: usize, target: &str| {
        println!("| {name} | {} kB | {:.3} | {target} |", bytes / 1000, ratio(bytes, value));
    };
    row("`serde_json::Value`", value, "");
    row("`snapshot_listing` (indices counted)", summaries, "<= 0.1");
    row("`snapshot_entries` (indices kept)", entries, "");
}

/// The most that was allocated at once beyond what was there before.
fn peak_of<T>(decode: impl FnOnce() -> T) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let made = decode();
    let peak = ALLOCATOR.peak_usage();
    drop(made);
    peak.saturating_sub(before)
}

#[allow(clippy::cast_precision_loss)] // far below 2^52
fn ratio(bytes: usize, of: usize) -> f64 {
    bytes as f64 / of as f64
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn idle_runs() {
    let id = BackupId::new(1_000).expect("an id");
    let mut spec = BackupSpec::default();
    spec.id = Some(id);
    let (recorded, config) = replay::record(spec.clone()).await;
    let waiting = Arc::new(Semaphore::new(0));
    let mut clusters = Vec::with_capacity(RUNS);
    let mut handles = Vec::with_capacity(RUNS);

    let before = ALLOCATOR.current_usage();
    for number in 0..RUNS {
        clusters.push(connect(number, &config, &recorded, &waiting).await);
    }
    let connected = ALLOCATOR.current_usage();
    for cluster in &clusters {
        let plan = cluster.plan_backup(spec.clone()).expect("a plan");
        handles.push(cluster.start(plan).await);
        waiting.acquire_many(STEPS.into()).await.expect("it is never closed").forget();
    }
    // A few looks each, so that what comes with waiting is there.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let running = ALLOCATOR.current_usage();

    let each = |bytes: usize| bytes / RUNS;
    let (cluster, run) = (each(connected - before), each(running - connected));
    println!("\nBytes for each of {RUNS} waiting runs in one process\n");
    println!("| | Bytes | Target |");
    println!("|---|---:|---:|");
    println!("| a connected cluster (configuration, clients, facts) | {cluster} | |");
    println!("| a run of it that waits (plan, journal, three steps) | {run} | <= 65536 |");
    println!("| both | {} | |", cluster + run);
}

async fn connect(
    number: usize,
    config: &ClusterConfig,
    recorded: &Arc<Recorded>,
    waiting: &Arc<Semaphore>,
) -> Cluster {
    let mut config = config.clone();
    config.name = format!("cluster-{number}");
    let mut parts = ConnectOptions::default();
    parts.transport = Some(Arc::new(Replay::new(Arc::clone(recorded))));
    parts.journal = Some(Arc::new(MemoryJournal::new()));
    parts.observer = Some(Arc::new(FirstWaits { seen: AtomicU8::new(0), waiting: Arc::clone(waiting) }));
    Cluster::connect_with(config, parts).await.expect("a connection")
}

/// Tells when each step of the first stage waits for the first time.
#[derive(Debug)]
struct FirstWaits {
    seen: AtomicU8,
    waiting: Arc<Semaphore>,
}

impl ProgressObserver for FirstWaits {
    fn observe(&self, event: &RunEvent) {
        if matches!(event.kind, RunEventKind::Waiting { .. }) && self.seen.load(Ordering::Relaxed) < STEPS {
            self.seen.fetch_add(1, Ordering::Relaxed);
            self.waiting.add_permits(1);
        }
    }
}
