//! Real servers for tests, all on this machine and on loopback ports chosen at run time: two Camunda brokers,
//! Elasticsearch or OpenSearch, an S3 store, and Operate and Tasklist where they can be had. `tests/live/run` fetches
//! them and starts this.

mod addresses;
mod background_commands;
mod broker;
mod bucket;
mod child;
mod environment;
mod exporter_phases;
mod gateway;
mod http;
mod line;
mod load;
mod log;
mod ports;
mod process_client;
mod proxy;
mod restore;
mod s3;
mod server;
mod servers;
mod sources;
mod stack;
mod stack_context;
mod store;
mod wait;
mod web;
mod webapp;
mod workdir;

pub use bucket::manifests;
pub use child::Child;
pub use exporter_phases::{PauseWatch, Phases, Watched, all_export, exporting_runs, phases, wait_for_phase};
pub use http::{Answer, Http};
pub use line::Line;
pub use load::Load;
pub use log::{LANE, log};
pub use process_client::{PROCESS_ID, key};
pub use proxy::{Armed, Asked, DELAY, Fault, Matches, Proxy};
pub use stack::{LiveStack, PARTITIONS, REPOSITORY};
pub use wait::{Seen, until};
