//! The quirks Q1–Q36 of real servers, each as a test of a whole run where the whole run shows it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod apps;
mod pause;
mod store;
mod zeebe;
