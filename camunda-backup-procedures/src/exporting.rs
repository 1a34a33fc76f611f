//! Exporting: what it does on every replica, and how it is brought to run again.

mod pay;
mod phases;
mod window;

pub(crate) use pay::{LATEST_EFFECT, pay};
pub(crate) use phases::{Exporting, Frame, Seen, is_paused, led_twice, look, look_around, nobody_has_joined};
pub use window::{Certainty, Window};
