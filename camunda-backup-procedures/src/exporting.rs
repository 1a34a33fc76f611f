//! Exporting: what it does on every replica, and how it is brought to run again.

mod around;
mod pay;
mod phases;
mod window;

pub(crate) use around::{Seen, look_around};
pub(crate) use pay::{LATEST_EFFECT, pay};
pub(crate) use phases::{Exporting, Frame, is_paused, led_twice, look, nobody_has_joined};
pub use window::{Certainty, Window};
