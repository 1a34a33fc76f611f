//! How often to look: the interval grows with the time already waited, so that a paused cluster is resumed as soon
//! as its servers are done, and a long backup is not asked all the time.

use std::time::Duration;

const FLOOR: Duration = Duration::from_millis(50);
const CAP: Duration = Duration::from_secs(5);
/// Looking again after a twentieth of the time waited costs at most 5 % of what is waited for.
const SHARE: u32 = 20;

/// How long to wait before the next look, after having waited for `waited`.
pub(crate) fn interval(waited: Duration) -> Duration {
    (waited / SHARE).clamp(FLOOR, CAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_with_the_time_waited_between_floor_and_cap() {
        assert_eq!(interval(Duration::ZERO), FLOOR);
        assert_eq!(interval(Duration::from_secs(20)), Duration::from_secs(1));
        assert_eq!(interval(Duration::from_secs(3600)), CAP);
    }
}
