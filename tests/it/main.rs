//! The integration tests, in one binary: procedures on the simulated cluster in virtual time.

mod backup;
mod bad_input;
mod defects;
mod five_variables;
mod handle;
mod preflight;
mod quirks;
mod taint;
mod world;
