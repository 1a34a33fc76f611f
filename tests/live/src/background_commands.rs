//! Commands that change nothing, one after the other, so that no partition is ever quiet.
//!
//! A partition that comes from a backup processes a command only when the next one comes: seen with Camunda 8.5.8 and 8.6.0 on
//! two replicas, also with a snapshot in the backup, and after a restart of all brokers. Under load nobody notices; in a quiet
//! cluster nothing is answered, and no backup begins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::interval;

use crate::process_client::ProcessClient;

const PACE: Duration = Duration::from_millis(250);
/// The number of the partition is in front of these bits of a key.
const BITS_OF_A_PARTITION: u32 = 51;

/// It ends when it is dropped.
pub struct BackgroundCommands(JoinHandle<()>);

impl BackgroundCommands {
    pub(crate) fn start(client: ProcessClient, instances: &[u64]) -> Self {
        let one_of_each: BTreeMap<u64, u64> =
            instances.iter().map(|key| (key >> BITS_OF_A_PARTITION, *key)).collect();
        let client = Arc::new(client);
        Self(tokio::spawn(async move {
            let mut pace = interval(PACE);
            loop {
                pace.tick().await;
                for key in one_of_each.values().copied() {
                    let client = client.clone();
                    // Not waited for: it is answered when the next one has come.
                    tokio::spawn(async move { client.has(key).await });
                }
            }
        }))
    }
}

impl Drop for BackgroundCommands {
    fn drop(&mut self) {
        self.0.abort();
    }
}
