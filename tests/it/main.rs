//! The integration tests, in one binary: procedures on the simulated cluster in virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a broken expectation is a failed test

mod advice;
mod backup;
mod bad_input;
mod bounds;
mod clients;
mod cluster_yaml;
mod conformance;
mod crash_matrix;
mod debts;
mod defects;
mod docs;
mod examples;
mod five_variables;
mod format_1;
mod golden_plans;
mod handle;
mod hangs;
mod journal;
mod kill9;
mod machine_forms;
mod preflight;
mod promise;
mod quirks;
mod served;
mod slow_disk;
mod taint;
mod world;
