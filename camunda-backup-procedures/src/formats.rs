//! The formats in which plans and reports were stored. Format 1 knew nothing but a backup and had everything at the top; what
//! is read of it is brought into format 2 first.

use serde_json::{Map, Value, json};

/// The format of plans and reports that this version writes.
pub(crate) const FORMAT: u32 = 2;

/// What was stored, in format 2.
///
/// # Errors
/// In words, when it has no format, or that of a later version.
pub(crate) fn in_format_2(
    stored: Value,
    what: &str,
    of_format_1: fn(Map<String, Value>) -> Value,
) -> Result<Value, String> {
    match (stored.get("format").and_then(Value::as_u64), stored) {
        (Some(1), Value::Object(members)) => Ok(of_format_1(members)),
        (Some(2), stored) => Ok(stored),
        (Some(format), _) => Err(format!(
            "the {what} has format {format}, of a later version of this library; use that one, or make the {what} again"
        )),
        (None, _) => Err(format!("a {what} has a number as its format, and this has none")),
    }
}

pub(crate) fn plan_of_format_1(mut plan: Map<String, Value>) -> Value {
    let mut task = moved(&mut plan, &["id", "order", "pinned", "rest", "zeebe_only", "limits"]);
    // They came later than the format.
    task.entry("zeebe_only").or_insert(false.into());
    if let Some(Value::Object(pinned)) = task.get_mut("pinned") {
        plan.extend(moved(pinned, &["gateway", "version"]));
        plan.entry("gateway").or_insert("".into());
    }
    plan.insert("task".to_owned(), json!({ "backup": task }));
    plan.insert("format".to_owned(), FORMAT.into());
    Value::Object(plan)
}

pub(crate) fn report_of_format_1(mut report: Map<String, Value>) -> Value {
    // It is in the plan, too.
    report.remove("order");
    let details = moved(&mut report, &["before", "after", "resumed_broker_by_broker"]);
    report.insert("details".to_owned(), json!({ "backup": details }));
    report.insert("format".to_owned(), FORMAT.into());
    Value::Object(report)
}

/// Takes members out.
fn moved(from: &mut Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    names.iter().filter_map(|name| from.remove_entry(*name)).collect()
}
