//! What the scenarios of the search store work with: a repository and indices of their own.

use camunda_backup_core::{Call, Effect, IndexName, RepositoryName, Result, SnapshotName};
use camunda_backup_es::{Deleted, RepositorySettings, SearchStore};
use serde_json::{Value, json};

/// Indices `conformance-a` and so on, and a repository with the same beginning. Made anew, and removed at the end.
pub(super) struct Scratch<'a> {
    pub(super) store: &'a SearchStore,
    pub(super) repository: RepositoryName,
}

impl<'a> Scratch<'a> {
    /// Removes what an earlier run has left.
    pub(super) async fn clean(store: &'a SearchStore) -> Result<Self> {
        let scratch = Self { store, repository: RepositoryName::new("conformance-repository")? };
        scratch.remove().await?;
        Ok(scratch)
    }

    /// Registered below the first `path.repo`.
    pub(super) fn settings() -> RepositorySettings {
        RepositorySettings::fs("conformance")
    }

    /// The same with a limit: what is made of [`Scratch::big_index`] or restored to it takes some seconds.
    pub(super) fn slow_settings() -> RepositorySettings {
        let mut slow = Self::settings();
        if let RepositorySettings::Fs(settings) = &mut slow {
            for limit in ["max_snapshot_bytes_per_sec", "max_restore_bytes_per_sec"] {
                settings.options.others.insert(limit.to_owned(), "150kb".to_owned());
            }
        }
        slow
    }

    /// Removes everything again.
    pub(super) async fn remove(&self) -> Result<()> {
        if self.store.repository(&self.repository).await?.is_some() {
            for snapshot in self.store.list_snapshots(&self.repository).await? {
                let _: Deleted =
                    self.store.delete_snapshot(&self.repository, &SnapshotName::new(&snapshot.name)?).await?;
            }
            self.store.delete_repository(&self.repository).await?;
        }
        let prefix = camunda_backup_core::IndexPrefix::new("conformance-")?;
        let indices: Vec<IndexName> =
            self.store.indices(&prefix).await?.into_iter().map(|index| index.name).collect();
        self.store.delete_indices(&indices).await
    }

    /// An index with a few documents.
    pub(super) async fn index(&self, name: &str) -> Result<IndexName> {
        let settings = json!({"settings": {"number_of_shards": 1, "number_of_replicas": 0}});
        self.send(Call::put("conformance.index", Effect::Once, format!("/{name}")), &settings).await?;
        for position in 1..=3 {
            self.document(name, position, &json!({"partitionId": 1, "position": position})).await?;
        }
        IndexName::new(name)
    }

    /// One of about a megabyte, `conformance-big`.
    pub(super) async fn big_index(&self) -> Result<IndexName> {
        let big = self.index("conformance-big").await?;
        for id in 10..26 {
            self.document("conformance-big", id, &json!({"text": noise(id, 60_000)})).await?;
        }
        Ok(big)
    }

    /// A document that searches see at once.
    pub(super) async fn document(&self, index: &str, id: u32, document: &Value) -> Result<()> {
        let call = Call::put("conformance.document", Effect::Idempotent, format!("/{index}/_doc/{id}"));
        self.send(call.query("refresh", true), document).await
    }

    /// Sends something that no client of the library sends.
    pub(super) async fn send(&self, call: Call, body: &Value) -> Result<()> {
        self.store.http().send(call.json(body)?).await.map(|_| ())
    }
}

/// Text that does not shrink.
fn noise(seed: u32, length: usize) -> String {
    let mut state = u64::from(seed) + 1;
    let letter = |state: &mut u64| {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        char::from(b' ' + u8::try_from(*state % 90).unwrap_or_default()).to_ascii_lowercase()
    };
    (0..length).map(|_| letter(&mut state)).collect()
}
