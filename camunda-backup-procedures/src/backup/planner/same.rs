//! Whether a plan is the one that the planner makes: a plan is data, and whoever stored it may have changed it.

use serde_json::Value;

use crate::backup::task::BackupTask;
use crate::plan::{Plan, StepPlan, Task};

/// What differs between a plan and the one that the planner makes now from the same specification. Empty: they do the same.
///
/// Not compared are the findings, which are judged anew, and the limits, which the caller chooses, like the id: a plan
/// with other limits is the plan that is made with them. The repository's uuid appears with its first snapshot, and the
/// number of record indices in a printed request grows by the day.
pub(crate) fn differences(plan: &Plan, again: &Plan) -> Vec<String> {
    let steps = in_steps(plan, again);
    if !steps.is_empty() {
        return steps;
    }
    let mut differences = Vec::new();
    compare("", &comparable(plan, again), &comparable(again, plan), &mut differences);
    differences
}

/// Steps that are missing, not expected, or there twice: said by name, before anything that follows from it.
fn in_steps(plan: &Plan, again: &Plan) -> Vec<String> {
    let names = |plan: &Plan| -> Vec<String> {
        plan.steps().into_iter().map(|step: &StepPlan| step.name.clone()).collect()
    };
    let (planned, wanted) = (names(plan), names(again));
    let lacks =
        wanted.iter().filter(|name| !planned.contains(name)).map(|name| format!("the plan lacks {name}"));
    let more = planned
        .iter()
        .filter(|name| !wanted.contains(name))
        .map(|name| format!("the plan has a step that nothing asks for, {name}"));
    let differing: Vec<String> = lacks.chain(more).collect();
    if differing.is_empty() && planned != wanted {
        return vec![format!("the steps are {}, and should be {}", planned.join(", "), wanted.join(", "))];
    }
    differing
}

/// The plan as data, without what may differ.
fn comparable(plan: &Plan, other: &Plan) -> Value {
    let mut plan = plan.clone();
    plan.findings.clear();
    if let (Task::Backup(task), Some(other)) = (&mut plan.task, other.backup()) {
        task.limits = other.limits.clone();
        let has_new_uuid =
            |task: &BackupTask| task.pinned.repository.as_ref().is_some_and(|(_, uuid)| uuid.is_none());
        if has_new_uuid(task) || has_new_uuid(other) {
            if let Some((_, uuid)) = &mut task.pinned.repository {
                *uuid = None;
            }
        }
        if task.zeebe_only {
            // Records that nobody asked for may come and go.
            task.pinned.has_records = None;
        }
    }
    let mut data = serde_json::to_value(&plan).unwrap_or_default();
    without_counts(&mut data);
    data
}

/// `with 12 indices` in a printed request: the indices are resolved when the pause holds.
fn without_counts(data: &mut Value) {
    match data {
        Value::String(text) => {
            if let Some((head, tail)) = text.split_once(" with ").filter(|_| text.contains(" indices")) {
                let tail = tail.trim_start_matches(|c: char| c.is_ascii_digit());
                *text = format!("{head} with N{tail}");
            }
        }
        Value::Array(members) => members.iter_mut().for_each(without_counts),
        Value::Object(members) => members.values_mut().for_each(without_counts),
        _ => {}
    }
}

fn compare(path: &str, plan: &Value, again: &Value, differences: &mut Vec<String>) {
    match (plan, again) {
        (Value::Object(plan_members), Value::Object(again_members)) => {
            let keys = plan_members
                .keys()
                .chain(again_members.keys().filter(|key| !plan_members.contains_key(*key)));
            for key in keys {
                let member = |of: &Value| of.get(key).cloned().unwrap_or_default();
                compare(&format!("{path}/{key}"), &member(plan), &member(again), differences);
            }
        }
        (Value::Array(of_plan), Value::Array(of_again)) if of_plan.len() == of_again.len() => {
            for (n, (one, two)) in of_plan.iter().zip(of_again).enumerate() {
                compare(&format!("{path}/{n}"), one, two, differences);
            }
        }
        _ if plan == again => {}
        _ => differences.push(format!("{} is {}, and should be {}", &path[1..], short(plan), short(again))),
    }
}

fn short(value: &Value) -> String {
    const MOST: usize = 120;
    let text = value.to_string();
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST).chain(['…']).collect() }
}
