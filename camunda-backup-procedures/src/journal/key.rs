//! Where something is stored: a path that means the same on every file system and in every bucket.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use camunda_backup_core::{Error, ErrorKind, Result, text};

/// The longest segment, in bytes; file systems take 255 and a journal adds to it.
const MAX_SEGMENT: usize = 128;
/// The longest key, in bytes; S3 takes 1024 with the user's own prefix.
const MAX_KEY: usize = 512;

/// A relative path: segments of `[a-z0-9._-]+` joined by `/`.
///
/// Lower case only, because some file systems fold case. A segment neither begins nor ends with a dot, so there is no
/// `..`, and stores may keep files of their own beside the keys in names that begin with a dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// Checks and wraps a path.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`], saying what is wrong with it.
    pub fn new(path: impl AsRef<str>) -> Result<Self> {
        let path = path.as_ref();
        let wrong = if path.len() > MAX_KEY {
            Some("it is longer than 512 bytes")
        } else {
            path.split('/').find_map(wrong_with_segment)
        };
        match wrong {
            None => Ok(Self(Arc::from(path))),
            Some(why) => {
                let shown = text::one_line(path);
                Err(Error::new(ErrorKind::InvalidInput, format!("{shown:?} is not a journal key: {why}")))
            }
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments, outermost first.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// Whether this key lies below `prefix`, which is whole segments; everything lies below the empty prefix.
    pub fn is_below(&self, prefix: &str) -> bool {
        let prefix = prefix.trim_end_matches('/');
        prefix.is_empty() || self.0.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Whether `segment` can be one segment of a key.
pub(super) fn is_segment(segment: &str) -> bool {
    wrong_with_segment(segment).is_none()
}

fn wrong_with_segment(segment: &str) -> Option<&'static str> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
    if segment.is_empty() {
        Some("a segment is empty")
    } else if segment.len() > MAX_SEGMENT {
        Some("a segment is longer than 128 bytes")
    } else if !segment.bytes().all(allowed) {
        Some("only a-z, 0-9, '.', '_' and '-' are allowed between the slashes")
    } else if segment.starts_with('.') || segment.ends_with('.') {
        Some("a segment begins or ends with a dot")
    } else {
        None
    }
}

impl FromStr for Key {
    type Err = Error;
    fn from_str(path: &str) -> Result<Self> {
        Self::new(path)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_stay_inside_the_journal() {
        for good in ["a", "runs/c-1/20260603t075341z-1-a/00000001.json", "locks/x_y.z"] {
            assert_eq!(Key::new(good).unwrap().to_string(), good);
        }
        let long = "a".repeat(129);
        let deep = ["a"; 300].join("/");
        for bad in
            ["", "/a", "a/", "a//b", "..", "a/../b", ".hidden", "a.", "A", "a b", "a\\b", "ä", &long, &deep]
        {
            assert_eq!(Key::new(bad).unwrap_err().kind(), ErrorKind::InvalidInput, "{bad:?}");
        }
    }

    #[test]
    fn a_prefix_is_whole_segments() {
        let key = Key::new("runs/ab/1").unwrap();
        for above in ["", "runs", "runs/", "runs/ab"] {
            assert!(key.is_below(above), "{above:?}");
        }
        for other in ["runs/a", "runs/ab/1", "run", "x"] {
            assert!(!key.is_below(other), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_a_harmless_path(path in "[a-zA-Z0-9._/\\\\ ~-]{0,40}") {
            if let Ok(key) = Key::new(&path) {
                prop_assert!(key.segments().all(|s| !s.is_empty() && s != "." && s != ".."));
                prop_assert!(!std::path::Path::new(key.as_str()).is_absolute());
            }
        }
    }
}
