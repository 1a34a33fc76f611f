//! Client for the management and REST APIs of Camunda 8 Self-Managed, 8.1 … 8.10, as backup and recovery need them.

#[cfg(feature = "testing")]
pub mod testing;
