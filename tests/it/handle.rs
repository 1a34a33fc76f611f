//! The handle to a run: cancel, drop, detach, shut down, watch; and who may run when.
#![allow(clippy::unwrap_used, clippy::panic)]

mod endings;
mod events;
mod exclusion;
