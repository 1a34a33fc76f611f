//! A line of the matrix: which Camunda on which store, and whether Operate and Tasklist run.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use anyhow::{Context, Error, Result, ensure};

use crate::servers::{CAMUNDA, Camunda, STORES, Store};

/// At the end of a name: without Operate and Tasklist, although they could run there.
const ZEEBE_ONLY: &str = "+zeebe-only";

/// Written `8.6.0+elasticsearch-8.19`: Operate and Tasklist run wherever they can. `8.6.0+opensearch-2.19+zeebe-only`
/// leaves them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    pub camunda: &'static Camunda,
    pub store: &'static Store,
    pub web_applications: bool,
}

impl Line {
    fn new(camunda: &'static Camunda, store: &'static Store) -> Self {
        Self { camunda, store, web_applications: camunda.web_applications && store.web_applications }
    }

    /// Every Camunda on every store; the first one is the line that everything is tried on.
    #[must_use]
    pub fn all() -> Vec<Self> {
        CAMUNDA.iter().flat_map(|camunda| STORES.iter().map(|store| Self::new(camunda, store))).collect()
    }

    /// What `tests/live/fetch.sh` has to bring for this line.
    #[must_use]
    pub fn needs(&self) -> [String; 4] {
        [
            self.camunda.java().name().to_owned(),
            self.store.java.name().to_owned(),
            self.camunda.package(),
            self.store.package(),
        ]
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new(&CAMUNDA[0], &STORES[0])
    }
}

impl Display for Line {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let store = self.store;
        write!(f, "{}+{}-{}", self.camunda.version, store.product.name(), store.line)?;
        let possible = Self::new(self.camunda, store).web_applications;
        if possible && !self.web_applications { f.write_str(ZEEBE_ONLY) } else { Ok(()) }
    }
}

impl FromStr for Line {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let name = text.strip_suffix(ZEEBE_ONLY).unwrap_or(text);
        let all = Self::all();
        let mut line = all.iter().copied().find(|line| line.to_string() == name).with_context(|| {
            let names: Vec<String> = all.iter().map(ToString::to_string).collect();
            format!("there is no line {text}; there are {}", names.join(", "))
        })?;
        if name != text {
            ensure!(line.web_applications, "{name} has no web applications anyway, drop {ZEEBE_ONLY}");
            line.web_applications = false;
        }
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_as_it_is_printed() {
        for mut line in Line::all() {
            assert_eq!(line.to_string().parse::<Line>().ok(), Some(line), "{line}");
            if line.web_applications {
                line.web_applications = false;
                assert_eq!(line.to_string().parse::<Line>().ok(), Some(line), "{line}");
            }
        }
        assert_eq!(Line::all().first(), Some(&Line::default()));
    }

    #[test]
    fn what_is_no_line_is_refused_with_a_list() {
        for text in ["8.6.0", "8.7.0+elasticsearch-8.16", "8.5.8+elasticsearch-7.17+zeebe-only", ""] {
            assert!(text.parse::<Line>().is_err(), "{text}");
        }
        let words = "8.7.0+x".parse::<Line>().err().map(|error| error.to_string()).unwrap_or_default();
        assert!(words.contains("8.5.8+opensearch-3.6"), "{words}");
    }
}
