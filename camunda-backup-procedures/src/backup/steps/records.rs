//! The snapshot of the exported records, made by us, and the positions that the records hold.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Component, Error, IndexName, RepositoryName, Result, SnapshotName};
use camunda_backup_es::{CreateSnapshot, SearchStore, SnapshotInfo, SnapshotProgress, SnapshotState};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{Check, Progress, Step};
use crate::backup::context::Context;
use crate::backup::evidence::{self, Evidence};
use crate::engine::{Amount, Unit};
use crate::facts::discover::record_kinds;

/// The records in one snapshot: concrete indices, resolved when the pause holds.
#[derive(Debug)]
pub(super) struct Records {
    context: Context,
    snapshot: SnapshotName,
    /// What was asked for, to be compared with what the snapshot holds: an empty list or a wildcard without a match
    /// is a success to the store (Q15).
    wanted: Mutex<BTreeSet<IndexName>>,
    /// Before that nobody asks how far it is.
    ask_again: Mutex<Instant>,
}

/// How long the store may take to say how far the snapshot is.
const SHORT_TRY: Duration = Duration::from_secs(2);
/// How long it is not asked after it could not say.
const ASK_AGAIN: Duration = Duration::from_secs(10);

impl Records {
    pub(super) fn new(context: Context, snapshot: SnapshotName) -> Self {
        let (wanted, ask_again) = (Mutex::default(), Mutex::new(Instant::now()));
        Self { context, snapshot, wanted, ask_again }
    }

    fn wanted(&self) -> BTreeSet<IndexName> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The prefix as concrete names: what the snapshot shall hold.
    async fn resolve(&self, store: &SearchStore) -> Result<()> {
        let Context { record_list, record_prefix, .. } = &self.context;
        let indices: BTreeSet<IndexName> =
            record_list.read(store, record_prefix).await?.into_iter().collect();
        if indices.is_empty() {
            return Err(Error::new(ErrorKind::Failed, "there are no record indices any more")
                .with_component(Component::Store)
                .with_advice("check the record prefix; nothing was sent"));
        }
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = indices;
        Ok(())
    }

    /// How far the snapshot is, if it is running and the store says it. What it says decides nothing, so what it refuses, sends too
    /// much of or is slow to say is not waited for, and not asked for again for a while.
    async fn progress(&self, store: &SearchStore, repository: &RepositoryName) -> Option<SnapshotProgress> {
        let began = Instant::now();
        if began < *self.ask_again.lock().unwrap_or_else(PoisonError::into_inner) {
            return None;
        }
        let asked = store.snapshot_progress(repository, &self.snapshot);
        let why = match tokio::time::timeout(SHORT_TRY, asked).await {
            Ok(Ok(progress)) => return progress.filter(SnapshotProgress::is_running),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {SHORT_TRY:?}"),
        };
        tracing::debug!(why, "the store does not say how far the snapshot of the records is");
        let pause = ASK_AGAIN.max(began.elapsed() * 10);
        *self.ask_again.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + pause;
        None
    }

    fn metadata(&self) -> Map<String, Value> {
        let Context { task, cluster, .. } = &self.context;
        let metadata = json!({
            "backupId": task.id,
            "run": self.context.run.to_string(),
            "cluster": cluster.as_ref(),
            "order": task.order,
            "pausedBefore": self.context.clock.now().to_string(),
        });
        metadata.as_object().cloned().unwrap_or_default()
    }
}

#[async_trait]
impl Step for Records {
    async fn check(&self) -> Result<Check> {
        let (store, repository) = self.context.clients.store()?;
        if let Some(progress) = self.progress(store, repository).await {
            let mark = progress.to_string();
            return Ok(Check::Pending(Progress {
                text: mark.clone(),
                mark,
                amount: Some(uploaded(&progress)),
                running: true,
                ..Progress::default()
            }));
        }
        let found = store.snapshots(repository, std::slice::from_ref(&self.snapshot)).await?;
        let wanted = self.wanted();
        let Some(info) = found.into_iter().next() else {
            if wanted.is_empty() {
                self.resolve(store).await?;
            }
            return Ok(Check::NotStarted);
        };
        let wanted: BTreeSet<String> = wanted.iter().map(ToString::to_string).collect();
        Ok(match &info.state {
            SnapshotState::InProgress => Check::Pending(without_progress(&info)),
            _ if info.is_clean_success() && info.indices == wanted => {
                Check::Reached(Evidence::Records(Box::new(evidence::Records { snapshot: info, wanted })))
            }
            _ if info.is_clean_success() => {
                let missing: Vec<&str> = wanted.difference(&info.indices).map(String::as_str).collect();
                Check::Failed(format!(
                    "the snapshot holds other indices than asked for; missing: {}",
                    missing.join(", ")
                ))
            }
            SnapshotState::Other(word) => {
                Check::Pending(Progress { mark: word.clone(), text: word.clone(), ..Progress::default() })
            }
            state => Check::Failed(format!("the snapshot is {state}; {} shards failed", info.shards.failed)),
        })
    }

    async fn act(&self) -> Result<Value> {
        let (store, repository) = self.context.clients.store()?;
        let indices = self.wanted().into_iter().collect();
        let options = CreateSnapshot { indices, include_global_state: true, metadata: self.metadata() };
        store.create_snapshot(repository, &self.snapshot, &options).await?;
        Ok(json!({ "snapshot": self.snapshot, "indices": self.wanted() }))
    }
}

/// The store says that it is running and nothing more can be read. What it counts meanwhile is no verdict, and shows that it moves.
fn without_progress(info: &SnapshotInfo) -> Progress {
    let mark = format!("running, {} of {} shards", info.shards.successful, info.shards.total);
    Progress { text: mark.clone(), mark, running: true, ..Progress::default() }
}

/// Bytes where the store counts them, shards otherwise.
fn uploaded(progress: &SnapshotProgress) -> Amount {
    match progress.processed_bytes {
        Some(bytes) if progress.incremental_bytes > 0 => {
            Amount::new(bytes, progress.incremental_bytes, Unit::Bytes)
        }
        _ => Amount::new(progress.done, progress.total, Unit::Shards),
    }
}

/// How long exporting stays paused for evidence that nothing depends on: less than the engine gives to a look.
const LONGEST_EVIDENCE: Duration = Duration::from_secs(4);

/// The highest exported position by partition. Evidence only: when it cannot be had, the verdict says so.
#[derive(Debug)]
pub(super) struct Positions {
    pub(super) context: Context,
}

#[async_trait]
impl Step for Positions {
    async fn check(&self) -> Result<Check> {
        let read = tokio::time::timeout(LONGEST_EVIDENCE, self.read()).await;
        read.unwrap_or(Ok(Check::Reached(Evidence::Nothing)))
    }

    async fn act(&self) -> Result<Value> {
        Ok(Value::Null)
    }

    fn only_looks(&self) -> bool {
        true
    }
}

impl Positions {
    async fn read(&self) -> Result<Check> {
        let (store, _) = self.context.clients.store()?;
        let Context { record_list, record_prefix: prefix, .. } = &self.context;
        let indices = record_list.last(store, prefix).await?;
        let kinds = record_kinds(prefix, indices.iter().map(IndexName::as_str))?;
        // Documents that no search sees yet are in the snapshot all the same.
        if let Err(error) = store.refresh(&kinds).await {
            tracing::debug!(%error, "the record indices could not be refreshed");
            return Ok(Check::Reached(Evidence::Nothing));
        }
        Ok(Check::Reached(match store.max_by_group(&kinds, "partitionId", "position").await {
            Ok(positions) => Evidence::Positions(positions),
            Err(error) => {
                tracing::debug!(%error, "the record positions could not be read");
                Evidence::Nothing
            }
        }))
    }
}
