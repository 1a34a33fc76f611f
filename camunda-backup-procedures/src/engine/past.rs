//! What earlier processes did in a run that is continued, as its journal has it.

use std::collections::BTreeMap;

use super::decision::Sent;
use super::ledger::Entry;
use crate::obligation::Obligation;

/// What earlier processes have done with each step. Empty for a run that begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past(BTreeMap<String, PastStep>);

/// What earlier processes have done with one step.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PastStep {
    /// What is known of its request. A refusal is no reason not to ask again.
    pub(super) sent: Sent,
    /// Whether its goal was reached.
    pub(super) reached: bool,
    /// Whether it was confirmed from outside.
    pub(super) confirmed: bool,
}

impl Default for PastStep {
    fn default() -> Self {
        Self { sent: Sent::Nothing, reached: false, confirmed: false }
    }
}

impl Past {
    /// Rebuilds it from the entries of the run, in their order.
    #[cfg_attr(not(test), allow(dead_code))] // a backup is never continued; the next procedure is
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let mut past = Self::default();
        let mut opened: Vec<(&Obligation, &str)> = Vec::new();
        for entry in entries {
            match entry {
                Entry::Intent { step, owes } => {
                    opened.extend(owes.as_ref().map(|owes| (owes, step.as_str())));
                    let step = past.0.entry(step.clone()).or_default();
                    (step.sent, step.reached) = (Sent::Unknown, false);
                }
                Entry::Answered { step, sent, .. } => {
                    let known = if *sent == Sent::Refused { Sent::Nothing } else { *sent };
                    past.0.entry(step.clone()).or_default().sent = known;
                }
                Entry::Reached { step, .. } => past.0.entry(step.clone()).or_default().reached = true,
                Entry::Confirmed { step, .. } => past.0.entry(step.clone()).or_default().confirmed = true,
                // Closed, so nothing of its opening is left.
                Entry::Paid { obligation, .. } => {
                    for (_, step) in opened.iter().filter(|(owes, _)| *owes == obligation) {
                        past.0.insert((*step).to_owned(), PastStep::default());
                    }
                }
                _ => {}
            }
        }
        past
    }

    pub(super) fn step(&self, name: &str) -> PastStep {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn intent(step: &str) -> Entry {
        Entry::Intent { step: step.to_owned(), owes: None }
    }

    fn answered(step: &str, sent: Sent) -> Entry {
        Entry::Answered { step: step.to_owned(), sent, note: Value::Null }
    }

    #[test]
    fn an_intent_without_an_answer_may_have_been_sent() {
        assert_eq!(Past::of(&[intent("a")]).step("a").sent, Sent::Unknown);
        assert_eq!(Past::of(&[intent("a")]).step("b"), PastStep::default());
    }

    #[test]
    fn an_answer_tells_and_a_refusal_leaves_nothing_behind() {
        let past = Past::of(&[
            intent("a"),
            answered("a", Sent::Accepted),
            intent("b"),
            answered("b", Sent::Refused),
        ]);
        assert_eq!((past.step("a").sent, past.step("b").sent), (Sent::Accepted, Sent::Nothing));
    }

    #[test]
    fn what_is_asked_for_again_is_not_reached_any_more() {
        let reached = Entry::Reached { step: "a".to_owned(), evidence: Value::Null };
        assert!(Past::of(&[intent("a"), reached.clone()]).step("a").reached);
        assert!(!Past::of(&[intent("a"), reached, intent("a")]).step("a").reached);
    }
}
