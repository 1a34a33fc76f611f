//! What kind of server is simulated.

/// The family of the simulated server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreFlavor {
    /// Elasticsearch 7.17, 8, 9.
    Elasticsearch,
    /// OpenSearch 1, 2, 3.
    OpenSearch,
}

/// Which of the three kinds of templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TemplateKind {
    /// `/_index_template`: composable templates.
    Index,
    /// `/_component_template`.
    Component,
    /// `/_template`: the legacy kind.
    Legacy,
}

/// How the simulated server is set up. Begin with [`StoreOptions::elasticsearch`] or [`StoreOptions::opensearch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// The family.
    pub flavor: StoreFlavor,
    /// The version number that `GET /` reports, such as `8.19.21`. Its major (and minor) number selects the behaviour.
    pub version: String,
    /// Primary shards of an index that is created without a number.
    pub shards_per_index: u32,
    /// `cluster_name` of `GET /`.
    pub cluster_name: String,
    /// Whether the build has the handlers of `GET /`; stripped builds answer 405.
    pub root_handler: bool,
    /// Whether the build has ILM (Elasticsearch) or ISM (OpenSearch); without it those calls answer 400 or 405.
    pub lifecycle_module: bool,
    /// `snapshot.max_concurrent_operations`, until the cluster setting of that name says otherwise.
    pub max_concurrent_snapshots: usize,
}

impl StoreOptions {
    /// Elasticsearch of this version, such as `8.19.21`.
    pub fn elasticsearch(version: &str) -> Self {
        Self::of(StoreFlavor::Elasticsearch, version)
    }

    /// OpenSearch of this version, such as `2.19.6`.
    pub fn opensearch(version: &str) -> Self {
        Self::of(StoreFlavor::OpenSearch, version)
    }

    fn of(flavor: StoreFlavor, version: &str) -> Self {
        Self {
            flavor,
            version: version.to_owned(),
            shards_per_index: 1,
            cluster_name: "simulated".to_owned(),
            root_handler: true,
            lifecycle_module: false,
            max_concurrent_snapshots: 1000,
        }
    }
}
