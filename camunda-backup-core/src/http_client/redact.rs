//! Removes the credentials that we sent from what a server says: debugging proxies repeat the headers they were sent.

use std::borrow::Cow;

use crate::secret::Secret;

/// Knows what must not be shown.
pub(super) struct Redactor {
    secrets: Vec<Secret>,
}

impl Redactor {
    /// Shorter ones are no secrets, and removing them would garble every message.
    const SHORTEST: usize = 4;

    pub(super) fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let mut secrets: Vec<Secret> =
            secrets.into_iter().filter(|secret| secret.expose().len() >= Self::SHORTEST).collect();
        // The longest first: one may be a part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        Self { secrets }
    }

    /// `text` with every secret replaced by `…`.
    pub(super) fn removed<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.secrets.iter().fold(Cow::Borrowed(text), |text, secret| {
            if text.contains(secret.expose()) {
                Cow::Owned(text.replace(secret.expose(), "…"))
            } else {
                text
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_longest_first() {
        let redactor = Redactor::new(["hunter2", "hunter2-long", "e"].map(Secret::new));
        assert_eq!(redactor.removed("hunter2-long and hunter2 here"), "… and … here");
    }
}
