//! Two worlds side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::observed::{Block, Observed, Step};

/// Something that one world shows and the other does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Difference {
    /// Scenario and step.
    pub place: String,
    /// Which world shows it, and what.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Everything in which the simulation is not like the real servers.
///
/// Statuses, fields with their types, results and their error types must be equal. States must come in the same order; a
/// state that passes may be missed in one world, and is compared where both saw it. A look that fails on the way may do so
/// at any time, and so may an application be INCOMPLETE.
pub fn compare(simulated: &[Observed], real: &[Observed]) -> Vec<Difference> {
    let mut found = Vec::new();
    pair(
        &mut found,
        "",
        (simulated, real),
        |observed| observed.scenario.as_str(),
        |found, simulated, real| {
            let steps = (&simulated.steps[..], &real.steps[..]);
            pair(
                found,
                &real.scenario,
                steps,
                |step| &step.what,
                |found, simulated, real_step| {
                    compare_step(
                        found,
                        &format!("{} / {}", real.scenario, real_step.what),
                        simulated,
                        real_step,
                    );
                },
            );
        },
    );
    found
}

/// Compares what has the same name in both worlds, and tells what is only in one.
fn pair<T>(
    found: &mut Vec<Difference>,
    place: &str,
    (simulated, real): (&[T], &[T]),
    name: impl Fn(&T) -> &str,
    compare: impl Fn(&mut Vec<Difference>, &T, &T),
) {
    for one in simulated {
        match real.iter().find(|other| name(other) == name(one)) {
            Some(other) => compare(found, one, other),
            None => tell(found, place, "simulated", name(one)),
        }
    }
    for one in real.iter().filter(|one| simulated.iter().all(|other| name(other) != name(one))) {
        tell(found, place, "real", name(one));
    }
}

fn tell(found: &mut Vec<Difference>, place: &str, world: &str, what: &str) {
    found.push(Difference { place: place.to_owned(), what: format!("only {world}: {what}") });
}

fn compare_step(found: &mut Vec<Difference>, place: &str, simulated: &Step, real: &Step) {
    if !same_order(place, &simulated.states, &real.states) {
        let (simulated, real) = (simulated.states.join(" > "), real.states.join(" > "));
        let what = format!("states: simulated {simulated}; real {real}");
        found.push(Difference { place: place.to_owned(), what });
    }
    let lasting = |blocks: &[Block], others: &[Block]| -> Vec<Block> {
        let seen_by_both =
            |block: &&Block| !block.is_passing() || others.iter().any(|other| other.head == block.head);
        blocks.iter().filter(seen_by_both).cloned().collect()
    };
    let blocks =
        (&lasting(&simulated.blocks, &real.blocks)[..], &lasting(&real.blocks, &simulated.blocks)[..]);
    pair(
        found,
        place,
        blocks,
        |block| &block.head,
        |found, simulated, real| {
            compare_paths(found, place, simulated, real);
        },
    );
}

/// The same end, and no two states that both saw in opposite orders.
fn same_order(place: &str, simulated: &[String], real: &[String]) -> bool {
    let common = |states: &[String], others: &[String]| -> Vec<String> {
        let ordered = states.iter().filter(|state| others.contains(state) && !comes_and_goes(place, state));
        ordered.cloned().collect()
    };
    simulated.last() == real.last() && common(simulated, real) == common(real, simulated)
}

/// Whether a state has no place in the order. A look may fail for a moment, now before the first part and now between two;
/// and an application is INCOMPLETE between any two of its parts (Q2), where Zeebe is so only in the beginning.
fn comes_and_goes(place: &str, state: &str) -> bool {
    is_error(state) || state == "INCOMPLETE" && !place.starts_with("zeebe: ")
}

/// Whether a state is the error of a look: it begins with its kind and outcome, `Unavailable/Refused`.
fn is_error(state: &str) -> bool {
    state.split_whitespace().next().is_some_and(|word| word.contains('/'))
}

fn compare_paths(found: &mut Vec<Difference>, place: &str, simulated: &Block, real: &Block) {
    let fields = |block: &Block| -> BTreeMap<String, BTreeSet<String>> {
        let split = |path: &String| {
            let (field, types) = path.split_once(": ")?;
            Some((field.to_owned(), types.split(" or ").map(str::to_owned).collect()))
        };
        block.paths.iter().filter_map(split).collect()
    };
    let (simulated, real_fields) = (fields(simulated), fields(real));
    // How much of a passing state is there depends on the moment; what is there must have the same type.
    let needed = |field: &String| !real.is_passing() && !depends_on_what_was_before(field);
    let all: BTreeSet<&String> = simulated.keys().chain(real_fields.keys()).collect();
    for field in all {
        let told = |types: &BTreeSet<String>| {
            format!(
                "{} {field}: {}",
                real.head,
                types.iter().map(String::as_str).collect::<Vec<_>>().join(" or ")
            )
        };
        match (simulated.get(field), real_fields.get(field)) {
            (Some(one), Some(other)) if !same_type(one, other) => {
                tell(found, place, "simulated", &told(one));
                tell(found, place, "real", &told(other));
            }
            (Some(types), None) if needed(field) => tell(found, place, "simulated", &told(types)),
            (None, Some(types)) if needed(field) => tell(found, place, "real", &told(types)),
            _ => {}
        }
    }
}

/// Whether something is null depends on what has happened, not on the server.
fn same_type(one: &BTreeSet<String>, other: &BTreeSet<String>) -> bool {
    let some = |types: &BTreeSet<String>| -> BTreeSet<String> {
        types.iter().filter(|kind| *kind != "null").cloned().collect()
    };
    let (one, other) = (some(one), some(other));
    one.is_empty() || other.is_empty() || one == other
}

/// Fields that are there after a partition's first snapshot, the cluster's first change, a running snapshot's first file, and
/// what lists of an installation's own things hold.
fn depends_on_what_was_before(field: &str) -> bool {
    AT_SOME_TIME.iter().any(|name| field.contains(name))
}

/// Parts of their paths.
const AT_SOME_TIME: [&str; 7] = [
    "snapshotId",
    "lastChange",
    "pendingChange",
    "stats.processed",
    ".indices.{index}",
    ".index_templates[]",
    ".component_templates[]",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<Observed> {
        Observed::from_text(text)
    }

    fn differences(simulated: &str, real: &str) -> Vec<String> {
        compare(&seen(simulated), &seen(real)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn equal_worlds_have_no_difference() {
        let text = "# a\n## b\nstates: X > Y\nstore.info GET 200\n    .: object\n= ok\n";
        assert!(differences(text, text).is_empty());
    }

    #[test]
    fn every_kind_of_difference_is_told() {
        let simulated = "# a\n## b\nx GET 200\n    .a: number\n= ok\n## c\n= ok\n";
        let real = "# a\n## b\nx GET 200\n    .a: string\n= Conflict\n## d\n= ok\n# e\n";
        let expected = [
            "a / b: only simulated: x GET 200 .a: number",
            "a / b: only real: x GET 200 .a: string",
            "a / b: only simulated: = ok",
            "a / b: only real: = Conflict",
            "a: only simulated: c",
            "a: only real: d",
            ": only real: e",
        ];
        assert_eq!(differences(simulated, real), expected);
    }

    #[test]
    fn null_is_no_type_of_its_own() {
        let with = |kind: &str| format!("# a\n## b\nx GET 200\n    .a: {kind}\n");
        assert!(differences(&with("null"), &with("string")).is_empty());
        assert!(differences(&with("null or string"), &with("string")).is_empty());
        assert_eq!(differences(&with("number"), &with("null or string")).len(), 2);
    }

    #[test]
    fn a_passing_state_may_be_missed_but_not_come_in_another_order() {
        let slow = "# a\n## b\nstates: X > Y > Z\nwhile X: s GET 200\n    .a: number\n    .b: null\n";
        let fast = "# a\n## b\nstates: Y > Z\n";
        assert!(differences(slow, fast).is_empty());
        assert_eq!(differences(slow, "# a\n## b\nstates: Y > X > Z\n").len(), 1);
        assert_eq!(differences(slow, "# a\n## b\nstates: X > Y\n").len(), 1);
        let early = "# a\n## b\nstates: X > Unavailable/Refused 400: no > Y > Z\n";
        let late = "# a\n## b\nstates: X > Y > Unavailable/Refused 400: no > Z\n";
        assert!(differences(early, late).is_empty());
        let at_the_end = "# a\n## b\nstates: X > Y > Unavailable/Refused 400: no\n";
        assert_eq!(differences(late, at_the_end).len(), 1);
        let first = "# operate: a\n## b\nstates: INCOMPLETE > IN_PROGRESS > COMPLETED\n";
        let second = "# operate: a\n## b\nstates: IN_PROGRESS > INCOMPLETE > COMPLETED\n";
        assert!(differences(first, second).is_empty());
        let zeebe = |text: &str| text.replace("operate", "zeebe");
        assert_eq!(differences(&zeebe(first), &zeebe(second)).len(), 1);
        let fewer = "# a\n## b\nstates: X > Z\nwhile X: s GET 200\n    .a: number\n";
        assert!(differences(slow, fewer).is_empty());
        let other = "# a\n## b\nstates: X > Z\nwhile X: s GET 200\n    .a: string\n";
        assert_eq!(differences(slow, other).len(), 2, "what each of them has");
    }
}
