//! Snapshots in pages: by the server where it can, else one cheap list and the details of one page.

use camunda_backup_core::http_client::path_segment;
use camunda_backup_core::{Call, Error, ErrorKind, RepositoryName, Result, SnapshotName};

use serde::{Deserialize, Serialize};

use crate::client::SearchStore;
use crate::snapshot_info::{Listing, SnapshotInfo};

/// Which page: by name, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Only names that begin so; empty for all.
    pub prefix: String,
    /// How many at most; at least 1.
    pub size: usize,
    /// [`SnapshotPage::next`] of the page before, for the same prefix and the same store; `None` for the first.
    pub after: Option<String>,
}

/// The first hundred of all.
impl Default for PageRequest {
    fn default() -> Self {
        Self { prefix: String::new(), size: 100, after: None }
    }
}

/// Some snapshots in full, by name, and how to get the next ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SnapshotPage {
    /// The snapshots. May be fewer than asked for when some vanish meanwhile.
    pub snapshots: Vec<SnapshotInfo>,
    /// What to pass as [`PageRequest::after`]; `None` on the last page. Opaque.
    pub next: Option<String>,
}

/// One page by the server. Verbose: the servers refuse `size` with `verbose=false`.
fn page_call(repository: &RepositoryName, page: &PageRequest) -> Call {
    let pattern =
        if page.prefix.is_empty() { "_all".to_owned() } else { format!("{}*", path_segment(&page.prefix)) };
    let call = Call::get(
        "store.snapshots.page",
        format!("/_snapshot/{}/{pattern}", path_segment(repository.as_str())),
    )
    .query("sort", "name")
    .query("order", "asc")
    .query("size", page.size)
    .query("ignore_unavailable", true)
    .subject(repository);
    match &page.after {
        Some(token) => call.query("after", token),
        None => call,
    }
}

/// Decodes one page; Elasticsearch only.
pub(crate) fn snapshot_page(body: &[u8]) -> Result<SnapshotPage> {
    let listing = Listing::decode(body)?;
    Ok(SnapshotPage { snapshots: listing.snapshots, next: listing.next.filter(|token| !token.is_empty()) })
}

/// The names of one page and the token of the next, from all names.
fn slice(mut names: Vec<String>, page: &PageRequest) -> (Vec<String>, Option<String>) {
    names.retain(|name| {
        name.starts_with(&page.prefix) && page.after.as_ref().is_none_or(|after| name > after)
    });
    names.sort_unstable();
    let more = names.len() > page.size;
    names.truncate(page.size);
    let next = if more { names.last().cloned() } else { None };
    (names, next)
}

impl SearchStore {
    /// One page of snapshots in full, by name.
    ///
    /// On Elasticsearch the server pages. On OpenSearch, which cannot, all names are listed (cheaply) and the details of
    /// one page are read by name. Snapshots whose names this library cannot hold are not in a page of OpenSearch.
    ///
    /// # Errors
    /// `InvalidInput` for a size of 0 or a prefix with a wildcard or separator; `NotFound` for an unknown repository.
    pub async fn page_snapshots(
        &self,
        repository: &RepositoryName,
        page: &PageRequest,
    ) -> Result<SnapshotPage> {
        check(page)?;
        if !self.traits().paging {
            return self.page_of_list(repository, page).await;
        }
        match self.read(page_call(repository, page), snapshot_page).await {
            // Elasticsearch 7.17 for a prefix that nothing matches.
            Err(error)
                if error.server_type() == Some("snapshot_missing_exception") && !page.prefix.is_empty() =>
            {
                Ok(SnapshotPage::default())
            }
            other => other,
        }
    }

    async fn page_of_list(&self, repository: &RepositoryName, page: &PageRequest) -> Result<SnapshotPage> {
        let summaries = self.snapshot_summaries(repository).await?;
        let (names, next) = slice(summaries.into_iter().map(|summary| summary.name).collect(), page);
        let names: Vec<SnapshotName> = names.iter().filter_map(|name| SnapshotName::new(name).ok()).collect();
        let mut snapshots = self.snapshots(repository, &names).await?;
        snapshots.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(SnapshotPage { snapshots, next })
    }
}

fn check(page: &PageRequest) -> Result<()> {
    let invalid = |message: &str| {
        Err(Error::new(ErrorKind::InvalidInput, message).with_operation("store.snapshots.page"))
    };
    if page.size == 0 {
        return invalid("a page holds at least one snapshot");
    }
    // A name of the same letters: what it may not hold, a prefix may not hold either.
    if !page.prefix.is_empty() && SnapshotName::new(&page.prefix).is_err() {
        return invalid("a prefix of snapshot names must itself be a possible name");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
