//! The state of a backup or of a part of one, in one vocabulary for Zeebe, the web applications and Optimize.

use crate::open_enum::open_enum;

open_enum! {
    /// The state of a backup, or of one partition's share of it.
    ///
    /// Only [`Completed`](Self::Completed) is a success; everything that is not known is not.
    BackupState {
        /// The server does not show it: 404, `DOES_NOT_EXIST` (Zeebe 8.1 and single partitions), `NOT_FOUND` (8.10).
        /// It never means that the id is free, and just after a request it does not mean that nothing was started.
        NotVisible = "NOT_VISIBLE" | "DOES_NOT_EXIST" | "NOT_FOUND",
        /// It is being made.
        InProgress = "IN_PROGRESS",
        /// It is complete, by the server's word. (`COMPLETE` in parts of the documentation.)
        Completed = "COMPLETED" | "COMPLETE",
        /// It failed, for good.
        Failed = "FAILED",
        /// Parts are missing: a healthy backup shows this between two parts, a dead one shows it for ever.
        Incomplete = "INCOMPLETE",
        /// It was made by an incompatible version, for good.
        Incompatible = "INCOMPATIBLE",
        /// It was deleted (8.9+).
        Deleted = "DELETED",
    }
}

impl BackupState {
    /// Whether it is complete by the server's word.
    pub fn is_completed(&self) -> bool {
        *self == Self::Completed
    }

    /// Whether it will never become complete. [`Incomplete`](Self::Incomplete) and [`NotVisible`](Self::NotVisible)
    /// are not among these: both are passed by healthy backups.
    pub fn is_terminal_failure(&self) -> bool {
        matches!(self, Self::Failed | Self::Incompatible | Self::Deleted)
    }

    /// What the parts of a backup make together: failed if one is, complete only if there are some and all are, in
    /// progress if one is, not visible if none is, else incomplete.
    ///
    /// Zeebe 8.1 calls a backup `DOES_NOT_EXIST` as long as one partition has not begun, so its own word is of no use.
    pub(crate) fn of_parts(parts: &[&Self]) -> Self {
        let all = |wanted: &Self| !parts.is_empty() && parts.iter().all(|state| *state == wanted);
        if let Some(failed) = parts.iter().find(|state| state.is_terminal_failure()) {
            return (*failed).clone();
        }
        if all(&Self::Completed) {
            Self::Completed
        } else if parts.contains(&&Self::InProgress) {
            Self::InProgress
        } else if all(&Self::NotVisible) {
            Self::NotVisible
        } else {
            let unknown = parts.iter().find(|state| matches!(state, Self::Other(_)));
            unknown.map_or(Self::Incomplete, |state| (*state).clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn d16_words_are_mapped_and_unknown_ones_are_kept() {
        for (word, state) in [
            ("COMPLETED", BackupState::Completed),
            ("COMPLETE", BackupState::Completed),
            ("DOES_NOT_EXIST", BackupState::NotVisible),
            ("NOT_FOUND", BackupState::NotVisible),
            ("in_progress", BackupState::InProgress),
            ("PARTIAL", BackupState::Other("PARTIAL".to_owned())),
        ] {
            assert_eq!(BackupState::from_word(word), state);
            let json = serde_json::to_string(&state).unwrap();
            assert_eq!(serde_json::from_str::<BackupState>(&json).unwrap(), state);
        }
    }

    #[test]
    fn parts_make_a_whole_as_servers_since_8_2_compute_it() {
        use BackupState::{Completed, Failed, InProgress, Incomplete, NotVisible};
        let other = BackupState::Other("QUEUED".to_owned());
        for (parts, whole) in [
            (vec![], Incomplete),
            (vec![Completed, Completed], Completed),
            (vec![NotVisible, NotVisible], NotVisible),
            (vec![NotVisible, InProgress], InProgress),
            (vec![Completed, NotVisible], Incomplete),
            (vec![Completed, Failed, InProgress], Failed),
            (vec![Completed, other.clone()], other),
        ] {
            assert_eq!(BackupState::of_parts(&parts.iter().collect::<Vec<_>>()), whole, "{parts:?}");
        }
    }

    proptest! {
        #[test]
        fn unknown_words_are_never_success_and_never_final(word in "\\PC{0,40}") {
            let known = ["COMPLETED", "COMPLETE"].iter().any(|known| word.trim().eq_ignore_ascii_case(known));
            let state = BackupState::from_word(&word);
            prop_assert_eq!(state.is_completed(), known);
            if matches!(state, BackupState::Other(_)) {
                prop_assert!(!state.is_terminal_failure());
            }
        }
    }
}
