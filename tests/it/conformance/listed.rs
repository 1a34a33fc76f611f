//! The differences that are known and left, from the table in `tests/conformance/differences.md`.

use camunda_backup::testing::conformance::Difference;

/// The table's rows, and which of them have occurred.
pub(super) struct Listed {
    rows: Vec<Row>,
}

/// `| line | place | what | reason | owner |`; `*` in the first three stands for anything.
struct Row {
    line: String,
    place: String,
    what: String,
    used: bool,
}

impl Listed {
    pub(super) fn read(table: &str) -> Self {
        let rows = table.lines().filter(|line| line.starts_with("| ")).skip(1).map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [line_name, place, what, reason, owner] = cells[..] else { panic!("not five cells: {line}") };
            assert!(
                reason.len() > 10 && !owner.is_empty(),
                "a difference needs a reason and an owner: {line}"
            );
            let plain = |cell: &str| cell.trim_matches('`').to_owned();
            Row { line: plain(line_name), place: plain(place), what: plain(what), used: false }
        });
        Self { rows: rows.collect() }
    }

    pub(super) fn holds(&mut self, line: &str, difference: &Difference) -> bool {
        let mut held = false;
        for row in &mut self.rows {
            let fits = matches(&row.line, line)
                && matches(&row.place, &difference.place)
                && matches(&row.what, &difference.what);
            row.used |= fits;
            held |= fits;
        }
        held
    }

    /// What does not occur any more.
    pub(super) fn unused(&self) -> Vec<String> {
        let unused = self.rows.iter().filter(|row| !row.used);
        unused.map(|row| format!("{} {}: {}", row.line, row.place, row.what)).collect()
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            let ends = (0..=text.len()).filter(|at| text.is_char_boundary(*at));
            rest.is_empty() || ends.into_iter().any(|at| matches(rest, &text[at..]))
        }),
    }
}

#[test]
fn a_star_stands_for_anything() {
    assert!(matches("a*c", "abc") && matches("*", "") && matches("a*", "a") && matches("*b*", "abc"));
    assert!(!matches("a*c", "abd") && !matches("a", "ab") && !matches("*d*", "abc"));
}
