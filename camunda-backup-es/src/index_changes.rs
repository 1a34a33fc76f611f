//! Changing indices, by concrete names only: write blocks, close, open, delete.

use camunda_backup_core::transport::Timeouts;
use camunda_backup_core::{Call, Effect, Error, ErrorKind, IndexName, Result};
use serde_json::json;

use crate::client::SearchStore;
use crate::name_chunks::chunks;

/// One call per chunk of names. An empty list makes no call: an empty path would address everything.
fn calls<'a>(
    base: &str,
    indices: &'a [IndexName],
    call: impl Fn(&str) -> Result<Call>,
) -> Result<Vec<(Call, &'a [IndexName])>> {
    let sized = |list: &str, names: &[IndexName]| {
        let call = call(list)?.timeouts(Timeouts::PATIENT);
        Ok(match names {
            [one] => call.subject(one),
            many => call.subject(format!("{} indices", many.len())),
        })
    };
    chunks(base, indices)
        .into_iter()
        .map(|chunk| Ok((sized(&chunk.list, chunk.names)?, chunk.names)))
        .collect()
}

fn block_call(list: &str, blocked: bool) -> Result<Call> {
    Call::put("store.indices.block_writes", Effect::Idempotent, format!("/{list}/_settings"))
        .json(&json!({ "index.blocks.write": blocked }))
}

fn close_call(list: &str) -> Call {
    Call::post("store.indices.close", Effect::Idempotent, format!("/{list}/_close"))
}

fn open_call(list: &str) -> Call {
    Call::post("store.indices.open", Effect::Idempotent, format!("/{list}/_open"))
}

/// Names that are gone already are no error, so that a delete that was cut off can be sent again.
fn delete_call(list: &str) -> Call {
    Call::delete("store.indices.delete", format!("/{list}")).query("ignore_unavailable", true)
}

impl SearchStore {
    /// Forbids writes to these indices, or allows them again. Reads, snapshots and deletes go on.
    ///
    /// # Guarantees
    /// Sending it again leads to the same state. An empty list sends nothing.
    pub async fn set_write_block(&self, indices: &[IndexName], blocked: bool) -> Result<()> {
        let calls = calls(self.http().base(), indices, |list| block_call(list, blocked))?;
        self.all_acknowledged(calls).await
    }

    /// Closes these indices: their data stays, nothing can read or write it, a restore of the same name replaces them.
    ///
    /// # Errors
    /// `Conflict` while one is being snapshotted, `Refused` while one is being restored, `NotFound` for an unknown one.
    pub async fn close_indices(&self, indices: &[IndexName]) -> Result<()> {
        self.all_acknowledged(calls(self.http().base(), indices, |list| Ok(close_call(list)))?).await
    }

    /// Opens closed indices.
    ///
    /// # Errors
    /// `NotFound` for an unknown one.
    pub async fn open_indices(&self, indices: &[IndexName]) -> Result<()> {
        self.all_acknowledged(calls(self.http().base(), indices, |list| Ok(open_call(list)))?).await
    }

    /// The requests that delete these indices, for plans; [`delete_indices`](Self::delete_indices) sends exactly them.
    pub fn delete_indices_calls(&self, indices: &[IndexName]) -> Result<Vec<Call>> {
        let calls = calls(self.http().base(), indices, |list| Ok(delete_call(list)))?;
        Ok(calls.into_iter().map(|(call, _)| call).collect())
    }

    /// Deletes these indices. Those that do not exist are no error.
    ///
    /// # Guarantees
    /// Only these: names hold no wildcard, an alias among them deletes nothing (the store skips or refuses it), and an
    /// empty list sends nothing.
    /// A chunk of names is deleted as a whole or not at all; after an error some chunks may be gone.
    ///
    /// # Errors
    /// `Conflict` while one is being snapshotted (nothing of its chunk is deleted).
    pub async fn delete_indices(&self, indices: &[IndexName]) -> Result<()> {
        self.all_acknowledged(calls(self.http().base(), indices, |list| Ok(delete_call(list)))?).await
    }

    async fn all_acknowledged(&self, calls: Vec<(Call, &[IndexName])>) -> Result<()> {
        let (mut done, all) = (0, calls.len());
        for (call, names) in calls {
            self.acknowledged(call).await.map_err(|error| partly(error, done, all, names))?;
            done += 1;
        }
        Ok(())
    }
}

/// Says which chunk failed when there were several.
fn partly(error: Error, done: usize, all: usize, names: &[IndexName]) -> Error {
    match (all, names) {
        (2.., [first, ..]) if error.kind() != ErrorKind::InvalidInput => error.with_subject(format!(
            "{} indices from {first} on ({done} of {all} requests were done)",
            names.len()
        )),
        _ => error,
    }
}

#[cfg(test)]
mod tests;
