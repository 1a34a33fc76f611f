//! The pure decoders that are worth calling by themselves: for benches, and for answers that were kept.

pub use crate::snapshot_info::snapshots;
pub use crate::snapshot_listing::{snapshot_entries, snapshot_listing};
