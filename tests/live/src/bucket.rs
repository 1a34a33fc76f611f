//! What the brokers have put into the bucket.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// The manifests of one backup in the folder of the bucket: path and content. Their key holds partition and id as
/// path segments.
pub fn manifests(folder: &Path, id: i64) -> Result<Vec<(String, Value)>> {
    let mut found = Vec::new();
    collect(folder, &mut found)?;
    let segment = id.to_string();
    found.retain(|(path, _)| path.split('/').any(|part| part == segment));
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<(String, Value)>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.file_name().is_some_and(|name| name == "manifest.json") {
            let content = serde_json::from_slice(&fs::read(&path)?)
                .with_context(|| format!("manifest {}", path.display()))?;
            found.push((path.display().to_string(), content));
        }
    }
    Ok(())
}
