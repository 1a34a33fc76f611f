//! The integration tests, in one binary: procedures on the simulated cluster in virtual time.

mod backup;
mod defects;
mod quirks;
mod world;
