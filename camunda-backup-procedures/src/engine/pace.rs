//! How often to look: the interval grows with the time already waited, so that a paused cluster is resumed as soon
//! as its servers are done, and a long backup is not asked all the time.

use std::time::Duration;

const FLOOR: Duration = Duration::from_millis(50);

/// What a look is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// The part of the time already waited after which to look again: the most that looking too late costs.
    share: u32,
    cap: Duration,
}

impl Pace {
    /// While exporting is paused every second counts: a look comes too late by at most 5 % of what is waited for.
    pub(crate) const PAUSED: Self = Self { share: 20, cap: Duration::from_secs(10) };
    /// While everything works, the servers' peace counts.
    pub(crate) const AT_WORK: Self = Self { share: 5, cap: Duration::from_secs(20) };

    /// How long to wait before the next look, after having waited for `waited`.
    pub(crate) fn interval(self, waited: Duration) -> Duration {
        (waited / self.share).clamp(FLOOR, self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_with_the_time_waited_between_floor_and_cap() {
        let interval = |waited| Pace::PAUSED.interval(Duration::from_secs(waited));
        assert_eq!(interval(0), FLOOR);
        assert_eq!(interval(20), Duration::from_secs(1));
        assert_eq!(interval(3600), Duration::from_secs(10));
        assert_eq!(Pace::AT_WORK.interval(Duration::from_secs(20)), Duration::from_secs(4));
    }
}
