//! Free loopback ports.

use std::net::{Ipv4Addr, TcpListener};

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
    /// Parallel runs begin at different places.
    pub fn new() -> Self {
        let start = (std::process::id().wrapping_mul(101) % u32::from(COUNT)) as u16;
        Self { candidates: Box::new((0..COUNT).map(move |i| FIRST + (start + i) % COUNT)) }
    }

    pub fn next(&mut self) -> Result<u16> {
        self.candidates
            .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
            .context("no free loopback port left")
    }
}
