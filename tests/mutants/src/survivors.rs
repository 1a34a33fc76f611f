//! `accepted.txt`: mutants that no test catches, each with the reason why that is no defect.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::instrument::Mutant;
use crate::tests::Verdict;

pub struct Accepted {
    /// By name.
    reasons: BTreeMap<String, String>,
}

impl Accepted {
    /// Blocks of two lines: the mutant's name, and below it, indented, the reason.
    pub fn read(original: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(original.join("tests/mutants/accepted.txt")).unwrap_or_default();
        let mut reasons = BTreeMap::new();
        let mut name = None;
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            match (line.strip_prefix("    "), name.take()) {
                (Some(reason), Some(name)) => {
                    reasons.insert(name, reason.to_owned());
                }
                (None, None) => name = Some(line.to_owned()),
                _ => return Err(format!("accepted.txt: a name is followed by its reason, indented: {line}")),
            }
        }
        Ok(Self { reasons })
    }

    pub fn reason(&self, mutant: &Mutant) -> Option<&str> {
        self.reasons.get(&mutant.name()).map(String::as_str)
    }

    /// What is listed and is caught now, or exists no more.
    pub fn unused(&self, mutants: &[Mutant], verdicts: &BTreeMap<u32, Verdict>) -> Vec<&str> {
        let survives = |name: &str| {
            let mut of_name = mutants.iter().filter(|mutant| mutant.name() == name);
            of_name.any(|mutant| verdicts.get(&mutant.number).is_some_and(|verdict| !verdict.is_caught()))
        };
        self.reasons.keys().map(String::as_str).filter(|name| !survives(name)).collect()
    }
}
