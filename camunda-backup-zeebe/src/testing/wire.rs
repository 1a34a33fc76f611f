//! What lies between bytes and endpoints: routing, requests taken apart, the shapes of answers and refusals, and what
//! differs between the versions.

pub(crate) mod answer;
pub(crate) mod dialect;
pub(crate) mod exchange;
pub(crate) mod history_refusals;
pub(crate) mod route;
