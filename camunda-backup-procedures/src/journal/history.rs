//! What runs left behind: every record either intact or reported, never silently skipped.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use camunda_backup_core::{Component, Error, ErrorKind, Result, Timestamp};

use super::record::{FORMAT, Record, RunId, Unreadable};
use super::{Journal, Key};

/// A record that is there and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// Where it is stored.
    pub key: Key,
    /// Its place in the run.
    pub seq: u64,
    /// What is wrong with it, in words.
    pub why: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.why)
    }
}

/// The mark of a writer that continued a run which another writer had begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Takeover {
    /// Its place in the run, among the records.
    pub seq: u64,
    /// When, on the new writer's clock.
    pub at: Timestamp,
    /// The new writer's fencing token.
    pub token: u64,
}

/// Everything that is stored about one run.
///
/// Each place from 1 to the last is in exactly one of `records`, `takeovers`, `damaged` and `gaps`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunHistory {
    /// The run.
    pub run: RunId,
    /// The intact records, in order, without the takeovers.
    pub records: Vec<Record>,
    /// Who continued the run, in order.
    pub takeovers: Vec<Takeover>,
    /// What cannot be read, in order. See [`torn_tail`](Self::torn_tail) for the harmless kind.
    pub damaged: Vec<Damage>,
    /// Places before the last intact record under which nothing is stored: somebody deleted it, or the store lost it.
    pub gaps: Vec<RangeInclusive<u64>>,
    /// Keys among the run's records that are none.
    pub strangers: Vec<Key>,
    /// The first record of a newer version of this library, with its format: what it means is not known here.
    pub newer: Option<(Key, u64)>,
}

impl RunHistory {
    /// The damaged record after all intact ones, which a writer leaves that dies while it writes.
    ///
    /// Nothing was done on the strength of it if it was torn by such a death. Whoever wants to be sure treats it as
    /// an obligation of unknown content, because a disk can also spoil a whole record.
    pub fn torn_tail(&self) -> Option<&Damage> {
        self.damaged.last().filter(|last| last.seq > self.last_intact())
    }

    /// Whether all that was ever recorded can be read: no gap and no damage, except for one torn record at the end.
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty() && self.damaged.iter().all(|damage| Some(damage) == self.torn_tail())
    }

    /// The history, if this version of the library can understand all of it.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`] if a record was written by a newer version, whose obligations this one does not know.
    pub fn understood(&self) -> Result<&Self> {
        match &self.newer {
            None => Ok(self),
            Some((key, format)) => Err(newer(key, *format)),
        }
    }

    /// The place of the last record or takeover that can be read; 0 if there is none.
    fn last_intact(&self) -> u64 {
        let record = self.records.last().map_or(0, |record| record.seq);
        self.takeovers.last().map_or(record, |takeover| takeover.seq.max(record))
    }

    /// The highest fencing token that has written to the run.
    pub(super) fn highest_token(&self) -> u64 {
        let writers = self.records.iter().map(|record| record.token);
        writers.chain(self.takeovers.iter().map(|takeover| takeover.token)).max().unwrap_or_default()
    }

    /// The first free place after everything that a writer of this run can have written.
    ///
    /// Counted from the last intact record, not from the highest key: a stray file with a high number must not make
    /// a new writer start so far away that the old one never meets it.
    pub(super) fn first_free(&self) -> u64 {
        let taken = |seq: u64| self.damaged.iter().any(|damage| damage.seq == seq);
        let mut seq = self.last_intact() + 1;
        while taken(seq) {
            seq += 1;
        }
        seq
    }
}

/// Everything that is stored about the runs of a cluster, oldest first.
///
/// # Errors
/// [`ErrorKind::Journal`] if the journal cannot be listed. A run that this version does not understand is no error here,
/// so that it cannot hide the others: see [`RunHistory::understood`].
pub async fn histories(journal: &dyn Journal, cluster: &str) -> Result<Vec<RunHistory>> {
    let mut runs: BTreeMap<RunId, Vec<Key>> = BTreeMap::new();
    for key in journal.list(&cluster_prefix(cluster)?).await? {
        let run = key.segments().nth(2).and_then(|run| run.parse().ok());
        match run {
            Some(run) if key.segments().count() > 3 => runs.entry(run).or_default().push(key),
            _ => tracing::warn!(%key, "this key among the runs in the journal is none of ours"),
        }
    }
    let mut histories = Vec::with_capacity(runs.len());
    for (run, keys) in runs {
        histories.push(read_run(journal, run, keys).await?);
    }
    Ok(histories)
}

/// Everything that is stored about one run; empty if nothing is.
pub(super) async fn history_of(journal: &dyn Journal, cluster: &str, run: &RunId) -> Result<RunHistory> {
    let keys = journal.list(&format!("{}/{run}", cluster_prefix(cluster)?)).await?;
    read_run(journal, run.clone(), keys).await
}

/// Where record `seq` of a run is stored.
pub(super) fn record_key(cluster: &str, run: &RunId, seq: u64) -> Result<Key> {
    Key::new(format!("{}/{run}/{seq:08}.json", cluster_prefix(cluster)?))
}

/// The name of a cluster becomes one segment, so no cluster can see the runs of another.
fn cluster_prefix(cluster: &str) -> Result<String> {
    super::claim::check_cluster(cluster)?;
    Ok(format!("runs/{cluster}"))
}

/// `00000007.json` → 7.
fn seq_of(key: &Key) -> Option<u64> {
    let number = key.segments().nth(3)?.strip_suffix(".json")?;
    let is_number = number.len() == 8 && number.bytes().all(|b| b.is_ascii_digit());
    let seq = if is_number { number.parse().ok()? } else { 0 };
    (seq > 0 && key.segments().count() == 4).then_some(seq)
}

async fn read_run(journal: &dyn Journal, run: RunId, keys: Vec<Key>) -> Result<RunHistory> {
    let (records, takeovers, damaged, strangers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut history =
        RunHistory { run, records, takeovers, damaged, gaps: Vec::new(), strangers, newer: None };
    for key in keys {
        let Some(seq) = seq_of(&key) else {
            history.strangers.push(key);
            continue;
        };
        let decoded = match journal.read(&key).await {
            Ok(body) => Record::decode(&body, &history.run, seq),
            Err(error) => Err(Unreadable::Damaged(format!("it cannot be read: {error}"))),
        };
        match decoded {
            Ok(Record { takeover: true, at, token, .. }) => {
                history.takeovers.push(Takeover { seq, at, token });
            }
            Ok(record) => history.records.push(record),
            Err(Unreadable::Damaged(why)) => {
                tracing::warn!(%key, why, "a journal record is damaged");
                history.damaged.push(Damage { key, seq, why });
            }
            Err(Unreadable::Newer(format)) => {
                history.newer.get_or_insert((key, format));
            }
        }
    }
    history.gaps = gaps(&history);
    Ok(history)
}

/// The places before the last intact record under which there is nothing.
fn gaps(history: &RunHistory) -> Vec<RangeInclusive<u64>> {
    let mut seen: Vec<u64> = history.records.iter().map(|record| record.seq).collect();
    seen.extend(history.takeovers.iter().map(|takeover| takeover.seq));
    seen.extend(history.damaged.iter().map(|damage| damage.seq));
    seen.retain(|seq| *seq <= history.last_intact());
    seen.sort_unstable();
    let before = std::iter::once(0).chain(seen.iter().copied());
    before
        .zip(&seen)
        .filter(|(before, seq)| before + 1 < **seq)
        .map(|(before, seq)| before + 1..=seq - 1)
        .collect()
}

fn newer(key: &Key, format: u64) -> Error {
    let message =
        format!("written by a newer version of this library: format {format}, we read up to {FORMAT}");
    Error::new(ErrorKind::Journal, message)
        .with_component(Component::Journal)
        .with_operation("journal.read")
        .with_subject(key)
        .with_advice("use the version of camunda-backup that wrote it, or a later one; nothing was changed")
}
