//! What a run does, as data: steps, groups that run together, and brackets that owe something from their opening to their
//! closing. What a step wants is its procedure's own; the engine does not read it.

use std::time::Duration;

use camunda_backup_core::Component;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::obligation::Obligation;

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepPlan {
    /// The step's name, unique within the plan, such as `soft-pause-exporting`.
    pub name: String,
    /// The component that acts.
    pub component: Component,
    /// What the step wants to be true, in the form of its procedure. For a backup see [`Goal`](crate::Goal).
    pub goal: Value,
    /// Why it is done, and why here.
    pub reason: String,
    /// The requests that change something or that decide, as request lines with the full address.
    pub requests: Vec<String>,
    /// Whether nothing may be destroyed before this step was reached by the process that destroys.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gate: bool,
}

impl StepPlan {
    pub(crate) fn new(
        name: &str,
        component: Component,
        goal: Value,
        reason: &str,
        requests: Vec<String>,
    ) -> Self {
        Self { name: name.to_owned(), component, goal, reason: reason.to_owned(), requests, gate: false }
    }
}

/// A part of a plan that owes something between its opening and its closing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bracket {
    /// What is owed from before the first byte of `open` until `close` was confirmed.
    pub owes: Obligation,
    /// Opens the bracket.
    pub open: StepPlan,
    /// What happens inside, in order.
    #[serde(with = "body")]
    pub body: Vec<Stage>,
    /// What is done before closing when something inside has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort: Option<StepPlan>,
    /// Closes it: after success, failure, cancellation, panic, drop and restart.
    pub close: StepPlan,
}

/// Steps that run at the same time, with limits of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Group {
    /// The steps.
    pub steps: Vec<StepPlan>,
    /// How many of them run at once, at most; 0 is no limit.
    pub at_once: usize,
    /// How long they may take together; that of the stage around it if it is shorter.
    pub limit: Duration,
}

/// A stage of a plan. Stages follow one another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Stage {
    /// Steps that run at the same time; the stage ends when all have reached their goals.
    Together(Vec<StepPlan>),
    /// The same with limits of their own.
    Group(Group),
    /// Steps between an opening and a closing.
    Bracket(Box<Bracket>),
}

impl Stage {
    /// Its steps in the order in which they are printed.
    pub(crate) fn steps(&self) -> Vec<&StepPlan> {
        match self {
            Self::Together(steps) | Self::Group(Group { steps, .. }) => steps.iter().collect(),
            Self::Bracket(bracket) => {
                let body = bracket.body.iter().flat_map(Self::steps);
                let ending = bracket.abort.iter().chain([&bracket.close]);
                [&bracket.open].into_iter().chain(body).chain(ending).collect()
            }
        }
    }

    /// Everything that is owed in it at some time.
    pub(crate) fn obligations(&self) -> Vec<&Obligation> {
        match self {
            Self::Together(_) | Self::Group(_) => Vec::new(),
            Self::Bracket(bracket) => {
                let inside = bracket.body.iter().flat_map(Self::obligations);
                [&bracket.owes].into_iter().chain(inside).collect()
            }
        }
    }
}

/// Inside a bracket a plain group is a list of steps, as it was when nothing else could be there.
mod body {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Stage, StepPlan};

    #[derive(Serialize)]
    #[serde(untagged)]
    enum Written<'a> {
        Steps(&'a Vec<StepPlan>),
        Stage(&'a Stage),
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Read {
        Steps(Vec<StepPlan>),
        Stage(Stage),
    }

    pub(super) fn serialize<'a, S: Serializer>(body: &'a [Stage], serializer: S) -> Result<S::Ok, S::Error> {
        let written = |stage: &'a Stage| match stage {
            Stage::Together(steps) => Written::Steps(steps),
            other => Written::Stage(other),
        };
        serializer.collect_seq(body.iter().map(written))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Stage>, D::Error> {
        let read = Vec::<Read>::deserialize(deserializer)?;
        let stage = |read| match read {
            Read::Steps(steps) => Stage::Together(steps),
            Read::Stage(stage) => stage,
        };
        Ok(read.into_iter().map(stage).collect())
    }
}
