//! The simulated search store.
