//! What a scenario cannot do with requests: take servers and the object store away, and bring them back.

use camunda_backup_core::{BrokerId, Result};
use camunda_backup_zeebe::testing::BucketState;

use crate::testing::SimulatedCluster;

/// A hand on the servers of a scratch cluster.
pub trait Hands {
    /// `kill -9` to a broker.
    fn kill_broker(&mut self, broker: &BrokerId) -> impl Future<Output = Result<()>>;

    /// Starts a killed broker with its data; returns when the cluster is complete again.
    fn start_broker(&mut self, broker: &BrokerId) -> impl Future<Output = Result<()>>;

    /// `kill -9` to the search server.
    fn kill_store(&mut self) -> impl Future<Output = Result<()>>;

    /// Starts the killed search server with its data; returns when it answers.
    fn start_store(&mut self) -> impl Future<Output = Result<()>>;

    /// Takes the bucket of the Zeebe backups away, with what is in it, or brings it back.
    fn hide_bucket(&mut self, hidden: bool) -> impl Future<Output = Result<()>>;
}

impl Hands for SimulatedCluster {
    async fn kill_broker(&mut self, broker: &BrokerId) -> Result<()> {
        self.camunda().kill_broker(broker);
        Ok(())
    }

    async fn start_broker(&mut self, broker: &BrokerId) -> Result<()> {
        self.camunda().restart_broker(broker);
        tokio::time::sleep(std::time::Duration::from_secs(30)).await; // as long as a start and an election may take
        Ok(())
    }

    async fn kill_store(&mut self) -> Result<()> {
        self.store().set_down(true);
        Ok(())
    }

    async fn start_store(&mut self) -> Result<()> {
        tokio::time::sleep(std::time::Duration::from_secs(10)).await; // as long as a start may take
        self.store().set_down(false);
        Ok(())
    }

    async fn hide_bucket(&mut self, hidden: bool) -> Result<()> {
        self.camunda().set_bucket(if hidden { BucketState::Missing } else { BucketState::Ok });
        Ok(())
    }
}
