//! What the simulated server holds, and the rules that follow from it.

pub(crate) mod searchable;
pub(crate) mod server;
pub(crate) mod shard_limit;
pub(crate) mod snapshots;
pub(crate) mod storage;
