//! Exporting: what it does on every replica, and how it is brought to run again.

mod phases;
mod resume;
mod window;

pub(crate) use phases::{Exporting, Frame, is_paused, led_twice, look, nobody_has_joined};
pub(crate) use resume::{LATEST_EFFECT, Resumption, resume_exporting};
pub use window::{Certainty, Window};
