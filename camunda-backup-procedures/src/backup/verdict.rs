//! Whether a backup is a consistent recovery point: every condition that can be judged live, with its reason.

mod advice;
mod components;
mod necessary;
mod pause;
mod positions;
mod window;

pub(crate) use advice::advice;

use crate::backup::evidence::{Evidence, Parts, Records};
use crate::backup::planner::has_records;
use crate::backup::task::{BackupTask, Goal};
use crate::engine::{Entry, Moment};
use crate::exporting::Window;
use crate::facts::Facts;
use crate::finding::Severity;
use crate::plan::Plan;
use crate::verdict::{Condition, ConditionStatus, Verdict};
use camunda_backup_zeebe::RuntimeBackup;

/// Judges a finished run; one of another procedure is no backup. Pure.
pub fn judge(
    plan: &Plan,
    before: &Facts,
    after: Option<&Facts>,
    timeline: &[Moment],
) -> (Verdict, Vec<Condition>) {
    let Some(task) = plan.backup() else { return (Verdict::Inconsistent, Vec::new()) };
    let evidence: Vec<_> = timeline.iter().map(evidence_in).collect();
    let case = Case { plan, task, before, after, timeline, evidence };
    let mut conditions = necessary::conditions(&case);
    conditions.extend(window::conditions(&case));
    let redundant = ["N9", "N10", "N11"];
    let violated = conditions.iter().any(|c| c.standing == ConditionStatus::Violated);
    let unproven = conditions
        .iter()
        .any(|c| c.standing == ConditionStatus::Unproven && !redundant.contains(&c.number.as_str()));
    // What an overridden blocker is about was not checked; the caller says that it is fine.
    let vouched = plan.findings.iter().any(|finding| finding.severity == Severity::Overridden);
    // N9 alone decides nothing, because filtered records count too; records that nobody writes any more prove nothing at all.
    let dead = positions::dead_records(&case).is_some();
    let verdict = match (violated, unproven || vouched || dead) {
        (true, _) => Verdict::Inconsistent,
        (false, true) => Verdict::Plausible,
        (false, false) => Verdict::Proven,
    };
    (verdict, conditions)
}

/// How a condition stands, and why.
type Judgement = (ConditionStatus, String);

/// Everything a judgement may look at.
struct Case<'a> {
    plan: &'a Plan,
    task: &'a BackupTask,
    before: &'a Facts,
    after: Option<&'a Facts>,
    timeline: &'a [Moment],
    /// The evidence of each moment of the timeline.
    evidence: Vec<Option<Evidence>>,
}

fn evidence_in(moment: &Moment) -> Option<Evidence> {
    match &moment.entry {
        Entry::Reached { evidence, .. } => Evidence::of(evidence),
        _ => None,
    }
}

impl Case<'_> {
    fn steps_with(&self, wanted: impl Fn(&Goal) -> bool) -> Vec<&str> {
        let steps =
            self.plan.steps().into_iter().filter(|step| step.goal().is_some_and(|goal| wanted(&goal)));
        steps.map(|step| step.name.as_str()).collect()
    }

    /// The evidence of every step with such a goal, with the moment it was reached.
    fn reached(&self, wanted: impl Fn(&Goal) -> bool) -> Vec<(u64, &Evidence)> {
        let names = self.steps_with(wanted);
        let moments = self.timeline.iter().zip(&self.evidence);
        moments
            .filter_map(|(moment, evidence)| match &moment.entry {
                Entry::Reached { step, .. } if names.contains(&step.as_str()) => {
                    Some((moment.order, evidence.as_ref()?))
                }
                _ => None,
            })
            .collect()
    }

    /// When the request of every step with such a goal was sent.
    fn sent(&self, wanted: impl Fn(&Goal) -> bool) -> Vec<u64> {
        let names = self.steps_with(wanted);
        let moments = self.timeline.iter();
        moments
            .filter(|moment| matches!(&moment.entry, Entry::Intent { step, .. } if names.contains(&step.as_str())))
            .map(|moment| moment.order)
            .collect()
    }

    fn parts(&self) -> Vec<(u64, &Parts)> {
        let reached = self.reached(is_application);
        reached
            .into_iter()
            .filter_map(|(at, e)| if let Evidence::Parts(p) = e { Some((at, p)) } else { None })
            .collect()
    }

    fn records(&self) -> Option<(u64, &Records)> {
        let reached = self.reached(is_records);
        reached
            .into_iter()
            .find_map(|(at, e)| if let Evidence::Records(r) = e { Some((at, r.as_ref())) } else { None })
    }

    fn zeebe(&self) -> Option<(u64, &RuntimeBackup)> {
        let reached = self.reached(is_zeebe);
        reached.into_iter().find_map(|(at, e)| if let Evidence::Zeebe(z) = e { Some((at, z)) } else { None })
    }

    fn paused(&self) -> Option<(u64, &Window)> {
        let reached = self.reached(|goal| matches!(goal, Goal::ExportingPaused { .. }));
        reached.into_iter().find_map(|(at, e)| if let Evidence::Window(w) = e { Some((at, w)) } else { None })
    }

    fn held(&self) -> Option<(u64, &Window)> {
        let reached = self.reached(|goal| matches!(goal, Goal::PauseHeld { .. }));
        reached.into_iter().find_map(|(at, e)| if let Evidence::Window(w) = e { Some((at, w)) } else { None })
    }

    /// Whether the configuration asks for Zeebe alone, so that nothing else is deployed as far as this backup goes.
    fn is_alone(&self) -> bool {
        self.task.zeebe_only || self.before.rdbms
    }

    /// The applications that are deployed, by what was seen.
    fn deployed_applications(&self) -> Vec<String> {
        if self.is_alone() {
            return Vec::new();
        }
        let optimize = self.before.optimize.then(|| "optimize".to_owned());
        self.before.apps.iter().map(ToString::to_string).chain(optimize).collect()
    }

    /// Whether there are exported records, by what was seen.
    fn has_records(&self) -> bool {
        !self.is_alone() && has_records(self.before) == Some(true)
    }

    fn plans(&self, wanted: impl Fn(&Goal) -> bool) -> bool {
        self.plan.steps().into_iter().any(|step| step.goal().is_some_and(|goal| wanted(&goal)))
    }
}

fn is_application(goal: &Goal) -> bool {
    matches!(goal, Goal::HistoryBackedUp { .. } | Goal::OptimizeBackedUp)
}

fn is_records(goal: &Goal) -> bool {
    matches!(goal, Goal::RecordsSnapshotted { .. })
}

fn is_zeebe(goal: &Goal) -> bool {
    matches!(goal, Goal::ZeebeBackedUp)
}

fn no_applications(case: &Case<'_>) -> Judgement {
    if case.deployed_applications().is_empty() && !case.plans(is_application) {
        not_applicable("no applications")
    } else {
        violated("the applications' parts are missing")
    }
}

fn condition(number: &str, demands: &str, (standing, reason): (ConditionStatus, String)) -> Condition {
    Condition { number: number.to_owned(), demands: demands.to_owned(), standing, reason }
}

fn holds(reason: impl Into<String>) -> (ConditionStatus, String) {
    (ConditionStatus::Holds, reason.into())
}

fn violated(reason: impl Into<String>) -> (ConditionStatus, String) {
    (ConditionStatus::Violated, reason.into())
}

fn unproven(reason: impl Into<String>) -> (ConditionStatus, String) {
    (ConditionStatus::Unproven, reason.into())
}

fn not_applicable(reason: impl Into<String>) -> (ConditionStatus, String) {
    (ConditionStatus::NotApplicable, reason.into())
}

#[cfg(test)]
mod tests;
