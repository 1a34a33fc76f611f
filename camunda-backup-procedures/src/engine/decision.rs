//! What to do next with a step: a pure function over what this run has done and what was just seen.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::events::Amount;

/// What a look at a step's goal showed. Reads only. The evidence has the form of the procedure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Check<E = Value> {
    /// Nothing under our name exists anywhere.
    NotStarted,
    /// It is there, or partly there, and not finished.
    Pending(Progress<E>),
    /// The goal is reached; this proves it.
    Reached(E),
    /// The goal is reached where it can be seen; for the rest only the answer to our own request can vouch.
    PartlySeen(E),
    /// It has ended, and not well. Final.
    Failed(String),
    /// Something that we did not make is in the way.
    Foreign(String),
    /// Nothing can be read about it; only the answer to our own request is known.
    Unreadable(E),
}

/// How far a pending goal is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Progress<E = Value> {
    /// Changes whenever anything moves. Equal marks mean standing still.
    pub(crate) mark: String,
    /// Whether a server says that it is working on it at this moment.
    pub(crate) running: bool,
    /// How far it is, in words.
    pub(crate) text: String,
    /// How far it is, in numbers, if the servers tell.
    pub(crate) amount: Option<Amount>,
    /// What to tell an operator if this is how it ends.
    pub(crate) advice: Option<String>,
    /// Counts as reached when it has stood still for the grace: the store's word against the application's.
    pub(crate) settled: Option<E>,
}

impl<E> Default for Progress<E> {
    fn default() -> Self {
        let (mark, text) = (String::new(), String::new());
        Self { mark, running: false, text, amount: None, advice: None, settled: None }
    }
}

impl<E> Check<E> {
    /// The same with its evidence in another form.
    pub(crate) fn try_map<T, X>(self, form: impl Fn(E) -> Result<T, X>) -> Result<Check<T>, X> {
        Ok(match self {
            Self::NotStarted => Check::NotStarted,
            Self::Pending(Progress { mark, running, text, amount, advice, settled }) => {
                let settled = settled.map(form).transpose()?;
                Check::Pending(Progress { mark, running, text, amount, advice, settled })
            }
            Self::Reached(evidence) => Check::Reached(form(evidence)?),
            Self::PartlySeen(evidence) => Check::PartlySeen(form(evidence)?),
            Self::Failed(why) => Check::Failed(why),
            Self::Foreign(who) => Check::Foreign(who),
            Self::Unreadable(evidence) => Check::Unreadable(form(evidence)?),
        })
    }
}

/// What it means when a goal is reached and this run has not asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Existing {
    /// Somebody else made it: the run stops.
    #[default]
    Foreign,
    /// It is done, whoever did it.
    Done,
}

/// Whether a goal that was reached once stays reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Trust {
    /// A thing that was made: a process that continues the run believes the journal.
    Artifact,
    /// A state that may have changed since: it is looked at again.
    #[default]
    Condition,
}

/// What a step's request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Effect {
    /// There is none; the step only looks.
    Look,
    /// Makes or changes something that can be undone.
    #[default]
    Make,
    /// Destroys something. Never sent before every gate was passed by this process.
    Destroy,
}

/// What kind of goal a step has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Nature {
    pub(crate) existing: Existing,
    pub(crate) trust: Trust,
    pub(crate) effect: Effect,
}

/// What this run knows about its own request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Sent {
    /// No intent is recorded and nothing was sent.
    Nothing,
    /// The server accepted it.
    Accepted,
    /// The server refused it.
    Refused,
    /// No answer, or one that leaves it open.
    Unknown,
}

/// The history of one step within this run, and its limits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) sent: Sent,
    /// Whether the request was sent by a process before this one, which died.
    pub(crate) by_another_process: bool,
    pub(crate) existing: Existing,
    /// Whether anything was ever seen under our name after we sent.
    pub(crate) was_visible: bool,
    /// How long nothing has moved.
    pub(crate) still_for: Duration,
    /// How long nothing may move while something is running.
    pub(crate) stall: Duration,
    /// How long nothing may move while nothing is running.
    pub(crate) grace: Duration,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Next {
    /// Record the intent, then send the one request.
    Act,
    /// Look again later.
    Wait,
    /// The goal is reached.
    Done(Value),
    /// It failed; the id is used up.
    Fail { why: String, advice: Option<String> },
    /// Not ours: stop.
    Stop(String),
}

/// Decides. The order of the arms is the argument: what is not ours first, then what is final, then patience.
pub(crate) fn decide(seen: &Seen, check: Check) -> Next {
    let ours = matches!(seen.sent, Sent::Accepted | Sent::Unknown);
    match check {
        // In our own window it is more likely a misunderstood request of ours than somebody else: it has to be closed.
        Check::Foreign(how) if ours => fail(&how),
        Check::Foreign(who) => Next::Stop(who),
        Check::NotStarted | Check::Unreadable(_) if seen.sent == Sent::Nothing => Next::Act,
        Check::Unreadable(evidence) if seen.sent == Sent::Accepted => Next::Done(evidence),
        Check::Unreadable(_) => fail("the answer was not a success, and nothing else can be read about it"),
        Check::NotStarted if seen.sent == Sent::Refused => fail("the request was refused"),
        Check::Pending(_) | Check::Reached(_) | Check::PartlySeen(_) | Check::Failed(_)
            if !ours && seen.existing == Existing::Foreign =>
        {
            Next::Stop("it exists already, and this run did not make it".to_owned())
        }
        Check::Reached(evidence) => Next::Done(evidence),
        Check::PartlySeen(evidence) if seen.sent == Sent::Accepted => Next::Done(evidence),
        Check::PartlySeen(_) => fail("the answer was not a success, and not everything can be seen"),
        Check::Failed(why) => fail(&why),
        Check::NotStarted if seen.was_visible => fail(
            "it was running and has vanished without a trace (the server behind it was restarted, or lost its store)",
        ),
        Check::NotStarted if seen.still_for < seen.grace => Next::Wait,
        // The process that was about to send it died. What may exist already may be asked for twice.
        Check::NotStarted if seen.by_another_process && seen.existing == Existing::Done => Next::Act,
        Check::NotStarted if seen.sent == Sent::Unknown => {
            fail("the answer to the request did not say whether it was done, and nothing of it has appeared")
        }
        Check::NotStarted => fail("it was accepted and never appeared (its store may be unreachable)"),
        Check::Pending(progress) => decide_pending(seen, progress),
    }
}

fn decide_pending(seen: &Seen, progress: Progress) -> Next {
    let patience = if progress.running { seen.stall } else { seen.grace };
    match progress.settled {
        _ if seen.still_for < patience => Next::Wait,
        Some(evidence) => Next::Done(evidence),
        None => {
            let how = if progress.running {
                "says it is running, but nothing moves"
            } else {
                "has stopped half-way"
            };
            let seconds = seen.still_for.as_secs();
            Next::Fail {
                why: format!("it {how} for {seconds} s: {}", progress.text),
                advice: progress.advice,
            }
        }
    }
}

fn fail(why: &str) -> Next {
    Next::Fail { why: why.to_owned(), advice: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(sent: Sent) -> Seen {
        Seen {
            sent,
            by_another_process: false,
            existing: Existing::Foreign,
            was_visible: false,
            still_for: Duration::ZERO,
            stall: Duration::from_secs(600),
            grace: Duration::from_secs(60),
        }
    }

    fn pending(running: bool) -> Check {
        Check::Pending(Progress { running, ..Progress::default() })
    }

    #[test]
    fn acts_once_and_only_when_nothing_is_there() {
        assert_eq!(decide(&seen(Sent::Nothing), Check::NotStarted), Next::Act);
        for sent in [Sent::Accepted, Sent::Refused, Sent::Unknown] {
            for check in [Check::NotStarted, pending(true), pending(false), Check::Failed("x".into())] {
                assert_ne!(decide(&seen(sent), check), Next::Act, "{sent:?}");
            }
        }
    }

    #[test]
    fn what_exists_without_our_accepted_request_is_not_ours() {
        for sent in [Sent::Nothing, Sent::Refused] {
            for check in [pending(true), Check::Reached(Value::Null), Check::Failed("x".into())] {
                assert!(matches!(decide(&seen(sent), check), Next::Stop(_)), "{sent:?}");
            }
        }
    }

    #[test]
    fn what_is_in_the_way_is_foreign_only_until_we_have_sent() {
        let check = || Check::Foreign("paused in another mode".into());
        for sent in [Sent::Nothing, Sent::Refused] {
            assert!(matches!(decide(&seen(sent), check()), Next::Stop(_)), "{sent:?}");
        }
        for sent in [Sent::Accepted, Sent::Unknown] {
            assert!(matches!(decide(&seen(sent), check()), Next::Fail { .. }), "{sent:?}");
        }
    }

    #[test]
    fn an_unknown_outcome_is_judged_by_what_is_seen() {
        assert_eq!(decide(&seen(Sent::Unknown), Check::Reached(Value::Null)), Next::Done(Value::Null));
        assert_eq!(decide(&seen(Sent::Unknown), Check::NotStarted), Next::Wait);
    }

    #[test]
    fn standing_still_ends_the_wait_sooner_when_nothing_runs() {
        let still = |seconds| Seen { still_for: Duration::from_secs(seconds), ..seen(Sent::Accepted) };
        assert_eq!(decide(&still(59), pending(false)), Next::Wait);
        assert!(matches!(decide(&still(60), pending(false)), Next::Fail { .. }));
        assert_eq!(decide(&still(60), pending(true)), Next::Wait);
        assert!(matches!(decide(&still(600), pending(true)), Next::Fail { .. }));
        assert!(matches!(decide(&still(60), Check::NotStarted), Next::Fail { .. }));
        let settled = Progress { settled: Some(Value::Null), ..Progress::default() };
        assert_eq!(decide(&still(60), Check::Pending(settled)), Next::Done(Value::Null));
    }

    #[test]
    fn vanished_is_final_at_once() {
        let vanished = Seen { was_visible: true, ..seen(Sent::Accepted) };
        assert!(matches!(decide(&vanished, Check::NotStarted), Next::Fail { .. }));
    }

    #[test]
    fn what_is_partly_seen_rests_on_the_answer_and_is_foreign_without_a_request() {
        let check = || Check::PartlySeen(Value::Null);
        assert_eq!(decide(&seen(Sent::Accepted), check()), Next::Done(Value::Null));
        assert!(matches!(decide(&seen(Sent::Unknown), check()), Next::Fail { .. }));
        for sent in [Sent::Nothing, Sent::Refused] {
            assert!(matches!(decide(&seen(sent), check()), Next::Stop(_)), "{sent:?}");
        }
    }

    #[test]
    fn an_unreadable_goal_rests_on_the_answer_alone() {
        let check = || Check::Unreadable(Value::Null);
        assert_eq!(decide(&seen(Sent::Nothing), check()), Next::Act);
        assert_eq!(decide(&seen(Sent::Accepted), check()), Next::Done(Value::Null));
        for sent in [Sent::Unknown, Sent::Refused] {
            assert!(matches!(decide(&seen(sent), check()), Next::Fail { .. }));
        }
    }

    #[test]
    fn what_may_exist_already_is_done_whoever_did_it() {
        let seen = Seen { existing: Existing::Done, ..seen(Sent::Nothing) };
        assert_eq!(decide(&seen, Check::Reached(Value::Null)), Next::Done(Value::Null));
        assert_eq!(decide(&seen, pending(true)), Next::Wait);
        assert_eq!(decide(&seen, Check::NotStarted), Next::Act);
        assert!(matches!(decide(&seen, Check::Failed("x".into())), Next::Fail { .. }));
        assert!(matches!(decide(&seen, Check::Foreign("x".into())), Next::Stop(_)));
    }

    #[test]
    fn what_a_dead_process_was_about_to_send_is_sent_again_only_if_it_may_exist_twice() {
        let late = |existing, by_another_process| Seen {
            existing,
            by_another_process,
            still_for: Duration::from_secs(60),
            ..seen(Sent::Unknown)
        };
        assert_eq!(decide(&late(Existing::Done, true), Check::NotStarted), Next::Act);
        for seen in [late(Existing::Foreign, true), late(Existing::Done, false)] {
            assert!(matches!(decide(&seen, Check::NotStarted), Next::Fail { .. }), "{seen:?}");
        }
        let early = Seen { still_for: Duration::ZERO, ..late(Existing::Done, true) };
        assert_eq!(decide(&early, Check::NotStarted), Next::Wait);
    }
}
