//! The pure decoders that can be called without a client: for benches, and for stored answers.

pub use crate::snapshot_info::snapshots;
pub use crate::snapshot_listing::{snapshot_entries, snapshot_listing};
