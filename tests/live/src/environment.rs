//! The running servers as the environment variables that the library reads.

use anyhow::Result;
use camunda_backup::ClusterConfig;

use crate::stack::{LiveStack, REPOSITORY};

impl LiveStack {
    /// The five variables of the README, or the three without web applications: enough for a backup.
    pub fn five_variables(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![("CAMUNDA_ZEEBE_URL", self.gateway_management())];
        all.extend(self.operate_management().map(|url| ("CAMUNDA_OPERATE_URL", url.to_owned())));
        all.extend(self.tasklist_management().map(|url| ("CAMUNDA_TASKLIST_URL", url.to_owned())));
        all.push(("CAMUNDA_STORE_URL", self.store().to_owned()));
        all.push(("CAMUNDA_REPOSITORY", REPOSITORY.to_owned()));
        all
    }

    /// With these as well the pause can be seen on every replica, so that the backup can be proven.
    pub fn witnesses(&self) -> Vec<(&'static str, String)> {
        let brokers = self.zeebe_management().into_iter().enumerate();
        let brokers: Vec<String> = brokers.map(|(id, url)| format!("{id}={url}")).collect();
        vec![("CAMUNDA_REST_URL", self.gateway_rest()), ("CAMUNDA_BROKER_URLS", brokers.join(","))]
    }

    /// All of it, and a journal in the folder of this run, shared by all processes of the test.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let journal = self.folder().join("journal").display().to_string();
        let mut all = self.five_variables();
        all.extend(self.witnesses());
        all.push(("CAMUNDA_BACKUP_JOURNAL", journal));
        all
    }

    /// The same as a configuration.
    pub fn config(&self) -> Result<ClusterConfig> {
        let all = self.environment();
        let lookup = |name: &str| all.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
        Ok(ClusterConfig::from_lookup(lookup)?)
    }
}
