//! Free loopback ports.

use std::iter::repeat_with;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

/// Below the range from which the kernel takes the ports of outgoing connections: a port of ours may stay
/// unused for a minute, until its server is started.
const FIRST: u16 = 18_000;
const COUNT: u16 = 14_000;

/// Hands out ports that nobody listens on, each only once.
pub struct Ports {
    candidates: Box<dyn Iterator<Item = u16> + Send>,
}

impl Ports {
    /// Parallel runs begin at different places; stacks of one process share a place and move on together.
    pub fn new() -> Self {
        let all = FIRST..=FIRST + COUNT - 1;
        Self { candidates: Box::new(repeat_with(move || turn(&all)).take(COUNT.into())) }
    }

    pub fn next(&mut self) -> Result<u16> {
        self.candidates.find(free).context("no free loopback port left")
    }

    /// A port for a server that takes only some of them.
    pub fn within(range: &RangeInclusive<u16>) -> Result<u16> {
        let mut candidates = repeat_with(|| turn(range)).take(range.len());
        candidates.find(free).with_context(|| format!("no free loopback port in {range:?}"))
    }
}

/// The port in this range whose turn it is.
fn turn(range: &RangeInclusive<u16>) -> u16 {
    static TURN: AtomicU32 = AtomicU32::new(0);
    let turn = std::process::id().wrapping_mul(101).wrapping_add(TURN.fetch_add(1, Ordering::Relaxed));
    let width = u32::from(range.end() - range.start()) + 1;
    range.start() + (turn % width) as u16
}

fn free(port: &u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()
}
