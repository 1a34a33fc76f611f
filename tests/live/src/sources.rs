//! Where `tests/live/run` has put the servers.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

pub struct Sources {
    pub camunda: PathBuf,
    pub elasticsearch: PathBuf,
    pub camunda_java: PathBuf,
    pub elasticsearch_java: PathBuf,
}

impl Sources {
    pub fn from_environment() -> Result<Self> {
        let folder = |name: &str| {
            let value =
                env::var_os(name).with_context(|| format!("{name} is not set: start with tests/live/run"));
            value.map(PathBuf::from)
        };
        let cache = folder("CAMUNDA_BACKUP_LIVE_CACHE")?;
        let sources = Self {
            camunda: cache.join("camunda-zeebe-8.6.0"),
            elasticsearch: cache.join("elasticsearch-8.16.6"),
            camunda_java: folder("CAMUNDA_BACKUP_LIVE_CAMUNDA_JAVA")?,
            elasticsearch_java: folder("CAMUNDA_BACKUP_LIVE_ELASTICSEARCH_JAVA")?,
        };
        for file in [
            sources.camunda.join("bin/operate"),
            sources.elasticsearch.join("lib/elasticsearch-8.16.6.jar"),
            sources.camunda_java.join("bin/java"),
            sources.elasticsearch_java.join("bin/java"),
        ] {
            ensure!(file.is_file(), "{} is missing: start with tests/live/run", file.display());
        }
        Ok(sources)
    }
}
