//! A run that did not complete, for people and for programs.

use std::fmt;

use camunda_backup_core::Error;
use serde::{Serialize, Serializer};

use super::Report;
use crate::finding::Finding;

/// A run that did not complete: the first error, the errors beside it, and the report.
///
/// `Display` and `Debug` print every error with its advice, among it the requests to send by hand.
///
/// # As JSON
/// `error` and `secondary` as [`Error`] documents them; `needs_operator`, `owing`, `requests` and `findings` as the methods of
/// these names say; `report` as [`Report`], or null.
#[derive(Clone)]
#[non_exhaustive]
pub struct Failure {
    /// The first error.
    pub error: Error,
    /// What went wrong beside it, such as a resume that could not be confirmed.
    pub secondary: Vec<Error>,
    /// The report; `None` when the run had not begun, so that nothing was changed, or when it has not ended yet.
    pub report: Option<Box<Report>>,
}

impl Failure {
    pub(crate) fn before_the_run(error: Error) -> Self {
        Self { error, secondary: Vec::new(), report: None }
    }

    /// The first error and those beside it.
    pub fn errors(&self) -> impl Iterator<Item = &Error> {
        std::iter::once(&self.error).chain(&self.secondary)
    }

    /// Whether somebody must act: an error says so, or exporting was not seen running again. Page somebody.
    pub fn needs_operator(&self) -> bool {
        self.owing() || self.errors().any(Error::needs_operator)
    }

    /// Whether exporting was paused by the run and not seen running again.
    pub fn owing(&self) -> bool {
        self.report.as_ref().is_some_and(|report| report.owing)
    }

    /// The `curl` lines to send by hand, of all errors, each once. `$AUTH` stands for credentials.
    pub fn requests(&self) -> Vec<&str> {
        requests(self.errors())
    }

    /// What the preflight found: the blockers that kept the run from beginning, or the warnings of one that began.
    pub fn findings(&self) -> Vec<Finding> {
        let of_report = self.report.iter().flat_map(|report| report.findings.iter().cloned());
        self.errors().flat_map(Finding::of_error).chain(of_report).collect()
    }
}

/// Errors as data, as [`Failure`] and `RecoveryFailure` share them.
#[derive(Serialize)]
pub(crate) struct Errors<'a> {
    error: &'a Error,
    secondary: &'a [Error],
    needs_operator: bool,
    requests: Vec<&'a str>,
}

impl<'a> Errors<'a> {
    pub(crate) fn new(error: &'a Error, secondary: &'a [Error]) -> Self {
        let all = || std::iter::once(error).chain(secondary);
        let needs_operator = all().any(Error::needs_operator);
        Self { error, secondary, needs_operator, requests: requests(all()) }
    }
}

/// Every error with its advice, as [`Failure`] and `RecoveryFailure` print them.
pub(crate) fn write_errors(f: &mut fmt::Formatter<'_>, error: &Error, secondary: &[Error]) -> fmt::Result {
    f.write_str(&error.report())?;
    secondary.iter().try_for_each(|error| write!(f, "\nbeside it: {}", error.report()))
}

pub(crate) fn requests<'a>(errors: impl Iterator<Item = &'a Error>) -> Vec<&'a str> {
    let mut lines: Vec<&str> = Vec::new();
    for line in errors.flat_map(Error::requests) {
        if !lines.contains(&line.as_str()) {
            lines.push(line);
        }
    }
    lines
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            #[serde(flatten)]
            errors: Errors<'a>,
            owing: bool,
            findings: Vec<Finding>,
            report: Option<&'a Report>,
        }

        let mut errors = Errors::new(&self.error, &self.secondary);
        errors.needs_operator = self.needs_operator();
        let report = self.report.as_deref();
        Form { errors, owing: self.owing(), findings: self.findings(), report }.serialize(serializer)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::before_the_run(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_errors(f, &self.error, &self.secondary)
    }
}

/// The same: a `main` that returns it prints this, and the evidence in the report would bury the advice.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
