//! Reads that are tried again, a bounded time for all of them together.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use camunda_backup_core::{Component, Error, ErrorKind, Result};
use tokio::time::Instant;

use super::{Journal, Key};

/// How many reads are under way at once: a bucket takes as long for one as for many.
pub(super) const READS_AT_ONCE: usize = 16;
/// How long to wait before each further try.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];
/// What reads that fail may take in all.
const BUDGET: Duration = Duration::from_secs(30);

/// Reads from a journal that may fail for a moment.
pub(super) struct Reader<'a> {
    journal: &'a dyn Journal,
    spent: Mutex<Duration>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(journal: &'a dyn Journal) -> Self {
        Self { journal, spent: Mutex::default() }
    }

    /// The body under `key`; `None` if nothing is stored there.
    pub(super) async fn read(&self, key: &Key) -> Result<Option<Bytes>> {
        let mut pauses = PAUSES.iter();
        loop {
            if self.spend(Duration::ZERO) {
                return Err(Error::new(
                    ErrorKind::Journal,
                    "not tried, because other reads have failed for too long",
                )
                .with_component(Component::Journal));
            }
            let began = Instant::now();
            let error = match self.journal.read(key).await {
                Ok(body) => return Ok(Some(body)),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) if error.kind() == ErrorKind::BodyTooLarge => return Err(error),
                Err(error) => error,
            };
            let is_spent = self.spend(began.elapsed());
            match pauses.next() {
                Some(pause) if !is_spent => tokio::time::sleep(*pause).await,
                _ => return Err(error),
            }
            self.spend(began.elapsed());
        }
    }

    /// Takes from the budget, and says whether nothing is left.
    fn spend(&self, time: Duration) -> bool {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        *spent += time;
        *spent >= BUDGET
    }
}
