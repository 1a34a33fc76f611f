//! What runs left behind: every record either intact or reported, never silently skipped.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;

use camunda_backup_core::{Component, Error, ErrorKind, Result, Timestamp};
use futures_util::StreamExt;

use super::reading::{READS_AT_ONCE, Reader};
use super::record::{FORMAT, Record, RunId, Unreadable};
use super::removal::is_mark;
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

/// A record that is there and that the store did not give. It may say anything, so nothing is concluded from it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unread {
    /// Where it is stored.
    pub key: Key,
    /// Its place in the run.
    pub seq: u64,
    /// How the last try to read it failed, in words.
    pub why: String,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} could not be read: {}", self.key, self.why)
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
/// Each place from 1 to the last is in exactly one of `records`, `takeovers`, `damaged`, `unread` and `gaps`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunHistory {
    /// The run.
    pub run: RunId,
    /// The intact records, in order, without the takeovers.
    pub records: Vec<Record>,
    /// Who continued the run, in order.
    pub takeovers: Vec<Takeover>,
    /// What was read and is no record, in order. See [`torn_tail`](Self::torn_tail) for the harmless kind.
    pub damaged: Vec<Damage>,
    /// What the store did not give, in order. See [`understood`](Self::understood).
    pub unread: Vec<Unread>,
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
        self.gaps.is_empty()
            && self.unread.is_empty()
            && self.damaged.iter().all(|damage| Some(damage) == self.torn_tail())
    }

    /// The history, if all of it was read and this version of the library can understand it.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`] if the store did not give a record, or if one was written by a newer version, whose
    /// obligations this one does not know. Both name the record and say what to do.
    pub fn understood(&self) -> Result<&Self> {
        match (self.unread.first(), &self.newer) {
            (Some(first), _) => Err(unread(&self.run, first)),
            (None, Some((key, format))) => Err(newer(key, *format)),
            (None, None) => Ok(self),
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
        let taken = |seq: u64| {
            self.damaged.iter().any(|damage| damage.seq == seq)
                || self.unread.iter().any(|unread| unread.seq == seq)
        };
        let mut seq = self.last_intact() + 1;
        while taken(seq) {
            seq += 1;
        }
        seq
    }
}

/// Everything that is stored about the runs of a cluster, oldest first. Reads only; it needs no lock and no claim.
///
/// A run that is being removed is left out. A read that fails is tried again, within 30 seconds for all of them together.
///
/// # Errors
/// [`ErrorKind::Journal`] if the journal cannot be listed. A run that cannot be read, or that this version does not
/// understand, is no error here, so that it cannot hide the others: see [`RunHistory::understood`].
///
/// # Cancellation
/// Nothing happens.
pub async fn histories(journal: &dyn Journal, cluster: &str) -> Result<Vec<RunHistory>> {
    let mut runs: BTreeMap<RunId, Vec<Key>> = BTreeMap::new();
    for key in journal.list(&cluster_prefix(cluster)?).await? {
        if let Some(run) = run_of(&key) {
            runs.entry(run).or_default().push(key);
        } else {
            tracing::warn!(%key, "this key among the runs in the journal is none of ours");
        }
    }
    read_runs(journal, cluster, runs).await
}

/// The names of the runs of a cluster, oldest first, whatever can be read of them.
pub(crate) async fn run_names(journal: &dyn Journal, cluster: &str) -> Result<BTreeSet<RunId>> {
    Ok(journal.list(&cluster_prefix(cluster)?).await?.iter().filter_map(run_of).collect())
}

/// Everything that is stored about one run.
///
/// # Errors
/// [`ErrorKind::NotFound`] if nothing is stored about it, or if it is being removed; otherwise as those of [`histories`].
pub async fn history(journal: &dyn Journal, cluster: &str, run: &RunId) -> Result<RunHistory> {
    let keys = journal.list(&run_prefix(cluster, run)?).await?;
    let found = if keys.is_empty() { BTreeMap::new() } else { BTreeMap::from([(run.clone(), keys)]) };
    read_runs(journal, cluster, found).await?.pop().ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "the journal holds nothing about this run")
            .with_component(Component::Journal)
            .with_operation("journal.read")
            .with_subject(format!("{cluster}/{run}"))
    })
}

/// The run that a key below `runs/<cluster>` belongs to.
pub(super) fn run_of(key: &Key) -> Option<RunId> {
    let run = key.segments().nth(2)?.parse().ok()?;
    (key.segments().count() > 3).then_some(run)
}

/// Where record `seq` of a run is stored.
pub(super) fn record_key(cluster: &str, run: &RunId, seq: u64) -> Result<Key> {
    Key::new(format!("{}/{seq:08}.json", run_prefix(cluster, run)?))
}

/// Below which everything about a run is stored.
pub(super) fn run_prefix(cluster: &str, run: &RunId) -> Result<String> {
    Ok(format!("{}/{run}", cluster_prefix(cluster)?))
}

/// The name of a cluster becomes one segment, so no cluster can see the runs of another.
pub(super) fn cluster_prefix(cluster: &str) -> Result<String> {
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

async fn read_runs(
    journal: &dyn Journal,
    cluster: &str,
    mut runs: BTreeMap<RunId, Vec<Key>>,
) -> Result<Vec<RunHistory>> {
    runs.retain(|_, keys| !keys.iter().any(is_mark));
    let mut histories: BTreeMap<RunId, RunHistory> =
        runs.keys().map(|run| (run.clone(), RunHistory::empty(run.clone()))).collect();
    let reader = Reader::new(journal);
    let keys = runs.into_iter().flat_map(|(run, keys)| keys.into_iter().map(move |key| (run.clone(), key)));
    let reads = keys.map(|(run, key)| async {
        let seq = seq_of(&key);
        let read = match seq {
            Some(_) => Some(reader.read(&key).await),
            None => None,
        };
        (run, key, seq.zip(read))
    });
    let mut reads = futures_util::stream::iter(reads).buffered(READS_AT_ONCE);
    let mut vanished = BTreeSet::new();
    while let Some((run, key, read)) = reads.next().await {
        let Some(history) = histories.get_mut(&run) else { continue };
        match read {
            None => history.strangers.push(key),
            Some((_, Ok(None))) => drop(vanished.insert(run)),
            Some((seq, Ok(Some(body)))) => history.note(key, seq, Record::decode(&body, &run, seq)),
            Some((seq, Err(error))) if error.kind() == ErrorKind::BodyTooLarge => {
                history.note(key, seq, Err(Unreadable::Damaged(error.to_string())));
            }
            Some((seq, Err(error))) => history.unread.push(Unread { key, seq, why: error.to_string() }),
        }
    }
    for run in vanished {
        // A record that was listed and is not there: another process is removing the run, or it was lost.
        let keys = journal.list(&run_prefix(cluster, &run)?).await?;
        if keys.is_empty() || keys.iter().any(is_mark) {
            histories.remove(&run);
        }
    }
    let mut histories: Vec<_> = histories.into_values().collect();
    for history in &mut histories {
        history.gaps = gaps(history);
    }
    Ok(histories)
}

impl RunHistory {
    fn empty(run: RunId) -> Self {
        Self {
            run,
            records: Vec::new(),
            takeovers: Vec::new(),
            damaged: Vec::new(),
            unread: Vec::new(),
            gaps: Vec::new(),
            strangers: Vec::new(),
            newer: None,
        }
    }

    fn note(&mut self, key: Key, seq: u64, decoded: Result<Record, Unreadable>) {
        match decoded {
            Ok(Record { takeover: true, at, token, .. }) => self.takeovers.push(Takeover { seq, at, token }),
            Ok(record) => self.records.push(record),
            Err(Unreadable::Damaged(why)) => {
                tracing::warn!(%key, why, "a journal record is damaged");
                self.damaged.push(Damage { key, seq, why });
            }
            Err(Unreadable::Newer(format)) => {
                self.newer.get_or_insert((key, format));
            }
        }
    }
}

/// The places before the last intact record under which there is nothing.
fn gaps(history: &RunHistory) -> Vec<RangeInclusive<u64>> {
    let mut seen: Vec<u64> = history.records.iter().map(|record| record.seq).collect();
    seen.extend(history.takeovers.iter().map(|takeover| takeover.seq));
    seen.extend(history.damaged.iter().map(|damage| damage.seq));
    seen.extend(history.unread.iter().map(|unread| unread.seq));
    seen.retain(|seq| *seq <= history.last_intact());
    seen.sort_unstable();
    let before = std::iter::once(0).chain(seen.iter().copied());
    before
        .zip(&seen)
        .filter(|(before, seq)| before + 1 < **seq)
        .map(|(before, seq)| before + 1..=seq - 1)
        .collect()
}

fn unread(run: &RunId, first: &Unread) -> Error {
    let message = format!("a record of run {run} could not be read: {}", first.why);
    Error::new(ErrorKind::Journal, message)
        .with_component(Component::Journal)
        .with_operation("journal.read")
        .with_subject(&first.key)
        .with_advice(
            "nothing was concluded from it; make the journal readable (its store, disk or permissions), then call \
             `recover()` again. If the record can never be read again, look at every broker's /actuator/partitions, \
             resume if exporting is paused, and move the run's records out of the journal",
        )
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
