//! The integration tests, in one binary: procedures on the simulated cluster in virtual time.

mod backup;
mod defects;
mod five_variables;
mod handle;
mod quirks;
mod world;
