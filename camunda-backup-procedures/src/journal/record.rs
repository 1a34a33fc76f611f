//! One record of one run, and the run's name.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use camunda_backup_core::{Error, ErrorKind, Result, Timestamp, text};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::checksum;
use super::key::is_segment;

/// The format that this version writes, and the newest one that it reads.
pub(super) const FORMAT: u32 = 1;

/// The name of a run: `20260603t075341z-1780473221123-0000a1b2`.
///
/// Second for people, milliseconds for the order, and a number that the caller chose at random so that two runs begun
/// in the same millisecond differ. It sorts by time and is one segment of a [`Key`](super::Key).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(Arc<str>);

impl RunId {
    /// The name of a run that begins at `at`. `nonce` should be random.
    pub fn new(at: Timestamp, nonce: u32) -> Self {
        let second: String =
            at.to_string().chars().take_while(|c| *c != '.').filter(|c| !"-:".contains(*c)).collect();
        let second = second.to_ascii_lowercase();
        Self(Arc::from(format!("{second}z-{:013}-{nonce:08x}", at.millis())))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When the run began.
    pub fn started(&self) -> Timestamp {
        let millis = self.0.split('-').nth(1).and_then(|millis| millis.parse().ok());
        Timestamp::from_millis(millis.unwrap_or_default())
    }
}

impl FromStr for RunId {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        let hex = |s: &str| !s.is_empty() && s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let second = |s: &str| {
            s.strip_suffix('z').and_then(|s| s.split_once('t')).is_some_and(|(d, t)| digits(d) && digits(t))
        };
        let parts: Vec<_> = name.split('-').collect();
        match parts[..] {
            [at, millis, nonce] if second(at) && digits(millis) && hex(nonce) && is_segment(name) => {
                Ok(Self(Arc::from(name)))
            }
            _ => {
                let shown = text::one_line(name);
                Err(Error::new(ErrorKind::InvalidInput, format!("{shown:?} is not the name of a run")))
            }
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = Error;
    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<RunId> for String {
    fn from(run: RunId) -> String {
        run.0.as_ref().to_owned()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing that a run has done, is about to do, or owes.
///
/// Stored as a line of JSON and a checksum line. `at` is stored in milliseconds; a field `time` beside it says the
/// same for people and is not read. Unknown fields are ignored, a newer `format` is refused.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// The format of the record: 1.
    pub format: u32,
    /// The run that it belongs to.
    pub run: RunId,
    /// Its place in the run, from 1 without gaps.
    pub seq: u64,
    /// When it was written, on the writer's clock.
    pub at: Timestamp,
    /// The fencing token of the writer.
    pub token: u64,
    /// What happened, in the words of the engine.
    #[serde(default)]
    pub event: Value,
    /// Whether this only marks that the writer with `token` continues the run from here.
    #[serde(default)]
    pub(super) takeover: bool,
}

/// What is stored: a [`Record`] in the order in which a person reads it.
#[derive(Serialize)]
struct Stored<'a> {
    format: u32,
    run: &'a RunId,
    seq: u64,
    time: String,
    at: u64,
    token: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    takeover: bool,
    #[serde(skip_serializing_if = "Value::is_null")]
    event: &'a Value,
}

impl Record {
    /// The two lines.
    pub(super) fn encode(&self) -> Result<Bytes> {
        let Self { format, run, seq, at, token, event, takeover } = self;
        checksum::encode(&Stored {
            format: *format,
            run,
            seq: *seq,
            time: at.to_string(),
            at: at.millis(),
            token: *token,
            takeover: *takeover,
            event,
        })
    }

    /// Reads the two lines and checks that they are the record `seq` of `run`.
    pub(super) fn decode(body: &[u8], run: &RunId, seq: u64) -> Result<Self, Unreadable> {
        let value: Value = checksum::decode(body).map_err(Unreadable::Damaged)?;
        // Looked at before the other fields, which a newer format may have changed.
        let format = value.get("format").and_then(Value::as_u64);
        if let Some(newer) = format.filter(|format| *format > u64::from(FORMAT)) {
            return Err(Unreadable::Newer(newer));
        }
        let record: Self = serde_json::from_value(value).map_err(|cause| {
            Unreadable::Damaged(format!("not a record: {}", text::one_line(&cause.to_string())))
        })?;
        if record.run != *run || record.seq != seq {
            let message = format!("it is record {} of run {}, in the wrong place", record.seq, record.run);
            return Err(Unreadable::Damaged(message));
        }
        Ok(record)
    }
}

/// Why a record cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Torn, corrupt or misplaced; in words.
    Damaged(String),
    /// Whole, and written by a newer version.
    Newer(u64),
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run() -> RunId {
        RunId::new(Timestamp::from_millis(1_748_937_221_123), 0xa1b2)
    }

    fn record() -> Record {
        let at = Timestamp::from_millis(1_748_937_222_000);
        let event = json!({"owed": "resume exporting"});
        Record { format: 1, run: run(), seq: 7, at, token: 3, event, takeover: false }
    }

    #[test]
    fn run_ids_sort_by_time_and_round_trip() {
        assert_eq!(run().as_str(), "20250603t075341z-1748937221123-0000a1b2");
        assert_eq!(run().started(), Timestamp::from_millis(1_748_937_221_123));
        assert!(run() < RunId::new(Timestamp::from_millis(1_748_937_221_124), 0));
        assert_eq!(run().as_str().parse::<RunId>().unwrap(), run());
        for far in [0, u64::MAX] {
            let far = RunId::new(Timestamp::from_millis(far), u32::MAX);
            assert_eq!(far.as_str().parse::<RunId>().unwrap(), far);
        }
        for bad in
            ["", "x", "20250603t075341z-1", "20250603T075341Z-1-a", "../..", "a-1-b", "1t1z-1-g", "t1z-1-a"]
        {
            assert!(bad.parse::<RunId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_person_can_read_a_record() {
        let text = String::from_utf8(record().encode().unwrap().to_vec()).unwrap();
        assert_eq!(
            text.lines().next().unwrap(),
            "{\"format\":1,\"run\":\"20250603t075341z-1748937221123-0000a1b2\",\"seq\":7,\
             \"time\":\"2025-06-03T07:53:42.000Z\",\"at\":1748937222000,\"token\":3,\
             \"event\":{\"owed\":\"resume exporting\"}}"
        );
    }

    #[test]
    fn a_record_in_the_wrong_place_is_damage() {
        let body = record().encode().unwrap();
        assert_eq!(Record::decode(&body, &run(), 7), Ok(record()));
        let other = RunId::new(Timestamp::from_millis(1), 1);
        for (run, seq) in [(&run(), 8), (&other, 7)] {
            assert!(
                matches!(Record::decode(&body, run, seq), Err(Unreadable::Damaged(why)) if why.contains("wrong place"))
            );
        }
    }

    #[test]
    fn unknown_fields_are_tolerated_and_newer_formats_named() {
        let mut value =
            json!({"format": 1, "run": run(), "seq": 7, "at": 1, "token": 3, "event": {}, "mood": "good"});
        assert!(Record::decode(&checksum::encode(&value).unwrap(), &run(), 7).is_ok());
        value["format"] = json!(2);
        value["seq"] = json!("seven");
        assert_eq!(Record::decode(&checksum::encode(&value).unwrap(), &run(), 7), Err(Unreadable::Newer(2)));
        value["format"] = json!("one");
        assert!(matches!(
            Record::decode(&checksum::encode(&value).unwrap(), &run(), 7),
            Err(Unreadable::Damaged(_))
        ));
    }
}
