//! A shard of the records is damaged on disk when the records' snapshot begins, so that it cannot become whole.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use camunda_backup_live::Fault;
use serde_json::json;

use super::bench::Bench;
use super::judge::Left;
use super::step::Step;
use crate::finding::Finding;

/// Below the prefix of the records, and of no value to anybody.
const INDEX: &str = "zeebe-record_damaged_2026-01-01";

/// Protects: a snapshot that has ended is not a snapshot that succeeded; its state and its shards are read (D9). Stores
/// accept the order and end PARTIAL, also when partial snapshots are forbidden (Q14).
pub async fn run(bench: &Bench<'_>) -> Result<Finding> {
    let (http, index) = (bench.stack.http(), format!("{}/{INDEX}", bench.stack.store()));
    http.put(&index, &json!({"settings": {"index.number_of_replicas": 0}})).await?.success()?;
    http.post(&format!("{index}/_doc?refresh=true"), &json!({"value": 1})).await?.success()?;
    http.get(&format!("{index}/_flush?force=true")).await?.success()?;
    let settings = http.get(&format!("{index}/_settings")).await?.success()?;
    let uuid = settings[INDEX]["settings"]["index"]["uuid"].as_str().context("the index has no uuid")?;

    let finding = with_damage(bench, uuid).await;
    http.delete(&index).await?.success()?;
    finding
}

async fn with_damage(bench: &Bench<'_>, uuid: &str) -> Result<Finding> {
    let config = bench.config()?;
    let planned = bench.planned(&config).await?;
    let around = bench.around().await?;
    let armed = bench.arm(Step::Records, Fault::HeldBefore);
    let folder = bench.stack.folder().join(bench.stack.line().store.product.name());
    let ended = Bench::run(&config, planned, armed, async || damage(&folder, uuid)).await?;
    let finding = bench.judge(&config, &ended, around, Left::Missing).await?;
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
