//! The simulation against what real servers answered.

mod quirks;
mod replay;
