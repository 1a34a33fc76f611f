//! What the words on the command line ask for: scenarios, and the lines to run them on.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use camunda_backup_live::Line;

use crate::scenarios::{self, ALL};

/// What is done, in lanes: at the same time, because most of the time everybody waits for something.
#[derive(Debug, PartialEq, Eq)]
pub struct Selection {
    pub lanes: Vec<Lane>,
}

/// Lines with their scenarios, one after the other; the servers of a line are started once for all of them.
pub type Lane = Vec<(Line, Vec<&'static str>)>;

/// A line of `quick`, and what is done there.
const QUICK: [(&str, &[&str]); 3] = [
    ("8.6.0+elasticsearch-8.19", &["backup", "kill9", "faults-quick"]),
    ("8.6.0+opensearch-2.19", &["backup"]),
    ("8.5.8+elasticsearch-7.17", &["backup"]),
];

/// Each Camunda on one store of each kind: what comes back does not depend on more.
const RESTORED: [&str; 4] =
    ["8.6.0+elasticsearch-8.16", "8.6.0+opensearch-2.19", "8.5.8+elasticsearch-7.17", "8.5.8+opensearch-1.3"];

impl Selection {
    /// `quick`, `full` (the same as nothing), or any lines and scenarios: each scenario on each line; by default
    /// `backup`, on the first line of the matrix.
    pub fn parse(words: &[String]) -> Result<Self> {
        match words {
            [] => Ok(Self::full()),
            [word] if word == "full" => Ok(Self::full()),
            [word] if word == "quick" => Self::quick(),
            _ => Self::chosen(words),
        }
    }

    fn quick() -> Result<Self> {
        let lines = QUICK.iter().map(|(line, scenarios)| Ok((line.parse()?, scenarios.to_vec())));
        Ok(Self { lanes: vec![lines.collect::<Result<_>>()?] })
    }

    /// Every line with a backup, after the conformance, which wants servers where nothing was done yet. What is done on the
    /// first line only takes as long as all the others together.
    fn full() -> Self {
        let others = Line::all().into_iter().map(|line| {
            let name = line.to_string();
            let conformance = scenarios::is_written_down(line).then_some("conformance");
            let backup = (line != Line::default()).then_some("backup");
            let restore = RESTORED.contains(&name.as_str()).then_some("restore");
            (line, [conformance, backup, restore].into_iter().flatten().collect())
        });
        Self { lanes: vec![vec![(Line::default(), scenarios::FULL.to_vec())], others.collect()] }
    }

    fn chosen(words: &[String]) -> Result<Self> {
        let (mut lines, mut scenarios) = (Vec::new(), Vec::new());
        for word in words {
            if let Some(scenario) = ALL.iter().find(|name| **name == word) {
                scenarios.push(*scenario);
            } else {
                ensure!(
                    word.contains('+'),
                    "{word} is no line and no scenario; scenarios are {}",
                    ALL.join(", ")
                );
                lines.push(word.parse()?);
            }
        }
        if lines.is_empty() {
            lines.push(Line::default());
        }
        if scenarios.is_empty() {
            scenarios.push("backup");
        }
        Ok(Self { lanes: vec![lines.into_iter().map(|line| (line, scenarios.clone())).collect()] })
    }

    /// What has to be fetched, each thing once.
    pub fn needs(&self) -> BTreeSet<String> {
        self.lanes.iter().flatten().flat_map(|(line, _)| line.needs()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Selection> {
        Selection::parse(&words.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn quick_and_full_are_lines_of_the_matrix() {
        let quick = parse(&["quick"]).unwrap();
        assert_eq!((quick.lanes.len(), quick.lanes[0].len()), (1, QUICK.len()));
        assert!(!quick.needs().contains("elasticsearch-9.4.3"), "{:?}", quick.needs());
        let full = parse(&[]).unwrap();
        assert_eq!(full, parse(&["full"]).unwrap());
        assert!(full.needs().is_superset(&quick.needs()));
        let done = |name| full.lanes.iter().flatten().filter(|(_, names)| names.contains(&name)).count();
        assert_eq!((done("backup"), done("restore")), (Line::all().len(), RESTORED.len()));
        let everything = ALL.iter().filter(|name| !["faults-quick", "hold"].contains(name));
        assert!(everything.clone().all(|name| done(name) > 0), "{full:?}");
    }

    #[test]
    fn lines_and_scenarios_may_be_mixed() {
        let selection = parse(&["kill9", "8.6.0+opensearch-2.19", "backup"]).unwrap();
        assert_eq!(selection.lanes[0][0].1, ["kill9", "backup"]);
        assert_eq!(selection.lanes[0][0].0.to_string(), "8.6.0+opensearch-2.19");
        assert_eq!(parse(&["hold"]).unwrap().lanes[0], [(Line::default(), vec!["hold"])]);
        assert_eq!(parse(&["8.5.8+opensearch-1.3"]).unwrap().lanes[0][0].1, ["backup"]);
    }

    #[test]
    fn nothing_else_is_taken() {
        for words in [["quik"].as_slice(), &["quick", "full"], &["8.6.0+elasticsearch-6"]] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
