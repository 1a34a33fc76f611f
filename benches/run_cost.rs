//! CPU per request through `HttpClient` and `ReqwestTransport`, beside bare reqwest, on a kept connection to a loopback
//! server. CPU time (user and system) of the client's thread only: the server has a thread of its own. Batches
//! alternate; the figure is the median of the batches' ratios.
//!
//! Bare reqwest has no time limits; the second row gives it the limits that every request of ours has.
//!
//! `cargo bench --bench run_cost` (Linux: it reads the thread's CPU time from `/proc`)
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use camunda_backup::core::transport::Timeouts;
use camunda_backup::core::{Call, HttpClient, ReqwestTransport, TransportConfig};
use camunda_backup::{Component, Endpoint};

const BATCHES: usize = 25;
const REQUESTS: u32 = 2_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let server = serve();
    let url = format!("{server}/actuator/backups/1");
    let transport = ReqwestTransport::new(TransportConfig::default()).expect("a transport");
    let endpoint = Endpoint::new(&server).expect("an address");
    let ours = HttpClient::new(Arc::new(transport), Component::Zeebe, endpoint).expect("a client");
    let plain = reqwest::Client::builder().no_proxy().build().expect("a client");
    let limits = Timeouts::DEFAULT;
    let limited = reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(limits.connect)
        .read_timeout(limits.read)
        .timeout(limits.total)
        .build()
        .expect("a client");

    let (mut of_ours, mut of_bare, mut of_limited) = (Vec::new(), Vec::new(), Vec::new());
    for batch in 0..=BATCHES {
        let took = [through_ours(&ours).await, through(&plain, &url).await, through(&limited, &url).await];
        // The first batch connects and warms up.
        if batch > 0 {
            of_ours.push(took[0]);
            of_bare.push(took[1]);
            of_limited.push(took[2]);
        }
    }

    println!("\nCPU per request, median of {BATCHES} batches of {REQUESTS}\n");
    println!("| | CPU per request | Ours beside it | Target |");
    println!("|---|---:|---:|---:|");
    let row = |name: &str, cpu: &[Duration], target: &str| {
        let each = median(cpu.iter().map(Duration::as_secs_f64)) / f64::from(REQUESTS) * 1e6;
        let ratios = of_ours.iter().zip(cpu).map(|(ours, other)| ours.as_secs_f64() / other.as_secs_f64());
        println!("| {name} | {each:.1} us | {:.2} | {target} |", median(ratios));
    };
    row("`HttpClient` over `ReqwestTransport`", &of_ours, "");
    row("bare reqwest", &of_bare, "<= 1.1");
    row("bare reqwest with the same time limits", &of_limited, "");
}

async fn through_ours(client: &HttpClient) -> Duration {
    let began = cpu_time();
    for _ in 0..REQUESTS {
        let call = Call::get("bench.status", "/actuator/backups/1");
        black_box(client.send(call).await.expect("an answer").body);
    }
    cpu_time().saturating_sub(began)
}

async fn through(client: &reqwest::Client, url: &str) -> Duration {
    let began = cpu_time();
    for _ in 0..REQUESTS {
        let answer = client.get(url).header("accept", "application/json").send().await.expect("an answer");
        black_box(answer.error_for_status().expect("200").bytes().await.expect("a body"));
    }
    cpu_time().saturating_sub(began)
}

/// User and system time of this thread.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanos = text.split_whitespace().next().and_then(|word| word.parse().ok()).expect("nanoseconds");
    Duration::from_nanos(nanos)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A server that answers every request with the status of a backup, a thread for each connection.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            std::thread::spawn(move || answer_all(&connection));
        }
    });
    format!("http://{address}")
}

fn answer_all(connection: &TcpStream) {
    let part =
        r#"{"partitionId":1,"state":"COMPLETED","createdAt":"2026-06-03T08:00:00Z","brokerVersion":"8.6.0"}"#;
    let parts = [part; 8].join(",");
    let body = format!(r#"{{"backupId":1,"state":"COMPLETED","details":[{parts}]}}"#);
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut lines = BufReader::new(connection).lines();
    while let Some(Ok(line)) = lines.next() {
        let mut connection = connection;
        if line.is_empty() && connection.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
