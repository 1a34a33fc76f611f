//! The brokers' data from a backup, by Camunda's own restore application.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;
use tokio::time::timeout;

use crate::broker::Broker;
use crate::log::log;
use crate::ports::Ports;
use crate::stack::{LiveStack, PARTITIONS};

/// It starts a JVM and copies a few files.
const BOUND: Duration = Duration::from_secs(180);

impl LiveStack {
    /// Stops everything but the store, and removes what the brokers have written.
    pub fn lose_brokers(&mut self) -> Result<()> {
        self.stop_camunda();
        for broker in &self.brokers {
            let data = broker.data(&self.work)?;
            fs::remove_dir_all(&data).with_context(|| format!("removing {}", data.display()))?;
        }
        log("the brokers' data is gone");
        Ok(())
    }

    /// Fills the empty data folder of every broker from a backup, and starts everything again.
    pub async fn restore_brokers(&mut self, id: i64) -> Result<()> {
        for broker in &self.brokers {
            self.restore_broker(broker, id).await?;
        }
        self.start_camunda(&mut Ports::new()).await
    }

    /// The exit code alone proves nothing: it is 0 too when there was nothing to restore.
    async fn restore_broker(&self, broker: &Broker, id: i64) -> Result<()> {
        let name = format!("restore of {}", broker.name());
        log(format!("{name} from backup {id}"));
        let command = broker.restore_command(&self.context(), PARTITIONS, id)?;
        let running = Command::from(command).kill_on_drop(true).output();
        let output = timeout(BOUND, running).await.with_context(|| format!("{name} did not end"))??;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{name}: {}\n{said}", output.status);
        for partition in 1..=PARTITIONS {
            let restored = format!("Successfully restored partition {partition} from backup {id}");
            ensure!(said.contains(&restored), "{name}: nothing of partition {partition}\n{said}");
        }
        Ok(())
    }
}
