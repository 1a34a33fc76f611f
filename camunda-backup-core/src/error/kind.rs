//! The cases that a program tells apart.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What went wrong, as far as a program needs to tell cases apart.
///
/// Each kind of an answer says whether the HTTP client retries it by itself (only for requests whose
/// [`Effect`](crate::Effect) allows it). A run that fails may have any of them, because the error that stopped it keeps its
/// kind: whether the id is used up is in the report then, what to do is in [`Error::advice`](crate::Error::advice).
///
/// It prints and serialises as its name in kebab-case (`body-too-large`), which does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value given by the caller cannot be used. Not retried; nothing was sent.
    InvalidInput,
    /// The configuration is incomplete or contradicts itself. Not retried; nothing was sent.
    Config,
    /// No connection could be made. Retried; nothing was sent.
    Connect,
    /// No complete answer within the operation's time-out or that of a proxy. Reads and idempotent requests are retried.
    Timeout,
    /// The connection broke before a complete answer was there. Reads and idempotent requests are retried.
    Transport,
    /// The answer was longer than the cap for its operation. Not retried.
    BodyTooLarge,
    /// The answer is not what this endpoint answers. Not retried.
    Decode,
    /// Another application answered, or a proxy, or a login page. Not retried; check the configured address.
    WrongComponent,
    /// 401: credentials are missing or wrong. Not retried (one token renewal excepted).
    Unauthorized,
    /// 403: not allowed, perhaps not even there. Not retried.
    Forbidden,
    /// 404: the thing or the endpoint does not exist. Not retried.
    NotFound,
    /// 409, or a refusal that says the same: it exists already, or something else is running. Not retried.
    Conflict,
    /// 4xx otherwise: the server refused the request. Not retried.
    Refused,
    /// 429 or a back-pressure answer. Retried. (A 429 that says that it is for ever is `Refused`.)
    Throttled,
    /// 502, 503, 504: the server, or what it needs, is not there at the moment. Retried by effect. (A 504 to a read is a
    /// `Timeout`, because it is chance whether a proxy's time or our own is up first.)
    Unavailable,
    /// Another 5xx, or a 200 that wraps one. An answer, not a hiccup: not retried.
    ServerError,
    /// The version, flavour or setup does not support this. Not retried.
    Unsupported,
    /// A preflight check found a blocker, or an earlier run still owes something. Nothing was changed.
    Blocked,
    /// Something that we did not make is in the way: a pause, an artifact, a run of somebody else. It was not touched. Parts
    /// that the run made before it was seen may exist; without a report nothing was changed.
    Foreign,
    /// Another run holds the claim on the cluster. Nothing was changed.
    Claimed,
    /// A part of the backup failed. The id is used up; start again with a new one.
    Failed,
    /// A wait ended without the result: the bound was reached, or nothing moved. The id is used up.
    DeadlineExceeded,
    /// The caller cancelled or dropped the run. The id is used up if the run had started a backup.
    Cancelled,
    /// The journal could not be written or read, or is not trustworthy.
    Journal,
    /// Something is owed, or cannot be told, that the library cannot settle by itself. The advice says what to do: the exact
    /// requests to send by hand where it is a pause that could not be ended.
    NeedsOperator,
    /// A defect of this library.
    Internal,
}

impl ErrorKind {
    /// Whether the same request may succeed a moment later without anybody doing anything.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Connect | Self::Timeout | Self::Transport | Self::Throttled | Self::Unavailable)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What is known about the effect of the request that failed.
///
/// It prints and serialises as its name in kebab-case (`not-sent`), which does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The request has certainly not reached the server (or there was none).
    NotSent,
    /// It certainly changed nothing: the server answered that it did not do it, or it was a read, which changes nothing
    /// whatever became of it.
    Refused,
    /// The request may have taken effect, now or later. Look before doing anything again.
    Unknown,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
