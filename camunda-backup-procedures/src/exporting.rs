//! Exporting: what it does on every replica, and how it is brought to run again.

mod pay;
mod phases;
mod window;
mod without_plan;

pub(crate) use pay::{LATEST_EFFECT, pay};
pub(crate) use phases::{Exporting, Frame, is_paused, led_twice, look, nobody_has_joined};
pub use window::{Certainty, Window};
pub(crate) use without_plan::{Seen, look_without_plan};
