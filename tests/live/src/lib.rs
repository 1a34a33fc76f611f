//! Real servers for tests, all on this machine and on loopback ports chosen at run time: two Camunda 8.6
//! brokers, Operate, Tasklist, Elasticsearch and an S3 store. `tests/live/run` fetches them and starts this.

mod broker;
mod bucket;
mod child;
mod elasticsearch;
mod environment;
mod http;
mod load;
mod look;
mod ports;
mod s3;
mod say;
mod server;
mod sources;
mod stack;
mod wait;
mod webapp;
mod workdir;

pub use bucket::manifests;
pub use child::Child;
pub use http::{Answer, Http};
pub use load::{Load, PROCESS_ID};
pub use look::{PauseWatch, Phases, phases, wait_for_phase};
pub use say::say;
pub use stack::{LiveStack, PARTITIONS, REPOSITORY};
pub use wait::{Seen, until};
