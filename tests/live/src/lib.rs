//! Real servers for tests, all on this machine and on loopback ports chosen at run time: two Camunda brokers,
//! Elasticsearch or OpenSearch, an S3 store, and Operate and Tasklist where they can be had. `tests/live/run` fetches
//! them and starts this.

mod addresses;
mod around;
mod broker;
mod bucket;
mod bustle;
mod child;
mod entrance;
mod environment;
mod gateway;
mod http;
mod line;
mod load;
mod look;
mod ports;
mod proxy;
mod restore;
mod s3;
mod say;
mod server;
mod servers;
mod sources;
mod stack;
mod store;
mod wait;
mod web;
mod webapp;
mod workdir;

pub use bucket::manifests;
pub use child::Child;
pub use entrance::{PROCESS_ID, key};
pub use http::{Answer, Http};
pub use line::Line;
pub use load::Load;
pub use look::{PauseWatch, Phases, Watched, all_export, exporting_runs, phases, wait_for_phase};
pub use proxy::{Armed, Asked, DELAY, Fault, Matches, Proxy};
pub use say::{LANE, say};
pub use stack::{LiveStack, PARTITIONS, REPOSITORY};
pub use wait::{Seen, until};
