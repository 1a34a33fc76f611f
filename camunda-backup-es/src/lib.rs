//! Client for the snapshot and index APIs of Elasticsearch 7.17/8/9 and OpenSearch 1/2/3, as a Camunda backup needs them.

#[cfg(feature = "testing")]
pub mod testing;
