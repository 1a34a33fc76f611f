//! Waiting: never a fixed sleep, always a bound, and a reason when the bound is passed.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

const PAUSE: Duration = Duration::from_millis(250);

/// What one look at a server showed.
pub enum Seen<T> {
    Done(T),
    NotYet(String),
}

/// Looks again and again until `look` is done. An error of `look` is final; passing `limit` is an error that
/// names what was seen last.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Result<Seen<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        match look().await? {
            Seen::Done(value) => return Ok(value),
            Seen::NotYet(reason) if start.elapsed() > limit => {
                bail!("{what}: not within {} s, last seen: {reason}", limit.as_secs())
            }
            Seen::NotYet(_) => tokio::time::sleep(PAUSE).await, // the pace of a bounded wait
        }
    }
}
