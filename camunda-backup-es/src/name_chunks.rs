//! Lists of names in a path, cut so that no request line exceeds what the servers accept.

use std::fmt::Write as _;

use camunda_backup_core::http_client::path_segment;

/// The longest request line that all supported servers accept, in bytes (`http.max_initial_line_length`).
const MAX_REQUEST_LINE: usize = 4096;

/// Room for method, `HTTP/1.1`, the path around the names, and the query.
const RESERVED: usize = 1100;

/// Never less, or one long name would not fit: 255 bytes, all percent-encoded.
const MIN_BUDGET: usize = 800;

/// Cuts `names` into percent-encoded, comma-separated lists that fit into a request line below `base`.
///
/// Order is kept, no name is lost, and an empty list has no chunks.
pub(crate) fn chunks<'a, N>(base: &str, names: &'a [N]) -> Vec<Chunk<'a, N>>
where
    N: std::fmt::Display,
{
    let budget = MAX_REQUEST_LINE.saturating_sub(RESERVED + base.len()).max(MIN_BUDGET);
    let mut chunks: Vec<Chunk<'a, N>> = Vec::new();
    let mut start = 0;
    let mut list = String::new();
    for (index, name) in names.iter().enumerate() {
        let encoded = path_segment(&name.to_string());
        if !list.is_empty() && list.len() + 1 + encoded.len() > budget {
            chunks.push(Chunk { list: std::mem::take(&mut list), names: &names[start..index] });
            start = index;
        }
        let separator = if list.is_empty() { "" } else { "," };
        // Writing into a String cannot fail.
        let _ = write!(list, "{separator}{encoded}");
    }
    if !list.is_empty() {
        chunks.push(Chunk { list, names: &names[start..] });
    }
    chunks
}

/// Some of the names, and the path segment that addresses exactly them.
#[derive(Debug)]
pub(crate) struct Chunk<'a, N> {
    /// Percent-encoded, comma-separated.
    pub(crate) list: String,
    /// The names in it.
    pub(crate) names: &'a [N],
}

#[cfg(test)]
mod tests {
    use super::*;
    use camunda_backup_core::SnapshotName;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_name_is_lost_and_no_line_is_too_long(
            names in proptest::collection::vec("[a-z0-9.ä%-]{1,120}", 0..200),
            prefix in "[a-z]{0,300}",
        ) {
            let names: Vec<SnapshotName> = names.iter().filter_map(|name| SnapshotName::new(name).ok()).collect();
            let chunks = chunks(&prefix, &names);
            let again: Vec<SnapshotName> = chunks.iter().flat_map(|chunk| chunk.names).cloned().collect();
            prop_assert_eq!(&again, &names);
            for chunk in &chunks {
                prop_assert!(chunk.list.len() + prefix.len() + RESERVED <= MAX_REQUEST_LINE);
                prop_assert_eq!(chunk.list.split(',').count(), chunk.names.len());
            }
        }
    }

    #[test]
    fn the_longest_name_fits_alone() {
        let longest = SnapshotName::new("ä".repeat(127)).unwrap();
        let two = [longest.clone(), longest];
        let chunks = chunks("https://host:9200/prefix", &two);
        assert!(chunks.iter().all(|chunk| chunk.list.len() < MAX_REQUEST_LINE - RESERVED));
    }
}
