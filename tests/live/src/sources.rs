//! Where `tests/live/run` has put the servers.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::line::Line;
use crate::servers::Java;

/// The unpacked servers of one line, and a Java for each.
pub struct Sources {
    pub camunda: PathBuf,
    pub camunda_java: PathBuf,
    pub store: PathBuf,
    pub store_java: PathBuf,
}

impl Sources {
    pub fn of(line: Line) -> Result<Self> {
        let cache = folder("CAMUNDA_BACKUP_LIVE_CACHE")?;
        let sources = Self {
            camunda: cache.join(line.camunda.package()),
            camunda_java: java(line.camunda.java())?,
            store: cache.join(line.store.package()),
            store_java: java(line.store.java)?,
        };
        for needed in [
            sources.camunda.join("bin/broker"),
            sources.camunda_java.join("bin/java"),
            sources.store.join("lib"),
            sources.store_java.join("bin/java"),
        ] {
            ensure!(needed.exists(), "{} is missing: start with tests/live/run", needed.display());
        }
        Ok(sources)
    }
}

fn java(wanted: Java) -> Result<PathBuf> {
    folder(match wanted {
        Java::Java17 => "CAMUNDA_BACKUP_LIVE_JAVA_17",
        Java::Java21 => "CAMUNDA_BACKUP_LIVE_JAVA_21",
        Java::Java21Complete => "CAMUNDA_BACKUP_LIVE_JAVA_21_COMPLETE",
    })
}

fn folder(variable: &str) -> Result<PathBuf> {
    let value =
        env::var_os(variable).with_context(|| format!("{variable} is not set: start with tests/live/run"));
    value.map(PathBuf::from)
}
