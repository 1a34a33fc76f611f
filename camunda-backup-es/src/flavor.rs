//! Which search store answers, and the one table of what differs between them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use camunda_backup_core::{Error, ErrorKind, Result};

/// The family of the search store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Flavor {
    /// Elasticsearch 7.17, 8 or 9.
    Elasticsearch,
    /// OpenSearch 1, 2 or 3.
    #[serde(rename = "opensearch")]
    OpenSearch,
}

impl fmt::Display for Flavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Elasticsearch => "Elasticsearch",
            Self::OpenSearch => "OpenSearch",
        })
    }
}

/// Reads the name in any case.
impl FromStr for Flavor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "elasticsearch" => Ok(Self::Elasticsearch),
            "opensearch" => Ok(Self::OpenSearch),
            _ => {
                let shown = camunda_backup_core::text::one_line(text);
                Err(Error::new(ErrorKind::InvalidInput, format!("{shown:?} is no kind of search store"))
                    .with_advice("write elasticsearch or opensearch"))
            }
        }
    }
}

/// Flavour and version number of a search store, such as `Elasticsearch 8.19.21`.
///
/// The number is kept as the server writes it (`version.number` of `GET /`); a suffix such as `-SNAPSHOT` does no harm.
/// This is the version of a *server*. Versions inside snapshots are ranges that depend on the reading server
/// (`8.19.9-8.19.21`) and are never parsed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StoreVersion {
    /// Elasticsearch or OpenSearch.
    pub flavor: Flavor,
    /// The number as the server writes it.
    pub number: String,
}

impl StoreVersion {
    /// A version from its parts.
    pub fn new(flavor: Flavor, number: impl Into<String>) -> Self {
        Self { flavor, number: number.into() }
    }

    /// The first number; 0 when there is none.
    pub fn major(&self) -> u32 {
        self.part(0)
    }

    /// The second number; 0 when there is none.
    pub fn minor(&self) -> u32 {
        self.part(1)
    }

    fn part(&self, index: usize) -> u32 {
        let part = self.number.split('.').nth(index).unwrap_or_default();
        let digits = part.find(|c: char| !c.is_ascii_digit()).map_or(part, |end| &part[..end]);
        digits.parse().unwrap_or(0)
    }

    /// What this server can and cannot do; for a newer minor version the newest row that is known.
    pub fn traits(&self) -> &'static Traits {
        let version = (self.major(), self.minor());
        let mut best = &TABLE[0].traits;
        let mut rows = TABLE.iter().filter(|row| row.flavor == self.flavor);
        if let Some(first) = rows.next() {
            best = &first.traits;
        }
        for row in rows {
            if row.since <= version {
                best = &row.traits;
            }
        }
        best
    }

    /// Refuses what this library has never been tried against, with the versions that it has.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for Elasticsearch before 7.17, which lacks what a backup needs (`feature_states` in a
    /// snapshot, pages of a list, the repository's identity), and for majors that are not known.
    pub fn supported(&self) -> Result<()> {
        let known = match self.flavor {
            Flavor::Elasticsearch => ((7, 17)..(10, 0)).contains(&(self.major(), self.minor())),
            Flavor::OpenSearch => (1..=3).contains(&self.major()),
        };
        if known {
            return Ok(());
        }
        let message = format!("{self} is not supported; supported are {SUPPORTED}");
        let older = self.flavor == Flavor::Elasticsearch && self.major() <= 7;
        let advice = if older {
            "upgrade the store to Elasticsearch 7.17 or later: older ones lack what a backup needs, such as \
             `feature_states` in a snapshot (Open Distro, and Amazon's Elasticsearch 7.10, go on as OpenSearch 1)"
        } else {
            "use a supported version of the store, or a version of this library that knows this one"
        };
        Err(Error::new(ErrorKind::Unsupported, message).with_advice(advice))
    }
}

const SUPPORTED: &str = "Elasticsearch 7.17, 8 and 9, and OpenSearch 1, 2 and 3";

impl fmt::Display for StoreVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.flavor, self.number)
    }
}

/// Parses what [`Display`](fmt::Display) prints; the flavour's case does not matter (`opensearch 2.19.1`).
impl FromStr for StoreVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || {
            let shown = camunda_backup_core::text::one_line(text);
            Error::new(
                ErrorKind::InvalidInput,
                format!("{shown:?} is not a search store's version such as \"Elasticsearch 8.19.1\""),
            )
        };
        let (flavor, number) = text.trim().split_once(char::is_whitespace).ok_or_else(bad)?;
        let flavor = flavor.parse().map_err(|_| bad())?;
        let number = number.trim();
        let sane = number.starts_with(|c: char| c.is_ascii_digit()) && !number.contains(char::is_whitespace);
        if sane { Ok(Self::new(flavor, number)) } else { Err(bad()) }
    }
}

/// What a server can and cannot do, one column per difference that this client or its callers act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools)]
pub struct Traits {
    /// `size`, `after`, `sort` and `order` in `GET /_snapshot/{repo}/…` (never together with `verbose=false`).
    pub paging: bool,
    /// `index_names=false` in `GET /_snapshot/{repo}/…`: entries without their index lists.
    pub index_names: bool,
    /// `feature_states` is understood in the body of a create. OpenSearch ignores it.
    pub feature_states_in_create: bool,
    /// `feature_states` is allowed in the body of a restore. OpenSearch answers 400.
    pub feature_states_in_restore: bool,
    /// The default of `action.destructive_requires_name`: whether `DELETE /*` is refused unless configured otherwise.
    pub destructive_requires_name: bool,
    /// Whether a wildcard in a create takes closed indices too; where not, they are left out silently.
    pub wildcard_takes_closed: bool,
    /// Whether a wildcard without match in a list is 404; where not, it is an empty list.
    pub wildcard_miss_is_404: bool,
    /// Whether a list of an unknown repository is 200 with `failures`; where not, it is 404.
    pub unknown_repository_lists_as_200: bool,
    /// Whether a repository has a `uuid` (after its first snapshot was written).
    pub repository_uuid: bool,
    /// Whether a snapshot keeps `metadata`; on all supported servers (Elasticsearch before 7.3 refuses it).
    pub metadata: bool,
}

struct Row {
    flavor: Flavor,
    since: (u32, u32),
    traits: Traits,
}

/// Elasticsearch 7.17, the base of the Elasticsearch rows.
const ES7: Traits = Traits {
    paging: true,
    index_names: false,
    feature_states_in_create: true,
    feature_states_in_restore: true,
    destructive_requires_name: false,
    wildcard_takes_closed: false,
    wildcard_miss_is_404: true,
    unknown_repository_lists_as_200: true,
    repository_uuid: true,
    metadata: true,
};

/// Elasticsearch 8.0 to 8.2.
const ES8: Traits = Traits {
    destructive_requires_name: true,
    wildcard_takes_closed: true,
    wildcard_miss_is_404: false,
    unknown_repository_lists_as_200: false,
    ..ES7
};

/// OpenSearch 1, 2 and 3, which agree in everything that is listed here.
const OS: Traits = Traits {
    paging: false,
    index_names: false,
    feature_states_in_create: false,
    feature_states_in_restore: false,
    destructive_requires_name: false,
    wildcard_takes_closed: false,
    wildcard_miss_is_404: true,
    unknown_repository_lists_as_200: false,
    repository_uuid: false,
    metadata: true,
};

/// Oldest first within a flavour; a row holds from `since` until the next one.
const TABLE: [Row; 4] = [
    Row { flavor: Flavor::Elasticsearch, since: (7, 17), traits: ES7 },
    Row { flavor: Flavor::Elasticsearch, since: (8, 0), traits: ES8 },
    Row { flavor: Flavor::Elasticsearch, since: (8, 3), traits: Traits { index_names: true, ..ES8 } },
    Row { flavor: Flavor::OpenSearch, since: (1, 0), traits: OS },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> StoreVersion {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_are_read_tolerantly() {
        let snapshot = version("elasticsearch 9.10.0-SNAPSHOT");
        assert_eq!((snapshot.major(), snapshot.minor()), (9, 10));
        assert_eq!(snapshot.to_string(), "Elasticsearch 9.10.0-SNAPSHOT");
        let odd = StoreVersion::new(Flavor::OpenSearch, "3-beta");
        assert_eq!((odd.major(), odd.minor()), (3, 0));
        for bad in ["", "8.19.1", "Elasticsearch", "Lucene 9.1", "OpenSearch x", "OpenSearch 2 0"] {
            assert!(bad.parse::<StoreVersion>().is_err(), "{bad:?}");
        }
        let json = serde_json::to_string(&version("OpenSearch 2.19.6")).unwrap();
        assert_eq!(json, r#"{"flavor":"opensearch","number":"2.19.6"}"#);
        assert_eq!(serde_json::from_str::<StoreVersion>(&json).unwrap(), version("OpenSearch 2.19.6"));
    }

    #[test]
    fn rows_begin_where_the_difference_began() {
        assert_eq!(*version("Elasticsearch 7.17.29").traits(), ES7);
        assert!(!version("Elasticsearch 8.2.3").traits().index_names);
        assert!(version("Elasticsearch 8.3.0").traits().index_names);
        assert!(version("Elasticsearch 8.10.0").traits().index_names);
        assert!(version("Elasticsearch 9.5.3").traits().index_names);
        assert!(version("Elasticsearch 9.5.3").traits().destructive_requires_name);
        for number in ["1.3.13", "2.19.6", "3.6.0"] {
            assert_eq!(*version(&format!("OpenSearch {number}")).traits(), OS);
        }
    }

    #[test]
    fn unknown_majors_are_refused_with_the_supported_range() {
        for good in ["Elasticsearch 7.17.0", "Elasticsearch 9.9.9", "OpenSearch 1.0.0", "OpenSearch 3.6.0"] {
            version(good).supported().unwrap();
        }
        let error = version("Elasticsearch 10.0.0").supported().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("7.17, 8 and 9"), "{error}");
        assert!(version("OpenSearch 4.0.0").supported().is_err());
        for old in ["6.8.0", "7.0.0", "7.10.2", "7.16.3", "7"] {
            let error = version(&format!("Elasticsearch {old}")).supported().unwrap_err();
            assert!(error.advice().is_some_and(|advice| advice.contains("7.17 or later")), "{old}");
        }
    }
}
