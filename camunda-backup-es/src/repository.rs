//! Repositories: list, register, verify, clean up, unregister.

use std::collections::BTreeMap;

use camunda_backup_core::http_client::path_segment;
use camunda_backup_core::transport::Timeouts;
use camunda_backup_core::{Call, Effect, Error, ErrorKind, Outcome, RepositoryName, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::SearchStore;
use crate::repository_settings::RepositorySettings;
use crate::tolerant;

/// A registered repository, as `GET /_snapshot` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// The name it is registered under in this cluster. Text, because servers allow names such as `_x`.
    pub name: String,
    /// The type: `fs`, `s3`, `gcs`, `azure`, …
    pub kind: String,
    /// Whether this cluster may only read (`readonly`, or type `url`).
    pub readonly: bool,
    /// All settings with flat names, as text.
    pub settings: BTreeMap<String, String>,
    /// The identity of its contents, equal in all clusters: Elasticsearch only, and only after the first snapshot.
    pub uuid: Option<String>,
}

/// What a cleanup removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleanup {
    /// Bytes.
    pub deleted_bytes: u64,
    /// Files.
    pub deleted_blobs: u64,
}

fn path(repository: &RepositoryName) -> String {
    format!("/_snapshot/{}", path_segment(repository.as_str()))
}

fn list_call() -> Call {
    Call::get("store.repositories.list", "/_snapshot").query("flat_settings", true)
}

fn find_call(name: &RepositoryName) -> Call {
    Call::get("store.repositories.find", path(name)).query("flat_settings", true).subject(name)
}

/// Waits for every node to write to the location, and on some servers for a running upload: minutes.
fn create_call(name: &RepositoryName, settings: &RepositorySettings) -> Result<Call> {
    Call::put("store.repositories.create", Effect::Idempotent, path(name))
        .subject(name)
        .timeouts(Timeouts::PATIENT)
        .json(&settings.body()?)
}

fn verify_call(name: &RepositoryName) -> Call {
    Call::post("store.repositories.verify", Effect::Idempotent, format!("{}/_verify", path(name)))
        .subject(name)
        .timeouts(Timeouts::PATIENT)
}

fn cleanup_call(name: &RepositoryName) -> Call {
    Call::post("store.repositories.cleanup", Effect::Idempotent, format!("{}/_cleanup", path(name)))
        .subject(name)
        .timeouts(Timeouts::PATIENT)
}

fn delete_call(name: &RepositoryName) -> Call {
    Call::delete("store.repositories.delete", path(name)).subject(name).timeouts(Timeouts::PATIENT)
}

#[derive(Deserialize)]
struct Definition {
    #[serde(rename = "type", default, deserialize_with = "tolerant::or_default")]
    kind: String,
    #[serde(default)]
    uuid: Option<String>,
    #[serde(default, deserialize_with = "tolerant::or_default")]
    settings: Map<String, Value>,
}

/// Decodes `GET /_snapshot`: a map from names to definitions; empty when nothing is registered.
pub(crate) fn repositories(body: &[u8]) -> Result<Vec<Repository>> {
    let map: BTreeMap<String, Definition> = tolerant::from_slice(body)?;
    Ok(map.into_iter().map(|(name, definition)| repository(name, definition)).collect())
}

fn repository(name: String, definition: Definition) -> Repository {
    let mut settings = BTreeMap::new();
    flatten("", &definition.settings, &mut settings);
    let readonly = definition.kind == "url" || settings.get("readonly").is_some_and(|value| value == "true");
    Repository { name, kind: definition.kind, readonly, settings, uuid: definition.uuid }
}

/// Nested settings under flat names, for servers that ignore `flat_settings`.
fn flatten(prefix: &str, settings: &Map<String, Value>, into: &mut BTreeMap<String, String>) {
    for (name, value) in settings {
        let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Object(nested) => flatten(&name, nested, into),
            Value::Null => {}
            other => {
                into.insert(name, tolerant::text_of(other));
            }
        }
    }
}

#[derive(Deserialize)]
struct VerifiedNodes {
    nodes: BTreeMap<String, VerifiedNode>,
}

#[derive(Deserialize)]
struct VerifiedNode {
    #[serde(default)]
    name: Option<String>,
}

/// Decodes `POST …/_verify`: the names of the nodes, or their ids where a name is missing.
pub(crate) fn verified_nodes(body: &[u8]) -> Result<Vec<String>> {
    let answer: VerifiedNodes = tolerant::from_slice(body)?;
    Ok(answer.nodes.into_iter().map(|(id, node)| node.name.unwrap_or(id)).collect())
}

#[derive(Deserialize)]
struct CleanupAnswer {
    results: CleanupResults,
}

#[derive(Deserialize)]
struct CleanupResults {
    #[serde(default, deserialize_with = "tolerant::or_default")]
    deleted_bytes: u64,
    #[serde(default, deserialize_with = "tolerant::or_default")]
    deleted_blobs: u64,
}

/// Decodes `POST …/_cleanup`.
pub(crate) fn cleanup(body: &[u8]) -> Result<Cleanup> {
    let CleanupResults { deleted_bytes, deleted_blobs } =
        tolerant::from_slice::<CleanupAnswer>(body)?.results;
    Ok(Cleanup { deleted_bytes, deleted_blobs })
}

impl SearchStore {
    /// All registered repositories, by name.
    pub async fn repositories(&self) -> Result<Vec<Repository>> {
        self.read(list_call(), repositories).await
    }

    /// One repository; `None` when nothing is registered under the name.
    pub async fn repository(&self, name: &RepositoryName) -> Result<Option<Repository>> {
        match self.read(find_call(name), repositories).await {
            Ok(found) => Ok(found.into_iter().find(|repository| repository.name == name.as_str())),
            Err(error) if error.server_type() == Some("repository_missing_exception") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Registers a repository, or changes what is registered, and reads it back.
    ///
    /// # Guarantees
    /// Every node has written to the location (`verify`), unless it is read-only. `readonly` is read back: the servers
    /// ignore unknown settings silently, and two writers to one location destroy it.
    ///
    /// # Errors
    /// `Failed` when what is registered afterwards has another type or is writable although read-only was asked for; it is left as it is.
    /// `Conflict` while a snapshot or restore uses the repository.
    pub async fn create_repository(
        &self,
        name: &RepositoryName,
        settings: &RepositorySettings,
    ) -> Result<Repository> {
        self.acknowledged(create_call(name, settings)?).await?;
        let failed = |message: &str| {
            Error::new(ErrorKind::Failed, message)
                .with_outcome(Outcome::Unknown)
                .with_component(self.http().component().clone())
                .with_operation("store.repositories.create")
                .with_subject(name)
        };
        let registered =
            self.repository(name).await?.ok_or_else(|| failed("it vanished after registering"))?;
        if registered.kind != settings.kind() {
            return Err(failed("another type is registered under the name: somebody else registers it too"));
        }
        if registered.readonly != settings.is_readonly() {
            return Err(failed("the store did not take the setting `readonly`")
                .with_advice("unregister the repository before anything writes to its location"));
        }
        Ok(registered)
    }

    /// Lets every node write to the repository's location and returns their names, in no particular order.
    ///
    /// No proof of health: a vanished directory is made again, damage is not noticed, and a read-only repository is not
    /// written to. Waits behind running uploads.
    pub async fn verify_repository(&self, name: &RepositoryName) -> Result<Vec<String>> {
        self.read(verify_call(name), verified_nodes).await
    }

    /// Removes files that no snapshot refers to, such as those of a snapshot that died with the server.
    ///
    /// # Errors
    /// `Conflict` while a snapshot runs.
    pub async fn cleanup_repository(&self, name: &RepositoryName) -> Result<Cleanup> {
        self.read(cleanup_call(name), cleanup).await
    }

    /// Unregisters a repository. Its contents stay where they are. One that is not registered is `Ok`.
    ///
    /// # Errors
    /// `Conflict` while a snapshot or restore uses it.
    pub async fn delete_repository(&self, name: &RepositoryName) -> Result<()> {
        match self.acknowledged(delete_call(name)).await {
            Err(error) if error.server_type() == Some("repository_missing_exception") => Ok(()),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
