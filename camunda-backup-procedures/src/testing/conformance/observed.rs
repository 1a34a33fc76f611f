//! What a scenario saw, and the text form in which it is kept.

use std::fmt::Write as _;

/// What one scenario saw, step by step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observed {
    /// The scenario.
    pub scenario: String,
    /// What it did, in order.
    pub steps: Vec<Step>,
}

/// One thing that was done, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// What was done.
    pub what: String,
    /// The states that were seen while something was waited for, in the order of their first appearance.
    pub states: Vec<String>,
    /// The answers, and what the client made of them.
    pub blocks: Vec<Block>,
}

/// A line and the paths below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Block {
    /// `store.info GET 200`, `while IN_PROGRESS: …`, or `= ` and the client's own result.
    pub head: String,
    /// The paths of the answer's body with their types.
    pub paths: Vec<String>,
}

/// In front of the states.
const STATES: &str = "states: ";
/// Between them.
const BETWEEN: &str = " > ";

impl Block {
    /// Whether it shows a passing state, which a fast server may be through before anybody looks.
    pub(super) fn is_passing(&self) -> bool {
        self.head.starts_with("while ")
    }
}

impl Observed {
    /// Observations as text, one path a line.
    pub fn to_text(all: &[Self]) -> String {
        let mut text = String::new();
        for observed in all {
            let _ = writeln!(text, "# {}", observed.scenario);
            for step in &observed.steps {
                let _ = writeln!(text, "## {}", step.what);
                if !step.states.is_empty() {
                    let _ = writeln!(text, "{STATES}{}", step.states.join(BETWEEN));
                }
                for block in &step.blocks {
                    let _ = writeln!(text, "{}", block.head);
                    for path in &block.paths {
                        let _ = writeln!(text, "    {path}");
                    }
                }
            }
        }
        text
    }

    /// Reads what [`Observed::to_text`] writes; lines that belong to nothing are skipped.
    pub fn from_text(text: &str) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(what) = line.strip_prefix("## ") {
                let step = Step { what: what.to_owned(), ..Step::default() };
                all.last_mut().into_iter().for_each(|observed| observed.steps.push(step.clone()));
            } else if let Some(scenario) = line.strip_prefix("# ") {
                all.push(Self { scenario: scenario.to_owned(), steps: Vec::new() });
            } else if let Some(step) = all.last_mut().and_then(|observed| observed.steps.last_mut()) {
                step.read(line);
            }
        }
        all
    }
}

impl Step {
    fn read(&mut self, line: &str) {
        if let Some(path) = line.strip_prefix("    ") {
            self.blocks.last_mut().into_iter().for_each(|block| block.paths.push(path.to_owned()));
        } else if let Some(states) = line.strip_prefix(STATES) {
            self.states = states.split(BETWEEN).map(str::to_owned).collect();
        } else {
            self.blocks.push(Block { head: line.to_owned(), paths: Vec::new() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let block = |head: &str, paths: &[&str]| Block {
            head: head.to_owned(),
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        };
        let observed = Observed {
            scenario: "store reads".to_owned(),
            steps: vec![
                Step {
                    what: "wait for it".to_owned(),
                    states: vec!["IN_PROGRESS".to_owned(), "SUCCESS".to_owned()],
                    blocks: vec![block("store.info GET 200", &[".: object", ".a: number or string"])],
                },
                Step { what: "ask".to_owned(), states: Vec::new(), blocks: vec![block("= ok", &[])] },
            ],
        };
        let all = [observed.clone(), observed];
        assert_eq!(Observed::from_text(&Observed::to_text(&all)), all);
    }
}
