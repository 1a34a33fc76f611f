//! One file for each group of endpoints: a request comes in, the world changes, an answer goes out. The table of
//! endpoints is in [`testing`](crate::testing).

pub(crate) mod actuator;
pub(crate) mod exporting;
pub(crate) mod history_backups;
pub(crate) mod optimize;
pub(crate) mod rest;
pub(crate) mod runtime_backups;
pub(crate) mod runtime_backups_8_1;
pub(crate) mod topology;
