//! One file for each group of endpoints: a request comes in, the state changes, an answer goes out. The table of
//! endpoints is in [`testing`](crate::testing).

pub(crate) mod aliases;
pub(crate) mod cat;
pub(crate) mod cat_rows;
pub(crate) mod closing;
pub(crate) mod cluster;
pub(crate) mod documents;
pub(crate) mod health;
pub(crate) mod indices;
pub(crate) mod recovery;
pub(crate) mod repositories;
pub(crate) mod search;
pub(crate) mod search_aggregations;
pub(crate) mod settings;
pub(crate) mod snapshot_clone;
pub(crate) mod snapshot_create;
pub(crate) mod snapshot_delete;
pub(crate) mod snapshot_list;
pub(crate) mod snapshot_restore;
pub(crate) mod snapshot_status;
pub(crate) mod templates;
