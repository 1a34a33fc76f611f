//! The defects D1–D34 of other tools, each as a test of a whole run. Where each number is tested: see `quirks.rs`.
#![allow(clippy::unwrap_used, clippy::panic)]

mod answers;
mod endings;
mod ids;
