//! What happens, on standard output, with the seconds since the start, and with the lane where there are two.

use std::fmt::Display;
use std::sync::LazyLock;
use std::thread;
use std::time::Instant;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What the names of the threads of a lane begin with; the rest is the lane's.
pub const LANE: &str = "lane ";

/// Prints one line with the seconds since the first line.
pub fn log(line: impl Display) {
    let thread = thread::current();
    let lane = thread.name().and_then(|name| name.strip_prefix(LANE));
    let lane = lane.map_or_else(String::new, |lane| format!("{lane} | "));
    println!("{:7.1} s  {lane}{line}", START.elapsed().as_secs_f64());
}
