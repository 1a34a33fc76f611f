//! One partition's log, its exporter, and the pause of each replica.

use std::collections::VecDeque;
use std::time::Duration;

/// How many moments of the past are remembered, and how far they are apart at least: 6.4 s and more.
const SAMPLES: usize = 32;
const SAMPLE_SPACING: Duration = Duration::from_millis(200);

/// Whether a replica exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Phase {
    /// Records are exported and the position is kept.
    Exporting,
    /// Nothing is exported.
    Paused,
    /// Records are exported, the kept position stands still.
    SoftPaused,
    /// The marker file cannot be read: the broker never gets ready.
    Corrupt,
}

impl Phase {
    /// The word in `exporterPhase`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Exporting => "EXPORTING",
            Self::Paused => "PAUSED",
            Self::SoftPaused => "SOFT_PAUSED",
            Self::Corrupt => "CLOSED",
        }
    }

    /// What a broker makes of its marker file when it starts.
    pub(crate) fn from_marker(marker: Option<&str>) -> Self {
        match marker {
            None => Self::Exporting,
            Some("" | "PAUSED") => Self::Paused,
            Some("SOFT_PAUSED") => Self::SoftPaused,
            Some(_) => Self::Corrupt,
        }
    }
}

/// A partition on one broker.
#[derive(Debug, Clone)]
pub(crate) struct Replica {
    pub phase: Phase,
    /// The content of `.exporterPaused`.
    pub marker: Option<String>,
}

impl Replica {
    pub(crate) const fn new() -> Self {
        Self { phase: Phase::Exporting, marker: None }
    }

    /// Pauses. The marker is overwritten from its start without being cut: a hard pause over a soft one leaves
    /// `PAUSEDAUSED`.
    pub(crate) fn pause(&mut self, soft: bool, marker: MarkerStyle) {
        self.phase = if soft { Phase::SoftPaused } else { Phase::Paused };
        self.marker = match marker {
            MarkerStyle::None => None,
            MarkerStyle::Empty => Some(String::new()),
            MarkerStyle::Word => {
                let (word, old) = (self.phase.word(), self.marker.take().unwrap_or_default());
                let rest = old.get(word.len()..).unwrap_or_default();
                Some(format!("{word}{rest}"))
            }
        };
    }

    pub(crate) fn resume(&mut self) {
        *self = Self::new();
    }
}

/// What a version writes into the marker file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkerStyle {
    /// 8.10 has no file.
    None,
    /// 8.1: an empty file.
    Empty,
    /// The name of the phase.
    Word,
}

/// The log and the exporter of one partition.
#[derive(Debug)]
pub(crate) struct Partition {
    pub id: u32,
    /// Brokers that hold a replica.
    pub replicas: Vec<u32>,
    pub leader: Option<u32>,
    /// Who led last, for a topology that still shows the dead.
    pub last_leader: u32,
    /// When the leader was lost, or the majority.
    pub disturbed_at: Option<Duration>,
    /// Position of the last record.
    pub position: u64,
    /// Position of the last record that the exporter has read; acknowledged by its next flush.
    pub read: u64,
    /// When the next timed flush is due.
    pub next_flush: Duration,
    /// When the present leader took over; zero for the first one.
    pub led_since: Duration,
    /// Position acknowledged by the exporter, in memory.
    pub exported: u64,
    /// Position that snapshots contain.
    pub persisted: u64,
    /// Highest position that ever reached the store.
    pub written: u64,
    carry: u64,
    samples: VecDeque<(Duration, u64)>,
}

impl Partition {
    pub(crate) fn new(id: u32, replicas: Vec<u32>) -> Self {
        let leader = replicas.first().copied();
        let start = 20 + u64::from(id);
        Self {
            id,
            replicas,
            leader,
            last_leader: leader.unwrap_or_default(),
            disturbed_at: None,
            position: start,
            read: start,
            next_flush: Duration::ZERO,
            led_since: Duration::ZERO,
            exported: start,
            persisted: start,
            written: 0,
            carry: 0,
            samples: VecDeque::new(),
        }
    }

    /// New records for the time that has passed.
    pub(crate) fn write_records(&mut self, rate: u32, passed: Duration) {
        let millis = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        self.carry = self.carry.saturating_add(millis.saturating_mul(u64::from(rate)));
        self.position += self.carry / 1000;
        self.carry %= 1000;
    }

    /// The exporter catches up with the log.
    pub(crate) fn read_records(&mut self) {
        self.read = self.position;
    }

    /// The timed flush, if it is due: what was read reaches the store and is acknowledged, also after a hard pause.
    pub(crate) fn flush(&mut self, now: Duration, spacing: Duration, keep_position: bool) {
        if now < self.next_flush {
            return;
        }
        self.next_flush = now + spacing;
        self.exported = self.read;
        self.written = self.written.max(self.exported);
        if keep_position {
            self.persisted = self.exported;
        }
    }

    /// The exporter starts anew, from what was kept.
    pub(crate) fn restart_exporter(&mut self) {
        self.exported = self.persisted;
        self.read = self.persisted;
    }

    /// Remembers what the store held when.
    pub(crate) fn sample(&mut self, now: Duration) {
        let last = self.samples.back().map(|(at, _)| *at);
        if last.is_none_or(|at| now >= at + SAMPLE_SPACING) {
            self.samples.push_back((now, self.written));
        }
        while self.samples.len() > SAMPLES {
            self.samples.pop_front();
        }
    }

    /// The highest position that the store held at a time, interpolated between the moments that were looked at.
    pub(crate) fn written_at(&self, then: Duration) -> u64 {
        let Some(after) = self.samples.iter().position(|(at, _)| *at > then) else {
            return self.samples.back().map_or(0, |(_, written)| *written);
        };
        let Some(((from, low), (to, high))) = after
            .checked_sub(1)
            .and_then(|before| Some((*self.samples.get(before)?, *self.samples.get(after)?)))
        else {
            return 0;
        };
        let (part, whole) =
            (then.saturating_sub(from).as_millis(), to.saturating_sub(from).as_millis().max(1));
        low + u64::try_from(u128::from(high - low) * part / whole).unwrap_or(0)
    }
}
