//! What tests set and read without HTTP: the kind of server, faults, durations, and the state behind the answers.

pub(crate) mod checkers;
pub(crate) mod faults;
pub(crate) mod options;
pub(crate) mod view;
