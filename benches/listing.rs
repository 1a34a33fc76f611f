//! Time to decode the listing of 10,000 snapshots with 200 indices each, beside `serde_json::Value`. What is made is
//! dropped within the time. Peak memory is in `memory.rs`, because an allocator that counts would disturb the times.
//!
//! `cargo bench --bench listing`
#![allow(clippy::expect_used, clippy::print_stdout)]

mod sample;

use std::hint::black_box;
use std::time::{Duration, Instant};

use camunda_backup::es::decode;
use criterion::Criterion;
use serde_json::Value;

fn main() {
    let body = sample::listing();
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();

    let value = median(&mut criterion, "listing/serde_json::Value", || {
        black_box(serde_json::from_slice::<Value>(&body).expect("a listing"));
    });
    let summaries = median(&mut criterion, "listing/snapshot_listing", || {
        let found = decode::snapshot_listing(&body).expect("a listing");
        assert_eq!(black_box(found).len(), sample::SNAPSHOTS);
    });
    let entries = median(&mut criterion, "listing/snapshot_entries", || {
        let found = decode::snapshot_entries(&body).expect("a listing");
        assert_eq!(black_box(found).len(), sample::SNAPSHOTS);
    });

    let megabytes = body.len() / 1_000_000;
    println!(
        "\nA listing of {} snapshots x {} indices, {megabytes} MB\n",
        sample::SNAPSHOTS,
        sample::INDICES
    );
    println!("| Decoder | Time | Beside `Value` | Target |");
    println!("|---|---:|---:|---:|");
    let row = |name: &str, time: Duration, target: &str| {
        let ratio = time.as_secs_f64() / value.as_secs_f64();
        println!("| {name} | {time:.0?} | {ratio:.2} | {target} |");
    };
    row("`serde_json::Value`", value, "");
    row("`snapshot_listing` (indices counted)", summaries, "<= 0.3");
    row("`snapshot_entries` (indices kept)", entries, "");
    criterion.final_summary();
}

/// Lets criterion measure, and returns the median of what it measured: it does not hand out its figures itself.
fn median(criterion: &mut Criterion, name: &str, mut run: impl FnMut()) -> Duration {
    let mut times = Vec::new();
    criterion.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| {
            let began = Instant::now();
            for _ in 0..iterations {
                run();
            }
            let took = began.elapsed();
            times.push(took / u32::try_from(iterations).unwrap_or(u32::MAX));
            took
        });
    });
    times.sort();
    // A filter on the command line leaves some out.
    times.get(times.len() / 2).copied().unwrap_or_default()
}
