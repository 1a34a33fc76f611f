//! The state of a snapshot, kept as the server's word.

use std::fmt;
use std::str::FromStr;

use camunda_backup_core::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

/// The `state` of a snapshot in `GET /_snapshot/{repo}/…`. Only this decides whether a snapshot is good.
///
/// Written and read as the server's word (`SUCCESS`). A word that is not known is kept in [`Other`](Self::Other); it is
/// neither success nor the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum SnapshotState {
    /// It runs.
    InProgress,
    /// All shards were stored.
    Success,
    /// Some shards are missing; also possible when `partial` was false.
    Partial,
    /// It failed.
    Failed,
    /// It was written by a version that the server cannot read.
    Incompatible,
    /// A word that this library does not know; empty when the server sent none.
    Other(String),
}

impl SnapshotState {
    /// The server's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Success => "SUCCESS",
            Self::Partial => "PARTIAL",
            Self::Failed => "FAILED",
            Self::Incompatible => "INCOMPATIBLE",
            Self::Other(word) => word,
        }
    }

    /// Whether it will not change any more. A word that is not known may still change.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Success | Self::Partial | Self::Failed | Self::Incompatible)
    }

    /// Whether it is `SUCCESS`, and nothing else.
    pub fn is_success(&self) -> bool {
        *self == Self::Success
    }
}

/// No word at all, as when an entry lacks its `state`: never success.
impl Default for SnapshotState {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

impl From<String> for SnapshotState {
    fn from(word: String) -> Self {
        match word.as_str() {
            "IN_PROGRESS" => Self::InProgress,
            "SUCCESS" => Self::Success,
            "PARTIAL" => Self::Partial,
            "FAILED" => Self::Failed,
            "INCOMPATIBLE" => Self::Incompatible,
            _ => Self::Other(word),
        }
    }
}

impl From<&str> for SnapshotState {
    fn from(word: &str) -> Self {
        Self::from(word.to_owned())
    }
}

impl From<SnapshotState> for String {
    fn from(state: SnapshotState) -> Self {
        match state {
            SnapshotState::Other(word) => word,
            known => known.as_str().to_owned(),
        }
    }
}

/// Reads a known word that a person typed, in any case; `-` may stand for `_`.
impl FromStr for SnapshotState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match Self::from(text.trim().to_ascii_uppercase().replace('-', "_")) {
            Self::Other(_) => Err(Error::new(
                ErrorKind::InvalidInput,
                format!("{:?} is no state of a snapshot", camunda_backup_core::text::one_line(text)),
            )
            .with_advice("write IN_PROGRESS, SUCCESS, PARTIAL, FAILED or INCOMPATIBLE")),
            known => Ok(known),
        }
    }
}

impl fmt::Display for SnapshotState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.as_str().is_empty() { "no state" } else { self.as_str() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_word_is_kept_and_only_success_is_success(word in "[A-Z_a-z]{0,16}|SUCCESS|PARTIAL|FAILED") {
            let state = SnapshotState::from(word.as_str());
            prop_assert_eq!(state.is_success(), word == "SUCCESS");
            prop_assert_eq!(state.as_str(), &word);
            let json = serde_json::to_string(&state).unwrap();
            prop_assert_eq!(serde_json::from_str::<SnapshotState>(&json).unwrap(), state);
        }
    }

    #[test]
    fn unknown_and_missing_words_are_no_end() {
        assert!(!SnapshotState::from("PAUSED").is_terminal());
        assert!(!SnapshotState::default().is_terminal());
        assert!(!SnapshotState::InProgress.is_terminal());
        assert!(SnapshotState::Incompatible.is_terminal());
        assert!(!SnapshotState::Incompatible.is_success());
    }
}
