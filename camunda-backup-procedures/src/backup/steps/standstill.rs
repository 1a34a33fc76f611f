//! When a hard pause has taken effect: once the exported positions stand still.
//!
//! A hard pause stops reading. What was read before it is still written and acknowledged by the exporter's timed flush, so
//! positions move after PAUSED (Q44), and a snapshot that begins before the flush would lack what is acknowledged after it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camunda_backup_core::PartitionId;
use tokio::time::Instant;

/// The exported position of each partition that shows one.
pub(super) type Positions = BTreeMap<PartitionId, i64>;

/// Longer than the exporters' flush interval, 5 s unless it is configured.
const LONGER_THAN_A_FLUSH: Duration = Duration::from_secs(6);
/// What moves for longer than this is no flush.
const LONGER_THAN_ANY_FLUSH: Duration = Duration::from_secs(30);

/// What the positions do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Movement {
    /// They have stood still for longer than a flush.
    StandStill,
    /// They have moved, or it is too early to tell.
    Unclear(String),
    /// They go on moving: the pause is none.
    GoOn(String),
}

/// What was seen of the positions since the pause.
#[derive(Debug, Default)]
pub(super) struct Standstill {
    seen: Mutex<Option<Seen>>,
}

#[derive(Debug, Clone)]
struct Seen {
    began: Instant,
    moved: Instant,
    positions: Positions,
    looked: bool,
}

impl Standstill {
    /// The pause was answered: from here on positions should come to rest.
    pub(super) fn begin(&self) {
        let now = Instant::now();
        *self.state() = Some(Seen { began: now, moved: now, positions: Positions::new(), looked: false });
    }

    /// Whether the pause was answered.
    pub(super) fn has_begun(&self) -> bool {
        self.state().is_some()
    }

    /// What the positions were, while another look could not tell more yet.
    pub(super) fn too_early(&self) -> Option<String> {
        let state = self.state();
        let seen = state.as_ref().filter(|seen| seen.looked)?;
        (seen.moved.elapsed() < LONGER_THAN_A_FLUSH).then(|| in_words(&seen.positions))
    }

    /// Takes a look into account.
    pub(super) fn note(&self, positions: Positions) -> Movement {
        let now = Instant::now();
        let mut state = self.state();
        let seen = state.get_or_insert_with(|| Seen {
            began: now,
            moved: now,
            positions: positions.clone(),
            looked: false,
        });
        seen.looked = true;
        if seen.positions != positions {
            (seen.moved, seen.positions) = (now, positions);
        }
        let words = in_words(&seen.positions);
        if seen.moved.elapsed() >= LONGER_THAN_A_FLUSH {
            Movement::StandStill
        } else if seen.began.elapsed() >= LONGER_THAN_ANY_FLUSH {
            Movement::GoOn(words)
        } else {
            Movement::Unclear(words)
        }
    }

    fn state(&self) -> MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_words(positions: &Positions) -> String {
    let words: Vec<String> = positions
        .iter()
        .map(|(partition, position)| format!("partition {partition} at {position}"))
        .collect();
    if words.is_empty() { "no exported position is shown".to_owned() } else { words.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: i64) -> Positions {
        Positions::from([(PartitionId(1), position)])
    }

    async fn wait(seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await; // virtual time
    }

    #[tokio::test(start_paused = true)]
    async fn two_equal_looks_further_apart_than_a_flush_are_a_standstill() {
        let still = Standstill::default();
        still.begin();
        assert_eq!(still.too_early(), None, "the first look is made at once");
        assert!(matches!(still.note(at(1224)), Movement::Unclear(_)));
        assert!(still.too_early().is_some_and(|words| words.contains("1224")));
        wait(5).await;
        assert!(matches!(still.note(at(1224)), Movement::Unclear(_)), "a flush may still come");
        wait(1).await;
        assert_eq!(still.too_early(), None);
        assert!(matches!(still.note(at(1257)), Movement::Unclear(_)), "it came");
        wait(6).await;
        assert_eq!(still.note(at(1257)), Movement::StandStill);
    }

    #[tokio::test(start_paused = true)]
    async fn what_moves_on_and_on_is_no_flush() {
        let still = Standstill::default();
        still.begin();
        let mut position = 0;
        let moved = |position: &mut i64| {
            *position += 1;
            still.note(at(*position))
        };
        for _ in 0..6 {
            assert!(matches!(moved(&mut position), Movement::Unclear(_)), "{position}");
            wait(5).await;
        }
        assert!(matches!(moved(&mut position), Movement::GoOn(words) if words.contains("partition 1 at 7")));
    }

    #[tokio::test(start_paused = true)]
    async fn where_no_position_is_shown_the_time_of_a_flush_is_waited_for() {
        let still = Standstill::default();
        assert!(!still.has_begun());
        still.begin();
        assert!(still.has_begun());
        assert!(matches!(still.note(Positions::new()), Movement::Unclear(_)));
        wait(6).await;
        assert_eq!(still.note(Positions::new()), Movement::StandStill);
    }
}
