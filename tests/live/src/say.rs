//! What happens, on standard output, with the seconds since the start.

use std::fmt::Display;
use std::sync::LazyLock;
use std::time::Instant;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Prints one line with the seconds since the first line.
pub fn say(line: impl Display) {
    println!("{:7.1} s  {line}", START.elapsed().as_secs_f64());
}
