//! What lies between bytes and endpoints: routing, requests taken apart, names and bodies parsed, the shapes of answers,
//! and what differs between the servers.

pub(crate) mod answer;
pub(crate) mod dialect;
pub(crate) mod exchange;
pub(crate) mod filter_path;
pub(crate) mod listing_order;
pub(crate) mod media;
pub(crate) mod names;
pub(crate) mod rename;
pub(crate) mod restore_body;
pub(crate) mod route;
pub(crate) mod snapshot_info;
