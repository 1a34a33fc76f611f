//! How long the parts of the last backup took: Operate and Tasklist up to 8.7 stop silently when one takes longer than
//! their store client's socket time-out (Q22).

use std::collections::BTreeMap;
use std::time::Duration;

use camunda_backup_core::{RepositoryName, Result, SnapshotName};
use camunda_backup_es::{SearchStore, SnapshotInfo};
use camunda_backup_zeebe::{HistoryBackups, PartName};

/// The longest part of each application's last backup, by application: its name and how long it took. What cannot be
/// read is absent: this warns and decides nothing.
pub(super) async fn slowest_parts(
    store: &SearchStore,
    repository: &RepositoryName,
    apps: &[HistoryBackups],
    snapshots: impl Iterator<Item = &String> + Clone,
) -> BTreeMap<String, (String, Duration)> {
    let mut slowest = BTreeMap::new();
    for app in apps.iter().map(|client| client.component().to_string()) {
        match slowest_of(store, repository, &app, snapshots.clone()).await {
            Ok(Some(part)) => {
                slowest.insert(app, part);
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, app, "the last backup's parts could not be read"),
        }
    }
    slowest
}

async fn slowest_of(
    store: &SearchStore,
    repository: &RepositoryName,
    app: &str,
    snapshots: impl Iterator<Item = &String>,
) -> Result<Option<(String, Duration)>> {
    let mut by_id: BTreeMap<i64, Vec<SnapshotName>> = BTreeMap::new();
    for part in snapshots.filter_map(|name| PartName::parse(name)).filter(|part| part.app == app) {
        if let (Ok(id), Ok(name)) = (part.backup_id.parse(), part.to_snapshot_name()) {
            by_id.entry(id).or_default().push(name);
        }
    }
    let Some((_, names)) = by_id.into_iter().next_back() else { return Ok(None) };
    let parts = store.snapshots(repository, &names).await?;
    let lengths = parts.into_iter().filter_map(|part| Some((lasted(&part)?, part.name)));
    Ok(lengths.max().map(|(lasted, name)| (name, lasted)))
}

fn lasted(part: &SnapshotInfo) -> Option<Duration> {
    let millis = part.end_millis?.checked_sub(part.start_millis?)?;
    u64::try_from(millis).ok().map(Duration::from_millis)
}

/// The slowest parts in reports: `{"snapshot": …, "took_ms": …}`.
pub(super) mod as_data {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    type Parts = BTreeMap<String, (String, Duration)>;

    #[derive(Serialize, Deserialize)]
    struct Part {
        snapshot: String,
        #[serde(with = "crate::millis")]
        took_ms: Duration,
    }

    /// The pairs of earlier versions are read, too.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Part(Part),
        Pair(String, Duration),
    }

    pub(in crate::facts) fn serialize<S: Serializer>(
        parts: &Parts,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let part =
            |(snapshot, took_ms): &(String, Duration)| Part { snapshot: snapshot.clone(), took_ms: *took_ms };
        serializer.collect_map(parts.iter().map(|(app, slowest)| (app, part(slowest))))
    }

    pub(in crate::facts) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Parts, D::Error> {
        let stored = BTreeMap::<String, Stored>::deserialize(deserializer)?;
        let pair = |stored| match stored {
            Stored::Part(Part { snapshot, took_ms }) => (snapshot, took_ms),
            Stored::Pair(snapshot, took) => (snapshot, took),
        };
        Ok(stored.into_iter().map(|(app, slowest)| (app, pair(slowest))).collect())
    }
}
