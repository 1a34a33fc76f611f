//! What the simulated installation holds, and how it moves in time.

pub(crate) mod app_backup;
pub(crate) mod brokers;
pub(crate) mod partition;
pub(crate) mod snapshot_queue;
pub(crate) mod webapp_import;
pub(crate) mod world;
pub(crate) mod zeebe_backup;
