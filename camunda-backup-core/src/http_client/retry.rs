//! The one retry loop of the product. Which errors may be repeated is the caller's to say; how long to wait is said here.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};

use crate::component::Component;
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::transport::Effect;

/// A server that asks for more patience than this gets this much; the caller's own deadline knows better.
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// Runs `once` with the numbers 0, 1, 2 … until it succeeds, fails for good, or `max_retries` are used up.
pub(super) async fn repeat<T, F, Fut>(
    max_retries: u32,
    may_repeat: impl Fn(&Error) -> bool,
    once: F,
) -> Result<T>
where
    F: Fn(u32) -> Fut,
    Fut: Future<Output = Result<T>>,
{
    let delays = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(2))
        .with_max_times(max_retries as usize);
    let started = AtomicU32::new(0);
    let attempt = || once(started.fetch_add(1, Ordering::Relaxed));
    let result = attempt
        .retry(delays)
        .when(may_repeat)
        .adjust(|error, delay| {
            delay.map(|delay| error.retry_after().map_or(delay, |asked| asked.clamp(delay, LONGEST_DELAY)))
        })
        .await;
    result.map_err(|error| error.with_retries(started.load(Ordering::Relaxed).saturating_sub(1)))
}

/// Whether a request with this effect may leave again after this error.
pub(super) fn may_send_again(effect: Effect, error: &Error) -> bool {
    // The token request has had its own retries.
    if error.component() == Some(&Component::IdentityProvider) {
        return false;
    }
    match effect {
        Effect::Read | Effect::Idempotent => error.kind().is_transient(),
        Effect::Once => error.kind() == ErrorKind::Connect && error.outcome() == Outcome::NotSent,
    }
}
