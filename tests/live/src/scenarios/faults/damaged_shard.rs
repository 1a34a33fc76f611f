//! A shard of the records is damaged on disk when the records' snapshot begins, so that it cannot become whole.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use camunda_backup_live::Fault;
use serde_json::json;

use super::fixture::Fixture;
use super::invariants::Left;
use super::step::Step;
use crate::finding::Finding;

/// Below the prefix of the records, and of no value to anybody.
const INDEX: &str = "zeebe-record_damaged_2026-01-01";

/// Protects: a snapshot that has ended is not a snapshot that succeeded; its state and its shards are read (D9). Stores
/// accept the order and end PARTIAL, also when partial snapshots are forbidden (Q14).
pub async fn run(fixture: &Fixture<'_>) -> Result<Finding> {
    let (http, index) = (fixture.stack.http(), format!("{}/{INDEX}", fixture.stack.store()));
    http.put(&index, &json!({"settings": {"index.number_of_replicas": 0}})).await?.success()?;
    http.post(&format!("{index}/_doc?refresh=true"), &json!({"value": 1})).await?.success()?;
    http.get(&format!("{index}/_flush?force=true")).await?.success()?;
    let settings = http.get(&format!("{index}/_settings")).await?.success()?;
    let uuid = settings[INDEX]["settings"]["index"]["uuid"].as_str().context("the index has no uuid")?;

    let finding = with_damage(fixture, uuid).await;
    http.delete(&index).await?.success()?;
    finding
}

async fn with_damage(fixture: &Fixture<'_>, uuid: &str) -> Result<Finding> {
    let config = fixture.config()?;
    let planned = fixture.planned(&config).await?;
    let observation = fixture.observe().await?;
    let armed = fixture.arm(Step::Records, Fault::HeldBefore);
    let folder = fixture.stack.folder().join(fixture.stack.line().store.product.name());
    let ended = Fixture::run(&config, planned, armed, async || damage(&folder, uuid)).await?;
    let finding = fixture.check_invariants(&config, &ended, observation, Left::Missing).await?;
    ensure!(finding.found.contains("shards failed"), "it failed for another reason: {}", finding.found);
    Ok(finding)
}

/// Overwrites the middle of every file with the documents of the index.
fn damage(folder: &Path, uuid: &str) -> Result<()> {
    let mut files = Vec::new();
    documents_below(folder, uuid, &mut files)?;
    ensure!(!files.is_empty(), "no file of index {uuid} to damage");
    for path in files {
        let middle = fs::metadata(&path)?.len() / 2;
        let mut file = File::options().write(true).open(&path)?;
        file.seek(SeekFrom::Start(middle))?;
        file.write_all(b"damage")?;
    }
    Ok(())
}

fn documents_below(folder: &Path, uuid: &str, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            documents_below(&path, uuid, found)?;
        } else if path.extension().is_some_and(|kind| kind == "cfs") && path.iter().any(|name| name == uuid) {
            found.push(path);
        }
    }
    Ok(())
}
