//! The append-only log of one run, with exactly one writer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use camunda_backup_core::{Component, Error, ErrorKind, Result, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::claim::newest_token;
use super::history::{RunHistory, history, record_key};
use super::record::{FORMAT, Record, RunId};
use super::timeout::in_time;
use super::{Journal, Put};

/// The highest place that eight digits can name.
const LAST_SEQ: u64 = 99_999_999;
/// How often a takeover tries again because the old writer is still writing. Each try needs one of its appends.
const TAKEOVER_TRIES: u32 = 16;

/// Writes the records of one run: `runs/<cluster>/<run>/00000001.json` and so on.
///
/// # Guarantees
/// * [`append`](Self::append) returns `Ok` only when the record is durable.
/// * **One writer**: every place is written with [`Journal::put_new`], and every place is used. Of two writers, the
///   one that comes second to a place learns that it was overtaken, and refuses every later append.
/// * **Behind the newest claim**: the first record of a run is refused when a later claim exists. A process that was
///   suspended between its claim and its run, and whose lock was taken over meanwhile, begins nothing: either it sees the
///   later claim, or the later claimant sees its run and takes it over.
/// * A put whose outcome is unknown uses up no place: the next append finds out what became of it.
#[derive(Debug)]
pub struct RunLog {
    journal: Arc<dyn Journal>,
    cluster: String,
    run: RunId,
    token: u64,
    next: u64,
    fenced: bool,
    /// What was sent to place `next` without an answer; any of it may be stored there.
    unanswered: Vec<Bytes>,
}

impl RunLog {
    /// The log of a new run. Writes nothing yet; the first record gets place 1.
    ///
    /// `cluster` must be one segment of a [`Key`](super::Key), which the first append checks. `token` comes from the
    /// [`Claim`](super::Claim).
    pub fn begin(journal: Arc<dyn Journal>, cluster: &str, run: RunId, token: u64) -> Self {
        let cluster = cluster.to_owned();
        Self { journal, cluster, run, token, next: 1, fenced: false, unanswered: Vec::new() }
    }

    /// Continues a run that another writer began, and returns what is stored about it.
    ///
    /// # Guarantees
    /// Before this returns it has put a mark into the run's next free place. The old writer, should it still live,
    /// finds its place taken and writes no more, so the history is complete and stays so. Should the mark fail to be
    /// written (a full disk), the log and the history are returned nevertheless, because what is owed must be done
    /// without a journal too; the history may then not be the last word, and appends fail until there is space.
    ///
    /// # Errors
    /// [`ErrorKind::Claimed`] if a writer with a higher token has the run, [`ErrorKind::NotFound`] if nothing is
    /// stored about it, [`ErrorKind::Journal`] if it cannot be read or was written by a newer version.
    pub async fn resume(
        journal: Arc<dyn Journal>,
        cluster: &str,
        run: RunId,
        token: u64,
        at: Timestamp,
    ) -> Result<(Self, RunHistory)> {
        let mut log = Self::begin(journal, cluster, run, token);
        for _ in 0..TAKEOVER_TRIES {
            let history = history(&*log.journal, cluster, &log.run).await?;
            history.understood()?;
            if history.records.is_empty() && history.takeovers.is_empty() && history.damaged.is_empty() {
                return Err(log.error(ErrorKind::NotFound, "the journal holds nothing about this run"));
            }
            if history.highest_token() > token {
                return Err(log.overtaken());
            }
            log.next = history.first_free();
            let mark = log.record(at, Value::Null, true).encode()?;
            match log.put(mark).await {
                Ok(Put::Written) => return Ok((log, history)),
                Ok(Put::Exists) => log.unanswered.clear(),
                Err(error) => {
                    tracing::error!(run = %log.run, %error, "the takeover of a run could not be recorded");
                    return Ok((log, history));
                }
            }
        }
        Err(log.overtaken())
    }

    /// Appends one event and returns its place.
    ///
    /// # Guarantees
    /// `Ok` means durable. After an error (other than `Claimed`) the event may or may not be on record, and the next
    /// append may succeed.
    ///
    /// # Cancellation
    /// Like an error: the event may or may not be on record.
    ///
    /// # Errors
    /// [`ErrorKind::Claimed`] if another writer has taken over the run; this and every later append then changes
    /// nothing. [`ErrorKind::Journal`] if the store failed.
    pub async fn append(&mut self, at: Timestamp, event: &impl Serialize) -> Result<u64> {
        let event = serde_json::to_value(event).map_err(|cause| {
            self.error(ErrorKind::Internal, "an event cannot be written as JSON").with_source(cause)
        })?;
        loop {
            if self.fenced {
                return Err(self.overtaken());
            }
            let seq = self.next;
            let body = self.record(at, event.clone(), false).encode()?;
            match self.put(body.clone()).await? {
                Put::Written => return self.behind_no_later_claim(seq).await,
                Put::Exists if self.stored_earlier(&body).await? => {
                    return self.behind_no_later_claim(seq).await;
                }
                // The place is taken, by another writer or by an append whose answer we did not get.
                Put::Exists => {}
            }
        }
    }

    /// Like [`append`](Self::append), for a caller who has no longer than `patience`, because exporting is paused.
    ///
    /// # Errors
    /// Those of [`append`](Self::append), and [`ErrorKind::Journal`] when the time is over: the event may or may not be on
    /// record, and the next append finds out.
    pub async fn append_within(
        &mut self,
        patience: Duration,
        at: Timestamp,
        event: &impl Serialize,
    ) -> Result<u64> {
        in_time("journal.append", patience, self.append(at, event)).await
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The cluster that the run is about.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// The writer's fencing token.
    pub fn token(&self) -> u64 {
        self.token
    }

    fn record(&self, at: Timestamp, event: Value, takeover: bool) -> Record {
        let (format, run, seq, token) = (FORMAT, self.run.clone(), self.next, self.token);
        Record { format, run, seq, at, token, event, takeover }
    }

    /// The place of a record that was just stored, unless it is the first and somebody has claimed the cluster since.
    async fn behind_no_later_claim(&mut self, seq: u64) -> Result<u64> {
        if seq == 1 && newest_token(&*self.journal, &self.cluster).await? > self.token {
            self.fenced = true;
            return Err(self.overtaken());
        }
        Ok(seq)
    }

    /// Puts `body` into the next place, and goes on to the one after it if that succeeds.
    async fn put(&mut self, body: Bytes) -> Result<Put> {
        if self.next > LAST_SEQ {
            return Err(self.error(ErrorKind::Journal, "the run has used up its 99999999 places"));
        }
        let key = record_key(&self.cluster, &self.run, self.next)?;
        self.unanswered.push(body.clone());
        let put = self.journal.put_new(&key, body).await?;
        if put == Put::Written {
            self.advance();
        }
        Ok(put)
    }

    /// The next place is taken: by what we put there ourselves and heard no answer for, or by another writer.
    ///
    /// Says whether `body` is what is stored. Moves on past our own record; notes the fence otherwise.
    async fn stored_earlier(&mut self, body: &Bytes) -> Result<bool> {
        let stored = self.journal.read(&record_key(&self.cluster, &self.run, self.next)?).await?;
        if self.unanswered.len() > 1 && self.unanswered.contains(&stored) {
            self.advance();
        } else {
            self.fenced = true;
        }
        Ok(!self.fenced && stored == *body)
    }

    fn advance(&mut self) {
        self.next += 1;
        self.unanswered.clear();
    }

    fn overtaken(&self) -> Error {
        let message = format!("another writer has taken over run {}", self.run);
        self.error(ErrorKind::Claimed, &message).with_advice(
            "nothing to do here: this process has stopped, and the other one finishes the run; if there should be \
             none, look for a second service on the same journal",
        )
    }

    fn error(&self, kind: ErrorKind, message: &str) -> Error {
        Error::new(kind, message)
            .with_component(Component::Journal)
            .with_operation("journal.append")
            .with_subject(format!("{}/{}", self.cluster, self.run))
    }
}
